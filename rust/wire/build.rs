//! Compiles `protos/` with protox, so that no `protoc` is needed on the machine.

use std::path::PathBuf;

use prost::Message as _;

const FILES: &[&str] = &[
    "io/qualang/api/v1/info_service.proto",
    "qm/pb/frontend.proto",
    "qm/pb/job_manager.proto",
    "qm/pb/job_results.proto",
];
/// The older path of a service: it has no messages of its own.
const LEGACY: &str = "qm/pb/job_manager_legacy.proto";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?).join("../../protos");
    println!("cargo:rerun-if-changed={}", root.display());
    let out = PathBuf::from(std::env::var("OUT_DIR")?);

    let all = protox::compile(FILES.iter().chain([&LEGACY]), [&root])?;
    std::fs::write(out.join("descriptors.bin"), all.encode_to_vec())?;

    prost_build::Config::new()
        // Results are handed on by reference counting, never copied on the way to the socket.
        .bytes([
            ".qm.grpc.results_analyser.GetJobNamedResultResponse",
            ".qm.grpc.results_analyser.SimulatorSamplesResponse.Data",
        ])
        .compile_fds(protox::compile(FILES, [&root])?)?;
    Ok(())
}
