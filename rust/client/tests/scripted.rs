//! The client against a gateway that does what no good one does: an old one, a lying one, one that
//! loses connections or never answers.
// Deprecated for QOP 3: an old gateway fills them.
#![allow(deprecated)]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use prost::Message;
use pulsewire_client::{
    Client, ClosedLoop, Error, JobManagerError, Selection, Timeout, Values, Writer,
};
use pulsewire_wire::{errors, frontend as f, job_manager as jm, results as r};

mod gateway;

use gateway::*;

#[tokio::test]
async fn what_arrives_is_checked_against_what_was_promised() {
    for (messages, says) in [
        (vec![data(2, 16)], "2 items of 16 bytes arrived, not 3 of 24"),
        (vec![data(3, 16)], "3 items of 16 bytes arrived"),
        (vec![data(2, 24)], "2 items of 24 bytes arrived"),
        (vec![data(3, 24), data(1, 8)], "more than the 24 bytes promised"),
        (vec![], "0 items of 0 bytes arrived"),
    ] {
        let gateway = with_result(header(3)).on(DATA, move |_| Answer::Messages(messages.clone()));
        let (_, options) = gateway.serve().await;
        let results = Client::connect(options).await.unwrap().job("j", "").results().await.unwrap();
        let header = results.header("r", false, None).await.unwrap();
        let (start, count) = Selection::ALL.resolve(header.count);
        let mut stream = results.fetch("r", &header, start, count, None).unwrap();
        let error = stream.copy_to(&mut Vec::new()).await.unwrap_err();
        assert!(matches!(error, Error::Fetch { .. }), "{error:?}");
        assert!(error.to_string().contains(says), "{error}");
    }
}

#[tokio::test]
async fn a_broken_stream_goes_on_with_the_item_where_it_broke() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&asked);
    let gateway = with_result(header(10)).on(DATA, move |request| {
        let request = r::GetJobNamedResultRequest::decode(request).unwrap();
        let from = request.long_offset.unwrap();
        seen.lock().unwrap().push((from, request.limit));
        match from {
            2 => {
                // A message, and one that is cut off in its first item.
                let mut bytes = [framed(&counted(2..4)), framed(&counted(4..6))].concat();
                bytes.truncate(bytes.len() - 12);
                Answer::Part(bytes.into())
            }
            _ => Answer::Messages(vec![counted(from..10)]),
        }
    });
    let (_, options) = gateway.serve().await;
    let results = Client::connect(options).await.unwrap().job("j", "").results().await.unwrap();
    let header = results.header("r", false, None).await.unwrap();
    let mut bytes = Vec::new();
    results.fetch("r", &header, 2, 8, None).unwrap().copy_to(&mut bytes).await.unwrap();
    assert_eq!(bytes, (2..10i64).flat_map(i64::to_le_bytes).collect::<Vec<_>>());
    assert_eq!(*asked.lock().unwrap(), [(2, 8), (4, 6)]);
}

#[tokio::test]
async fn an_item_that_may_have_been_replaced_is_fetched_anew() {
    let asked = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&asked);
    // Eight numbers, each time others: two halves would not belong together.
    let item = |turn: usize| {
        let from = 100 * turn as i64;
        let data: Vec<u8> = (from..from + 8).flat_map(i64::to_le_bytes).collect();
        r::GetJobNamedResultResponse { count_of_items: 1, data: data.into() }.encode_to_vec()
    };
    let gateway = with_saved(8).on(DATA, move |_| match seen.fetch_add(1, Ordering::Relaxed) {
        turn @ 0..3 => {
            let whole = framed(&item(turn));
            Answer::Part(whole.slice(..whole.len() - 12))
        }
        turn => Answer::Messages(vec![item(turn)]),
    });
    let (_, options) = gateway.serve().await;
    let results = Client::connect(options).await.unwrap().job("j", "").results().await.unwrap();
    let header = results.header("r", false, None).await.unwrap();
    let mut bytes = b"kept".to_vec();
    results.fetch("r", &header, 0, 1, None).unwrap().copy_to(&mut bytes).await.unwrap();
    let whole: Vec<u8> = (300..308i64).flat_map(i64::to_le_bytes).collect();
    assert_eq!(bytes, [b"kept".as_slice(), &whole].concat());
    assert_eq!(asked.load(Ordering::Relaxed), 4);
}

