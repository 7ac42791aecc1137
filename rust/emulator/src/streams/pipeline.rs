//! Pipelines: planned with the program, run with each job.

use std::sync::Arc;

use super::error::StreamError;
use super::item::{Element, Item, Scalar, Type};
use super::operation::{Emitted, RunningOperator};
use super::operator::{Operator, Symbol};
use super::source::Source;
use super::store::{Output, Results};
use super::tree::{Argument, SourceForm, Terminal, Tree};
use crate::limits::Limits;
use crate::qua::value::{Kind, fixed_to_f64};

/// The stream processing of a program: checked, typed, without state.
#[derive(Debug, Default)]
pub(crate) struct ProcessingPlan {
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

#[derive(Clone, Copy, Debug)]
struct Leaf {
    stream: usize,
    form: SourceForm,
    /// The analog input whose raw samples it takes; 0 for saved values.
    input: u32,
    target: Target,
}

/// What stands between a stream and its first operator.
#[derive(Clone, Copy, Debug, Default)]
struct Wrapping {
    input: Option<u32>,
    trace: bool,
    reshape: bool,
}

impl ProcessingPlan {
    /// Plans a program's stream processing.
    ///
    /// # Errors
    /// A sentence for each result that cannot be made, by the name of what is in its way.
    pub(crate) fn new(
        terminals: Vec<Result<Terminal, StreamError>>,
        sources: &[Source],
        limits: &Limits,
    ) -> Result<Self, Vec<StreamError>> {
        let mut outputs: Vec<PlannedOutput> = Vec::new();
        let mut errors = Vec::new();
        for terminal in terminals {
            let planned = terminal.and_then(|terminal| {
                if outputs.iter().any(|output| output.name == terminal.name) {
                    return Err(StreamError(format!("result '{}' is saved twice", terminal.name)));
                }
                let mut planner =
                    Planner { sources, limits, nodes: Vec::new(), leaves: Vec::new() };
                let root = Target { node: None, port: 0 };
                let ty = planner
                    .plan(&terminal.pipeline, root)
                    .map_err(|error| format!("result '{}': {error}", terminal.name))?;
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
                Err(error) => errors.push(error),
            }
        }
        if errors.is_empty() {
            Ok(Self { outputs, buffered_values: limits.buffered_values })
        } else {
            Err(errors)
        }
    }

    /// Empty results of the resolved configurationht types, in the order of the program.
    pub(crate) fn results(&self, result_bytes: usize) -> Results {
        let output = |planned: &PlannedOutput| {
            Output::new(planned.name.clone(), planned.single, planned.ty.clone())
        };
        Results::new(self.outputs.iter().map(output).collect(), result_bytes)
    }

    /// The plan with fresh state, writing into `results`.
    pub(crate) fn start(&self, streams: usize, results: Arc<Results>) -> Pipelines {
        let mut sources = vec![Vec::new(); streams];
        let mut running = Vec::with_capacity(self.outputs.len());
        for (index, output) in self.outputs.iter().enumerate() {
            for leaf in &output.leaves {
                sources[leaf.stream].push((index, *leaf));
            }
            let nodes = output.nodes.iter();
            running.push(Running {
                nodes: nodes
                    .map(|node| (RunningOperator::new(&node.operator, &node.ty), node.target))
                    .collect(),
            });
        }
        Pipelines { sources, running, results, held: 0, most: self.buffered_values }
    }
}

struct Planner<'a> {
    sources: &'a [Source],
    limits: &'a Limits,
    nodes: Vec<Node>,
    leaves: Vec<Leaf>,
}

impl Planner<'_> {
    /// Plans what feeds `target`; gives the type of what arrives there.
    fn plan(&mut self, tree: &Tree, target: Target) -> Result<Type, StreamError> {
        match tree {
            Tree::Constant(_) => Err(StreamError("a constant where a stream is needed".to_owned())),
            Tree::Source { tag, form } => self.source(tag, *form, Wrapping::default(), target),
            Tree::Operator { name, .. } if name.starts_with("@macro_") => {
                let mut wrapping = Wrapping::default();
                let (tag, form) = unwrap(tree, &mut wrapping)?;
                self.wrapped(tag, form, wrapping, target)
            }
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
                    _ => return Err(StreamError(format!("the operator '{name}' is malformed"))),
                };
                self.bounded(name, &ty)?;
                self.nodes[here].operator = operator;
                self.nodes[here].ty = ty.clone();
                Ok(ty)
            }
        }
    }

    /// Whether items of a type have no more numbers than may be, whatever they are nested in.
    fn bounded(&self, name: &str, ty: &Type) -> Result<(), StreamError> {
        // Bytes of an item are counted in an int of the machine.
        let most = self.limits.buffered_values.min(isize::MAX as usize / 16);
        if ty.numbers().is_none_or(|numbers| numbers > most) {
            return Err(StreamError(format!(
                "the operator '{name}' makes items of more than {most} values"
            )));
        }
        Ok(())
    }

    /// A source that is shaped before its first operator: by the loops around the statement that feeds
    /// it (docs/protocol.md, "Stream processing"), and within that by the trace of a measurement.
    fn wrapped(
        &mut self,
        tag: &str,
        form: SourceForm,
        wrapping: Wrapping,
        target: Target,
    ) -> Result<Type, StreamError> {
        let stream = self.sources.iter().find(|stream| stream.tag == tag);
        let mut sizes = Vec::new();
        if wrapping.reshape {
            let loops = stream.and_then(|stream| stream.loops.clone());
            let loops = loops.ok_or(
                "auto_reshape needs a stream that one statement feeds, within loops whose counts are constants",
            )?;
            if !loops.is_empty() {
                sizes.push(loops);
            }
        }
        if wrapping.trace {
            let len = stream.and_then(|stream| stream.trace);
            let len = len.ok_or("an ADC trace of a stream that no measurement feeds")?;
            sizes.push(vec![len as usize]);
        }
        let mut target = target;
        let mut nodes = Vec::new();
        for size in sizes {
            let here = self.nodes.len();
            let placeholder = Type::scalar(Scalar::Int);
            self.nodes.push(Node { operator: Operator::Flatten, ty: placeholder, target });
            nodes.push((here, size));
            target = Target { node: Some(here), port: 0 };
        }
        let mut ty = self.source(tag, form, wrapping, target)?;
        for (here, size) in nodes.into_iter().rev() {
            let size: Vec<_> = size.iter().map(|n| Argument::Text(n.to_string())).collect();
            let most = self.limits.buffered_values;
            let (operator, buffered) = Operator::unary("buffer", &size, &ty, most)?;
            self.bounded("buffer", &buffered)?;
            self.nodes[here].operator = operator;
            self.nodes[here].ty = buffered.clone();
            ty = buffered;
        }
        Ok(ty)
    }

    fn source(
        &mut self,
        tag: &str,
        form: SourceForm,
        wrapping: Wrapping,
        target: Target,
    ) -> Result<Type, StreamError> {
        let stream = self.sources.iter().position(|stream| stream.tag == tag);
        // A stream that no statement saves to has no items, so that its type is never seen.
        let kind = stream.map_or(Kind::Int, |stream| self.sources[stream].kind);
        if let Some(stream) = stream {
            let raw = self.sources[stream].trace.is_some();
            if !raw && wrapping.input.is_some() {
                return Err(StreamError(format!(
                    "the stream '{tag}' has no analog inputs: no measurement feeds it"
                )));
            }
            // Raw samples of which no input was chosen are those of the first.
            let input = if raw { wrapping.input.unwrap_or(1) } else { 0 };
            self.leaves.push(Leaf { stream, form, input, target });
        }
        let value = Type::scalar(match kind {
            Kind::Int => Scalar::Int,
            Kind::Fixed => Scalar::Float,
            Kind::Bool => Scalar::Bool,
        });
        let timestamp = Type::scalar(Scalar::Int);
        Ok(match form {
            SourceForm::Values => value,
            SourceForm::Timestamps => timestamp,
            SourceForm::Both => Type {
                element: Element::Record(vec![("value", value), ("timestamp", timestamp)]),
                shape: Vec::new(),
            },
        })
    }
}

