//! The limits that the benchmarks compare with.
//!
//! - `serve` prints its port and answers raw TCP until its standard input ends.
//! - `ping PORT BYTES_OUT BYTES_BACK COUNT` prints the round trips of raw messages.
//! - `unary PORT JOB COUNT (alone|workers)` prints the times of bare tonic calls that push one int.
//! - `step PORT JOB COUNT` prints the times of bare steps of a closed loop: a push, and looks without
//!   pause until the answer is there.
//! - `count PORT` forwards connections to a port; each line on its standard input makes it print the
//!   bytes that came back so far.
//! - `delay PORT MICROSECONDS [BYTES]` forwards connections to a port, each direction that much later and
//!   at most so many bytes a second, until its standard input ends.
//!
//! Times are in nanoseconds, one a line.
#![forbid(unsafe_code)]

mod count;
mod delay;
mod raw;
mod step;
mod unary;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["serve"] => Ok(raw::serve()?),
        ["ping", port, out, back, count] => {
            Ok(raw::ping(port.parse()?, out.parse()?, back.parse()?, count.parse()?)?)
        }
        ["unary", port, job, count, runtime] => {
            unary::push(port.parse()?, job, count.parse()?, *runtime == "workers")
        }
        ["step", port, job, count] => step::steps(port.parse()?, job, count.parse()?),
        ["count", port] => Ok(count::forward(port.parse()?)?),
        ["delay", port, microseconds, rate @ ..] if rate.len() < 2 => {
            let delay = std::time::Duration::from_micros(microseconds.parse()?);
            let rate = rate.first().map(|rate| rate.parse()).transpose()?;
            Ok(delay::forward(port.parse()?, delay::Link { delay, rate })?)
        }
        other => Err(format!("unknown arguments {other:?}").into()),
    }
}

fn print(times: &[u128]) {
    let lines: Vec<_> = times.iter().map(u128::to_string).collect();
    println!("{}", lines.join("\n"));
}
