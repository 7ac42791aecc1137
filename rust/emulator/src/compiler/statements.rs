//! Statements: what is supported becomes a statement of the IR, everything else is refused by name.

use pulsewire_wire::qua::qua_program as q;
use q::any_statement::StatementOneof as S;

use super::pulses::pulse_statement;
use super::state::Compiler;
use crate::qua::effects::{EVERY_CLOCK, named_clocks};
use crate::qua::expr::{Expr, Op};
use crate::qua::ir::{Block, Branch, NO_SITE, Scope, Stmt};
use crate::qua::pulses::PulseStmt;
use crate::qua::value::Kind;

impl Compiler<'_> {
    /// Compiles statements; `loc` is where their owner is, for those that carry no location.
    pub(super) fn block(&mut self, block: &q::StatementsCollection, loc: &str) -> Block {
        let mut out = Vec::with_capacity(block.statements.len());
        let mut endless = 0;
        for statement in &block.statements {
            let Some(statement) = statement.statement_oneof.as_ref() else {
                self.error("program", "an empty statement", loc);
                continue;
            };
            let before = out.len();
            let outer = (self.statement, std::mem::take(&mut self.loc));
            self.statement = name_of(statement);
            self.loc = loc_of(statement).unwrap_or(loc).to_owned();
            self.statement(statement, &mut out);
            if out.len() > before {
                let site = self.site(String::new(), "");
                out[before..].iter_mut().for_each(|made| made.stand_at(site));
            }
            (self.statement, self.loc) = outer;
            // Also within strict_timing_(), which leaves no trace.
            let forever = out[before..].last().is_some_and(is_endless);
            if endless > 0 && !forever && out.len() > before {
                self.error(
                    name_of(statement),
                    "comes after an infinite_loop_() and would never run",
                    loc_of(statement).unwrap_or(loc),
                );
            }
            endless += usize::from(forever);
        }
        if endless > 1 {
            beside(&mut out);
        }
        out.into_boxed_slice()
    }

    fn statement(&mut self, statement: &S, out: &mut Vec<Stmt>) {
        match statement {
            S::Assign(assign) => out.extend(self.assign(assign)),
            S::Save(save) => out.extend(self.save(save)),
            S::For(statement) => {
                let compiled = self.for_loop(statement);
                push_aligned(compiled, out);
            }
            S::ForEach(statement) => {
                let compiled = self.for_each(statement);
                push_aligned(compiled, out);
            }
            S::If(statement) => self.branches(statement, out),
            S::StrictTiming(strict) => {
                // Nothing here can make a gap: the statements stand as they are.
                if let Some(body) = &strict.body {
                    let loc = self.loc.clone();
                    out.extend(self.block(body, &loc).into_vec());
                }
            }
            S::Wait(wait) => out.extend(self.wait(wait)),
            S::Align(align) => {
                let clocks = self.clocks(&align.qe);
                out.extend(clocks.map(|clocks| Stmt::Align { clocks }));
            }
            S::Pause(_) => out.push(Stmt::Pause(self.site("stands still".to_owned(), ""))),
            S::AdvanceInputStream(advance) => out.extend(self.advance(advance)),
            S::Play(play) => out.extend(self.play(play)),
            S::Measure(measure) => out.extend(self.measure(measure)),
            S::UpdateFrequency(update) => out.extend(self.frequency(update)),
            S::ZRotation(rotation) => out.extend(self.rotation(rotation)),
            S::FastFrameRotation(rotation) => out.extend(self.fast_rotation(rotation)),
            S::ResetFrame(reset) => {
                out.extend(
                    self.plain(reset.qe.as_ref(), |element| PulseStmt::ResetFrame { element }),
                );
            }
            S::ResetPhase(reset) => {
                out.extend(
                    self.plain(reset.qe.as_ref(), |element| PulseStmt::ResetPhase { element }),
                );
            }
            S::ResetGlobalPhase(_) => out.push(pulse_statement(PulseStmt::ResetGlobalPhase)),
            S::UpdateCorrection(update) => out.extend(self.correction(update)),
            S::SetDcOffset(set) => out.extend(self.offset(set)),
            S::RampToZero(ramp) => out.extend(self.ramp_to_zero(ramp)),
            S::WaitForTrigger(wait) => out.extend(self.trigger(wait)),
            S::UpdateOscillatorFrequency(_)
            | S::LoadWaveform(_)
            | S::SendToExternalStream(_)
            | S::ReceiveFromExternalStream(_)
            | S::GlobalVariableAssignment(_) => {
                self.mistake("belongs to QOP 3 and is not part of QOP 2", "");
            }
            S::Sync(_) | S::Rus(_) | S::Qrun(_) | S::Arbitrary(_) | S::ArbitraryContext(_) => {
                self.mistake("is a statement that no QUA client makes; it is not supported", "");
            }
        }
    }

    fn assign(&mut self, assign: &q::AssignmentStatement) -> Option<Stmt> {
        use q::assignment_statement::target::Target;
        use q::var_ref_expression::VarOneof;
        let value = assign.expression.as_ref();
        let target = assign.target.as_ref().and_then(|target| target.target.as_ref());
        match target {
            Some(Target::Variable(variable)) => match variable.var_oneof.as_ref() {
                Some(VarOneof::Name(name)) => {
                    let target = self.scalar(name, &variable.loc);
                    let value = self.expression(value, target.map_or(Kind::Int, |t| t.kind));
                    Some(Stmt::Assign { slot: target?.cells.base, value: value? })
                }
                Some(VarOneof::IoNumber(number)) => {
                    let register = self.io(*number, &variable.loc);
                    let (value, _) = self.typed(value, None)?;
                    Some(Stmt::AssignIo { register: register?, value })
                }
                None => {
                    self.mistake("the target's name is missing", &variable.loc);
                    None
                }
            },
            Some(Target::ArrayCell(cell)) => {
                let target = self.cell(cell);
                let kind = target.as_ref().map_or(Kind::Int, |(variable, ..)| variable.kind);
                let value = self.expression(value, kind);
                let (variable, index, site) = target?;
                Some(Stmt::AssignCell { array: variable.cells, index, value: value?, site })
            }
            None => {
                self.mistake("has no target", "");
                None
            }
        }
    }

    fn save(&mut self, save: &q::SaveStatement) -> Option<Stmt> {
        use q::save_statement::source::Source;
        if save.tag.is_empty() {
            self.mistake("has no stream to save to", "");
            return None;
        }
        let source = save.source.as_ref().and_then(|source| source.source.as_ref());
        let (value, kind) = match source {
            Some(Source::Variable(variable)) => {
                let wrapped = q::any_scalar_expression::ExpressionOneof::Variable(variable.clone());
                self.typed(Some(&q::AnyScalarExpression { expression_oneof: Some(wrapped) }), None)?
            }
            Some(Source::ArrayCell(cell)) => {
                let (variable, index, site) = self.cell(cell)?;
                let array = variable.cells;
                (Expr::Cell { array, index: Box::new(index), site }, variable.kind)
            }
            Some(Source::Literal(literal)) => {
                // A literal has no kind of its own where the stream has one.
                let known = self.streams.iter().find(|stream| stream.tag == save.tag);
                let hint = known.map(|stream| stream.kind);
                let wrapped = q::any_scalar_expression::ExpressionOneof::Literal(literal.clone());
                self.typed(Some(&q::AnyScalarExpression { expression_oneof: Some(wrapped) }), hint)?
            }
            None => {
                self.mistake("has nothing to save", "");
                return None;
            }
        };
        let stream = self.stream(&save.tag, kind)?;
        Some(Stmt::Save { stream, value, cells: Box::default(), site: NO_SITE })
    }

    /// The body of a loop or a branch: the elements of a block are aligned before it, and before each iteration.
    fn aligned(&mut self, body: Option<&q::StatementsCollection>) -> Block {
        let Some(body) = body else {
            return Block::default();
        };
        let loc = self.loc.clone();
        let block = self.block(body, &loc);
        let mut clocks = Vec::new();
        named_clocks(&block, &self.clock_of, &mut clocks);
        let Some(align) = align_of(clocks) else { return block };
        let mut statements = vec![align];
        statements.extend(block.into_vec());
        statements.into_boxed_slice()
    }

    fn for_loop(&mut self, statement: &q::ForStatement) -> Option<Stmt> {
        let part = |compiler: &mut Self, part: Option<&q::StatementsCollection>| {
            let loc = compiler.loc.clone();
            part.map_or_else(Block::default, |part| compiler.block(part, &loc))
        };
        let init = part(self, statement.init.as_ref());
        let condition = self.expression(statement.condition.as_ref(), Kind::Bool);
        let update = part(self, statement.update.as_ref());
        let count = condition.as_ref().and_then(|condition| trips(&init, condition, &update));
        self.loops.push(count);
        let body = self.aligned(statement.body.as_ref());
        self.loops.pop();
        let scope = Scope::new(!init.is_empty());
        Some(Stmt::For { init, condition: condition?, update, body, scope })
    }

    fn for_each(&mut self, statement: &q::ForEachStatement) -> Option<Stmt> {
        let mut pairs = Vec::with_capacity(statement.iterator.len());
        let mut len = None;
        for iterator in &statement.iterator {
            let array = self.array(iterator.array.as_ref());
            let name = iterator.variable.as_ref().and_then(|variable| variable.var_oneof.clone());
            let variable = match name {
                Some(q::var_ref_expression::VarOneof::Name(name)) => self.scalar(&name, ""),
                _ => {
                    self.mistake("needs a variable to iterate with", "");
                    None
                }
            };
            let Some((array, variable)) = array.zip(variable) else { continue };
            if array.kind != variable.kind {
                self.mistake(
                    format!(
                        "bad type: its variable is {} but its array holds {}",
                        variable.kind.name(),
                        array.kind.name()
                    ),
                    "",
                );
            }
            if *len.get_or_insert(array.cells.len) != array.cells.len {
                self.mistake("walks arrays of different lengths; give them one length", "");
            }
            pairs.push((variable.cells.base, array.cells));
        }
        if statement.iterator.is_empty() {
            self.mistake("has no array to iterate over", "");
        }
        self.loops.push(len.map(|len| len as usize));
        let body = self.aligned(statement.body.as_ref());
        self.loops.pop();
        let pairs = pairs.into_boxed_slice();
        Some(Stmt::ForEach { pairs, len: len?, body, scope: Scope::new(false) })
    }

    fn branches(&mut self, statement: &q::IfStatement, out: &mut Vec<Stmt>) {
        let mut arms = Vec::with_capacity(1 + statement.elseifs.len());
        let condition = self.expression(statement.condition.as_ref(), Kind::Bool);
        let body = self.aligned(statement.body.as_ref());
        arms.push(condition.map(|condition| (condition, body)));
        for branch in &statement.elseifs {
            let condition = self.expression(branch.condition.as_ref(), Kind::Bool);
            let body = self.aligned(branch.body.as_ref());
            arms.push(condition.map(|condition| (condition, body)));
        }
        let otherwise = self.aligned(statement.r#else.as_ref());
        let Some(arms) = arms.into_iter().collect::<Option<Vec<_>>>() else {
            return;
        };
        // The elements of all branches are aligned before the choice.
        let mut clocks = Vec::new();
        for (_, body) in &arms {
            named_clocks(body, &self.clock_of, &mut clocks);
        }
        named_clocks(&otherwise, &self.clock_of, &mut clocks);
        out.extend(align_of(clocks));
        out.push(Stmt::If { arms: arms.into_boxed_slice(), otherwise, site: NO_SITE });
    }

    fn wait(&mut self, wait: &q::WaitStatement) -> Option<Stmt> {
        let clocks = self.clocks(&wait.qe);
        let cycles = self.expression(wait.time.as_ref(), Kind::Int)?;
        if let Expr::Const(constant) = cycles
            && constant < 0
        {
            self.mistake(format!("cannot wait {constant} clock cycles"), "");
            return None;
        }
        Some(Stmt::Wait { clocks: clocks?, cycles, site: NO_SITE })
    }

    /// The clocks of the named elements; empty for "all of them".
    fn clocks(&mut self, elements: &[q::QuantumElementReference]) -> Option<Box<[u32]>> {
        let found: Vec<_> = elements.iter().map(|element| self.element(element)).collect();
        let found: Option<Vec<u32>> = found.into_iter().collect();
        let mut clocks: Vec<u32> =
            found?.into_iter().map(|element| self.clock_of[element as usize]).collect();
        clocks.sort_unstable();
        clocks.dedup();
        Some(clocks.into_boxed_slice())
    }

    fn advance(&mut self, advance: &q::AdvanceInputStreamStatement) -> Option<Stmt> {
        use q::advance_input_stream_statement::StreamOneof;
        use q::var_ref_expression::VarOneof;
        let variable = match advance.stream_oneof.as_ref() {
            Some(StreamOneof::StreamVariable(variable)) => match variable.var_oneof.as_ref() {
                Some(VarOneof::Name(name)) => self.scalar(name, &variable.loc)?,
                _ => {
                    self.mistake("needs a declared input stream", &variable.loc);
                    return None;
                }
            },
            Some(StreamOneof::StreamArray(array)) => self.array(Some(array))?,
            None => {
                self.mistake("needs a declared input stream", "");
                return None;
            }
        };
        let Some(input) = variable.input else {
            self.mistake("takes an input stream, not a plain variable; declare it with declare_input_stream()", "");
            return None;
        };
        let site = self.site("stands still".to_owned(), "");
        Some(Stmt::Advance { input, target: variable.cells, site })
    }
}

