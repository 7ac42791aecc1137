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
    /// The analog outputs that have to be clipped.
    pub(crate) fn clipped(&self) -> Vec<usize> {
        let mut analog = Analog::new(Arc::clone(&self.render_input));
        for from in (0..self.length).step_by(STRETCH) {
            analog.next(STRETCH.min(self.length - from));
        }
        analog.clipped()
    }
}
