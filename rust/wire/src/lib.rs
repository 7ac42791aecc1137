//! The wire interface of the QOP 2 gateway: what `protos/` defines, as Rust types and stubs.
//!
//! Nothing is written by hand here; `protos/README.md` tells where each name and number comes from.
#![forbid(unsafe_code)]
#![allow(missing_docs, clippy::all, rustdoc::all)]

/// `io.qualang.api.v1`: the gateway's version and capabilities.
pub mod info {
    tonic::include_proto!("io.qualang.api.v1");
}

/// The packages below `qm.grpc`, nested as prost's cross-references need them.
pub mod qm {
    pub mod grpc {
        pub mod compiler {
            tonic::include_proto!("qm.grpc.compiler");
        }
        pub mod errors {
            tonic::include_proto!("qm.grpc.errors");
        }
        pub mod frontend {
            tonic::include_proto!("qm.grpc.frontend");
        }
        pub mod general_messages {
            tonic::include_proto!("qm.grpc.general_messages");
        }
        pub mod job_manager {
            tonic::include_proto!("qm.grpc.job_manager");
        }
        /// The older path of the JobManager service.
        pub mod job_manager_legacy {
            include!(concat!(env!("OUT_DIR"), "/legacy/qm.grpc.job_manager.rs"));
        }
        pub mod qm_api {
            tonic::include_proto!("qm.grpc.qm_api");
        }
        pub mod qm_manager {
            tonic::include_proto!("qm.grpc.qm_manager");
        }
        pub mod qua {
            tonic::include_proto!("qm.grpc.qua");
        }
        pub mod qua_config {
            tonic::include_proto!("qm.grpc.qua_config");
        }
        pub mod results_analyser {
            tonic::include_proto!("qm.grpc.results_analyser");
        }
    }
}

pub use qm::grpc::{
    compiler, errors, frontend, general_messages, job_manager, job_manager_legacy, qm_api,
    qm_manager, qua, qua_config, results_analyser as results,
};

/// The serialized `FileDescriptorSet` of everything above, for tests that compare it with the
/// vendor client's.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
