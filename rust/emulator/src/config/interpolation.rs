//! Waveforms played for another time than they have samples.

/// The first samples of a waveform stretched (or pressed) to a length.
///
/// Lagrange interpolation of the third order on a running window of four points, as documented. Not documented, and chosen: the first and the last sample stay at the ends.
pub(super) fn stretch(samples: &[f64], length: u64, count: usize) -> Vec<f64> {
    (0..count).map(|index| stretched(samples, length, index)).collect()
}

/// One sample of a waveform stretched to a length.
pub(crate) fn stretched(samples: &[f64], length: u64, index: usize) -> f64 {
    match samples {
        [] => 0.0,
        [one] => *one,
        _ if length == samples.len() as u64 => samples[index.min(samples.len() - 1)],
        _ if length < 2 => samples[0],
        _ => at(samples, index as f64 * ((samples.len() - 1) as f64 / (length - 1) as f64)),
    }
}

/// The waveform between its samples.
fn at(samples: &[f64], place: f64) -> f64 {
    let points = samples.len().min(4);
    // The window around the place, moved inwards at the ends.
    let before = (place.floor() as usize).saturating_sub(1);
    let first = before.min(samples.len() - points);
    let window = &samples[first..first + points];
    let x = place - first as f64;
    let mut sum = 0.0;
    for (i, sample) in window.iter().enumerate() {
        let mut weight = 1.0;
        for j in (0..points).filter(|j| *j != i) {
            weight *= (x - j as f64) / (i as f64 - j as f64);
        }
        sum += sample * weight;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cubics_are_stretched_exactly() {
        let cubic = |x: f64| 0.3 - 0.2 * x + 0.05 * x * x - 0.001 * x * x * x;
        let samples: Vec<f64> = (0..16).map(|x| cubic(f64::from(x))).collect();
        let long = stretch(&samples, 61, 61);
        assert_eq!((long.len(), long[0]), (61, samples[0]));
        for (index, value) in long.iter().enumerate() {
            assert!((value - cubic(index as f64 * 15.0 / 60.0)).abs() < 1e-12);
        }
        assert_eq!(stretch(&samples, 16, 16), samples);
        assert_eq!(stretch(&[0.5], 3, 3), [0.5; 3]);
        assert!((stretch(&[0.0, 1.0], 3, 2)[1] - 0.5).abs() < 1e-15);
        assert_eq!(stretch(&samples, 1, 1), [samples[0]]);
    }
}
