//! The language of a gateway: which calls it has, what they carry, how its answers read.
//!
//! A [`Dialect`] is chosen when the client introduces itself. Its methods take and give the values of
//! [`crate::types`]; nothing else in the client knows a message of the wire. They make no call themselves: each
//! gives a [`Call`], bytes and how to read the answer, which the client sends with its deadlines and retries.

mod dialect;
mod qop2;
mod structure;

use std::sync::Arc;

use pulsewire_wire::WholeMessage;
use pulsewire_wire::info::{GetInfoRequest, GetInfoResponse};

pub(crate) use dialect::{
    Call, Dialect, Info, PushFields, PushTemplate, Read, Refusal, SamplesHeader, SimulationAnswer,
    Unreadable,
};
pub use structure::{Fields, Node, Structure, Values as NodeValues};

/// The name by which pulsewire's emulator introduces itself (docs/emulator.md, "Order").
const EMULATOR: &str = "pulsewire-emulator";

/// What any gateway is asked first.
pub(crate) fn info() -> Call<Info> {
    Call::new("/io.qualang.api.v1.InfoService/GetInfo", &GetInfoRequest {}, |answer| {
        let answer = GetInfoResponse::from_bytes(answer)?;
        let who = answer.implementation.unwrap_or_default();
        // Of the instrument's own gateway it is not known.
        let in_order = who.name == EMULATOR;
        Ok(Info { version: who.version, capabilities: answer.capabilities, in_order })
    })
}

/// The dialect of the gateway that says so of itself.
pub(crate) fn dialect(info: &Info) -> Arc<dyn Dialect> {
    Arc::new(qop2::Qop2::new(&info.capabilities))
}