#[tokio::test]
async fn what_a_wait_saw_is_asked_for_with_its_header() {
    let gateway = with_result(header(3)).on(DATA, |request| {
        let request = r::GetJobNamedResultRequest::decode(request).unwrap();
        let from = request.long_offset.unwrap();
        Answer::Messages(vec![counted(from..from + i64::from(request.limit))])
    });
    let (gateway, options) = gateway.serve().await;
    let results = Client::connect(options).await.unwrap().job("j", "").results().await.unwrap();
    results.wait_for_values("r", 3, Timeout::from_seconds(1.0)).await.unwrap();
    let taken = results.take("r", Selection::item(2), false, None).await.unwrap();
    assert_eq!((taken.first, taken.count), (2, 1));
    assert_eq!(taken.bytes.as_deref(), Some(&2i64.to_le_bytes()[..]));
    assert_eq!((gateway.count(HEADER), gateway.count(DATA)), (2, 1));
    // Its end is not known: the header comes first.
    let taken = results.take("r", Selection::ALL, false, None).await.unwrap();
    assert_eq!((taken.count, taken.bytes.map(|bytes| bytes.len())), (3, Some(24)));
}

#[tokio::test]
async fn a_header_is_kept_only_when_it_was_asked_for_after_the_end() {
    let asked = AtomicUsize::new(0);
    let gateway = with_result(header(3))
        .on(HEADER, move |_| {
            // A gateway that counts before it looks whether all is done.
            let count = if asked.fetch_add(1, Ordering::Relaxed) == 0 { 3 } else { 5 };
            one(r::GetJobNamedResultHeaderResponse { done: true, ..header(count) })
        })
        .on(STATE, |_| one(r::GetJobStateResponse { done: true, ..Default::default() }))
        .on(DATA, |request| {
            let request = r::GetJobNamedResultRequest::decode(request).unwrap();
            Answer::Messages(vec![counted(0..i64::from(request.limit))])
        });
    let (gateway, options) = gateway.serve().await;
    let results = Client::connect(options).await.unwrap().job("j", "").results().await.unwrap();
    let more = results.wait_for_values("r", 4, Timeout::from_seconds(1.0)).await;
    assert_eq!(more.unwrap().count, 5);
    assert_eq!(results.wait_for_all(None, Timeout::NONE).await, Ok(true));
    for _ in 0..3 {
        let taken = results.take("r", Selection::ALL, false, None).await.unwrap();
        assert_eq!(taken.count, 5);
    }
    // Two by the wait, one after the end was known.
    assert_eq!((gateway.count(HEADER), gateway.count(STATE), gateway.count(DATA)), (3, 1, 3));
}

#[tokio::test]
async fn flags_of_a_fetch_are_those_of_its_own_header() {
    let asked = AtomicUsize::new(0);
    let gateway = with_result(header(3))
        .on(HEADER, move |_| {
            let has_dataloss = asked.fetch_add(1, Ordering::Relaxed) > 0;
            one(r::GetJobNamedResultHeaderResponse { has_dataloss, ..header(3) })
        })
        .on(DATA, |_| Answer::Messages(vec![counted(0..1)]));
    let (_, options) = gateway.serve().await;
    let results = Client::connect(options).await.unwrap().job("j", "").results().await.unwrap();
    results.wait_for_values("r", 1, Timeout::from_seconds(1.0)).await.unwrap();
    let taken = results.take("r", Selection::item(0), false, None).await;
    assert!(matches!(taken, Err(Error::DataLoss { .. })), "{taken:?}");
}