/// The source below what the client wraps it in, in whatever order.
fn unwrap<'t>(
    tree: &'t Tree,
    wrapping: &mut Wrapping,
) -> Result<(&'t str, SourceForm), StreamError> {
    match tree {
        Tree::Source { tag, form } => Ok((tag, *form)),
        Tree::Operator { name, arguments, inputs } => {
            match (name.as_str(), arguments.as_slice()) {
                ("@macro_input", [number]) => {
                    let number = number.count()?;
                    let input = u32::try_from(number).ok().filter(|input| matches!(input, 1 | 2));
                    wrapping.input =
                        Some(input.ok_or_else(|| format!("there is no analog input {number}"))?);
                }
                ("@macro_adc_trace", []) => wrapping.trace = true,
                ("@macro_auto_reshape", []) => wrapping.reshape = true,
                (other, _) => {
                    let name = other.trim_start_matches("@macro_");
                    return Err(StreamError(format!(
                        "the operator '{name}' is not supported by this emulator"
                    )));
                }
            }
            match inputs.as_slice() {
                [inner] => unwrap(inner, wrapping),
                _ => Err(StreamError(format!("the operator '{name}' is malformed"))),
            }
        }
        Tree::Constant(_) => Err(StreamError("a constant where a stream is needed".to_owned())),
    }
}

