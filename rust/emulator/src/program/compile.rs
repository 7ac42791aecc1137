//! The compile step: every name, kind and reference of a program is checked here, and every
//! mistake is reported with its source location, so that running needs no look-ups and finds no
//! surprises.

use std::collections::HashMap;

use pulsewire_wire::qua::{QuaProgram, qua_program as q};
use pulsewire_wire::qua_config::qua_config::QuaConfigV1;

use super::depend::{depend, moved};
use super::function::Msb;
use super::fuse::fuse;
use super::ir::{Array, Block, Input, Program, Site, Stmt, Stream};
use super::pulse_ir::PulseStmt;
use super::pulse_statement::pulse;
use super::scope::scope;
use super::value::{Kind, parse_literal};
use crate::limits::Limits;
use crate::pulse::rig::{Alignment, Parts, Rig};
use crate::streams::pipeline::Plan;

/// Digital routes of a controller.
const MOST_ROUTES: usize = 12;

/// A program and the stream processing that belongs to it.
#[derive(Debug)]
pub struct Compiled {
    /// What the job's thread runs.
    pub program: Program,
    /// How saved values become results.
    pub plan: Plan,
}

/// One mistake, with the place in the user's source where the client saw the statement.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CompileError {
    /// A mistake in a statement or a declaration.
    #[error("{statement}: {message}{}", place(.loc))]
    Statement {
        /// The statement as users call it.
        statement: String,
        /// What is wrong and what to do.
        message: String,
        /// `File "…", line N: text`, or empty.
        loc: String,
    },
    /// A mistake in stream processing, which carries no location on the wire.
    #[error("stream_processing: {0}")]
    Stream(String),
}

fn place(loc: &str) -> String {
    // The client leaves the line's own end in.
    let loc = loc.trim_end();
    if loc.is_empty() { String::new() } else { format!(" [{loc}]") }
}

/// Checks a program against a machine's configuration.
///
/// # Errors
/// Every mistake found, in the order of the program.
pub fn compile(
    program: &QuaProgram,
    config: &QuaConfigV1,
    limits: &Limits,
    msb: Msb,
) -> Result<Compiled, Vec<CompileError>> {
    let mut compiler = Compiler::new(config, msb);
    let script = program.script.clone().unwrap_or_default();
    compiler.declare_all(&script.variables, limits);
    if !script.external_streams.is_empty() {
        compiler.error(
            "declare_external_stream",
            "external streams belong to QOP 3 and are not part of QOP 2",
            "",
        );
    }
    let body = script.body.as_ref().map_or_else(Box::default, |body| compiler.block(body, ""));
    compiler.count_routes();
    let model = program.result_analysis.as_ref().map_or(&[][..], |analysis| &analysis.model);
    let plan = match Plan::new(model, &compiler.streams, limits) {
        Ok(plan) => plan,
        Err(messages) => {
            compiler.errors.extend(messages.into_iter().map(CompileError::Stream));
            Plan::default()
        }
    };
    if !compiler.errors.is_empty() {
        return Err(compiler.errors);
    }
    let sticky: Vec<bool> =
        compiler.rig.elements.iter().map(|element| element.sticky.is_some()).collect();
    let oscillators: Vec<_> = compiler.rig.elements.iter().map(|e| e.oscillator).collect();
    let Compiler { mut memory, inputs, streams, parts, clock_of, clocks, sites, .. } = compiler;
    let registers = memory.len() as u32;
    memory.extend([0, 0]);
    // What stands for an oscillator lies far behind all cells: nothing is kept there.
    let others = |one: &usize| oscillators.iter().filter(|o| **o == Some(*one)).count() > 1;
    let place = |one: usize| u32::MAX - one as u32;
    let shared = oscillators.iter().map(|o| o.filter(&others).map(place)).collect();
    let body = released(body, &sticky, &clock_of);
    let mut program = Program {
        memory,
        registers,
        last_moved: Vec::new(),
        body,
        inputs,
        streams,
        parts,
        shared,
        clock_of,
        clocks,
        awaits: false,
        alignment: alignment(program),
        sites,
    };
    program.awaits = depend(&mut program);
    // Waits for measured values stand before the statements they are for.
    program.last_moved = last_moved(&program.body, &program.clock_of, program.clocks);
    scope(&mut program);
    fuse(&mut program);
    Ok(Compiled { program, plan })
}

/// Behind which statement of the body each clock is not moved any more: 0 for one that never is.
fn last_moved(body: &[Stmt], clock_of: &[u32], count: usize) -> Vec<usize> {
    let mut last = vec![0; count];
    for (index, statement) in body.iter().enumerate() {
        for clock in moved([std::slice::from_ref(statement)], clock_of) {
            last[clock as usize] = index + 1;
        }
    }
    last
}