/// A gateway whose result has as many items as were pushed; asking for one that is not there fails.
fn echoing() -> Gateway {
    let pushed = Arc::new(AtomicUsize::new(0));
    let (count, there) = (Arc::clone(&pushed), Arc::clone(&pushed));
    let accepted = jm::InsertInputStreamResponse {
        job_manager_response_header: Some(jm::JobManagerResponseHeader {
            success: true,
            ..Default::default()
        }),
    };
    let schema = r::get_job_result_schema_response::Item {
        name: "r".into(),
        simple_d_type: "\"<i8\"".into(),
        shape: vec![1],
        ..Default::default()
    };
    Gateway::new(&["qm.job_streaming_state", "qm.input_stream", "qm.new_grpc_structure"])
        .on(SCHEMA, move |_| one(r::GetJobResultSchemaResponse { items: vec![schema.clone()] }))
        .on(PUSH, move |_| {
            pushed.fetch_add(1, Ordering::Relaxed);
            one(accepted.clone())
        })
        .on(HEADER, move |_| one(header(count.load(Ordering::Relaxed) as i32)))
        .on(STATE, |_| one(r::GetJobStateResponse::default()))
        .on(DATA, move |request| {
            let request = r::GetJobNamedResultRequest::decode(request).unwrap();
            let from = request.long_offset.unwrap();
            if from >= there.load(Ordering::Relaxed) as i64 {
                return Answer::Fail(11, "no such item");
            }
            Answer::Messages(vec![counted(from..from + 1)])
        })
}

#[tokio::test]
async fn a_step_of_a_closed_loop_is_a_push_and_its_answer() {
    let (gateway, options) = echoing().serve().await;
    let job = Client::connect(options).await.unwrap().job("j", "");
    let stream = job.input_stream("tau").unwrap();
    let results = job.results().await.unwrap();
    let names = ["r".to_owned()];
    let steps = ClosedLoop::new(vec![stream.clone()], results, &names).await.unwrap();
    for step in 0..3i64 {
        steps.push(vec![stream.entry(Values::Longs(&[step])).unwrap()]).await.unwrap();
        let answers = steps.receive(Timeout::from_seconds(1.0)).await.unwrap();
        assert_eq!(answers[0].bytes, step.to_le_bytes());
    }
    assert_eq!((gateway.count(PUSH), gateway.count(DATA)), (3, 3));
    // Nothing was pushed, and what the gateway says to that is no failure.
    let late = steps.receive(Timeout::from_seconds(0.15)).await.unwrap_err();
    assert!(matches!(late, Error::WaitTimeout { .. }), "{late:?}");
    assert!(late.to_string().contains("the item 3 of the result 'r' of the job 'j'"), "{late}");
    assert_eq!(steps.positions(), [3]);
    stream.push(Values::Longs(&[3])).await.unwrap();
    steps.skip().await.unwrap();
    assert_eq!(steps.positions(), [4]);
}

#[tokio::test]
async fn a_writer_sends_in_order_and_stops_at_the_first_failure() {
    let (taken, heard) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicUsize::new(0)));
    let (seen, count) = (Arc::clone(&taken), Arc::clone(&heard));
    let gateway =
        Gateway::new(&["qm.input_stream", "qm.new_grpc_structure"]).on(PUSH, move |request| {
            use jm::insert_input_stream_request::StreamDataOneof::IntStreamData;
            let request = jm::InsertInputStreamRequest::decode(request).unwrap();
            let Some(IntStreamData(data)) = request.stream_data_oneof else { panic!() };
            if count.fetch_add(1, Ordering::Relaxed) == 5 {
                return Answer::Fail(13, "disk on fire");
            }
            seen.lock().unwrap().extend(data.data);
            one(jm::InsertInputStreamResponse {
                job_manager_response_header: Some(jm::JobManagerResponseHeader {
                    success: true,
                    ..Default::default()
                }),
            })
        });
    let (_, options) = gateway.serve().await;
    let job = Client::connect(options).await.unwrap().job("j", "");
    let (writer, send) = Writer::new(job.input_stream("tau").unwrap(), 2);
    let entry = |value| writer.stream().entry(Values::Longs(&[value])).unwrap();
    // Nobody sends yet: the third one finds no room.
    assert!(writer.try_push(entry(0)).unwrap().is_none());
    assert!(writer.try_push(entry(1)).unwrap().is_none());
    assert!(writer.try_push(entry(2)).unwrap().is_some());
    let late = writer.flush(Timeout::from_seconds(0.05)).await.unwrap_err();
    assert!(late.to_string().contains("2 entries pending"), "{late}");
    let sending = tokio::spawn(send);
    assert_eq!(writer.flush(Timeout::NONE).await, Ok(2));
    for value in 2..5 {
        writer.push(entry(value)).await.unwrap();
    }
    assert_eq!(writer.flush(Timeout::NONE).await, Ok(5));
    writer.push(entry(5)).await.unwrap();
    for _ in 0..2 {
        let error = writer.flush(Timeout::NONE).await.unwrap_err();
        assert!(error.to_string().contains("disk on fire"), "{error}");
        assert_eq!(writer.try_push(entry(6)).unwrap_err(), error);
    }
    sending.await.unwrap();
    assert_eq!((writer.acknowledged(), writer.pending()), (5, 0));
    assert_eq!(*taken.lock().unwrap(), [0, 1, 2, 3, 4]);
    assert_eq!(heard.load(Ordering::Relaxed), 6);
}

