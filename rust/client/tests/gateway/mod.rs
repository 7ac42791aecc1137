//! A gateway that answers as a script says, for the tests beside this folder.
// Each test uses what it needs; deprecated for QOP 3: an old gateway fills them.
#![allow(dead_code, deprecated)]

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message;
use pulsewire_client::ConnectOptions;
use pulsewire_wire::{frontend as f, info, results as r};
use tokio::net::{TcpListener, TcpStream};
use tokio_stream::StreamExt;

pub(crate) const INFO: &str = "/io.qualang.api.v1.InfoService/GetInfo";
pub(crate) const HEALTH: &str = "/qm.grpc.frontend.Frontend/HealthCheck";
pub(crate) const STATUS: &str = "/qm.grpc.frontend.Frontend/GetJobExecutionStatus";
pub(crate) const SCHEMA: &str = "/qm.grpc.results_analyser.JobResultsService/GetJobResultSchema";
pub(crate) const STATE: &str = "/qm.grpc.results_analyser.JobResultsService/GetJobState";
pub(crate) const HEADER: &str =
    "/qm.grpc.results_analyser.JobResultsService/GetJobNamedResultHeader";
pub(crate) const DATA: &str = "/qm.grpc.results_analyser.JobResultsService/GetJobNamedResult";
pub(crate) const PUSH: &str = "/qm.grpc.job_manager.JobManagerService/InsertInputStream";
pub(crate) const OLD_PUSH: &str = "/qm.grpc.jobManager.JobManagerService/InsertInputStream";

/// What the gateway does with a call.
pub(crate) enum Answer {
    Messages(Vec<Vec<u8>>),
    /// These bytes of an answer, then the connection ends.
    Part(Bytes),
    /// The message; the connection ends soon after, when nobody uses it.
    Last(Vec<u8>),
    Fail(u8, &'static str),
    /// More headers, the frames of the body, more trailers.
    Raw(Vec<(&'static str, &'static str)>, Vec<Bytes>, Vec<(&'static str, &'static str)>),
    /// The connection ends.
    Cut,
    Silence,
}

pub(crate) type Script = Box<dyn Fn(&[u8]) -> Answer + Send + Sync>;

#[derive(Default)]
pub(crate) struct Gateway {
    script: HashMap<&'static str, Script>,
    calls: Mutex<Vec<String>>,
}

pub(crate) fn one(message: impl Message) -> Answer {
    Answer::Messages(vec![message.encode_to_vec()])
}

impl Gateway {
    /// A healthy gateway with these capabilities.
    pub(crate) fn new(capabilities: &'static [&'static str]) -> Self {
        let gateway = Self::default();
        gateway
            .on(INFO, move |_| {
                one(info::GetInfoResponse {
                    implementation: Some(info::ImplementationDetails {
                        version: "2.60-5ba458f".into(),
                        ..Default::default()
                    }),
                    capabilities: capabilities.iter().map(|name| (*name).to_owned()).collect(),
                })
            })
            .on(HEALTH, |_| one(f::HealthCheckResponse { ok: true, ..Default::default() }))
    }

    pub(crate) fn on(
        mut self,
        path: &'static str,
        answer: impl Fn(&[u8]) -> Answer + Send + Sync + 'static,
    ) -> Self {
        self.script.insert(path, Box::new(answer));
        self
    }

    pub(crate) async fn serve(self) -> (Arc<Self>, ConnectOptions) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut options = ConnectOptions::new("127.0.0.1", listener.local_addr().unwrap().port());
        options.timeout = Duration::from_secs(60);
        let gateway = Arc::new(self);
        let served = Arc::clone(&gateway);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(Arc::clone(&served).connection(stream));
            }
        });
        (gateway, options)
    }

    /// Answers on a connection until it is cut.
    async fn connection(self: Arc<Self>, stream: TcpStream) {
        let cut = Arc::new(tokio::sync::Notify::new());
        let heard = Arc::clone(&cut);
        let service =
            service_fn(move |request| answer(Arc::clone(&self), Arc::clone(&cut), request));
        let builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
        tokio::select! {
            _ = builder.serve_connection(TokioIo::new(stream), service) => {}
            () = heard.notified() => {}
        }
    }

    pub(crate) fn count(&self, path: &str) -> usize {
        self.calls.lock().unwrap().iter().filter(|call| *call == path).count()
    }
}

/// Ends a connection, once what was sent before has reached the client.
pub(crate) fn end_soon(cut: Arc<tokio::sync::Notify>) {
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(20)).await;
        cut.notify_one();
    });
}

/// A message behind the prefix of gRPC: a flag and a length.
pub(crate) fn framed(message: &[u8]) -> Bytes {
    let mut framed = BytesMut::new();
    framed.put_u8(0);
    framed.put_u32(message.len() as u32);
    framed.put_slice(message);
    framed.freeze()
}

