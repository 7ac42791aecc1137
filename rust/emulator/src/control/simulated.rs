//! What a simulation played.

use std::sync::Arc;

use crate::signal::render::{Analog, RenderInput, STRETCH};

/// What a simulation played.
#[derive(Debug)]
pub(crate) struct Simulation {
    pub render_input: Arc<RenderInput>,
    /// Samples of each port.
    pub length: usize,
}

impl Simulation {
    /// The analog outputs that have to be clipped; those so far, where that is cancelled.
    pub(crate) fn clipped(&self, is_cancelled: &dyn Fn() -> bool) -> Vec<usize> {
        let mut analog = Analog::new(Arc::clone(&self.render_input));
        for from in (0..self.length).step_by(STRETCH) {
            if is_cancelled() {
                break;
            }
            analog.next(STRETCH.min(self.length - from));
        }
        analog.clipped()
    }
}