#[tokio::test]
async fn a_writer_that_is_dropped_or_closed_still_sends_what_it_took() {
    let (gateway, options) = echoing().serve().await;
    let job = Client::connect(options).await.unwrap().job("j", "");
    let (writer, send) = Writer::new(job.input_stream("tau").unwrap(), 10);
    for value in 0..4 {
        let entry = writer.stream().entry(Values::Longs(&[value])).unwrap();
        assert!(writer.try_push(entry).unwrap().is_none());
    }
    drop(writer);
    send.await;
    assert_eq!(gateway.count(PUSH), 4);
    let (writer, send) = Writer::new(job.input_stream("tau").unwrap(), 10);
    let entry = || writer.stream().entry(Values::Longs(&[1])).unwrap();
    assert!(writer.try_push(entry()).unwrap().is_none());
    let (closed, ()) = tokio::join!(writer.close(Timeout::NONE), send);
    assert_eq!(closed, Ok(1));
    let error = writer.try_push(entry()).unwrap_err();
    assert!(error.to_string().contains("the writer was closed"), "{error}");
}

#[tokio::test]
async fn a_connection_that_was_lost_while_idle_is_made_anew_before_a_push() {
    let status = f::GetJobExecutionStatusResponse::default().encode_to_vec();
    let (gateway, options) =
        echoing().on(STATUS, move |_| Answer::Last(status.clone())).serve().await;
    let client = Client::connect(options).await.unwrap();
    let stream = client.job("j", "").input_stream("tau").unwrap();
    for _ in 0..5 {
        client.job("j", "").status().await.unwrap();
        tokio::time::sleep(Duration::from_millis(40)).await;
        stream.push(Values::Longs(&[1])).await.unwrap();
    }
    assert_eq!(gateway.count(PUSH), 5);
}

#[tokio::test]
async fn lost_data_and_unreadable_types_are_errors() {
    let lossy = r::GetJobNamedResultHeaderResponse { has_dataloss: true, ..header(1) };
    let (_, options) = with_result(lossy).serve().await;
    let results = Client::connect(options).await.unwrap().job("j", "").results().await.unwrap();
    let header_of = results.header("r", false, None).await.unwrap();
    let fetched = results.fetch("r", &header_of, 0, 1, None);
    assert!(matches!(fetched, Err(Error::DataLoss { .. })));

    let odd = r::GetJobNamedResultHeaderResponse { simple_d_type: "\"cat\"".into(), ..header(1) };
    let (_, options) = with_result(odd).serve().await;
    let results = Client::connect(options).await.unwrap().job("j", "").results().await.unwrap();
    let error = results.header("r", false, None).await.unwrap_err();
    assert!(matches!(&error, Error::Schema { dtype, .. } if dtype == "\"cat\""), "{error}");
}

