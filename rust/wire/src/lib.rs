//! The wire interface of the QOP 2 gateway: the messages that `protos/` defines, as Rust types.
//!
//! The messages are made from `protos/`; its README tells where each name and number comes from.
#![forbid(unsafe_code)]
#![allow(missing_docs, clippy::all, rustdoc::all)]

mod whole;

pub use whole::WholeMessage;

/// `io.qualang.api.v1`: the gateway's version and capabilities.
pub mod info {
    include!(concat!(env!("OUT_DIR"), "/io.qualang.api.v1.rs"));
}

/// The packages below `qm.grpc`, nested as prost's cross-references need them.
pub mod qm {
    pub mod grpc {
        pub mod compiler {
            include!(concat!(env!("OUT_DIR"), "/qm.grpc.compiler.rs"));
        }
        pub mod errors {
            include!(concat!(env!("OUT_DIR"), "/qm.grpc.errors.rs"));
        }
        pub mod frontend {
            include!(concat!(env!("OUT_DIR"), "/qm.grpc.frontend.rs"));
        }
        pub mod general_messages {
            include!(concat!(env!("OUT_DIR"), "/qm.grpc.general_messages.rs"));
        }
        pub mod job_manager {
            include!(concat!(env!("OUT_DIR"), "/qm.grpc.job_manager.rs"));
        }
        pub mod qm_api {
            include!(concat!(env!("OUT_DIR"), "/qm.grpc.qm_api.rs"));
        }
        pub mod qm_manager {
            include!(concat!(env!("OUT_DIR"), "/qm.grpc.qm_manager.rs"));
        }
        pub mod qua {
            include!(concat!(env!("OUT_DIR"), "/qm.grpc.qua.rs"));
        }
        pub mod qua_config {
            include!(concat!(env!("OUT_DIR"), "/qm.grpc.qua_config.rs"));
        }
        pub mod results_analyser {
            include!(concat!(env!("OUT_DIR"), "/qm.grpc.results_analyser.rs"));
        }
    }
}

pub use qm::grpc::{
    compiler, errors, frontend, general_messages, job_manager, qm_api, qm_manager, qua, qua_config,
    results_analyser as results,
};

/// The serialized `FileDescriptorSet` of everything above, for tests that compare it with the
/// vendor client's.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
