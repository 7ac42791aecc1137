//! Operators that treat an item as a signal: Fourier transforms, convolutions, demodulation, and the
//! products of the two members of a zip.

use std::f64::consts::TAU;

use rustfft::FftPlanner;
use rustfft::num_complex::Complex64;

use super::error::StreamError;
use super::item::{Element, Item, Scalar, Type};
use super::tree::{Argument, only};

/// What is made of one item.
#[derive(Clone, Debug)]
pub(super) enum Transform {
    Fourier {
        complex: bool,
        form: FourierForm,
    },
    /// With a constant, or of two members.
    Convolution {
        with: Option<Vec<f64>>,
        mode: ConvolutionMode,
    },
    Demodulation {
        hz: f64,
        cosine: Vec<f64>,
        sine: Vec<f64>,
        integrates: bool,
    },
    TupleProduct,
    TupleDot,
}

/// What a Fourier transform gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FourierForm {
    /// Real and imaginary parts.
    Parts,
    Magnitudes,
    Angles,
}

/// How much of a convolution is kept; as numpy does it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ConvolutionMode {
    Full,
    Same,
    Valid,
}

fn text(argument: &Argument) -> Result<&str, StreamError> {
    match argument {
        Argument::Text(text) => Ok(text),
        _ => Err(StreamError("a vector where a word is needed".to_owned())),
    }
}

fn mode_of(argument: Option<&Argument>) -> Result<ConvolutionMode, StreamError> {
    match argument.map(text).transpose()?.unwrap_or("") {
        "" | "full" => Ok(ConvolutionMode::Full),
        "same" => Ok(ConvolutionMode::Same),
        "valid" => Ok(ConvolutionMode::Valid),
        other => Err(StreamError(format!("a convolution is full, same or valid, not '{other}'"))),
    }
}

fn floats(shape: Vec<usize>) -> Type {
    Type::scalar(Scalar::Float).with_shape(shape)
}

/// The two members of a zip.
fn members<'t>(input: &'t Type, what: &str) -> Result<(&'t Type, &'t Type), StreamError> {
    match &input.element {
        Element::Record(fields) if input.shape.is_empty() && fields.len() == 2 => {
            fields[0].1.scalar_kind(what)?;
            fields[1].1.scalar_kind(what)?;
            Ok((&fields[0].1, &fields[1].1))
        }
        _ => Err(StreamError(format!(
            "{what} works on the items of a zip, not on {}",
            input.describe()
        ))),
    }
}

fn vector(ty: &Type, what: &str) -> Result<usize, StreamError> {
    ty.scalar_kind(what)?;
    match ty.shape.as_slice() {
        [len] if *len > 0 => Ok(*len),
        _ => Err(StreamError(format!(
            "{what} works on vectors, not on {}; buffer the stream",
            ty.describe()
        ))),
    }
}

fn convolved(first: usize, second: usize, mode: ConvolutionMode) -> usize {
    match mode {
        ConvolutionMode::Full => first + second - 1,
        ConvolutionMode::Same => first.max(second),
        ConvolutionMode::Valid => first.max(second) - first.min(second) + 1,
    }
}

impl Transform {
    pub(super) fn plan(
        name: &str,
        arguments: &[Argument],
        input: &Type,
    ) -> Result<(Self, Type), StreamError> {
        match name {
            "fft" => Self::plan_fourier(arguments, input),
            "conv" => Self::plan_convolution(arguments, input),
            "demod" => Self::plan_demod(arguments, input),
            "tmult" => Self::plan_tuple_product(input),
            _ => {
                only(&[()], "tuple_dot_product")?;
                Self::plan_tuple_dot(input)
            }
        }
    }

    fn plan_fourier(arguments: &[Argument], input: &Type) -> Result<(Self, Type), StreamError> {
        let form = match arguments.first().map(text).transpose()?.unwrap_or("normal") {
            "normal" | "" => FourierForm::Parts,
            "abs" => FourierForm::Magnitudes,
            "angle" => FourierForm::Angles,
            other => {
                let told = format!("fft gives normal, abs or angle, not '{other}'");
                return Err(StreamError(told));
            }
        };
        input.scalar_kind("fft")?;
        let (len, complex) = match input.shape.as_slice() {
            [len] if *len > 0 => (*len, false),
            [len, 2] if *len > 0 => (*len, true),
            _ => {
                return Err(StreamError(format!(
                    "fft works on vectors of numbers or of pairs, not on {}",
                    input.describe()
                )));
            }
        };
        let shape = if form == FourierForm::Parts { vec![len, 2] } else { vec![len] };
        Ok((Self::Fourier { complex, form }, floats(shape)))
    }

