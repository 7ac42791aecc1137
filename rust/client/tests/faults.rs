//! Closed loops whose steps fail, and bytes of a peer that no good gateway sends.
#![allow(deprecated)]

mod gateway;

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use prost::Message;
use pulsewire_client::{
    Client, ClosedLoop, ConnectOptions, Error, Job, Selection, Timeout, Values,
};
use pulsewire_wire::{frontend as f, job_manager as jm, results as r};

use gateway::*;

/// What becomes of a push.
#[derive(Clone, Copy, PartialEq)]
enum Fate {
    /// Taken, and answered by an item.
    Taken,
    /// Taken, but the answer is lost.
    TakenUnheard,
    /// Lost.
    Lost,
    /// The answer is lost, and the item comes half a second later.
    Late,
    /// Nothing comes back, and nothing is taken.
    Silent,
    /// Refused by the JobManager.
    Refused,
    /// The gateway fails.
    Failed,
}

const LATE: Duration = Duration::from_millis(500);

fn accepted(success: bool) -> jm::InsertInputStreamResponse {
    let header = jm::JobManagerResponseHeader { success, ..Default::default() };
    jm::InsertInputStreamResponse { job_manager_response_header: Some(header) }
}

/// A gateway whose program saves an item for each entry of its first stream; what becomes of the nth push to
/// a stream is told by `fate`. An item is the number of the push that it answers.
fn echoing(fate: impl Fn(&str, usize) -> Fate + Send + Sync + 'static) -> Gateway {
    let items: Arc<Mutex<Vec<i64>>> = Arc::default();
    let pushes: Arc<Mutex<std::collections::HashMap<String, usize>>> = Arc::default();
    let (counted, read) = (Arc::clone(&items), Arc::clone(&items));
    let schema = r::get_job_result_schema_response::Item {
        name: "r".into(),
        simple_d_type: "\"<i8\"".into(),
        shape: vec![1],
        ..Default::default()
    };
    Gateway::new(&["qm.job_streaming_state", "qm.input_stream", "qm.new_grpc_structure"])
        .on(SCHEMA, move |_| one(r::GetJobResultSchemaResponse { items: vec![schema.clone()] }))
        .on(PUSH, move |request| {
            let request = jm::InsertInputStreamRequest::decode(request).unwrap();
            let name = request.stream_name.trim_start_matches("input_stream_").to_owned();
            let mut pushes = pushes.lock().unwrap();
            let nth = pushes.entry(name.clone()).or_default();
            let fate = fate(&name, *nth);
            if matches!(fate, Fate::Taken | Fate::TakenUnheard) && name == "tau" {
                items.lock().unwrap().push(*nth as i64);
            }
            if fate == Fate::Late && name == "tau" {
                let (items, item) = (Arc::clone(&items), *nth as i64);
                tokio::spawn(async move {
                    tokio::time::sleep(LATE).await;
                    items.lock().unwrap().push(item);
                });
            }
            *nth += 1;
            match fate {
                Fate::Taken => one(accepted(true)),
                Fate::TakenUnheard | Fate::Lost | Fate::Late => Answer::Cut,
                Fate::Silent => Answer::Silence,
                Fate::Refused => one(accepted(false)),
                Fate::Failed => Answer::Fail(13, "broken"),
            }
        })
        .on(HEADER, move |_| one(header(counted.lock().unwrap().len() as i32)))
        .on(STATE, |_| one(r::GetJobStateResponse::default()))
        .on(DATA, move |request| {
            let request = r::GetJobNamedResultRequest::decode(request).unwrap();
            let from = request.long_offset.unwrap();
            let items = read.lock().unwrap();
            match items.get(from as usize) {
                None => Answer::Fail(11, "no such item"),
                Some(item) => Answer::Messages(vec![counted_one(*item)]),
            }
        })
}

fn counted_one(item: i64) -> Vec<u8> {
    let data = item.to_le_bytes().to_vec().into();
    r::GetJobNamedResultResponse { count_of_items: 1, data }.encode_to_vec()
}

struct Loop {
    job: Job,
    gateway: Arc<Gateway>,
    steps: ClosedLoop,
    streams: Vec<&'static str>,
}

