//! A closed loop from Rust alone: push a value, wait for the answer, look at it.
//!
//! ```sh
//! pulsewire-emulator --port 9510 &
//! cargo run --release -p pulsewire-client --example closed_loop -- 127.0.0.1 9510 \
//!     python/pulsewire/_demo/config.bin python/pulsewire/_demo/closed_loop.program.bin
//! ```

use pulsewire_client::{
    Client, ClosedLoop, Configuration, ConnectOptions, Program, Timeout, Values,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [host, port, config, program] = arguments.as_slice() else {
        return Err("usage: closed_loop HOST PORT CONFIG PROGRAM".into());
    };
    let config = Configuration::from_bytes(std::fs::read(config)?);
    let program = Program::from_bytes(std::fs::read(program)?);

    let client = Client::connect(ConnectOptions::new(host, port.parse()?)).await?;
    let machine = client.open_machine(&config, true).await?.machine;
    let (job, _) = client.execute(&machine, &program, Timeout::from_seconds(5.0)).await?;
    let results = job.results().await?;

    // The program starts with a pause().
    while !job.is_paused().await? {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    job.resume().await?;

    let guesses = job.input_stream("guess")?;
    let steps = ClosedLoop::new(vec![guesses.clone()], results, &["signal".to_owned()]).await?;
    for step in 0..10u32 {
        let guess = f64::from(step) * 0.1;
        steps.push(vec![guesses.entry(Values::Fixed(&[guess, -0.42]))?]).await?;
        let answers = steps.receive(Timeout::from_seconds(5.0)).await?;
        let signal = f64::from_le_bytes(answers[0].bytes.as_slice().try_into()?);
        println!("guess {guess:.1}: signal {signal:.6}");
    }
    println!("halted: {}", job.halt().await?);
    client.close_machine(&machine).await?;
    Ok(())
}