fn constant(tree: &Tree) -> Option<&Argument> {
    match tree {
        Tree::Constant(argument) => Some(argument),
        _ => None,
    }
}

impl SourceForm {
    fn item(self, value: Item, timestamp: i64) -> Item {
        match self {
            Self::Values => value,
            Self::Timestamps => Item::Int(timestamp),
            Self::Both => Item::Record(vec![value, Item::Int(timestamp)]),
        }
    }
}

#[derive(Debug)]
struct Running {
    nodes: Vec<(RunningOperator, Target)>,
}

/// The stream processing of one job.
#[derive(Debug)]
pub(crate) struct Pipelines {
    /// Who reads each stream: an output, and where it enters.
    sources: Vec<Vec<(usize, Leaf)>>,
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
    pub(crate) fn save(&mut self, stream: usize, kind: Kind, cell: i32, timestamp: i64) {
        let value = match kind {
            Kind::Int => Item::Int(i64::from(cell)),
            Kind::Fixed => Item::Float(fixed_to_f64(cell)),
            Kind::Bool => Item::Bool(cell != 0),
        };
        self.put(stream, &value, timestamp);
    }

    /// Takes one value, whatever its kind.
    #[inline]
    pub(crate) fn put(&mut self, stream: usize, value: &Item, timestamp: i64) {
        let Self { sources, running, results, held, most } = self;
        for (output, leaf) in &sources[stream] {
            if let (SourceForm::Values, Some(node)) = (leaf.form, leaf.target.node)
                && *held < *most
                && running[*output].nodes[node].0.gathers(value)
            {
                *held += 1;
                continue;
            }
            let reach = Reach { output: *output, results, held, most: *most };
            running[*output].enter(leaf, value, timestamp, reach);
        }
    }

    /// Whether anything reads the raw samples of an analog input from a stream.
    pub(crate) fn reads_input(&self, stream: usize, input: u32) -> bool {
        self.sources[stream].iter().any(|(_, leaf)| leaf.input == input)
    }

    /// Takes raw samples of an analog input, each with its time in nanoseconds.
    pub(crate) fn save_samples(
        &mut self,
        stream: usize,
        input: u32,
        samples: impl Iterator<Item = (i64, i64)> + Clone,
    ) {
        let Self { sources, running, results, held, most } = self;
        for (output, leaf) in sources[stream].iter().filter(|(_, leaf)| leaf.input == input) {
            let reach = &mut Reach { output: *output, results, held, most: *most };
            for (sample, at) in samples.clone() {
                running[*output].push(leaf.target, leaf.form.item(Item::Int(sample), at), reach);
            }
        }
    }
}

impl Running {
    /// A value goes in at a leaf.
    #[inline(never)]
    fn enter(&mut self, leaf: &Leaf, value: &Item, timestamp: i64, mut reach: Reach<'_>) {
        self.push(leaf.target, leaf.form.item(value.clone(), timestamp), &mut reach);
    }

    fn push(&mut self, at: Target, item: Item, reach: &mut Reach<'_>) {
        let Some(node) = at.node else {
            reach.results.push(reach.output, &item);
            return;
        };
        let (state, target) = &mut self.nodes[node];
        let target = *target;
        if state.holds(at.port) && reach.held.saturating_add(item.weight()) > reach.most {
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