    fn plan_convolution(arguments: &[Argument], input: &Type) -> Result<(Self, Type), StreamError> {
        if let [mode, with @ Argument::Vector(_)] = arguments {
            let mode = mode_of(Some(mode))?;
            let with: Vec<f64> = with.vector()?.iter().map(|n| n.float()).collect();
            let len = convolved(vector(input, "convolution")?, with.len(), mode);
            return Ok((Self::Convolution { with: Some(with), mode }, floats(vec![len])));
        }
        let mode = mode_of(arguments.first())?;
        let (first, second) = members(input, "tuple_convolution")?;
        let first = vector(first, "tuple_convolution")?;
        let second = vector(second, "tuple_convolution")?;
        let len = convolved(first, second, mode);
        Ok((Self::Convolution { with: None, mode }, floats(vec![len])))
    }

    fn plan_tuple_product(input: &Type) -> Result<(Self, Type), StreamError> {
        let (first, second) = members(input, "tuple_multiply")?;
        let shape = match (first.shape.as_slice(), second.shape.as_slice()) {
            (a, b) if a == b => a,
            ([], b) => b,
            (a, []) => a,
            (a, b) => {
                return Err(StreamError(format!("tuple_multiply of shapes {a:?} and {b:?}")));
            }
        };
        Ok((Self::TupleProduct, floats(shape.to_vec())))
    }

    fn plan_tuple_dot(input: &Type) -> Result<(Self, Type), StreamError> {
        let (first, second) = members(input, "tuple_dot_product")?;
        let first = vector(first, "tuple_dot_product")?;
        let second = vector(second, "tuple_dot_product")?;
        if first != second {
            let told = format!("tuple_dot_product of {first} and {second} numbers");
            return Err(StreamError(told));
        }
        Ok((Self::TupleDot, floats(Vec::new())))
    }

    fn plan_demod(arguments: &[Argument], input: &Type) -> Result<(Self, Type), StreamError> {
        let [hz, cosine, sine, rest @ ..] = arguments else {
            return Err(StreamError("demod needs a frequency and two weights".to_owned()));
        };
        // docs/protocol.md, "Stream processing": the second of a pair is the time.
        let plain = |ty: &Type| ty.shape.is_empty() && matches!(ty.element, Element::Scalar(_));
        let stamped = match &input.element {
            Element::Record(fields) => fields.len() == 2 && fields.iter().all(|(_, ty)| plain(ty)),
            Element::Scalar(_) => true,
        };
        let len = match input.shape.as_slice() {
            [len] if *len > 0 && stamped => *len,
            _ => {
                return Err(StreamError(format!(
                    "demod works on vectors, with or without timestamps, not on {}; use an ADC trace or buffer the stream",
                    input.describe()
                )));
            }
        };
        let weights = |argument: &Argument| {
            let values: Vec<f64> = match argument {
                Argument::Vector(_) => argument.vector()?.iter().map(|n| n.float()).collect(),
                number => vec![number.number()?.float()],
            };
            match values.len() {
                // One for all, one for each, or one for each 4 ns, as integration weights are given.
                1 => Ok(values),
                count if count == len || count.checked_mul(4) == Some(len) => Ok(values),
                count => Err(StreamError(format!("demod of {len} samples with {count} weights"))),
            }
        };
        let integrates = match rest.first().map(text).transpose()? {
            None | Some("1") => true,
            Some("0") => false,
            Some(other) => {
                return Err(StreamError(format!("demod integrates or not, not '{other}'")));
            }
        };
        let hz = hz.number()?.float();
        let signal =
            Self::Demodulation { hz, cosine: weights(cosine)?, sine: weights(sine)?, integrates };
        Ok((signal, floats(if integrates { Vec::new() } else { vec![len] })))
    }

    pub(super) fn apply(&self, item: &Item, scalar: bool) -> Item {
        match self {
            Self::Fourier { complex, form } => {
                let values = item.floats();
                let mut points: Vec<Complex64> = if *complex {
                    values.chunks_exact(2).map(|pair| Complex64::new(pair[0], pair[1])).collect()
                } else {
                    values.iter().map(|value| Complex64::new(*value, 0.0)).collect()
                };
                FftPlanner::new().plan_fft_forward(points.len()).process(&mut points);
                Item::Floats(match form {
                    FourierForm::Parts => {
                        points.iter().flat_map(|point| [point.re, point.im]).collect()
                    }
                    FourierForm::Magnitudes => points.iter().map(|point| point.norm()).collect(),
                    FourierForm::Angles => points.iter().map(|point| point.arg()).collect(),
                })
            }
            Self::Convolution { with, mode } => match (with, item) {
                (Some(with), item) => Item::Floats(convolve(&item.floats(), with, *mode)),
                (None, Item::Record(items)) => {
                    Item::Floats(convolve(&items[0].floats(), &items[1].floats(), *mode))
                }
                (None, _) => Item::Floats(Vec::new()),
            },
            Self::Demodulation { hz, cosine, sine, integrates } => {
                let samples: Vec<(f64, f64)> = match item {
                    Item::Many(records) => records.iter().map(stamped).collect(),
                    item => {
                        let values = item.floats().into_iter().enumerate();
                        values.map(|(at, value)| (value, at as f64)).collect()
                    }
                };
                let weight = |weights: &[f64], index: usize| match weights.len() {
                    1 => weights[0],
                    count if count == samples.len() => weights[index],
                    _ => weights[(index / 4).min(weights.len() - 1)],
                };
                let demodulated = samples.iter().enumerate().map(|(index, (value, at))| {
                    let angle = TAU * (hz * at * 1e-9).fract();
                    let (cosine, sine) = (weight(cosine, index), weight(sine, index));
                    value * (cosine * angle.cos() + sine * angle.sin())
                });
                if *integrates {
                    Item::Float(demodulated.sum())
                } else {
                    Item::Floats(demodulated.collect())
                }
            }
            Self::TupleProduct => {
                let (first, second) = both(item);
                let len = first.len().max(second.len());
                let pairs = first.iter().cycle().zip(second.iter().cycle()).take(len);
                Item::from_floats(pairs.map(|(a, b)| a * b).collect(), scalar)
            }
            Self::TupleDot => {
                let (first, second) = both(item);
                Item::Float(first.iter().zip(&second).map(|(a, b)| a * b).sum())
            }
        }
    }
}