fn is_true(condition: Option<&q::AnyScalarExpression>) -> bool {
    use q::any_scalar_expression::ExpressionOneof;
    matches!(
        condition.and_then(|condition| condition.expression_oneof.as_ref()),
        Some(ExpressionOneof::Literal(literal)) if literal.value == "True"
    )
}

/// A loop, behind the align that its body begins with: elements are aligned before a loop too, even
/// one that never runs.
fn push_aligned(compiled: Option<Stmt>, out: &mut Vec<Stmt>) {
    if let Some(Stmt::For { body, condition, .. }) = &compiled
        && !matches!(condition, Expr::Const(1))
        && let Some(Stmt::Align { clocks }) = body.first()
    {
        out.push(Stmt::Align { clocks: clocks.clone() });
    }
    out.extend(compiled);
}

/// Whether what comes behind a statement never runs.
fn is_endless(statement: &Stmt) -> bool {
    matches!(statement, Stmt::For { condition: Expr::Const(1), .. } | Stmt::Parallel { .. })
}

/// Infinite loops at the end of a block run beside each other.
fn beside(out: &mut Vec<Stmt>) {
    let Some(first) = out.iter().position(is_endless) else { return };
    let mut all = Vec::new();
    for statement in out.split_off(first) {
        match statement {
            Stmt::For { init, update, body, scope, .. } => {
                out.extend(init.into_vec());
                let mut round = body.into_vec();
                round.extend(update.into_vec());
                all.push(Branch { body: round.into_boxed_slice(), scope });
            }
            Stmt::Parallel { loops } => all.extend(loops),
            other => out.push(other),
        }
    }
    out.push(Stmt::Parallel { loops: all.into_boxed_slice() });
}

