//! Compiles `protos/` with protox, so that no `protoc` is needed on the machine.

use std::collections::BTreeSet;
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

    let files = protox::compile(FILES, [&root])?;
    std::fs::write(out.join("whole_messages.rs"), whole_messages(&files))?;
    prost_build::Config::new()
        // Results are handed on by reference counting, never copied on the way to the socket.
        .bytes([
            ".qm.grpc.results_analyser.GetJobNamedResultResponse",
            ".qm.grpc.results_analyser.SimulatorSamplesResponse.Data",
        ])
        .compile_fds(files)?;
    Ok(())
}

/// Says which messages are a whole request or answer: their code is made in this crate.
fn whole_messages(files: &prost_types::FileDescriptorSet) -> String {
    let methods =
        files.file.iter().flat_map(|file| &file.service).flat_map(|service| &service.method);
    let names: BTreeSet<_> =
        methods.flat_map(|method| [method.input_type(), method.output_type()]).collect();
    let paths = names
        .into_iter()
        .filter_map(|name| name.strip_prefix(".qm.grpc."))
        .map(|name| format!("crate::qm::grpc::{}", name.replace('.', "::")));
    format!("crate::whole_messages! {{ {} }}", paths.collect::<Vec<_>>().join(", "))
}