impl Loop {
    async fn of(gateway: Gateway, streams: &[&'static str]) -> Self {
        let (gateway, options) = gateway.serve().await;
        let job = Client::connect(options).await.unwrap().job("j", "");
        let inputs = streams.iter().map(|name| job.input_stream(name).unwrap()).collect();
        let results = job.results().await.unwrap();
        let steps = ClosedLoop::new(inputs, results, &["r".to_owned()]).await.unwrap();
        Self { job, gateway, steps, streams: streams.to_vec() }
    }

    /// A loop that is made anew over the same streams.
    async fn anew(&mut self) {
        let inputs = self.steps.inputs().cloned().collect();
        let results = self.job.results().await.unwrap();
        self.steps = ClosedLoop::new(inputs, results, &["r".to_owned()]).await.unwrap();
    }

    async fn exchange(&mut self) -> Result<i64, Error> {
        let entries = self
            .streams
            .iter()
            .map(|name| self.job.input_stream(name).unwrap().entry(Values::Longs(&[7])).unwrap());
        let answers = self.steps.exchange(entries.collect(), Timeout::from_seconds(5.0)).await?;
        Ok(i64::from_le_bytes(answers[0].bytes[..].try_into().unwrap()))
    }

    async fn receive(&mut self, seconds: f64) -> Result<i64, Error> {
        let answers = self.steps.receive(Timeout::from_seconds(seconds)).await?;
        Ok(i64::from_le_bytes(answers[0].bytes[..].try_into().unwrap()))
    }
}

#[tokio::test]
async fn an_answer_that_is_there_proves_the_push_before_it() {
    let fate = |_: &str, nth| if nth == 0 { Fate::TakenUnheard } else { Fate::Taken };
    let mut steps = Loop::of(echoing(fate), &["tau"]).await;
    let error = steps.exchange().await.unwrap_err();
    assert!(matches!(error, Error::InDoubt { .. }), "{error:?}");
    assert_eq!(steps.steps.in_doubt(), 1);
    // The answer to the first is left out: this one gives its own.
    assert_eq!(steps.exchange().await, Ok(1));
    assert_eq!((steps.steps.positions(), steps.gateway.count(PUSH)), (vec![2], 2));
    assert_eq!(steps.exchange().await, Ok(2));
}

#[tokio::test]
async fn a_push_in_doubt_refuses_the_next_step() {
    let fate = |_: &str, nth| if nth == 0 { Fate::Lost } else { Fate::Taken };
    let mut steps = Loop::of(echoing(fate), &["tau"]).await;
    steps.exchange().await.unwrap_err();
    let error = steps.exchange().await.unwrap_err();
    assert!(matches!(error, Error::OutOfStep { .. }), "{error:?}");
    let says = error.to_string();
    for part in ["1 push to 'tau'", "receive()", "skip()", "nothing was sent"] {
        assert!(says.contains(part), "{says}");
    }
    // Nothing was sent.
    assert_eq!(steps.gateway.count(PUSH), 1);
    let late = steps.receive(0.1).await.unwrap_err();
    assert!(matches!(late, Error::WaitTimeout { .. }), "{late:?}");
    steps.steps.skip().await.unwrap();
    assert_eq!(steps.exchange().await, Ok(1));
}

#[tokio::test]
async fn a_step_that_was_dropped_leaves_its_push_in_doubt() {
    let fate = |_: &str, nth| if nth == 0 { Fate::Silent } else { Fate::Taken };
    let mut steps = Loop::of(echoing(fate), &["tau"]).await;
    let dropped = tokio::time::timeout(Duration::from_millis(50), steps.exchange()).await;
    assert!(dropped.is_err());
    assert!(matches!(steps.exchange().await, Err(Error::OutOfStep { .. })));
    steps.steps.skip().await.unwrap();
    assert_eq!(steps.exchange().await, Ok(1));
}

#[tokio::test]
async fn a_step_that_ran_out_of_time_is_left_out() {
    // The answers come, but only when the second push does.
    let mut steps = Loop::of(echoing(|_, _| Fate::Taken), &["tau"]).await;
    let entry = steps.job.input_stream("tau").unwrap().entry(Values::Longs(&[7])).unwrap();
    // As after an exchange whose wait was cut: pushed, and not received.
    steps.steps.push(vec![entry]).await.unwrap();
    assert_eq!(steps.steps.in_doubt(), 0);
    assert_eq!(steps.exchange().await, Ok(1));
    assert_eq!(steps.steps.positions(), [2]);
}

/// The first push is lost to the client, and answered later.
fn late_at_first(_: &str, nth: usize) -> Fate {
    if nth == 0 { Fate::Late } else { Fate::Taken }
}

#[tokio::test]
async fn an_answer_that_was_taken_for_lost_and_comes_is_found() {
    let mut steps = Loop::of(echoing(late_at_first), &["tau"]).await;
    steps.exchange().await.unwrap_err();
    steps.steps.skip().await.unwrap();
    assert_eq!(steps.steps.in_doubt(), 0);
    tokio::time::sleep(2 * LATE).await;
    let pushed = steps.gateway.count(PUSH);
    let error = steps.exchange().await.unwrap_err();
    assert!(matches!(error, Error::OutOfStep { late: 1, .. }), "{error:?}");
    assert!(error.to_string().contains("came after all"), "{error}");
    assert_eq!(steps.gateway.count(PUSH), pushed);
    // From here on each gets its own again.
    assert_eq!(steps.exchange().await, Ok(1));
    assert_eq!(steps.exchange().await, Ok(2));
}

#[tokio::test]
async fn a_loop_made_anew_knows_of_the_pushes_before_it() {
    let mut steps = Loop::of(echoing(late_at_first), &["tau"]).await;
    steps.exchange().await.unwrap_err();
    steps.anew().await;
    assert_eq!(steps.steps.in_doubt(), 1);
    assert!(matches!(steps.exchange().await, Err(Error::OutOfStep { late: 0, .. })));
    tokio::time::sleep(2 * LATE).await;
    // It came, and is left out.
    assert_eq!(steps.exchange().await, Ok(1));
    // One that ran out of time: pushed, and not received.
    let entry = steps.job.input_stream("tau").unwrap().entry(Values::Longs(&[7])).unwrap();
    steps.steps.push(vec![entry]).await.unwrap();
    steps.anew().await;
    assert_eq!(steps.exchange().await, Ok(3));
}

#[tokio::test]
async fn loops_over_the_same_streams_are_one() {
    let mut steps = Loop::of(echoing(|_, _| Fate::Taken), &["tau"]).await;
    assert_eq!(steps.exchange().await, Ok(0));
    let inputs = steps.steps.inputs().cloned().collect();
    let results = steps.job.results().await.unwrap();
    let other = ClosedLoop::new(inputs, results, &["r".to_owned()]).await.unwrap();
    assert_eq!(other.positions(), [1]);
    assert_eq!(steps.exchange().await, Ok(1));
    // The other one does not take the first one's answer for its own.
    let mut both = Loop { steps: other, ..steps };
    assert_eq!(both.exchange().await, Ok(2));
    // One step at a time.
    let waiting = both.steps.receive(Timeout::from_seconds(0.3));
    let (late, busy) = tokio::join!(waiting, both.steps.skip());
    assert!(matches!(late, Err(Error::WaitTimeout { .. })), "{late:?}");
    assert!(matches!(busy, Err(Error::Busy(_))), "{busy:?}");
}

#[tokio::test]
async fn a_half_taken_step_of_several_streams_is_not_skipped() {
    // tau is taken later than anybody waits, sigma is lost.
    let fate = |name: &str, nth| match (name, nth) {
        ("tau", 0) => Fate::Late,
        (_, 0) => Fate::Lost,
        _ => Fate::Taken,
    };
    let mut steps = Loop::of(echoing(fate), &["tau", "sigma"]).await;
    steps.exchange().await.unwrap_err();
    for _ in 0..2 {
        let error = steps.steps.skip().await.unwrap_err();
        let says = error.to_string();
        assert!(says.contains("run the job anew") && !says.contains("skip()"), "{says}");
        assert!(matches!(steps.exchange().await, Err(Error::OutOfStep { .. })));
        steps.anew().await;
    }
    // An answer proves all of them.
    tokio::time::sleep(2 * LATE).await;
    assert_eq!(steps.receive(5.0).await, Ok(0));
    assert_eq!(steps.exchange().await, Ok(1));
}

#[tokio::test]
async fn an_answer_of_ours_is_no_refusal_of_the_gateway() {
    // The prefix of an answer of 200 MB, once the entry was taken.
    let prefix = Bytes::from_static(&[0, 12, 0, 0, 0]);
    let gateway = echoing(|_, _| Fate::Taken)
        .on(PUSH, move |_| Answer::Raw(Vec::new(), vec![prefix.clone()], Vec::new()));
    let mut steps = Loop::of(gateway, &["tau"]).await;
    let error = steps.exchange().await.unwrap_err();
    assert!(matches!(error, Error::InDoubt { .. }), "{error:?}");
    assert_eq!(steps.steps.in_doubt(), 1);
}

#[tokio::test]
async fn refused_pushes_are_not_in_doubt() {
    let fate = |_: &str, nth| if nth == 0 { Fate::Refused } else { Fate::Taken };
    let mut steps = Loop::of(echoing(fate), &["tau"]).await;
    let error = steps.exchange().await.unwrap_err();
    assert!(matches!(error, Error::JobManager { .. }), "{error:?}");
    assert_eq!(steps.steps.in_doubt(), 0);
    assert_eq!(steps.exchange().await, Ok(1));
}

#[tokio::test]
async fn streams_that_are_out_of_step_are_told_by_name() {
    let fate = |name: &str, nth| match (name, nth) {
        ("sigma", 0) => Fate::Refused,
        _ => Fate::Taken,
    };
    let mut steps = Loop::of(echoing(fate), &["tau", "sigma"]).await;
    steps.exchange().await.unwrap_err();
    let error = steps.exchange().await.unwrap_err().to_string();
    assert!(error.contains("1 push to 'sigma' are missing"), "{error}");
    // The missing one is given by itself; then the steps go on.
    steps.job.input_stream("sigma").unwrap().push(Values::Longs(&[1])).await.unwrap();
    assert_eq!(steps.receive(5.0).await, Ok(0));
    assert_eq!(steps.exchange().await, Ok(1));
    // Too few entries send nothing.
    let before = steps.gateway.count(PUSH);
    let wrong = steps.steps.push(Vec::new()).await.unwrap_err();
    assert!(matches!(wrong, Error::Value(_)), "{wrong:?}");
    assert_eq!(steps.gateway.count(PUSH), before);
}

#[tokio::test]
async fn a_failure_of_the_gateway_is_in_doubt() {
    let fate = |name: &str, _| if name == "sigma" { Fate::Failed } else { Fate::Taken };
    let mut steps = Loop::of(echoing(fate), &["tau", "sigma"]).await;
    steps.exchange().await.unwrap_err();
    assert_eq!(steps.steps.in_doubt(), 1);
}

#[tokio::test]
async fn pushes_to_nobody_are_not_in_doubt() {
    let mut steps = Loop::of(echoing(|_, _| Fate::Taken), &["tau"]).await;
    steps.job.client().close();
    let error = steps.exchange().await.unwrap_err();
    assert!(!matches!(error, Error::InDoubt { .. }), "{error:?}");
    assert_eq!(steps.steps.in_doubt(), 0);
}

#[tokio::test]
async fn many_entries_tell_how_far_they_came() {
    let fate = |_: &str, nth| if nth == 2 { Fate::Lost } else { Fate::Taken };
    let (_, options) = echoing(fate).serve().await;
    let stream = Client::connect(options).await.unwrap().job("j", "").input_stream("tau").unwrap();
    let acknowledged = std::sync::atomic::AtomicU64::new(0);
    let entries = [Values::Longs(&[1]); 5];
    let error = stream
        .push_many(entries.into_iter(), &acknowledged, &AtomicBool::new(false))
        .await
        .unwrap_err();
    let says = error.to_string();
    assert!(
        says.contains("2 of 5 entries were acknowledged, the next one may have been taken"),
        "{says}"
    );
    assert_eq!(acknowledged.into_inner(), 2);
}

const BAD: (&str, &str) = ("grpc-status-details-bin", "!");

#[tokio::test]
async fn details_that_are_no_base64_are_left_alone() {
    for (headers, trailers) in [(vec![BAD], vec![]), (vec![], vec![BAD]), (vec![BAD], vec![BAD])] {
        // With a status in the headers as well: an answer without messages.
        for status in [None, Some(("grpc-status", "13"))] {
            let (headers, trailers) = (headers.clone(), trailers.clone());
            let mut first = headers.clone();
            first.extend(status);
            let raw = move || Answer::Raw(first.clone(), Vec::new(), trailers.clone());
            let gateway = with_result(header(1));
            let (own, stub, data) = (raw.clone(), raw.clone(), raw);
            let gateway = gateway
                .on(STATUS, move |_| stub())
                .on(STATE, move |_| own())
                .on(DATA, move |_| data());
            let (_, options) = gateway.serve().await;
            let job = Client::connect(options).await.unwrap().job("j", "");
            assert!(job.status().await.is_err());
            let results = job.results().await.unwrap();
            assert!(results.state(None).await.is_err());
            let (header, mut bytes) = (results.header("r", false, None).await.unwrap(), Vec::new());
            let mut stream = results.fetch("r", &header, 0, 1, None).unwrap();
            assert!(stream.copy_to(&mut bytes).await.is_err());
        }
    }
    // Also in the answers that make a connection.
    let raw = || Answer::Raw(vec![BAD], vec![], vec![BAD]);
    for path in [INFO, HEALTH] {
        let (_, options) = Gateway::new(&[]).on(path, move |_| raw()).serve().await;
        assert!(Client::connect(options).await.is_err());
    }
}

#[tokio::test]
async fn a_message_that_is_no_text_leaves_the_status_as_it_is() {
    let not_found = || {
        let trailers = vec![("grpc-status", "5"), ("grpc-message", "100%, %ff%4")];
        Answer::Raw(Vec::new(), Vec::new(), trailers)
    };
    let gateway = echoing(|_, _| Fate::Taken).on(PUSH, move |_| not_found());
    let gateway = gateway.on(STATUS, move |_| not_found());
    let mut steps = Loop::of(gateway, &["tau"]).await;
    let error = steps.exchange().await.unwrap_err();
    assert!(matches!(error, Error::Connection { status: "NOT_FOUND", .. }), "{error:?}");
    assert_eq!(steps.steps.in_doubt(), 0);
    // Of a stub, too.
    let error = steps.job.status().await.unwrap_err();
    assert!(error.to_string().contains("knows no such job"), "{error}");
}

/// A header by hand: its count, type and dimensions as they come.
fn raw_header(count: u64, dtype: &str, shape: &[u64]) -> Vec<u8> {
    use prost::encoding as e;
    let mut out = Vec::new();
    e::uint64::encode(2, &count, &mut out);
    e::string::encode(3, &dtype.to_owned(), &mut out);
    e::uint64::encode_packed(7, shape, &mut out);
    out
}

#[tokio::test]
async fn headers_that_cannot_be_are_refused_by_name() {
    let huge = format!("\"{}\"", "x".repeat(1 << 20));
    let one_item = "\"<i8\"";
    for (count, dtype, shape, says) in [
        (u64::MAX, one_item, vec![1], "counts -1 items"),
        (1 << 31, one_item, vec![1], "counts 2147483648 items"),
        (1 << 32, one_item, vec![1], "counts 4294967296 items"),
        (1 << 63, one_item, vec![1], "items"),
        (1, one_item, vec![(1 << 31) - 1; 10], "too large"),
        (1, one_item, vec![0, (1 << 31) - 1, (1 << 31) - 1, (1 << 31) - 1], "too large"),
        (1, one_item, vec![1; 40], "40 dimensions"),
        (1, one_item, vec![1 << 31], "not a dimension"),
        (1, "\"b8\"", vec![1], "b8"),
        (1, "\"||i8\"", vec![1], "||i8"),
        (1, "\"<i16\"", vec![1], "<i16"),
        (1, "[[\"a\",\"<i8\"],[\"a\",\"<i8\"]]", vec![1], "names"),
        (1, "[[\"a\",\"<i8\",[2147483647,2147483647]]]", vec![1], "too large"),
        (1, huge.as_str(), vec![1], "1048"),
    ] {
        let message = raw_header(count, dtype, &shape);
        let gateway =
            with_result(header(0)).on(HEADER, move |_| Answer::Messages(vec![message.clone()]));
        let (_, options) = gateway.serve().await;
        let job = Client::connect(options).await.unwrap().job("j", "");
        let results = job.results().await.unwrap();
        let error = results.header("r", true, None).await.unwrap_err().to_string();
        assert!(error.contains(says) && error.contains("'r'"), "{says}: {error}");
        assert!(error.len() < 2_000, "{} bytes", error.len());
    }
}

/// An answer of many results, in frames of so many bytes.
fn chopped(bytes: usize, frame: usize) -> Answer {
    let item = r::get_job_result_schema_response::Item {
        name: "r".repeat(1 << 10),
        simple_d_type: "\"<i8\"".into(),
        ..Default::default()
    };
    let items = vec![item; bytes >> 10];
    let whole = framed(&r::GetJobResultSchemaResponse { items }.encode_to_vec());
    let frames = (0..whole.len()).step_by(frame);
    let frames = frames.map(|from| whole.slice(from..whole.len().min(from + frame))).collect();
    Answer::Raw(Vec::new(), frames, Vec::new())
}

#[tokio::test]
async fn one_answer_is_read_in_time_proportional_to_its_size() {
    let took = async |bytes: usize| {
        let (_, options) = Gateway::new(&[]).on(SCHEMA, move |_| chopped(bytes, 100)).serve().await;
        let job = Client::connect(options).await.unwrap().job("j", "");
        let started = Instant::now();
        assert_eq!(job.results().await.unwrap().schema().len(), bytes >> 10);
        started.elapsed()
    };
    let (small, large) = (took(1 << 20).await, took(16 << 20).await);
    // Sixteen times as much; were it quadratic, it would be 256 times.
    assert!(large < 100 * small.max(Duration::from_millis(10)), "{small:?} {large:?}");
}

#[tokio::test]
async fn an_answer_without_end_does_not_outlast_the_timeout() {
    let prefix = Bytes::from_static(&[0, 6, 0, 0, 0]);
    for path in [SCHEMA, STATUS] {
        let prefix = prefix.clone();
        let gateway = Gateway::new(&[]).on(path, move |_| {
            let mut frames = vec![prefix.clone()];
            frames.extend(vec![Bytes::from_static(&[0; 100]); 900_000]);
            Answer::Raw(Vec::new(), frames, Vec::new())
        });
        let (_, mut options) = gateway.serve().await;
        options.timeout = Duration::from_millis(300);
        let job = Client::connect(options).await.unwrap().job("j", "");
        let started = Instant::now();
        let error = match path {
            SCHEMA => job.results().await.map(drop).unwrap_err(),
            _ => job.status().await.map(drop).unwrap_err(),
        };
        assert!(matches!(error, Error::Timeout { .. }), "{path}: {error:?}");
        assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    }
}

#[tokio::test]
async fn answers_are_read_wherever_they_are_cut() {
    let message = f::GetJobExecutionStatusResponse::default().encode_to_vec();
    let schema = r::GetJobResultSchemaResponse {
        items: vec![r::get_job_result_schema_response::Item {
            name: "r".into(),
            simple_d_type: "\"<i8\"".into(),
            ..Default::default()
        }],
    };
    let whole = framed(&schema.encode_to_vec());
    assert!(message.is_empty());
    // Every two places, of the prefix and behind it, with an empty frame between.
    for first in 1..whole.len() {
        for second in first..whole.len() {
            let pieces = [
                whole.slice(..first),
                Bytes::new(),
                whole.slice(first..second),
                whole.slice(second..),
            ];
            let frames: Vec<Bytes> = pieces.to_vec();
            let (_, options) = Gateway::new(&[])
                .on(SCHEMA, move |_| Answer::Raw(Vec::new(), frames.clone(), Vec::new()))
                .serve()
                .await;
            let job = Client::connect(options).await.unwrap().job("j", "");
            assert_eq!(job.results().await.unwrap().schema()[0].name, "r");
        }
    }
}

#[tokio::test]
async fn a_timeout_without_end_is_one() {
    let gateway = with_result(header(1)).on(DATA, |_| Answer::Messages(vec![counted_one(5)]));
    let (_, mut options) = gateway.serve().await;
    options.timeout = Duration::MAX;
    let job = Client::connect(options).await.unwrap().job("j", "");
    let results = job.results().await.unwrap();
    let header = results.header("r", false, Some(Duration::MAX)).await.unwrap();
    let (first, count) = Selection::ALL.resolve(header.count);
    let mut bytes = Vec::new();
    let mut stream = results.fetch("r", &header, first, count, Some(Duration::MAX)).unwrap();
    stream.copy_to(&mut bytes).await.unwrap();
    assert_eq!(bytes, 5i64.to_le_bytes());
}

#[tokio::test]
async fn a_job_that_the_gateway_does_not_know_is_missing() {
    let gone = |_: &[u8]| Answer::Fail(5, "there is no job 'j'");
    let (_, options) = Gateway::new(&[]).on(SCHEMA, gone).on(STATE, gone).serve().await;
    let error = Client::connect(options).await.unwrap().job("j", "").results().await.unwrap_err();
    assert!(matches!(error, Error::JobManager { .. }), "{error:?}");
    assert!(error.to_string().contains("'j'"), "{error}");
}

#[tokio::test]
async fn nobody_at_an_address_is_told_so() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let error = Client::connect(ConnectOptions::new("127.0.0.1", port)).await.unwrap_err();
    let says = error.to_string();
    assert!(says.contains(&port.to_string()) && says.contains("is it started?"), "{says}");
}
