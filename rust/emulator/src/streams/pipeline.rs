//! Pipelines: planned with the program, run with each job.

use std::sync::Arc;

use prost_types::ListValue;

use super::item::{Element, Item, Scalar, Type};
use super::operate::{Emitted, State};
use super::operator::{Operator, Symbol};
use super::parse::{self, Argument, Mode, Tree};
use super::store::{Output, Results};
use crate::limits::Limits;
use crate::program::ir::Stream;
use crate::program::value::{Kind, fixed_to_f64};

/// The stream processing of a program: checked, typed, without state.
#[derive(Debug, Default)]
pub struct Plan {
    outputs: Vec<PlannedOutput>,
    buffered_values: usize,
}

#[derive(Debug)]
struct PlannedOutput {
    name: String,
    single: bool,
    ty: Type,
    nodes: Vec<Node>,
    leaves: Vec<Leaf>,
}

/// Where an item goes next: a node and its input, or the store.
#[derive(Clone, Copy, Debug)]
struct Target {
    node: Option<usize>,
    port: usize,
}

#[derive(Debug)]
struct Node {
    operator: Operator,
    ty: Type,
    target: Target,
}

#[derive(Debug)]
struct Leaf {
    stream: usize,
    mode: Mode,
    target: Target,
}

impl Plan {
    /// Plans a program's stream processing.
    ///
    /// # Errors
    /// A sentence for each result that cannot be made, by the name of what is in its way.
    pub fn new(
        model: &[ListValue],
        streams: &[Stream],
        limits: &Limits,
    ) -> Result<Self, Vec<String>> {
        let mut outputs: Vec<PlannedOutput> = Vec::new();
        let mut errors = Vec::new();
        for entry in model {
            let planned = parse::terminal(entry).and_then(|terminal| {
                if outputs.iter().any(|output| output.name == terminal.name) {
                    return Err(format!("result '{}' is saved twice", terminal.name));
                }
                let mut planner =
                    Planner { streams, limits, nodes: Vec::new(), leaves: Vec::new() };
                let root = Target { node: None, port: 0 };
                let ty = planner
                    .plan(&terminal.pipeline, root)
                    .map_err(|message| format!("result '{}': {message}", terminal.name))?;
                let Planner { nodes, leaves, .. } = planner;
                Ok(PlannedOutput {
                    name: terminal.name,
                    single: terminal.single,
                    ty,
                    nodes,
                    leaves,
                })
            });
            match planned {
                Ok(output) => outputs.push(output),
                Err(message) => errors.push(message),
            }
        }
        if errors.is_empty() {
            Ok(Self { outputs, buffered_values: limits.buffered_values })
        } else {
            Err(errors)
        }
    }

    /// Empty results of the right types, in the order of the program.
    pub fn results(&self, result_bytes: usize) -> Results {
        let output = |planned: &PlannedOutput| {
            Output::new(planned.name.clone(), planned.single, planned.ty.clone())
        };
        Results::new(self.outputs.iter().map(output).collect(), result_bytes)
    }

    /// The plan with fresh state, writing into `results`.
    pub fn start(&self, streams: usize, results: Arc<Results>) -> Pipelines {
        let mut sources = vec![Vec::new(); streams];
        let mut running = Vec::with_capacity(self.outputs.len());
        for (index, output) in self.outputs.iter().enumerate() {
            for leaf in &output.leaves {
                sources[leaf.stream].push((index, leaf.mode, leaf.target));
            }
            let nodes = output.nodes.iter();
            running.push(Running {
                nodes: nodes
                    .map(|node| (State::new(&node.operator, &node.ty), node.target))
                    .collect(),
            });
        }
        Pipelines { sources, running, results, held: 0, most: self.buffered_values }
    }
}

struct Planner<'a> {
    streams: &'a [Stream],
    limits: &'a Limits,
    nodes: Vec<Node>,
    leaves: Vec<Leaf>,
}

