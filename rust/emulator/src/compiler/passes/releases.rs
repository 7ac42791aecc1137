//! Where elements come to their end: sticky ones are let go there.

use crate::qua::effects::moved_clocks;
use crate::qua::ir::{Block, NO_SITE, Stmt};
use crate::qua::pulses::PulseStmt;

/// Behind which statement of the body each clock is not moved any more: 0 for one that never is.
pub(in crate::compiler) fn last_moved(body: &[Stmt], clock_of: &[u32], count: usize) -> Vec<usize> {
    let mut last = vec![0; count];
    for (index, statement) in body.iter().enumerate() {
        for clock in moved_clocks([std::slice::from_ref(statement)], clock_of) {
            last[clock as usize] = index + 1;
        }
    }
    last
}

/// A sticky element ramps down when it has reached its last instruction (docs/protocol.md, "What plays").
pub(in crate::compiler) fn insert_releases(
    body: Block,
    sticky: &[bool],
    clock_of: &[u32],
) -> Block {
    if !sticky.contains(&true) {
        return body;
    }
    let moved: Vec<Vec<u32>> = body
        .iter()
        .map(|statement| moved_clocks([std::slice::from_ref(statement)], clock_of))
        .collect();
    let elements = || (0..sticky.len()).filter(|element| sticky[*element]);
    let last = |element: usize| moved.iter().rposition(|all| all.contains(&clock_of[element]));
    let ends: Vec<(usize, usize)> =
        elements().filter_map(|element| last(element).map(|index| (index, element))).collect();
    let mut out = Vec::with_capacity(body.len() + ends.len());
    for (index, statement) in body.into_vec().into_iter().enumerate() {
        out.push(statement);
        for (_, element) in ends.iter().filter(|(last, _)| *last == index) {
            let element = *element as u32;
            out.push(Stmt::Pulse(Box::new(PulseStmt::Release { element }), NO_SITE));
        }
    }
    out.into_boxed_slice()
}