pub(crate) type Body = http_body_util::combinators::BoxBody<Bytes, Infallible>;

async fn answer(
    gateway: Arc<Gateway>,
    cut: Arc<tokio::sync::Notify>,
    request: Request<Incoming>,
) -> Result<Response<Body>, Infallible> {
    let path = request.uri().path().to_owned();
    let body = request.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    gateway.calls.lock().unwrap().push(path.clone());
    let answer = match gateway.script.get(path.as_str()) {
        // Behind the prefix of gRPC: a flag and a length.
        Some(script) => script(body.get(5..).unwrap_or_default()),
        None => Answer::Fail(12, "no such method"),
    };
    let (messages, status, text) = match answer {
        Answer::Messages(messages) => (messages, 0, ""),
        Answer::Part(bytes) => {
            end_soon(cut);
            let frames = tokio_stream::iter([Ok(Frame::data(bytes))]);
            let body = StreamBody::new(frames.chain(tokio_stream::pending())).boxed();
            let response = Response::builder().header("content-type", "application/grpc");
            return Ok(response.body(body).unwrap());
        }
        Answer::Last(message) => {
            end_soon(cut);
            (vec![message], 0, "")
        }
        Answer::Fail(status, text) => (Vec::new(), status, text),
        Answer::Raw(headers, frames, more) => {
            let mut trailers = HeaderMap::new();
            trailers.insert("grpc-status", "0".parse().unwrap());
            for (name, value) in more {
                trailers.insert(name, value.parse().unwrap());
            }
            let frames = frames.into_iter().map(|frame| Ok(Frame::data(frame)));
            let frames = frames.chain([Ok(Frame::trailers(trailers))]).collect::<Vec<_>>();
            // So slowly that the client's h2 takes no offence at small frames.
            let frames = tokio_stream::iter(frames).then(|frame| async {
                tokio::task::yield_now().await;
                frame
            });
            let body = StreamBody::new(frames).boxed();
            let mut response = Response::builder().header("content-type", "application/grpc");
            for (name, value) in headers {
                response = response.header(name, value);
            }
            return Ok(response.body(body).unwrap());
        }
        Answer::Cut => {
            cut.notify_one();
            std::future::pending().await
        }
        Answer::Silence => std::future::pending().await,
    };
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", status.to_string().parse().unwrap());
    trailers.insert("grpc-message", text.parse().unwrap());
    let mut frames: Vec<Result<Frame<Bytes>, Infallible>> =
        messages.iter().map(|message| Ok(Frame::data(framed(message)))).collect();
    frames.push(Ok(Frame::trailers(trailers)));
    let body = StreamBody::new(tokio_stream::iter(frames)).boxed();
    let response = Response::builder().header("content-type", "application/grpc").body(body);
    Ok(response.unwrap())
}

/// A gateway with a job whose result 'r' is of `save_all`.
pub(crate) fn with_result(header: r::GetJobNamedResultHeaderResponse) -> Gateway {
    result(header, false)
}

/// A gateway with a job whose result 'r' is of `save`, an item of so many numbers.
pub(crate) fn with_saved(size: i32) -> Gateway {
    result(r::GetJobNamedResultHeaderResponse { shape: vec![size], ..header(1) }, true)
}

fn result(header: r::GetJobNamedResultHeaderResponse, is_single: bool) -> Gateway {
    let item = r::get_job_result_schema_response::Item {
        name: "r".into(),
        simple_d_type: "\"<i8\"".into(),
        is_single,
        expected_count: 0,
        shape: header.shape.clone(),
    };
    Gateway::new(&["qm.job_streaming_state"])
        .on(SCHEMA, move |_| one(r::GetJobResultSchemaResponse { items: vec![item.clone()] }))
        .on(HEADER, move |_| one(header.clone()))
}

pub(crate) fn header(count: i32) -> r::GetJobNamedResultHeaderResponse {
    r::GetJobNamedResultHeaderResponse {
        count_so_far: count,
        simple_d_type: "\"<i8\"".into(),
        shape: vec![1],
        ..Default::default()
    }
}

pub(crate) fn data(count: i32, bytes: usize) -> Vec<u8> {
    let data = Bytes::from(vec![1; bytes]);
    r::GetJobNamedResultResponse { count_of_items: count, data }.encode_to_vec()
}

/// The items of a result of int64 from one on, each its index.
pub(crate) fn counted(items: std::ops::Range<i64>) -> Vec<u8> {
    let data: Vec<u8> = items.clone().flat_map(i64::to_le_bytes).collect();
    let count_of_items = (items.end - items.start) as i32;
    r::GetJobNamedResultResponse { count_of_items, data: data.into() }.encode_to_vec()
}
