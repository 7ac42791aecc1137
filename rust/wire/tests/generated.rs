//! The generated code is what protox and prost make of `protos/`; neither is needed to build pulsewire.
//!
//! `make protos` runs this to write the code anew.
#![allow(missing_docs)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use prost::Message as _;
use prost_types::FileDescriptorSet;

const FILES: &[&str] = &[
    "io/qualang/api/v1/info_service.proto",
    "qm/pb/frontend.proto",
    "qm/pb/job_manager.proto",
    "qm/pb/job_results.proto",
];
/// The older path of a service: it has no messages of its own.
const LEGACY: &str = "qm/pb/job_manager_legacy.proto";

fn descriptors(files: &[&str], comments: bool) -> FileDescriptorSet {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../protos");
    let mut compiler = protox::Compiler::new([root]).unwrap();
    compiler.include_imports(true).include_source_info(comments).open_files(files).unwrap();
    compiler.file_descriptor_set()
}

/// All files, by their names.
fn generated() -> BTreeMap<String, Vec<u8>> {
    let files = descriptors(FILES, true);
    let whole = whole_messages(&files);
    let requests = files
        .file
        .into_iter()
        .map(|file| (prost_build::Module::from_protobuf_package_name(file.package()), file));
    let code = prost_build::Config::new()
        // Results are handed on by reference counting, never copied on the way to the socket.
        .bytes([
            ".qm.grpc.results_analyser.GetJobNamedResultResponse",
            ".qm.grpc.results_analyser.SimulatorSamplesResponse.Data",
        ])
        .generate(requests.collect())
        .unwrap();
    let mut all: BTreeMap<_, _> = code
        .into_iter()
        .map(|(module, code)| (module.to_file_name_or("_"), code.into_bytes()))
        // Those are in prost-types.
        .filter(|(name, _)| !name.starts_with("google."))
        .collect();
    all.insert("whole_messages.rs".to_owned(), whole.into_bytes());
    let every = [FILES, &[LEGACY]].concat();
    all.insert("descriptors.bin".to_owned(), descriptors(&every, false).encode_to_vec());
    all
}

/// Says which messages are a whole request or answer: their code is made in this crate.
fn whole_messages(files: &FileDescriptorSet) -> String {
    let services = files.file.iter().flat_map(|file| &file.service);
    let methods = services.flat_map(|service| &service.method);
    let names: BTreeSet<_> =
        methods.flat_map(|method| [method.input_type(), method.output_type()]).collect();
    let paths = names
        .into_iter()
        .filter_map(|name| name.strip_prefix(".qm.grpc."))
        .map(|name| format!("    crate::qm::grpc::{},\n", name.replace('.', "::")));
    format!("crate::whole_messages! {{\n{}}}\n", paths.collect::<String>())
}

fn committed() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/generated")
}

#[test]
fn the_committed_code_is_made_of_protos() {
    let (generated, committed) = (generated(), committed());
    if std::env::var_os("PULSEWIRE_GENERATE").is_some() {
        let _ = std::fs::remove_dir_all(&committed);
        std::fs::create_dir(&committed).unwrap();
        for (name, bytes) in generated {
            std::fs::write(committed.join(name), bytes).unwrap();
        }
        return;
    }
    let files = std::fs::read_dir(&committed).unwrap().map(|file| file.unwrap());
    let found: BTreeMap<_, _> = files
        .map(|file| {
            let name = file.file_name().into_string().unwrap();
            // git may give text its line ends on Windows.
            let bytes = std::fs::read(file.path()).unwrap();
            let text = name.ends_with(".rs");
            let bytes = bytes.into_iter().filter(|byte| !text || *byte != b'\r').collect();
            (name, bytes)
        })
        .collect();
    let names = |of: &BTreeMap<String, Vec<u8>>| of.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&found), names(&generated), "run `make protos`");
    for (name, bytes) in &generated {
        assert!(found[name] == *bytes, "{name} is not what protos/ says: run `make protos`");
    }
}
