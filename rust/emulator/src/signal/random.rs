//! Random numbers that repeat.

use std::sync::LazyLock;

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
    layers: &'static [f64; LAYER_COUNT + 1],
}

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self { state: mix(seed), layers: &LAYERS }
    }

    pub(super) fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.state)
    }

    /// In (0, 1].
    pub(super) fn uniform(&mut self) -> f64 {
        uniform(self.bits())
    }

    /// By layers (Marsaglia and Tsang's ziggurat, in Doornik's form): of a hundred numbers 99 are taken from the
    /// rectangles that fit below the curve, with neither a logarithm nor a root.
    #[inline]
    pub(super) fn normal(&mut self) -> f64 {
        loop {
            let bits = self.bits();
            let layer = bits as usize % LAYER_COUNT;
            // In [-1, 1), of bits that do not choose the layer.
            let part = ((bits as i64) >> 11) as f64 / (1u64 << 52) as f64;
            let value = part * self.layers[layer];
            if value.abs() < self.layers[layer + 1] {
                return value;
            }
            if let Some(value) = self.at_edge(layer, value) {
                return value;
            }
        }
    }

    /// What becomes of a number in the part of a layer that the curve crosses.
    #[cold]
    fn at_edge(&mut self, layer: usize, value: f64) -> Option<f64> {
        if layer == 0 {
            let tail = self.tail();
            return Some(if value < 0.0 { -tail } else { tail });
        }
        let height = |edge: f64| (0.5 * (value * value - edge * edge)).exp();
        let (low, high) = (height(self.layers[layer]), height(self.layers[layer + 1]));
        (low + self.uniform() * (high - low) < 1.0).then_some(value)
    }

    /// One beyond the last layer.
    fn tail(&mut self) -> f64 {
        loop {
            let beyond = -self.uniform().ln() / LAST_EDGE;
            if -2.0 * self.uniform().ln() >= beyond * beyond {
                return LAST_EDGE + beyond;
            }
        }
    }
}

const LAYER_COUNT: usize = 256;
/// Where the tail begins that has as much area as each of the layers, and that area: Marsaglia and Tsang 2000.
const LAST_EDGE: f64 = 3.654_152_885_361_009;
const LAYER_AREA: f64 = 0.004_928_673_233_99;

/// How wide each layer is, from the widest on: the first as a rectangle with the tail's area.
static LAYERS: LazyLock<[f64; LAYER_COUNT + 1]> = LazyLock::new(|| {
    let curve = |x: f64| (-0.5 * x * x).exp();
    let mut edges = [0.0; LAYER_COUNT + 1];
    edges[0] = LAYER_AREA / curve(LAST_EDGE);
    edges[1] = LAST_EDGE;
    for layer in 2..LAYER_COUNT {
        let below = edges[layer - 1];
        edges[layer] = (-2.0 * (LAYER_AREA / below + curve(below)).ln()).sqrt();
    }
    edges
});

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

    #[test]
    fn normal_numbers_follow_the_normal_distribution() {
        // Of the standard normal distribution: the part below each edge, from tables.
        let below = [
            (-3.654_152_885, 1.290_162e-4),
            (-3.0, 1.349_898e-3),
            (-2.0, 2.275_013e-2),
            (-1.0, 0.158_655_25),
            (-0.25, 0.401_293_67),
            (0.0, 0.5),
            (0.1, 0.539_827_84),
            (0.5, 0.691_462_46),
            (1.5, 0.933_192_80),
            (2.5, 0.993_790_33),
            (3.8, 0.999_927_65),
        ];
        let mut random = Random::new(11);
        let count = 4_000_000;
        let values: Vec<f64> = (0..count).map(|_| random.normal()).collect();
        let n = f64::from(count);
        for (edge, part) in below {
            let found = values.iter().filter(|value| **value < edge).count() as f64;
            let allowed = 4.5 * (n * part * (1.0 - part)).sqrt();
            assert!((found - n * part).abs() < allowed, "{edge}: {found} of {n}");
        }
        let moment = |power| values.iter().map(|v: &f64| v.powi(power)).sum::<f64>() / n;
        assert!(moment(1).abs() < 4.5 / n.sqrt());
        assert!((moment(2) - 1.0).abs() < 4.5 * (2.0 / n).sqrt());
        assert!((moment(4) - 3.0).abs() < 4.5 * (96.0 / n).sqrt());
        // One is not known from the one before.
        let next = values.windows(2).map(|pair| pair[0] * pair[1]).sum::<f64>() / n;
        assert!(next.abs() < 4.5 / n.sqrt());
    }
}