/// A value and its time.
fn stamped(record: &Item) -> (f64, f64) {
    let (value, at) = both(record);
    (value.first().copied().unwrap_or(0.0), at.first().copied().unwrap_or(0.0))
}

fn both(item: &Item) -> (Vec<f64>, Vec<f64>) {
    match item {
        Item::Record(items) if items.len() == 2 => (items[0].floats(), items[1].floats()),
        _ => (Vec::new(), Vec::new()),
    }
}

/// Products of a convolution that are summed one by one; beyond, it would take minutes.
const MOST_PRODUCTS: usize = 1 << 22;

/// A full convolution as a product of spectra.
fn convolve_by_spectra(first: &[f64], second: &[f64]) -> Vec<f64> {
    let len = first.len() + second.len() - 1;
    let size = len.next_power_of_two();
    let mut planner = FftPlanner::new();
    let (there, back) = (planner.plan_fft_forward(size), planner.plan_fft_inverse(size));
    let spectrum = |values: &[f64]| {
        let mut spectrum: Vec<_> = values.iter().map(|value| Complex64::new(*value, 0.0)).collect();
        spectrum.resize(size, Complex64::default());
        there.process(&mut spectrum);
        spectrum
    };
    let mut product = spectrum(first);
    product.iter_mut().zip(spectrum(second)).for_each(|(one, other)| *one *= other);
    back.process(&mut product);
    product.into_iter().take(len).map(|value| value.re / size as f64).collect()
}

fn convolve(first: &[f64], second: &[f64], mode: ConvolutionMode) -> Vec<f64> {
    if first.is_empty() || second.is_empty() {
        return Vec::new();
    }
    let full = if first.len().saturating_mul(second.len()) > MOST_PRODUCTS {
        convolve_by_spectra(first, second)
    } else {
        let mut full = vec![0.0; first.len() + second.len() - 1];
        for (i, a) in first.iter().enumerate() {
            for (j, b) in second.iter().enumerate() {
                full[i + j] += a * b;
            }
        }
        full
    };
    let len = convolved(first.len(), second.len(), mode);
    let from = match mode {
        ConvolutionMode::Full => 0,
        // As numpy: centred, and what is left over stands at the end.
        ConvolutionMode::Same => (full.len() - len) / 2,
        ConvolutionMode::Valid => first.len().min(second.len()) - 1,
    };
    full[from..from + len].to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn convolutions_are_those_of_numpy() {
        let (a, b) = ([1.0, 2.0, 3.0, 4.0], [1.0, 10.0]);
        assert_eq!(convolve(&a, &b, ConvolutionMode::Full), [1.0, 12.0, 23.0, 34.0, 40.0]);
        assert_eq!(convolve(&a, &b, ConvolutionMode::Same), [1.0, 12.0, 23.0, 34.0]);
        assert_eq!(convolve(&a, &b, ConvolutionMode::Valid), [12.0, 23.0, 34.0]);
        assert_eq!(convolve(&a, &[1.0, 0.0, 1.0], ConvolutionMode::Same), [2.0, 4.0, 6.0, 3.0]);
        let long: Vec<f64> = (0..3000).map(|n| f64::from(n % 17) - 8.0).collect();
        let by_spectra = convolve_by_spectra(&long, &long);
        assert!((by_spectra[0] - 64.0).abs() < 1e-6);
        let middle: f64 = (0..3000).map(|n| long[n] * long[2999 - n]).sum();
        assert!((by_spectra[2999] - middle).abs() < 1e-6 * middle.abs());
        // So long that it is taken by spectra.
        assert_eq!(convolve(&long, &long, ConvolutionMode::Full).len(), 5999);
    }
}