/// How often a counted loop runs, when all of its parts are constants.
fn trips(init: &Block, condition: &Expr, update: &Block) -> Option<usize> {
    let [Stmt::Assign { slot, value: Expr::Const(first) }] = &**init else { return None };
    let [Stmt::Assign { slot: stepped, value: Expr::Binary { op: way, operands } }] = &**update
    else {
        return None;
    };
    let (Expr::Var(counter), Expr::Const(step)) = &**operands else { return None };
    let step = match way {
        Op::Add => i64::from(*step),
        Op::Sub => -i64::from(*step),
        _ => return None,
    };
    let Expr::Binary { op, operands } = condition else { return None };
    let (Expr::Var(compared), Expr::Const(end)) = &**operands else { return None };
    if [stepped, counter, compared].iter().any(|other| *other != slot) || step == 0 {
        return None;
    }
    // From the first value, by steps, as long as the comparison holds.
    let (first, end) = (i64::from(*first), i64::from(*end));
    let last = match (op, step > 0) {
        (Op::Less, true) => end - 1,
        (Op::LessEqual | Op::GreaterEqual, _) if (*op == Op::LessEqual) == (step > 0) => end,
        (Op::Greater, false) => end + 1,
        _ => return None,
    };
    // Whole steps within, whichever way they go.
    let within = (last - first) * step.signum();
    let count = within.div_euclid(step.abs()) + 1;
    usize::try_from(count.max(0)).ok()
}