/// docs/1.1.7/Guides/features: a sticky element ramps down when it has reached its last instruction.
fn released(body: Block, sticky: &[bool], clock_of: &[u32]) -> Block {
    if !sticky.contains(&true) {
        return body;
    }
    let moved: Vec<Vec<u32>> =
        body.iter().map(|statement| moved([std::slice::from_ref(statement)], clock_of)).collect();
    let elements = || (0..sticky.len()).filter(|element| sticky[*element]);
    let last = |element: usize| moved.iter().rposition(|all| all.contains(&clock_of[element]));
    let ends: Vec<(usize, usize)> =
        elements().filter_map(|element| last(element).map(|index| (index, element))).collect();
    let mut out = Vec::with_capacity(body.len() + ends.len());
    for (index, statement) in body.into_vec().into_iter().enumerate() {
        out.push(statement);
        for (_, element) in ends.iter().filter(|(last, _)| *last == index) {
            let element = *element as u32;
            out.push(pulse(PulseStmt::Release { element }));
        }
    }
    out.into_boxed_slice()
}

/// docs/1.1.7/Guides/features: the flags that change which outputs are delayed.
fn alignment(program: &QuaProgram) -> Alignment {
    let flags = program.compiler_options.as_ref().map_or(&[][..], |options| &options.flags);
    let has = |name: &str| flags.iter().any(|flag| flag == name);
    Alignment {
        filtered_alone: has("disable-filtered-ports-alignment"),
        crosstalk_alone: has("disable-crosstalk-matrix-ports-alignment"),
    }
}

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
    pub(super) streams: Vec<Stream>,
    /// The program's elements and pulses, as far as they were met, and what they are.
    pub(super) elements: Vec<String>,
    pub(super) parts: Parts,
    pub(super) rig: Rig,
    pub(super) pulses: HashMap<(u32, String), u32>,
    pub(super) clock_of: Vec<u32>,
    pub(super) clocks: usize,
    threads: HashMap<String, u32>,
    /// How often the loops around the statement run, outermost first, where that is known.
    pub(super) loops: Vec<Option<usize>>,
    pub(super) sites: Vec<Site>,
    pub(super) errors: Vec<CompileError>,
    /// The statement being compiled, for messages of the expressions in it.
    pub(super) statement: &'static str,
    pub(super) loc: String,
}

