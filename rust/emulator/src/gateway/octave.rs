//! The service of an octave, at the same port: a call's header says of which one.
//!
//! Modules' settings are kept as they stand on the wire, so that this knows their numbers and not their meaning.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use prost::Message;
use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};
use pulsewire_wire::whole_messages;
use tokio::time::{MissedTickBehavior, interval};
use tonic::Status;

use super::fast_path::frame::Streamed;
use super::service::{Call, Gateway};
use crate::control::octave::{CLOCK, MODULES, MOTHERBOARD, Module, Settings};

/// The header that names the octave.
const NAME: &str = "x-grpc-service";
/// The number of the index in every update of a module that has one.
const INDEX: u32 = 1;
/// The motherboard among modules; its updates have another number.
const MOTHERBOARD_MODULE: i32 = 5;
/// What the main board answers when it took a setting.
const TAKEN: u8 = 32;
const VERSION: &str = "pulsewire";
/// How often a health that nobody set a time for is told.
const HEALTH: Duration = Duration::from_secs(5);
const DEGREES: f32 = 40.0;

whole_messages!(
    Nothing,
    Controlled,
    Updates,
    Outcome,
    Acquire,
    Acquired,
    Explored,
    Monitored,
    Health,
    HealthAnswer,
    Text
);

/// A request or an answer of which nothing is read or said.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Nothing {}

/// `UpdateRequest`: each update is left as it is.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Updates {
    #[prost(bytes = "bytes", repeated, tag = "1")]
    updates: Vec<Bytes>,
}

/// `ControlResponse`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Controlled {
    #[prost(bytes = "bytes", tag = "1")]
    read: Bytes,
}

/// Whether something was done, and why not.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Outcome {
    #[prost(bool, tag = "1")]
    success: bool,
    #[prost(string, tag = "2")]
    message: String,
}

/// `ModuleReference`.
#[derive(Clone, Copy, PartialEq, Message)]
pub(super) struct Reference {
    #[prost(int32, tag = "1")]
    kind: i32,
    #[prost(int32, tag = "2")]
    index: i32,
}

/// `AquireRequest`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Acquire {
    #[prost(message, repeated, tag = "1")]
    modules: Vec<Reference>,
}

/// `AquireResponse`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Acquired {
    #[prost(message, optional, tag = "1")]
    state: Option<Updates>,
}

/// A module with what it is called, or with its temperature.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Found {
    #[prost(message, optional, tag = "1")]
    module: Option<Reference>,
    #[prost(string, tag = "2")]
    id: String,
}

/// `ExploreResponse`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Explored {
    #[prost(message, repeated, tag = "1")]
    modules: Vec<Found>,
}

/// How a module is.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Condition {
    #[prost(message, optional, tag = "1")]
    module: Option<Reference>,
    #[prost(float, tag = "2")]
    temperature: f32,
}

/// `MonitorResponse`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Monitored {
    #[prost(message, repeated, tag = "1")]
    modules: Vec<Condition>,
}

/// `HealthRequest`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Health {
    #[prost(uint32, tag = "1")]
    seconds: u32,
}

/// `HealthResponse`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct HealthAnswer {
    #[prost(message, optional, tag = "1")]
    explored: Option<Explored>,
    #[prost(message, optional, tag = "2")]
    monitored: Option<Monitored>,
}

/// `GetVersionResponse`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Text {
    #[prost(string, tag = "1")]
    text: String,
}

/// An update as a module and its settings.
fn read(update: &[u8]) -> Result<(Module, Settings), prost::DecodeError> {
    let mut rest = update;
    let (kind, wire_type) = decode_key(&mut rest)?;
    if wire_type != WireType::LengthDelimited {
        return Ok(((0, 0), Settings::new()));
    }
    let len = decode_varint(&mut rest)? as usize;
    let mut inner = rest.get(..len).unwrap_or_default();
    let (mut index, mut settings) = (0, Settings::new());
    while !inner.is_empty() {
        let before = inner;
        let (number, wire_type) = decode_key(&mut inner)?;
        if number == INDEX && wire_type == WireType::Varint {
            index = decode_varint(&mut inner)? as u32;
            continue;
        }
        skip_field(wire_type, number, &mut inner, DecodeContext::default())?;
        let setting = &before[..before.len() - inner.len()];
        settings.insert(number, Bytes::copy_from_slice(setting));
    }
    Ok(((kind, if matches!(kind, CLOCK | MOTHERBOARD) { 0 } else { index }), settings))
}

/// A module and its settings as an update.
fn written((kind, index): Module, mut settings: Settings) -> Bytes {
    let mut inner = BytesMut::new();
    if index > 0 {
        prost::encoding::uint32::encode(INDEX, &index, &mut inner);
    } else if let Some(first) = settings.remove(&INDEX) {
        inner.extend_from_slice(&first);
    }
    settings.values().for_each(|setting| inner.extend_from_slice(setting));
    let mut update = BytesMut::new();
    prost::encoding::bytes::encode(kind, &inner.freeze(), &mut update);
    update.freeze()
}

fn references() -> impl Iterator<Item = Reference> {
    let of = |(kind, count): (u32, u32)| {
        (1..=count as i32).map(move |index| Reference { kind: kind as i32, index })
    };
    let board = Reference { kind: MOTHERBOARD_MODULE, index: 1 };
    MODULES.into_iter().flat_map(of).chain([board])
}