impl Planner<'_> {
    /// Plans what feeds `target`; gives the type of what arrives there.
    fn plan(&mut self, tree: &Tree, target: Target) -> Result<Type, String> {
        match tree {
            Tree::Constant(_) => Err("a constant where a stream is needed".to_owned()),
            Tree::Source { tag, mode } => Ok(self.source(tag, *mode, target)),
            Tree::Operator { name, arguments, inputs } => {
                // The node's place is taken before its inputs are planned, as they point to it.
                let here = self.nodes.len();
                let placeholder = Type::scalar(Scalar::Int);
                self.nodes.push(Node { operator: Operator::Flatten, ty: placeholder, target });
                let input = |port| Target { node: Some(here), port };
                let symbol = match name.as_str() {
                    "+" => Some(Symbol::Add),
                    "-" => Some(Symbol::Subtract),
                    "*" => Some(Symbol::Multiply),
                    "/" => Some(Symbol::Divide),
                    _ => None,
                };
                let (operator, ty) = match (symbol, inputs.as_slice()) {
                    (Some(symbol), [left, right]) => {
                        let mut side = |tree: &Tree, port| match tree {
                            Tree::Constant(_) => Ok(None),
                            tree => self.plan(tree, input(port)).map(Some),
                        };
                        let types = (side(left, 0)?, side(right, 1)?);
                        Operator::arithmetic(
                            symbol,
                            (types.0.as_ref(), constant(left)),
                            (types.1.as_ref(), constant(right)),
                        )?
                    }
                    (None, [argument, receiver]) if name == "zip" => {
                        // On the wire the argument of zip comes first; its receiver is value_0.
                        let second = self.plan(argument, input(1))?;
                        let first = self.plan(receiver, input(0))?;
                        Operator::zip(&first, &second)
                    }
                    (None, [source]) => {
                        let ty = self.plan(source, input(0))?;
                        Operator::unary(name, arguments, &ty, self.limits.buffered_values)?
                    }
                    _ => return Err(format!("the operator '{name}' is malformed")),
                };
                self.nodes[here].operator = operator;
                self.nodes[here].ty = ty.clone();
                Ok(ty)
            }
        }
    }

    fn source(&mut self, tag: &str, mode: Mode, target: Target) -> Type {
        let stream = self.streams.iter().position(|stream| stream.tag == tag);
        // A stream that no statement saves to has no items, so that its type is never seen.
        let kind = stream.map_or(Kind::Int, |stream| self.streams[stream].kind);
        if let Some(stream) = stream {
            self.leaves.push(Leaf { stream, mode, target });
        }
        let value = Type::scalar(match kind {
            Kind::Int => Scalar::Int,
            Kind::Fixed => Scalar::Float,
            Kind::Bool => Scalar::Bool,
        });
        let timestamp = Type::scalar(Scalar::Int);
        match mode {
            Mode::Values => value,
            Mode::Timestamps => timestamp,
            Mode::Both => Type {
                element: Element::Record(vec![("value", value), ("timestamp", timestamp)]),
                shape: Vec::new(),
            },
        }
    }
}

fn constant(tree: &Tree) -> Option<&Argument> {
    match tree {
        Tree::Constant(argument) => Some(argument),
        _ => None,
    }
}

#[derive(Debug)]
struct Running {
    nodes: Vec<(State, Target)>,
}

/// The stream processing of one job.
#[derive(Debug)]
pub struct Pipelines {
    /// Who reads each stream: an output, in which form, and where it enters.
    sources: Vec<Vec<(usize, Mode, Target)>>,
    running: Vec<Running>,
    results: Arc<Results>,
    /// The weight of what all operators hold back, and its limit.
    held: usize,
    most: usize,
}

/// What a running pipeline reaches besides its own operators.
struct Reach<'a> {
    output: usize,
    results: &'a Results,
    held: &'a mut usize,
    most: usize,
}

impl Pipelines {
    /// Takes a saved value; `timestamp` is in nanoseconds from the program's start.
    pub fn save(&mut self, stream: usize, kind: Kind, cell: i32, timestamp: i64) {
        let Self { sources, running, results, held, most } = self;
        for (output, mode, target) in &sources[stream] {
            let value = match kind {
                Kind::Int => Item::Int(i64::from(cell)),
                Kind::Fixed => Item::Float(fixed_to_f64(cell)),
                Kind::Bool => Item::Bool(cell != 0),
            };
            let item = match mode {
                Mode::Values => value,
                Mode::Timestamps => Item::Int(timestamp),
                Mode::Both => Item::Record(vec![value, Item::Int(timestamp)]),
            };
            let reach = &mut Reach { output: *output, results, held, most: *most };
            running[*output].push(*target, item, reach);
        }
    }
}

impl Running {
    fn push(&mut self, at: Target, item: Item, reach: &mut Reach<'_>) {
        let Some(node) = at.node else {
            reach.results.push(reach.output, &item);
            return;
        };
        let (state, target) = &mut self.nodes[node];
        let target = *target;
        if state.holds(at.port) && *reach.held + item.weight() > reach.most {
            // One side never came, or more is gathered than may be: what is dropped is data loss.
            reach.results.lose();
            return;
        }
        let before = state.weight();
        let emitted = state.push(at.port, item);
        *reach.held = *reach.held + state.weight() - before;
        match emitted {
            Emitted::Nothing => {}
            Emitted::One(item) => self.push(target, item, reach),
            Emitted::Many(items) => {
                for item in items {
                    self.push(target, item, reach);
                }
            }
        }
    }
}

#[cfg(test)]
#[path = "pipeline_tests.rs"]
mod tests;