/// The statement as users call it.
fn name_of(statement: &S) -> &'static str {
    match statement {
        S::Play(_) => "play",
        S::Measure(_) => "measure",
        S::Wait(_) => "wait",
        S::Sync(_) => "sync",
        // A switch_ arrives as an if_; the source line tells.
        S::If(s) if s.loc.contains("switch_") || s.loc.contains("case_") => "switch_",
        S::If(_) => "if_",
        S::Assign(_) => "assign",
        S::For(s) if is_true(s.condition.as_ref()) => "infinite_loop_",
        S::For(s) if s.init.as_ref().is_none_or(|init| init.statements.is_empty()) => "while_",
        S::For(_) => "for_",
        S::Rus(_) => "rus",
        S::Align(_) => "align",
        S::UpdateFrequency(_) => "update_frequency",
        S::ZRotation(_) => "frame_rotation",
        S::Pause(_) => "pause",
        S::Save(_) => "save",
        S::ForEach(_) => "for_each_",
        S::WaitForTrigger(_) => "wait_for_trigger",
        S::Qrun(_) => "qrun",
        S::UpdateCorrection(_) => "update_correction",
        S::ResetPhase(_) => "reset_if_phase",
        S::RampToZero(_) => "ramp_to_zero",
        S::ResetFrame(_) => "reset_frame",
        S::SetDcOffset(_) => "set_dc_offset",
        S::AdvanceInputStream(_) => "advance_input_stream",
        S::StrictTiming(_) => "strict_timing_",
        S::FastFrameRotation(_) => "fast_frame_rotation",
        S::UpdateOscillatorFrequency(_) => "update_oscillator_frequency",
        S::ResetGlobalPhase(_) => "reset_global_phase",
        S::LoadWaveform(_) => "load_waveform",
        S::SendToExternalStream(_) => "send_to_external_stream",
        S::ReceiveFromExternalStream(_) => "receive_from_external_stream",
        S::GlobalVariableAssignment(_) => "global variable assignment",
        S::Arbitrary(_) => "arbitrary statement",
        S::ArbitraryContext(_) => "arbitrary context",
    }
}