#[tokio::test]
async fn an_old_gateway_gets_the_old_path_and_the_state_of_each_header() {
    let open = AtomicUsize::new(0);
    let gateway = Gateway::new(&["qm.input_stream"])
        .on(OLD_PUSH, |_| {
            one(jm::InsertInputStreamResponse {
                job_manager_response_header: Some(jm::JobManagerResponseHeader {
                    success: true,
                    ..Default::default()
                }),
            })
        })
        .on(SCHEMA, |_| {
            let item = |name: &str| r::get_job_result_schema_response::Item {
                name: name.into(),
                simple_d_type: "\"<i8\"".into(),
                shape: vec![1],
                ..Default::default()
            };
            one(r::GetJobResultSchemaResponse { items: vec![item("a"), item("b")] })
        })
        .on(HEADER, move |request| {
            let request = r::GetJobNamedResultHeaderRequest::decode(request).unwrap();
            // "a" is done at once, "b" at its third look.
            let done = request.output_name == "a" || open.fetch_add(1, Ordering::Relaxed) > 1;
            one(r::GetJobNamedResultHeaderResponse { done, ..header(0) })
        });
    let (gateway, options) = gateway.serve().await;
    let job = Client::connect(options).await.unwrap().job("j", "");
    job.input_stream("tau").unwrap().push(Values::Ints(&[1])).await.unwrap();
    assert_eq!((gateway.count(OLD_PUSH), gateway.count(PUSH)), (1, 0));
    let results = job.results().await.unwrap();
    assert_eq!(results.wait_for_all(None, Timeout::from_seconds(5.0)).await, Ok(true));
    assert_eq!((gateway.count(HEADER), gateway.count(STATE)), (6, 0));
    let error = results.wait_for_values("a", 1, Timeout::NONE).await.unwrap_err();
    assert!(matches!(error, Error::EndedShort { got: 0, wanted: 1, .. }), "{error:?}");
}

#[tokio::test]
async fn what_is_done_is_done_also_when_it_is_closed() {
    for (done, closed) in [(true, true), (true, false), (false, true)] {
        let gateway = with_result(header(1))
            .on(STATE, move |_| one(r::GetJobStateResponse { done, closed, has_dataloss: false }));
        let (_, options) = gateway.serve().await;
        let job = Client::connect(options).await.unwrap().job("j", "");
        let results = job.results().await.unwrap();
        for name in [None, Some("r")] {
            assert_eq!(results.wait_for_all(name, Timeout::from_seconds(5.0)).await, Ok(done));
        }
    }
}

#[tokio::test]
async fn a_missing_capability_is_named_before_anything_is_sent() {
    let (gateway, options) = Gateway::new(&[]).serve().await;
    let job = Client::connect(options).await.unwrap().job("j", "");
    let error = job.input_stream("tau").unwrap_err();
    assert!(error.to_string().contains("'tau'") && error.to_string().contains("qm.input_stream"));
    assert_eq!(gateway.count(PUSH) + gateway.count(OLD_PUSH), 0);
}

#[tokio::test]
async fn every_refusal_of_the_job_manager_has_its_kind() {
    use errors::JobManagerErrorTypes as Types;
    for (kind, expected) in [
        (Types::MissingJobError as i32, JobManagerError::MissingJob),
        (Types::InvalidJobExecutionStatusError as i32, JobManagerError::InvalidJobExecutionStatus),
        (
            Types::InvalidOperationOnSimulatorJobError as i32,
            JobManagerError::InvalidOperationOnSimulatorJob,
        ),
        (Types::InvalidOperationOnRealJobError as i32, JobManagerError::InvalidOperationOnRealJob),
        (Types::UnknownInputStreamError as i32, JobManagerError::UnknownInputStream),
        (Types::JobOperationSpecificError as i32, JobManagerError::Unspecified),
        (777, JobManagerError::Unspecified),
    ] {
        let gateway =
            Gateway::new(&["qm.input_stream", "qm.new_grpc_structure"]).on(PUSH, move |_| {
                one(jm::InsertInputStreamResponse {
                    job_manager_response_header: Some(jm::JobManagerResponseHeader {
                        job_manager_error_type: kind,
                        ..Default::default()
                    }),
                })
            });
        let (_, options) = gateway.serve().await;
        let job = Client::connect(options).await.unwrap().job("j-7", "");
        let error =
            job.input_stream("tau").unwrap().push(Values::Bools(&[true])).await.unwrap_err();
        assert!(error.to_string().contains("'tau' of the job 'j-7'"), "{error}");
        assert!(matches!(error, Error::JobManager { kind, .. } if kind == expected));
    }
}

