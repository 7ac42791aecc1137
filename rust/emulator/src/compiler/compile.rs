//! The compile step: every name, kind and reference of a program is checked here, and every
//! mistake is reported with its source location, so that running needs no look-ups and finds no
//! surprises.

use pulsewire_wire::qua::QuaProgram;
use pulsewire_wire::qua_config::qua_config::QuaConfigV1;

use super::errors::CompileError;
use super::msb::Msb;
use super::passes::{fill_scopes, fuse_operations, insert_releases, insert_waits, last_moved};
use super::state::Compiler;
use super::stream_processing::terminal;
use crate::config::Configuration;
use crate::limits::Limits;
use crate::qua::ir::{Alignment, Block, Program};
use crate::streams::ProcessingPlan;

/// A program as a client sends it.
#[derive(Clone, Debug, Default)]
pub(crate) struct SourceProgram(QuaProgram);

impl SourceProgram {
    /// From its message.
    pub(crate) fn from_wire(program: QuaProgram) -> Self {
        Self(program)
    }
}

/// A program and the stream processing that belongs to it.
#[derive(Debug)]
pub(crate) struct Compiled {
    /// What the job's thread runs.
    pub program: Program,
    /// How saved values become results.
    pub plan: ProcessingPlan,
}

/// Checks a program against a machine's configuration.
///
/// # Errors
/// Every mistake found, in the order of the program.
pub(crate) fn compile(
    program: &SourceProgram,
    config: &Configuration,
    limits: &Limits,
    msb: Msb,
) -> Result<Compiled, Vec<CompileError>> {
    compile_first_version(&program.0, config.first_version(), limits, msb)
}

/// [`compile`] of the messages themselves.
pub(crate) fn compile_first_version(
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
    let terminals = model.iter().map(terminal).collect();
    let plan = match ProcessingPlan::new(terminals, &compiler.streams, limits) {
        Ok(plan) => plan,
        Err(errors) => {
            compiler.errors.extend(errors.into_iter().map(CompileError::Stream));
            ProcessingPlan::default()
        }
    };
    if !compiler.errors.is_empty() {
        return Err(compiler.errors);
    }
    Ok(Compiled { program: finished(compiler, body, alignment(program)), plan })
}

/// The program, once all of its names are resolved: the passes.
fn finished(compiler: Compiler<'_>, body: Block, alignment: Alignment) -> Program {
    let sticky: Vec<bool> =
        compiler.resolved.elements.iter().map(|element| element.sticky.is_some()).collect();
    let oscillators: Vec<_> = compiler.resolved.elements.iter().map(|e| e.oscillator).collect();
    let Compiler { mut memory, inputs, streams, refs, clock_of, clocks, sites, .. } = compiler;
    let registers = memory.len() as u32;
    memory.extend([0, 0]);
    // What stands for an oscillator lies far behind all cells: nothing is kept there.
    let others = |one: &usize| oscillators.iter().filter(|o| **o == Some(*one)).count() > 1;
    let place = |one: usize| u32::MAX - one as u32;
    let shared = oscillators.iter().map(|o| o.filter(&others).map(place)).collect();
    let mut program = Program {
        memory,
        registers,
        last_moved: Vec::new(),
        body: insert_releases(body, &sticky, &clock_of),
        inputs,
        streams: streams.iter().map(|stream| stream.kind).collect(),
        refs,
        shared,
        clock_of,
        clocks,
        awaits: false,
        alignment,
        sites,
    };
    program.awaits = insert_waits(&mut program);
    // Waits for measured values stand before the statements they are for.
    program.last_moved = last_moved(&program.body, &program.clock_of, program.clocks);
    fill_scopes(&mut program);
    fuse_operations(&mut program);
    program
}

/// The flags that change which outputs are delayed.
fn alignment(program: &QuaProgram) -> Alignment {
    let flags = program.compiler_options.as_ref().map_or(&[][..], |options| &options.flags);
    let has = |name: &str| flags.iter().any(|flag| flag == name);
    Alignment {
        filtered_alone: has("disable-filtered-ports-alignment"),
        crosstalk_alone: has("disable-crosstalk-matrix-ports-alignment"),
    }
}

#[cfg(test)]
#[path = "compile_tests.rs"]
mod tests;
