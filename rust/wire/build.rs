//! Compiles `protos/` with protox, so that no `protoc` is needed on the machine.

use std::path::PathBuf;

use prost::Message as _;

const FILES: &[&str] = &[
    "io/qualang/api/v1/info_service.proto",
    "qm/pb/frontend.proto",
    "qm/pb/job_manager.proto",
    "qm/pb/job_results.proto",
];
const LEGACY: &str = "qm/pb/job_manager_legacy.proto";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?).join("../../protos");
    println!("cargo:rerun-if-changed={}", root.display());
    let out = PathBuf::from(std::env::var("OUT_DIR")?);

    let all = protox::compile(FILES.iter().chain([&LEGACY]), [&root])?;
    std::fs::write(out.join("descriptors.bin"), all.encode_to_vec())?;

    tonic_prost_build::configure()
        // Results are handed on by reference counting, never copied on the way to the socket.
        .bytes(".qm.grpc.results_analyser.GetJobNamedResultResponse")
        .bytes(".qm.grpc.results_analyser.SimulatorSamplesResponse.Data")
        .compile_fds(protox::compile(FILES, [&root])?)?;

    // prost names a module after the package in snake case, so that `jobManager` would fall
    // together with `job_manager`: the older path gets a folder of its own.
    let legacy = out.join("legacy");
    std::fs::create_dir_all(&legacy)?;
    let mut only_legacy = all;
    only_legacy.file.retain(|file| file.name() == LEGACY);
    tonic_prost_build::configure()
        .extern_path(".qm.grpc.job_manager", "crate::job_manager")
        .out_dir(&legacy)
        .compile_fds(only_legacy)?;
    Ok(())
}