impl<'a> Compiler<'a> {
    fn new(config: &'a QuaConfigV1, msb: Msb) -> Self {
        Self {
            config,
            msb,
            variables: HashMap::new(),
            memory: Vec::new(),
            inputs: Vec::new(),
            streams: Vec::new(),
            elements: Vec::new(),
            parts: Parts::default(),
            rig: Rig::default(),
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

    fn declare_all(&mut self, declarations: &[q::VarDeclaration], limits: &Limits) {
        for declaration in declarations {
            if let Err(message) = self.declare(declaration, limits) {
                self.error("declare", format!("'{}': {message}", declaration.name), "");
            }
        }
    }

    fn declare(&mut self, declaration: &q::VarDeclaration, limits: &Limits) -> Result<(), String> {
        if declaration.struct_member.is_some() {
            return Err("structs belong to QOP 3 and are not part of QOP 2".to_owned());
        }
        let kind = Kind::from_wire(declaration.r#type)
            .ok_or_else(|| format!("type number {} is not known", declaration.r#type))?;
        let is_array = match declaration.dim {
            0 => false,
            1 => true,
            more => return Err(format!("arrays have one dimension, not {more}")),
        };
        let values = &declaration.value;
        let len = if is_array {
            let size = usize::try_from(declaration.size)
                .map_err(|_| format!("bad size {}", declaration.size))?;
            if !values.is_empty() && size != 0 && size != values.len() {
                return Err(format!("size {size} but {} initial values", values.len()));
            }
            size.max(values.len())
        } else {
            if values.len() > 1 {
                return Err(format!("{} initial values for a scalar", values.len()));
            }
            1
        };
        if len > limits.program_memory.saturating_sub(self.memory.len()) {
            return Err(format!(
                "the program needs more than {} cells of memory",
                limits.program_memory
            ));
        }
        if self.variables.contains_key(&declaration.name) {
            return Err("declared twice".to_owned());
        }
        let cells = Array { base: self.memory.len() as u32, len: len as u32 };
        for value in values {
            let own = Kind::from_wire(value.r#type).unwrap_or(Kind::Int);
            self.memory.push(parse_literal(&value.value, own, kind)?);
        }
        self.memory.resize(cells.cells().end, 0);
        let input = declaration.is_input_stream.then(|| {
            self.inputs.push(Input { name: declaration.name.clone(), kind, len });
            (self.inputs.len() - 1) as u32
        });
        self.variables.insert(declaration.name.clone(), Variable { kind, cells, is_array, input });
        Ok(())
    }

    pub(super) fn scalar(&mut self, name: &str, loc: &str) -> Option<Variable> {
        let found = self.variables.get(name).copied();
        match found {
            None => self.mistake(format!("unknown variable '{name}'"), loc),
            Some(variable) if variable.is_array => {
                self.mistake(format!("'{name}' is an array where a scalar is needed"), loc);
            }
            Some(_) => return found,
        }
        None
    }

    pub(super) fn array(
        &mut self,
        reference: Option<&q::ArrayVarRefExpression>,
    ) -> Option<Variable> {
        let Some(reference) = reference else {
            self.mistake("the array's name is missing", "");
            return None;
        };
        if reference.struct_var.is_some() {
            self.mistake("structs belong to QOP 3 and are not part of QOP 2", &reference.loc);
            return None;
        }
        let found = self.variables.get(&reference.name).copied();
        match found {
            None => self.mistake(format!("unknown array '{}'", reference.name), &reference.loc),
            Some(variable) if !variable.is_array => self.mistake(
                format!("'{}' is a scalar where an array is needed", reference.name),
                &reference.loc,
            ),
            Some(_) => return found,
        }
        None
    }

    /// The index of an element among the program's.
    pub(super) fn element(&mut self, reference: &q::QuantumElementReference) -> Option<u32> {
        let name = &reference.name;
        if let Some(known) = self.elements.iter().position(|known| known == name) {
            return Some(known as u32);
        }
        let Some(element) = self.config.elements.get(name) else {
            self.mistake(
                format!(
                    "unknown element '{name}': the machine's configuration has none of that name"
                ),
                &reference.loc,
            );
            return None;
        };
        if self.elements.is_empty() {
            match Rig::of_ports(self.config) {
                Ok(rig) => self.rig = rig,
                Err(message) => {
                    self.mistake(message, &reference.loc);
                    return None;
                }
            }
        }
        if let Err(message) = self.rig.add_element(self.config, name) {
            self.mistake(message, &reference.loc);
            return None;
        }
        self.elements.push(name.clone());
        self.parts.elements.push(name.clone());
        // Elements of one thread never play at the same time: they share a clock.
        let thread = element.thread.as_ref().map(|thread| thread.thread_name.clone());
        let shared = thread.as_ref().and_then(|thread| self.threads.get(thread)).copied();
        let clock = shared.unwrap_or_else(|| {
            self.clocks += 1;
            self.clocks as u32 - 1
        });
        if let Some(thread) = thread {
            self.threads.insert(thread, clock);
        }
        self.clock_of.push(clock);
        Some(self.elements.len() as u32 - 1)
    }

    /// docs/1.1.7/Introduction/qua_overview: the digital inputs of all elements of a program, and one more
    /// where raw samples are recorded.
    fn count_routes(&mut self) {
        let mut of: HashMap<&str, usize> = HashMap::new();
        for marker in self.rig.elements.iter().flat_map(|element| &element.markers) {
            *of.entry(&self.rig.digital[marker.output].port.controller).or_default() += 1;
        }
        let inputs = of.values().copied().max().unwrap_or(0);
        let traces = self.streams.iter().any(|stream| stream.trace.is_some());
        let routes = inputs + usize::from(traces);
        if routes > MOST_ROUTES {
            self.error(
                "program",
                format!(
                    "no resources are left: the elements of the program have {inputs} digital inputs on one controller{}; there are {MOST_ROUTES} routes",
                    if traces { ", and an ADC trace uses one more" } else { "" }
                ),
                "",
            );
        }
    }

    /// The index of the stream with a tag; a new one is made for the first that saves to it.
    pub(super) fn stream(&mut self, tag: &str, kind: Kind) -> Option<u32> {
        let Some(known) = self.streams.iter().position(|stream| stream.tag == tag) else {
            let loops = self.loops.iter().copied().collect();
            self.streams.push(Stream { tag: tag.to_owned(), kind, trace: None, loops });
            return Some(self.streams.len() as u32 - 1);
        };
        let stream = &mut self.streams[known];
        // Two statements feed it: no loop tells how many values make a round.
        stream.loops = None;
        let (first, raw) = (stream.kind, stream.trace.is_some());
        if first != kind || raw {
            let before = if raw { "raw samples" } else { first.name() };
            self.mistake(
                format!(
                    "bad type: the stream '{tag}' gets {} here and {before} before",
                    kind.name()
                ),
                "",
            );
            return None;
        }
        Some(known as u32)
    }

    /// The index of the stream with a tag, for the raw samples of a measurement.
    pub(super) fn adc_stream(&mut self, tag: &str, len: u32) -> Option<u32> {
        let known = self.streams.iter().position(|stream| stream.tag == tag);
        let Some(known) = known else {
            let (tag, kind) = (tag.to_owned(), Kind::Int);
            let loops = self.loops.iter().copied().collect();
            self.streams.push(Stream { tag, kind, trace: Some(len), loops });
            return Some(self.streams.len() as u32 - 1);
        };
        let stream = &mut self.streams[known];
        // Two statements feed it: no loop tells how many values make a round.
        stream.loops = None;
        match stream.trace {
            Some(before) if before == len => Some(known as u32),
            Some(before) => {
                self.mistake(
                    format!(
                        "the stream '{tag}' gets {len} samples of each measurement here and {before} before"
                    ),
                    "",
                );
                None
            }
            None => {
                self.mistake(
                    format!("bad type: the stream '{tag}' gets raw samples here and values before"),
                    "",
                );
                None
            }
        }
    }
}

#[cfg(test)]
#[path = "compile_tests.rs"]
mod tests;
