//! The wire interface of the QOP 2 gateway: the messages that `protos/` defines, as Rust types.
//!
//! `src/generated` is made from `protos/` by `make protos`; its README tells where each name and number comes
//! from.
#![forbid(unsafe_code)]
#![allow(missing_docs, clippy::all, rustdoc::all)]

mod whole;

pub use whole::WholeMessage;

/// `io.qualang.api.v1`: the gateway's version and capabilities.
pub mod info {
    include!("generated/io.qualang.api.v1.rs");
}

/// The packages below `qm.grpc`, nested as prost's cross-references need them.
pub mod qm {
    pub mod grpc {
        pub mod compiler {
            include!("generated/qm.grpc.compiler.rs");
        }
        pub mod errors {
            include!("generated/qm.grpc.errors.rs");
        }
        pub mod frontend {
            include!("generated/qm.grpc.frontend.rs");
        }
        pub mod general_messages {
            include!("generated/qm.grpc.general_messages.rs");
        }
        pub mod job_manager {
            include!("generated/qm.grpc.job_manager.rs");
        }
        pub mod qm_api {
            include!("generated/qm.grpc.qm_api.rs");
        }
        pub mod qm_manager {
            include!("generated/qm.grpc.qm_manager.rs");
        }
        pub mod qua {
            include!("generated/qm.grpc.qua.rs");
        }
        pub mod qua_config {
            include!("generated/qm.grpc.qua_config.rs");
        }
        pub mod results_analyser {
            include!("generated/qm.grpc.results_analyser.rs");
        }
    }
}

pub use qm::grpc::{
    compiler, errors, frontend, general_messages, job_manager, qm_api, qm_manager, qua, qua_config,
    results_analyser as results,
};
