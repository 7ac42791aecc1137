//! Random numbers that repeat.

/// Gaussian noise that is the same for the same input and time, so that runs repeat.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Noise {
    /// The standard deviation, volts.
    pub deviation: f64,
    pub seed: u64,
}

impl Noise {
    /// What is heard at a nanosecond.
    pub(super) fn at(self, input: usize, at: i64) -> f64 {
        if self.deviation == 0.0 {
            return 0.0;
        }
        let key = self.seed ^ (input as u64) << 56 ^ at as u64;
        self.deviation * box_muller(mix(key), mix(key ^ 0x5851_f42d_4c95_7f2d))
    }
}

/// A well mixed number from any (splitmix64).
pub(crate) fn mix(key: u64) -> u64 {
    let mut z = key.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ z >> 31
}

/// A normal number from two uniform ones (Box and Muller).
fn box_muller(a: u64, b: u64) -> f64 {
    let radius = (-2.0 * uniform(a).ln()).sqrt();
    radius * (std::f64::consts::TAU * uniform(b)).cos()
}

/// In (0, 1].
pub(crate) fn uniform(bits: u64) -> f64 {
    ((bits >> 11) + 1) as f64 / (1u64 << 53) as f64
}

/// Seeded random numbers.
#[derive(Debug)]
pub(super) struct Random {
    state: u64,
    spare: Option<f64>,
}

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self { state: mix(seed), spare: None }
    }

    pub(super) fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.state)
    }

    /// In (0, 1].
    pub(super) fn uniform(&mut self) -> f64 {
        uniform(self.bits())
    }

    pub(super) fn normal(&mut self) -> f64 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        // Marsaglia's polar method: a point within the unit circle.
        loop {
            let (x, y) = (2.0 * self.uniform() - 1.0, 2.0 * self.uniform() - 1.0);
            let square = x * x + y * y;
            if square > 0.0 && square < 1.0 {
                let size = (-2.0 * square.ln() / square).sqrt();
                self.spare = Some(y * size);
                return x * size;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_is_normal_and_repeats() {
        let noise = Noise { deviation: 0.1, seed: 7 };
        let values: Vec<f64> = (0..100_000).map(|at| noise.at(1, at)).collect();
        let mean = values.iter().sum::<f64>() / 1e5;
        let variance = values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / 1e5;
        assert!(mean.abs() < 2e-3 && (variance - 0.01).abs() < 2e-4, "{mean} {variance}");
        assert_eq!(noise.at(1, 5), noise.at(1, 5));
        assert!(noise.at(1, 5) != noise.at(0, 5));
    }
}
