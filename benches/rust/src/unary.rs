//! A bare unary call of tonic: what gRPC costs without pulsewire.

use std::time::Instant;

use pulsewire_wire::job_manager::insert_input_stream_request::StreamDataOneof;
use pulsewire_wire::job_manager::{
    InsertInputStreamRequest, InsertInputStreamResponse, IntStreamData,
};
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::Endpoint;
use tonic_prost::ProstCodec;

use crate::Result;

/// What the stub that tonic generates would call.
const PATH: &str = "/qm.grpc.job_manager.JobManagerService/InsertInputStream";

/// Pushes one int at a time; with `workers` on a runtime of two threads, otherwise on the caller's.
pub(crate) fn push(port: u16, job: &str, count: usize, workers: bool) -> Result<()> {
    let mut builder = if workers {
        tokio::runtime::Builder::new_multi_thread()
    } else {
        tokio::runtime::Builder::new_current_thread()
    };
    let runtime = builder.worker_threads(2).enable_all().build()?;
    let times = runtime.block_on(async {
        let endpoint = Endpoint::from_shared(format!("http://127.0.0.1:{port}"))?;
        let channel = endpoint.tcp_nodelay(true).connect().await?;
        let mut client = Grpc::new(channel);
        let mut times = Vec::with_capacity(count);
        for _ in 0..count {
            let started = Instant::now();
            let data = StreamDataOneof::IntStreamData(IntStreamData { data: vec![5] });
            let request = InsertInputStreamRequest {
                job_id: job.to_owned(),
                stream_name: "input_stream_value".to_owned(),
                stream_data_oneof: Some(data),
            };
            client.ready().await?;
            let codec: ProstCodec<_, InsertInputStreamResponse> = ProstCodec::default();
            let path = PathAndQuery::from_static(PATH);
            let answer = client.unary(tonic::Request::new(request), path, codec).await?;
            let answer = answer.into_inner();
            if !answer.job_manager_response_header.is_some_and(|header| header.success) {
                return Err("the push was refused".into());
            }
            times.push(started.elapsed().as_nanos());
        }
        Result::Ok(times)
    })?;
    crate::print(&times);
    Ok(())
}
