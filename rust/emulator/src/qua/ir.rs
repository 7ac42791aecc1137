//! A checked program: names resolved to memory cells, elements to indices, kinds to operations.

use super::expr::{Array, Expr, Op};
use super::pulses::PulseStmt;
use super::value::Kind;

/// A program that compiled: it can be run any number of times.
#[derive(Debug)]
pub(crate) struct Program {
    /// The initial memory; scalars and arrays lie in it one after another.
    pub memory: Vec<i32>,
    /// The cell that stands for IO1 wherever cells are told apart; that of IO2 is the next.
    pub registers: u32,
    /// The statements.
    pub body: Block,
    /// Declared input streams, by the index that [`Stmt::Advance`] carries.
    pub inputs: Vec<Input>,
    /// The kinds of saved values, by the index of [`Stmt::Save`].
    pub streams: Vec<Kind>,
    /// What the program names of its configuration.
    pub refs: ProgramRefs,
    /// For each element, what stands for its oscillator among the cells, when others have it too.
    pub shared: Vec<Option<u32>>,
    /// The clock of each element; 0 is the program's own. Elements of one thread share one.
    pub clock_of: Vec<u32>,
    /// How many clocks there are.
    pub clocks: usize,
    /// Behind which statement of the body, counted from 1, each clock is not moved any more.
    pub last_moved: Vec<usize>,
    /// Whether statements wait for measured values.
    pub awaits: bool,
    /// Which outputs are delayed for the sake of others.
    pub alignment: Alignment,
    /// Where a fault can arise, by the index that statements and expressions carry.
    pub sites: Vec<Site>,
}

/// A place in the user's source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Site {
    /// The statement as users call it.
    pub statement: &'static str,
    /// What can go wrong there; empty for the statement as such.
    pub what: String,
    /// ` [File "…", line N: text]`, or empty.
    pub place: String,
}

/// The site of a statement that the compiler made by itself.
pub(crate) const NO_SITE: u32 = u32::MAX;

/// A declared input stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Input {
    /// The variable's name on the wire, `input_stream_` included.
    pub name: String,
    /// The kind of its cells.
    pub kind: Kind,
    /// Cells of one entry: 1 for a scalar.
    pub len: usize,
}

/// What a program names of its configuration: resolved when it is compiled, and again for each job.
#[derive(Clone, Debug, Default)]
pub(crate) struct ProgramRefs {
    /// Elements in the order in which the program names them.
    pub elements: Vec<String>,
    /// Elements (by index) and operations.
    pub pulses: Vec<(u32, String)>,
}

/// Flags of the compiler: what is not delayed for the sake of others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Alignment {
    /// `disable-filtered-ports-alignment`
    pub filtered_alone: bool,
    /// `disable-crosstalk-matrix-ports-alignment`
    pub crosstalk_alone: bool,
}

/// Statements in their order.
pub(crate) type Block = Box<[Stmt]>;

/// One statement.
#[derive(Debug)]
pub(crate) enum Stmt {
    /// `assign(v, e)`
    Assign { slot: u32, value: Expr },
    /// `assign(v, a + b)`, of cells; made by the pass `superinstructions`
    Calculate { slot: u32, op: Op, left: u32, right: u32 },
    /// `assign(v, a)`, of cells; made by the pass `superinstructions`
    Copy { slot: u32, from: u32 },
    /// `assign(a[i], e)`
    AssignCell { array: Array, index: Expr, value: Expr, site: u32 },
    /// `assign(IO1, e)`: the raw bits
    AssignIo { register: usize, value: Expr },
    /// `save(v, stream)`; `cells` are the measured ones that it depends on, found by the pass `measured_values`
    Save { stream: u32, value: Expr, cells: Box<[u32]>, site: u32 },
    /// `for_`, `while_` and `infinite_loop_`
    For { init: Block, condition: Expr, update: Block, body: Block, scope: Box<Scope> },
    /// `for_each_`: the arrays are walked together
    ForEach { pairs: Box<[(u32, Array)]>, len: u32, body: Block, scope: Box<Scope> },
    /// `if_`/`elif_`/`else_` and `switch_`
    If { arms: Box<[(Expr, Block)]>, otherwise: Block, site: u32 },
    /// `wait` of clock cycles on some elements
    Wait { clocks: Box<[u32]>, cycles: Expr, site: u32 },
    /// `align` of some elements, written or implied by flow control
    Align { clocks: Box<[u32]> },
    /// `pause()`, and its site
    Pause(u32),
    /// `advance_input_stream`
    Advance { input: u32, target: Array, site: u32 },
    /// What plays and measures, and its site.
    Pulse(Box<PulseStmt>, u32),
    /// Infinite loops that run beside each other.
    Parallel { loops: Box<[Branch]> },
    /// A value is known no sooner than those that it was computed from; made by the pass `measured_values`.
    Carry { to: u32, from: Box<[u32]> },
    /// The flow of control waits until measured values are known; made by the pass `measured_values`.
    Known { cells: Box<[u32]> },
    /// Clocks wait until measured values are known; made by the pass `measured_values`.
    Await { clocks: Box<[u32]>, cells: Box<[u32]> },
}

/// One of the infinite loops that run beside each other.
#[derive(Debug)]
pub(crate) struct Branch {
    pub body: Block,
    pub scope: Box<Scope>,
}

/// What a loop is about; filled by the pass `loop_scopes`. A simulation leaves a loop by it.
#[derive(Debug)]
pub(crate) struct Scope {
    pub site: u32,
    /// Whether it is a `for_`.
    pub counted: bool,
    /// The clocks that its statements move.
    pub clocks: Box<[u32]>,
    /// The cells that they write; an array is known by its first, the registers stand behind all cells.
    pub writes: Box<[u32]>,
    /// About how many statements a round runs, without the loops within it.
    pub weight: u64,
}

impl Scope {
    /// Of a loop that is being compiled.
    pub(crate) fn new(counted: bool) -> Box<Self> {
        let (clocks, writes) = (Box::default(), Box::default());
        Box::new(Self { site: NO_SITE, counted, clocks, writes, weight: 0 })
    }
}

impl Stmt {
    /// Notes where in the source a statement stands, unless that is known.
    pub(crate) fn stand_at(&mut self, place: u32) {
        let site = match self {
            Self::Save { site, .. }
            | Self::If { site, .. }
            | Self::Wait { site, .. }
            | Self::Pause(site)
            | Self::Advance { site, .. }
            | Self::Pulse(_, site) => site,
            Self::For { scope, .. } | Self::ForEach { scope, .. } => &mut scope.site,
            _ => return,
        };
        if *site == NO_SITE {
            *site = place;
        }
    }
}