fn explored() -> Explored {
    let modules = references().map(|module| Found {
        module: Some(module),
        id: format!("emulated {}.{}", module.kind, module.index),
    });
    Explored { modules: modules.collect() }
}

fn monitored() -> Monitored {
    // The board is not among those that tell a temperature.
    let modules = references().filter(|module| module.kind != MOTHERBOARD_MODULE);
    let condition = |module| Condition { module: Some(module), temperature: DEGREES };
    Monitored { modules: modules.map(condition).collect() }
}

fn name<T>(call: &Call<T>) -> String {
    let given = call.headers.get(NAME).and_then(|value| value.to_str().ok());
    given.unwrap_or_default().to_owned()
}

impl Gateway {
    pub(super) async fn octave_version(&self, _: Call<Nothing>) -> Result<Text, Status> {
        Ok(Text { text: VERSION.to_owned() })
    }

    /// Settings of the main board that are for service only: all are taken.
    pub(super) async fn octave_control(&self, _: Call<Nothing>) -> Result<Controlled, Status> {
        Ok(Controlled { read: Bytes::from_static(&[TAKEN]) })
    }

    pub(super) async fn octave_update(&self, call: Call<Updates>) -> Result<Outcome, Status> {
        let octave = name(&call);
        for update in &call.message.updates {
            let read = read(update).map_err(|error| Status::internal(error.to_string()))?;
            if let Err(message) = self.octaves.update(&octave, read.0, read.1) {
                return Ok(Outcome { success: false, message });
            }
        }
        Ok(Outcome { success: true, message: String::new() })
    }

    pub(super) async fn octave_acquire(&self, call: Call<Acquire>) -> Result<Acquired, Status> {
        let octave = name(&call);
        let asked = call.message.modules.iter().map(|module| match module.kind {
            MOTHERBOARD_MODULE => (MOTHERBOARD, 0),
            kind => (kind as u32, module.index.max(0) as u32),
        });
        let mut modules: Vec<Module> = asked.collect();
        if modules.is_empty() {
            let of = |(kind, count)| (1..=count).map(move |index| (kind, index));
            modules = MODULES.into_iter().flat_map(of).collect();
            modules.extend([(CLOCK, 0), (MOTHERBOARD, 0)]);
        }
        let update = |module| written(module, self.octaves.settings(&octave, module));
        let updates = modules.into_iter().map(update).collect();
        Ok(Acquired { state: Some(Updates { updates }) })
    }

    /// Nothing of its own: the client then knows what octaves are like.
    pub(super) async fn octave_identify(&self, _: Call<Nothing>) -> Result<Nothing, Status> {
        Ok(Nothing {})
    }

    pub(super) async fn octave_explore(&self, _: Call<Nothing>) -> Result<Explored, Status> {
        Ok(explored())
    }

    pub(super) async fn octave_monitor(&self, _: Call<Nothing>) -> Result<Monitored, Status> {
        Ok(monitored())
    }

    /// The state that an octave starts with: nothing is set.
    pub(super) async fn octave_recall(&self, call: Call<Nothing>) -> Result<Outcome, Status> {
        self.octaves.reset(&name(&call));
        Ok(Outcome { success: true, message: String::new() })
    }

    pub(super) async fn octave_save(&self, _: Call<Nothing>) -> Result<Outcome, Status> {
        Ok(Outcome { success: false, message: "the emulator's octaves save nothing".to_owned() })
    }

    pub(super) async fn octave_list(&self, _: Call<Nothing>) -> Result<Nothing, Status> {
        Ok(Nothing {})
    }

    /// How it is, again and again, until the client goes.
    pub(super) async fn octave_health(
        &self,
        call: Call<Health>,
    ) -> Result<Streamed<HealthAnswer>, Status> {
        let given = Duration::from_secs(u64::from(call.message.seconds));
        let mut ticks = interval(if given.is_zero() { HEALTH } else { given });
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let answers = futures_util::stream::unfold(ticks, |mut ticks| async move {
            ticks.tick().await;
            let answer = HealthAnswer { explored: Some(explored()), monitored: Some(monitored()) };
            Some((Ok(answer), ticks))
        });
        Ok(Box::pin(answers))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn updates_are_told_as_they_were_given() {
        // `synth { index: 3, gain { value: 5 } }`, and the index last.
        for update in
            [&b"\x22\x06\x08\x03\x32\x02\x08\x05"[..], b"\x22\x06\x32\x02\x08\x05\x08\x03"]
        {
            let (module, settings) = read(update).unwrap();
            assert_eq!(module, (4, 3));
            assert_eq!(&written(module, settings)[..], b"\x22\x06\x08\x03\x32\x02\x08\x05");
        }
        // `motherboard { fan_speed { value: 0.5 } }`: its field 1 is no index.
        let board = b"\x32\x0b\x0a\x09\x09\0\0\0\0\0\0\xe0\x3f";
        let (module, settings) = read(board).unwrap();
        assert_eq!(module, (MOTHERBOARD, 0));
        assert_eq!(&written(module, settings)[..], board);
    }

    #[test]
    fn what_is_cut_or_no_update_does_not_panic() {
        for update in [&b""[..], b"\x22", b"\x22\x06\x08", b"\xff\xff\xff\xff\xff", b"\x08\x03"] {
            let _ = read(update);
        }
        assert!(read(b"\x22\x02\x32\x09").is_err());
    }
}
