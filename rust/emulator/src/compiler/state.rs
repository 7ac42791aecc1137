//! The state of a compilation: what was declared, which elements and pulses were met, what is wrong.

use std::collections::HashMap;

use pulsewire_wire::qua_config::qua_config::QuaConfigV1;

use super::errors::{CompileError, place};
use super::msb::Msb;
use crate::config::resolved::ResolvedConfig;
use crate::qua::expr::Array;
use crate::qua::ir::{Input, ProgramRefs, Site};
use crate::qua::value::Kind;
use crate::streams::Source;

/// What a declared name stands for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Variable {
    pub(super) kind: Kind,
    pub(super) cells: Array,
    pub(super) is_array: bool,
    /// The index among the input streams, when it is one.
    pub(super) input: Option<u32>,
}

pub(super) struct Compiler<'a> {
    pub(super) config: &'a QuaConfigV1,
    pub(super) msb: Msb,
    pub(super) variables: HashMap<String, Variable>,
    pub(super) memory: Vec<i32>,
    pub(super) inputs: Vec<Input>,
    pub(super) streams: Vec<Source>,
    /// The program's elements and pulses, as far as they were met, and what they are.
    pub(super) elements: Vec<String>,
    pub(super) refs: ProgramRefs,
    pub(super) resolved: ResolvedConfig,
    pub(super) pulses: HashMap<(u32, String), u32>,
    pub(super) clock_of: Vec<u32>,
    pub(super) clocks: usize,
    pub(super) threads: HashMap<String, u32>,
    /// How often the loops around the statement run, outermost first, where that is known.
    pub(super) loops: Vec<Option<usize>>,
    pub(super) sites: Vec<Site>,
    pub(super) errors: Vec<CompileError>,
    /// The statement being compiled, for messages of the expressions in it.
    pub(super) statement: &'static str,
    pub(super) loc: String,
}

impl<'a> Compiler<'a> {
    pub(super) fn new(config: &'a QuaConfigV1, msb: Msb) -> Self {
        Self {
            config,
            msb,
            variables: HashMap::new(),
            memory: Vec::new(),
            inputs: Vec::new(),
            streams: Vec::new(),
            elements: Vec::new(),
            refs: ProgramRefs::default(),
            resolved: ResolvedConfig::default(),
            pulses: HashMap::new(),
            clock_of: Vec::new(),
            clocks: 1,
            threads: HashMap::new(),
            loops: Vec::new(),
            sites: Vec::new(),
            errors: Vec::new(),
            statement: "program",
            loc: String::new(),
        }
    }

    pub(super) fn error(&mut self, statement: &str, message: impl Into<String>, loc: &str) {
        let statement = statement.to_owned();
        self.errors.push(CompileError::Statement {
            statement,
            message: message.into(),
            loc: loc.to_owned(),
        });
    }

    /// Reports a mistake in the statement being compiled; the nearest location wins.
    pub(super) fn mistake(&mut self, message: impl Into<String>, loc: &str) {
        let loc = if loc.is_empty() { self.loc.clone() } else { loc.to_owned() };
        self.error(self.statement, message, &loc);
    }

    /// A number for a place where running can go wrong, for the execution report.
    pub(super) fn site(&mut self, what: String, loc: &str) -> u32 {
        let loc = if self.loc.is_empty() { loc } else { &self.loc };
        self.sites.push(Site { statement: self.statement, what, place: place(loc) });
        (self.sites.len() - 1) as u32
    }
}
