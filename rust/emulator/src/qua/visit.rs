//! Walking a program: what stands within a statement or an expression, one level at a time.
//!
//! Whoever wants all levels calls itself from its visitor. The two walks of each kind, over what is read and over
//! what is changed, come from one definition.

use super::expr::Expr;
use super::ir::{Block, Branch, Stmt};
use super::pulses::{Amplitude, PlayStmt, Playable, Process, PulseStmt, Rates, Target};

macro_rules! walks {
    ($part:ident, $walk:ident, $walk_pulse:ident, $walk_play:ident, $operands:ident $(, $mut:tt)?) => {
        /// What stands within a statement.
        #[derive(Debug)]
        pub(crate) enum $part<'a> {
            /// An expression that is evaluated before the statement does anything.
            Expr(&'a $($mut)? Expr),
            /// The index of the cell that a measured value goes to.
            TargetIndex(&'a $($mut)? Expr),
            /// Statements.
            Block(&'a $($mut)? Block),
        }

        /// Visits what stands within a statement.
        pub(crate) fn $walk<'a>(
            statement: &'a $($mut)? Stmt,
            visit: &mut dyn FnMut($part<'a>),
        ) {
            match statement {
                Stmt::Assign { value, .. }
                | Stmt::AssignIo { value, .. }
                | Stmt::Save { value, .. } => visit($part::Expr(value)),
                Stmt::AssignCell { index, value, .. } => {
                    visit($part::Expr(index));
                    visit($part::Expr(value));
                }
                Stmt::For { init, condition, update, body, .. } => {
                    visit($part::Expr(condition));
                    visit($part::Block(init));
                    visit($part::Block(update));
                    visit($part::Block(body));
                }
                Stmt::ForEach { body, .. } => visit($part::Block(body)),
                Stmt::If { arms, otherwise, .. } => {
                    for (condition, body) in arms {
                        visit($part::Expr(condition));
                        visit($part::Block(body));
                    }
                    visit($part::Block(otherwise));
                }
                Stmt::Wait { cycles, .. } => visit($part::Expr(cycles)),
                Stmt::Pulse(pulse, _) => $walk_pulse(pulse, visit),
                Stmt::Parallel { loops } => {
                    for Branch { body, .. } in loops {
                        visit($part::Block(body));
                    }
                }
                Stmt::Calculate { .. }
                | Stmt::Copy { .. }
                | Stmt::Align { .. }
                | Stmt::Pause(_)
                | Stmt::Advance { .. }
                | Stmt::Carry { .. }
                | Stmt::Known { .. }
                | Stmt::Await { .. } => {}
            }
        }

        fn $walk_pulse<'a>(
            statement: &'a $($mut)? PulseStmt,
            visit: &mut dyn FnMut($part<'a>),
        ) {
            match statement {
                PulseStmt::Play(play) => $walk_play(play, visit),
                PulseStmt::Measure { play, processes, .. } => {
                    $walk_play(play, visit);
                    for process in processes {
                        if let Process::Weighted { target: Target::Cell { index, .. }, .. } = process {
                            visit($part::TargetIndex(index));
                        }
                    }
                }
                PulseStmt::Rotate { turns: value, .. } | PulseStmt::Offset { volts: value, .. } => {
                    visit($part::Expr(value));
                }
                PulseStmt::FastRotate { cosine, sine, .. } => {
                    visit($part::Expr(cosine));
                    visit($part::Expr(sine));
                }
                PulseStmt::Frequency { value, .. } => visit($part::Expr(&$($mut)? value.value)),
                PulseStmt::Correction { matrix, .. } => {
                    for entry in &$($mut)? **matrix {
                        visit($part::Expr(entry));
                    }
                }
                PulseStmt::Trigger { play, .. } => {
                    if let Some(play) = play {
                        $walk_play(play, visit);
                    }
                }
                PulseStmt::ResetFrame { .. }
                | PulseStmt::ResetPhase { .. }
                | PulseStmt::ResetGlobalPhase
                | PulseStmt::RampToZero { .. }
                | PulseStmt::Release { .. } => {}
            }
        }

        fn $walk_play<'a>(
            play: &'a $($mut)? PlayStmt,
            visit: &mut dyn FnMut($part<'a>),
        ) {
            if let Playable::Ramp(slope) = &$($mut)? play.what {
                visit($part::Expr(slope));
            }
            match &$($mut)? play.amplitude {
                Amplitude::One => {}
                Amplitude::Scalar { value, .. } => visit($part::Expr(value)),
                Amplitude::Matrix { all, .. } => {
                    for entry in &$($mut)? **all {
                        visit($part::Expr(entry));
                    }
                }
            }
            let optional =
                [&$($mut)? play.duration, &$($mut)? play.truncate, &$($mut)? play.condition];
            optional.into_iter().flatten().for_each(|one| visit($part::Expr(one)));
            if let Some(chirp) = &$($mut)? play.chirp
                && let Rates::One(rate) = &$($mut)? chirp.rates
            {
                visit($part::Expr(rate));
            }
        }

        /// Visits the expressions within an expression.
        pub(crate) fn $operands<'a>(
            expression: &'a $($mut)? Expr,
            visit: &mut dyn FnMut(&'a $($mut)? Expr),
        ) {
            match expression {
                Expr::Binary { operands, .. }
                | Expr::Divide { operands, .. }
                | Expr::Binary2 { operands, .. } => {
                    let (left, right) = &$($mut)? **operands;
                    visit(left);
                    visit(right);
                }
                Expr::Select { operands } => {
                    let (condition, yes, no) = &$($mut)? **operands;
                    [condition, yes, no].into_iter().for_each(visit);
                }
                Expr::Cell { index: operand, .. }
                | Expr::ByLiteral { operand, .. }
                | Expr::Truth(operand)
                | Expr::Unary { operand, .. }
                | Expr::Integer { operand, .. }
                | Expr::RandomInt { max: operand, .. } => visit(operand),
                Expr::Const(_)
                | Expr::Var(_)
                | Expr::Io(_)
                | Expr::Calculate { .. }
                | Expr::Reduce { .. }
                | Expr::Dot { .. }
                | Expr::RandomFixed { .. } => {}
            }
        }
    };
}

walks!(Part, walk, walk_pulse, walk_play, operands);
walks!(PartMut, walk_mut, walk_pulse_mut, walk_play_mut, operands_mut, mut);

/// Visits the blocks within a statement.
pub(crate) fn blocks<'a>(statement: &'a Stmt, visit: &mut dyn FnMut(&'a Block)) {
    walk(statement, &mut |part| {
        if let Part::Block(block) = part {
            visit(block);
        }
    });
}

/// Visits the expressions that a statement by itself evaluates, also those of where its values go.
pub(crate) fn expressions<'a>(statement: &'a Stmt, visit: &mut dyn FnMut(&'a Expr)) {
    walk(statement, &mut |part| match part {
        Part::Expr(expression) | Part::TargetIndex(expression) => visit(expression),
        Part::Block(_) => {}
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::qua::expr::Op;

    #[test]
    fn both_walks_meet_the_same() {
        let sum = |left, right| Expr::Binary {
            op: Op::Add,
            operands: Box::new((Expr::Var(left), Expr::Const(right))),
        };
        let inner = Stmt::Assign { slot: 1, value: sum(1, 2) };
        let mut outer = Stmt::If {
            arms: Box::new([(sum(3, 4), Box::new([inner]))]),
            otherwise: Box::default(),
            site: 0,
        };
        let (mut expressions, mut blocks) = (0, 0);
        walk(&outer, &mut |part| match part {
            Part::Expr(expression) => {
                operands(expression, &mut |_| expressions += 1);
            }
            Part::Block(block) => blocks += 1 + block.len(),
            Part::TargetIndex(_) => unreachable!("nothing is measured"),
        });
        assert_eq!((expressions, blocks), (2, 3));
        walk_mut(&mut outer, &mut |part| {
            if let PartMut::Expr(expression) = part {
                operands_mut(expression, &mut |operand| *operand = Expr::Const(0));
            }
        });
        let Stmt::If { arms, .. } = &outer else { panic!("{outer:?}") };
        let Expr::Binary { operands, .. } = &arms[0].0 else { panic!("{outer:?}") };
        assert!(matches!(**operands, (Expr::Const(0), Expr::Const(0))));
    }
}
