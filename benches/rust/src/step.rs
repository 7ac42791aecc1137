//! A closed loop without pulsewire: how long a program takes from a value to its answer.

use std::time::Instant;

use pulsewire_wire::job_manager::insert_input_stream_request::StreamDataOneof;
use pulsewire_wire::job_manager::{
    InsertInputStreamRequest, InsertInputStreamResponse, IntStreamData,
};
use pulsewire_wire::results::{GetJobNamedResultHeaderRequest, GetJobNamedResultHeaderResponse};
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::Endpoint;
use tonic_prost::ProstCodec;

use crate::Result;

const PUSH: &str = "/qm.grpc.job_manager.JobManagerService/InsertInputStream";
const HEADER: &str = "/qm.grpc.results_analyser.JobResultsService/GetJobNamedResultHeader";

/// Pushes one int at a time to `value`, and asks without pause until `answer` has one more item.
pub(crate) fn steps(port: u16, job: &str, count: usize) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let times = runtime.block_on(async {
        let endpoint = Endpoint::from_shared(format!("http://127.0.0.1:{port}"))?;
        let mut client = Grpc::new(endpoint.tcp_nodelay(true).connect().await?);
        let mut answered = counted(&mut client, job).await?;
        let mut times = Vec::with_capacity(count);
        for _ in 0..count {
            let started = Instant::now();
            let request = InsertInputStreamRequest {
                job_id: job.to_owned(),
                stream_name: "input_stream_value".to_owned(),
                stream_data_oneof: Some(StreamDataOneof::IntStreamData(IntStreamData {
                    data: vec![5],
                })),
            };
            client.ready().await?;
            let codec: ProstCodec<_, InsertInputStreamResponse> = ProstCodec::default();
            client
                .unary(tonic::Request::new(request), PathAndQuery::from_static(PUSH), codec)
                .await?;
            let before = answered;
            while answered == before {
                answered = counted(&mut client, job).await?;
            }
            times.push(started.elapsed().as_nanos());
        }
        Result::Ok(times)
    })?;
    crate::print(&times);
    Ok(())
}

async fn counted(client: &mut Grpc<tonic::transport::Channel>, job: &str) -> Result<i32> {
    let request = GetJobNamedResultHeaderRequest {
        job_id: job.to_owned(),
        output_name: "answer".to_owned(),
        flat_format: true,
    };
    client.ready().await?;
    let codec: ProstCodec<_, GetJobNamedResultHeaderResponse> = ProstCodec::default();
    let path = PathAndQuery::from_static(HEADER);
    Ok(client.unary(tonic::Request::new(request), path, codec).await?.into_inner().count_so_far)
}
