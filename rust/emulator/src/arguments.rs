//! The emulator's command line, for its own binary and for `python -m pulsewire emulator`.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::PathBuf;

use lexopt::prelude::{Long, Short, ValueExt};
use serde_json::{Map, Value};

use crate::compiler::Msb;
use crate::emulator::{Builder, Emulator};
use crate::limits::Limits;
use crate::qua::timing::Timing;
use crate::signal::readout::{ModelError, Models, Qubit, Readout};

/// The port that it listens on where nobody says another.
const PORT: u16 = 9510;

/// Nanoseconds of a second.
const NS: f64 = 1e9;

/// What a command line asks for.
#[derive(Debug)]
pub enum Command {
    /// To run an emulator.
    Run(Box<Builder>),
    /// To be told the options.
    Help,
}

/// Why a command line cannot be.
#[derive(Debug, thiserror::Error)]
pub enum ArgumentError {
    /// It is not understood.
    #[error("{0}")]
    Usage(String),
    /// The readout model cannot be read.
    #[error("{}: {reason}", path.display())]
    Model {
        /// Its file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
}

impl From<lexopt::Error> for ArgumentError {
    fn from(error: lexopt::Error) -> Self {
        Self::Usage(error.to_string())
    }
}

/// The options, for a reader.
pub fn usage(program: &str) -> String {
    let limits = Limits::NAMES.join(", ");
    let (timings, msbs) = (Timing::NAMES.join(", "), Msb::NAMES.join(", "));
    format!(
        "\
usage: {program} [options]

An emulator of the QOP 2.6 gateway that executes QUA programs, until Ctrl-C or SIGTERM.

  --host HOST         address to listen on (default: 127.0.0.1)
  --port PORT         port to listen on (default: {PORT}; 0: any free one)
  --realtime          waits last as long as they would on the instrument
  --timing NAME       what the real system adds to a program's own time: {timings}
                      (default: qop-2.4; ideal: nothing)
  --msb NAME          what Math.msb gives of an int: {msbs} (default: manual;
                      2025: 28 less)
  --readout FILE      a readout model as JSON: {{element: {{\"ground\": [I, Q], \"excited\": [I, Q],
                      \"noise\": …, \"qubit\": {{\"element\": …, \"pi\": …, \"t1\": …}}}}}}, with
                      the arguments of pulsewire.Readout and Qubit: volts, Hz, seconds
  --seed NUMBER       of the readout model's noise (default: 0)
  --limit NAME=VALUE  what clients may make it hold, once or more often: {limits}
  -h, --help          shows this"
    )
}

impl Command {
    /// Reads the arguments behind the program's name.
    ///
    /// # Errors
    /// [`ArgumentError`], which says what is wrong.
    pub fn parse(
        arguments: impl IntoIterator<Item: Into<OsString>>,
    ) -> Result<Self, ArgumentError> {
        let mut parser = lexopt::Parser::from_args(arguments);
        let mut builder = Emulator::builder().port(PORT);
        let (mut limits, mut models) = (Limits::default(), Models::default());
        while let Some(argument) = parser.next()? {
            builder = match argument {
                Long("help") | Short('h') => return Ok(Self::Help),
                Long("realtime") => builder.realtime(true),
                Long("host") => builder.host(parser.value()?.string()?),
                Long("port") => builder.port(parser.value()?.parse()?),
                Long("timing") => {
                    let name = parser.value()?.string()?;
                    let known = Timing::named(&name);
                    builder.timing(known.ok_or_else(|| one_of("timing", &name, &Timing::NAMES))?)
                }
                Long("msb") => {
                    let name = parser.value()?.string()?;
                    let known = Msb::named(&name);
                    builder.msb(known.ok_or_else(|| one_of("msb", &name, &Msb::NAMES))?)
                }
                Long("seed") => {
                    models.seed = parser.value()?.parse()?;
                    builder
                }
                Long("readout") => {
                    models.readouts = readouts_of_file(parser.value()?.into())?;
                    builder
                }
                Long("limit") => {
                    set_limit(&mut limits, &parser.value()?.string()?)?;
                    builder
                }
                _ => return Err(argument.unexpected().into()),
            };
        }
        Ok(Self::Run(Box::new(builder.limits(limits).readout(models))))
    }
}

fn one_of(option: &str, given: &str, known: &[&str]) -> ArgumentError {
    ArgumentError::Usage(format!("--{option} is one of {}, not '{given}'", known.join(", ")))
}

fn set_limit(limits: &mut Limits, given: &str) -> Result<(), ArgumentError> {
    let wrong = || {
        let known = Limits::NAMES.join(", ");
        ArgumentError::Usage(format!("--limit is NAME=VALUE with one of {known}, not '{given}'"))
    };
    let (name, value) = given.split_once('=').ok_or_else(wrong)?;
    let value: usize = value.parse().map_err(|_| wrong())?;
    // With no client nobody would ever get in.
    if name == "clients" && value == 0 {
        return Err(wrong());
    }
    *limits.by_name(name).ok_or_else(wrong)? = value;
    Ok(())
}

fn readouts_of_file(path: PathBuf) -> Result<HashMap<String, Readout>, ArgumentError> {
    let read = || {
        let text = std::fs::read_to_string(&path).map_err(|error| error.to_string())?;
        let readouts = readouts(&text).map_err(|error| error.to_string())?;
        let models = Models { readouts, seed: 0 };
        models.check().map_err(|error| error.to_string())?;
        Ok(models.readouts)
    };
    read().map_err(|reason| ArgumentError::Model { path: path.clone(), reason })
}

/// The readout models of a JSON text, by element.
fn readouts(text: &str) -> Result<HashMap<String, Readout>, ModelError> {
    let given: Value =
        serde_json::from_str(text).map_err(|error| ModelError::new(error.to_string()))?;
    let Value::Object(elements) = given else {
        return Err(ModelError::new("it has no object of elements".to_owned()));
    };
    let mut found = HashMap::new();
    for (element, settings) in elements {
        let read = Fields::new(&settings).and_then(readout);
        let read = read
            .map_err(|reason| ModelError::new(format!("the readout of '{element}': {reason}")))?;
        found.insert(element, read);
    }
    Ok(found)
}

fn readout(mut fields: Fields) -> Result<Readout, String> {
    let ground = fields.pair("ground")?.unwrap_or([0.01, 0.0]);
    let qubit = match fields.0.remove("qubit") {
        None | Some(Value::Null) => None,
        Some(given) => Some(qubit(Fields::new(&given)?)?),
    };
    let read = Readout {
        ground,
        excited: fields.pair("excited")?.unwrap_or(ground),
        noise: fields.number("noise")?.unwrap_or(0.0),
        frequency: fields.number("frequency")?,
        linewidth: fields.number("linewidth")?.unwrap_or(0.0),
        shift: fields.number("shift")?.unwrap_or(0.0),
        photons: fields.pair("photons")?.unwrap_or([0.0, 0.0]),
        qubit,
    };
    fields.end()?;
    Ok(read)
}

fn qubit(mut fields: Fields) -> Result<Qubit, String> {
    let mut decay = |name| -> Result<f64, String> {
        Ok(fields.number(name)?.map_or(f64::INFINITY, |seconds| seconds * NS))
    };
    let (t1, t2, t2_star) = (decay("t1")?, decay("t2")?, decay("t2_star")?);
    let read = Qubit {
        element: fields.text("element")?,
        pi: fields.text("pi")?,
        frequency: fields.number("frequency")?,
        t1,
        t2,
        t2_star,
    };
    fields.end()?;
    Ok(read)
}

/// The fields of an object that were not read yet.
struct Fields(Map<String, Value>);

impl Fields {
    fn new(given: &Value) -> Result<Self, String> {
        match given {
            Value::Object(fields) => Ok(Self(fields.clone())),
            other => Err(format!("{other} is no object")),
        }
    }

    fn number(&mut self, name: &str) -> Result<Option<f64>, String> {
        match self.0.remove(name) {
            None | Some(Value::Null) => Ok(None),
            Some(given) => number(&given).map(Some).ok_or_else(|| format!("{name} is {given}")),
        }
    }

    fn pair(&mut self, name: &str) -> Result<Option<[f64; 2]>, String> {
        let Some(given) = self.0.remove(name).filter(|given| !given.is_null()) else {
            return Ok(None);
        };
        let pair = match given.as_array().map(Vec::as_slice) {
            Some([first, second]) => number(first).zip(number(second)),
            _ => None,
        };
        let (first, second) = pair.ok_or_else(|| format!("{name} is {given}, no pair"))?;
        Ok(Some([first, second]))
    }

    fn text(&mut self, name: &str) -> Result<String, String> {
        match self.0.remove(name) {
            Some(Value::String(text)) => Ok(text),
            _ => Err(format!("its qubit has no text '{name}'")),
        }
    }

    /// Refuses what nobody read.
    fn end(self) -> Result<(), String> {
        match self.0.keys().next() {
            None => Ok(()),
            Some(name) => Err(format!("'{name}' is no argument")),
        }
    }
}

fn number(given: &Value) -> Option<f64> {
    given.as_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_has_the_arguments_of_python_in_its_units() {
        let text = r#"{"ro": {"ground": [0.01, 0], "noise": 0.05, "qubit":
            {"element": "q", "pi": "x180", "t1": 1e-5}}}"#;
        let found = readouts(text).unwrap();
        let readout = &found["ro"];
        assert_eq!((readout.ground, readout.excited), ([0.01, 0.0], [0.01, 0.0]));
        let qubit = readout.qubit.as_ref().unwrap();
        assert_eq!((&*qubit.pi, qubit.t1.round(), qubit.t2), ("x180", 10_000.0, f64::INFINITY));
        for bad in [
            "[]",
            "{",
            r#"{"ro": 1}"#,
            r#"{"ro": {"ground": [1]}}"#,
            r#"{"ro": {"noise": "x"}}"#,
            r#"{"ro": {"nois": 1}}"#,
            r#"{"ro": {"qubit": {"element": "q"}}}"#,
        ] {
            assert!(readouts(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn arguments_that_cannot_be_are_told() {
        let parsed = |given: &[&str]| Command::parse(given.iter().copied());
        assert!(matches!(parsed(&["-h"]), Ok(Command::Help)));
        assert!(matches!(
            parsed(&["--port", "0", "--timing=ideal", "--limit", "machines=3", "--seed", "7"]),
            Ok(Command::Run(_))
        ));
        for (bad, told) in [
            (&["--port", "70000"][..], "70000"),
            (&["--msb", "x"], "manual, 2025"),
            (&["--limit", "machines"], "NAME=VALUE"),
            (&["--limit", "clients=0"], "clients"),
            (&["--nonsense"], "nonsense"),
            (&["--host"], "host"),
            (&["--readout", "/nowhere/model.json"], "/nowhere/model.json"),
        ] {
            let error = parsed(bad).unwrap_err().to_string();
            assert!(error.contains(told), "{error}");
        }
    }
}