#[tokio::test]
async fn a_job_in_processing_has_started() {
    let gateway = Gateway::new(&[]).on(STATUS, |_| {
        let status = f::job_execution_status::Status::Processing(Default::default());
        let status = Some(f::JobExecutionStatus { status: Some(status) });
        one(f::GetJobExecutionStatusResponse { status })
    });
    let (_, options) = gateway.serve().await;
    let job = Client::connect(options).await.unwrap().job("j", "");
    assert_eq!(job.wait_for_execution(Timeout::from_seconds(1.0)).await, Ok(()));
}

#[tokio::test]
async fn a_cut_connection_is_asked_again_but_a_push_is_sent_once() {
    let (asked, pushed) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let gateway = Gateway::new(&["qm.input_stream", "qm.new_grpc_structure"])
        .on(STATUS, move |_| match asked.fetch_add(1, Ordering::Relaxed) {
            0 => Answer::Cut,
            _ => {
                let status = f::job_execution_status::Status::Completed(Default::default());
                let status = Some(f::JobExecutionStatus { status: Some(status) });
                one(f::GetJobExecutionStatusResponse { status })
            }
        })
        .on(PUSH, move |_| {
            pushed.fetch_add(1, Ordering::Relaxed);
            Answer::Cut
        });
    let (gateway, options) = gateway.serve().await;
    let job = Client::connect(options).await.unwrap().job("j", "");
    assert_eq!(job.status().await.unwrap().state.name(), "completed");
    assert_eq!(gateway.count(STATUS), 2);
    let error = job.input_stream("tau").unwrap().push(Values::Ints(&[1])).await.unwrap_err();
    let Error::InDoubt { error: cause, .. } = &error else { panic!("{error:?}") };
    assert!(matches!(**cause, Error::Connection { .. }), "{error:?}");
    assert!(error.to_string().contains("the entry may have been taken"), "{error}");
    assert_eq!(gateway.count(PUSH), 1);
}

#[tokio::test]
async fn an_answer_that_never_comes_is_a_timeout_of_the_whole_call() {
    let silent =
        with_result(header(1)).on(DATA, |_| Answer::Silence).on(STATUS, |_| Answer::Silence);
    let (_, mut options) = silent.serve().await;
    options.timeout = Duration::from_millis(200);
    let job = Client::connect(options).await.unwrap().job("j-9", "");
    let started = Instant::now();
    let error = job.status().await.unwrap_err();
    assert!(matches!(error, Error::Timeout { .. }) && error.to_string().contains("j-9"));
    let results = job.results().await.unwrap();
    let header = results.header("r", false, None).await.unwrap();
    let mut fetched = results.fetch("r", &header, 0, 1, Some(Duration::from_millis(100))).unwrap();
    let fetched = fetched.copy_to(&mut Vec::new()).await;
    assert!(matches!(fetched, Err(Error::Timeout { .. })), "{fetched:?}");
    assert!(started.elapsed() < Duration::from_secs(3));
}

#[tokio::test]
async fn failures_carry_what_the_gateway_says() {
    let failing = Gateway::new(&[]).on(STATUS, |_| Answer::Fail(13, "disk on fire"));
    let (gateway, options) = failing.serve().await;
    let job = Client::connect(options).await.unwrap().job("j", "m");
    let error = job.status().await.unwrap_err().to_string();
    assert!(error.contains("disk on fire") && error.contains("INTERNAL"), "{error}");
    assert_eq!(gateway.count(STATUS), 1);
    let error = job.halt().await.unwrap_err();
    assert!(matches!(error, Error::Unimplemented { .. }), "{error:?}");
}

#[tokio::test]
async fn an_ill_gateway_is_not_connected_to() {
    let ill = Gateway::new(&[]).on(HEALTH, |_| {
        one(f::HealthCheckResponse {
            message: vec!["con1 is hot".into()],
            error_messages: vec!["con2 is off".into()],
            ..Default::default()
        })
    });
    let (_, options) = ill.serve().await;
    let error = Client::connect(options).await.unwrap_err().to_string();
    assert!(error.contains("con1 is hot") && error.contains("con2 is off"), "{error}");
}
