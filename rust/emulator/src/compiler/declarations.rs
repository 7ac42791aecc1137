//! Declarations: variables, arrays, input streams, elements, streams.

use std::collections::HashMap;

use pulsewire_wire::qua::qua_program as q;

use super::literals::{kind_of, parse_literal};
use super::state::{Compiler, Variable};
use crate::config::resolved::ResolvedConfig;
use crate::limits::Limits;
use crate::qua::expr::Array;
use crate::qua::ir::Input;
use crate::qua::value::Kind;
use crate::streams::Source;

/// Digital routes of a controller.
const MOST_ROUTES: usize = 12;

/// What is wrong with a declaration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
struct DeclarationError(String);

impl Compiler<'_> {
    pub(super) fn declare_all(&mut self, declarations: &[q::VarDeclaration], limits: &Limits) {
        for declaration in declarations {
            if let Err(error) = self.declare(declaration, limits) {
                self.error("declare", format!("'{}': {error}", declaration.name), "");
            }
        }
    }

    fn declare(
        &mut self,
        declaration: &q::VarDeclaration,
        limits: &Limits,
    ) -> Result<(), DeclarationError> {
        if declaration.struct_member.is_some() {
            return Err(DeclarationError(
                "structs belong to QOP 3 and are not part of QOP 2".to_owned(),
            ));
        }
        let kind = kind_of(declaration.r#type).ok_or_else(|| {
            DeclarationError(format!("type number {} is not known", declaration.r#type))
        })?;
        let is_array = match declaration.dim {
            0 => false,
            1 => true,
            more => return Err(DeclarationError(format!("arrays have one dimension, not {more}"))),
        };
        let values = &declaration.value;
        let len = if is_array {
            let size = usize::try_from(declaration.size)
                .map_err(|_| DeclarationError(format!("bad size {}", declaration.size)))?;
            if !values.is_empty() && size != 0 && size != values.len() {
                return Err(DeclarationError(format!(
                    "size {size} but {} initial values",
                    values.len()
                )));
            }
            size.max(values.len())
        } else {
            if values.len() > 1 {
                return Err(DeclarationError(format!(
                    "{} initial values for a scalar",
                    values.len()
                )));
            }
            1
        };
        if len > limits.program_memory.saturating_sub(self.memory.len()) {
            return Err(DeclarationError(format!(
                "the program needs more than {} cells of memory",
                limits.program_memory
            )));
        }
        if self.variables.contains_key(&declaration.name) {
            return Err(DeclarationError("declared twice".to_owned()));
        }
        let cells = Array { base: self.memory.len() as u32, len: len as u32 };
        for value in values {
            let own = kind_of(value.r#type).unwrap_or(Kind::Int);
            let cell = parse_literal(&value.value, own, kind);
            self.memory.push(cell.map_err(|error| DeclarationError(error.to_string()))?);
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
            match ResolvedConfig::of_ports(self.config) {
                Ok(resolved) => self.resolved = resolved,
                Err(error) => {
                    self.mistake(error.to_string(), &reference.loc);
                    return None;
                }
            }
        }
        if let Err(error) = self.resolved.add_element(self.config, name) {
            self.mistake(error.to_string(), &reference.loc);
            return None;
        }
        self.elements.push(name.clone());
        self.refs.elements.push(name.clone());
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

    /// The digital inputs of all elements of a program, and one more
    /// where raw samples are recorded.
    pub(super) fn count_routes(&mut self) {
        let mut of: HashMap<&str, usize> = HashMap::new();
        for marker in self.resolved.elements.iter().flat_map(|element| &element.markers) {
            *of.entry(&self.resolved.digital()[marker.output].port.controller).or_default() += 1;
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
            self.streams.push(Source { tag: tag.to_owned(), kind, trace: None, loops });
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
            self.streams.push(Source { tag, kind, trace: Some(len), loops });
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