/// Where the client saw the statement; `None` when the statement carries no location.
fn loc_of(statement: &S) -> Option<&str> {
    let loc = match statement {
        S::Play(s) => &s.loc,
        S::Measure(s) => &s.loc,
        S::Wait(s) => &s.loc,
        S::If(s) => &s.loc,
        S::Assign(s) => &s.loc,
        S::For(s) => &s.loc,
        S::Align(s) => &s.loc,
        S::UpdateFrequency(s) => &s.loc,
        S::ZRotation(s) => &s.loc,
        S::Pause(s) => &s.loc,
        S::Save(s) => &s.loc,
        S::ForEach(s) => &s.loc,
        S::WaitForTrigger(s) => &s.loc,
        S::UpdateCorrection(s) => &s.loc,
        S::ResetPhase(s) => &s.loc,
        S::RampToZero(s) => &s.loc,
        S::ResetFrame(s) => &s.loc,
        S::SetDcOffset(s) => &s.loc,
        S::AdvanceInputStream(s) => &s.loc,
        S::StrictTiming(s) => &s.loc,
        S::FastFrameRotation(s) => &s.loc,
        S::ResetGlobalPhase(s) => &s.loc,
        S::UpdateOscillatorFrequency(s) => &s.loc,
        _ => return None,
    };
    let loc = loc.trim_end();
    // for_ carries none itself, but the statement that starts it does.
    if loc.is_empty()
        && let S::For(q::ForStatement { init: Some(init), .. }) = statement
    {
        let first = init.statements.first().and_then(|first| first.statement_oneof.as_ref());
        return first.and_then(loc_of);
    }
    (!loc.is_empty()).then_some(loc)
}

/// The align that a block of statements with these clocks begins with.
fn align_of(mut clocks: Vec<u32>) -> Option<Stmt> {
    if clocks.contains(&EVERY_CLOCK) {
        return Some(Stmt::Align { clocks: Box::default() });
    }
    clocks.sort_unstable();
    clocks.dedup();
    (clocks.len() > 1).then(|| Stmt::Align { clocks: clocks.into_boxed_slice() })
}
