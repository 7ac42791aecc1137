//! numpy and bytes: the only unsafe code of the project.
#![allow(unsafe_code)]

use numpy::{
    PyArrayDescr, PyArrayDescrMethods, PyReadonlyArrayDyn, PyUntypedArray, PyUntypedArrayMethods,
};
use pulsewire_client::Values;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyFloat, PyInt, PyIterator, PyList, PyRange, PyTuple};

use crate::errors;

/// The memory of an array that nobody else has seen yet.
pub(crate) struct Destination<'py> {
    array: Bound<'py, PyUntypedArray>,
}

/// Its bytes, for the time that the interpreter is not attached.
pub(crate) struct Bytes<'a>(&'a mut [u8]);

impl Bytes<'_> {
    pub(crate) fn as_mut(&mut self) -> &mut [u8] {
        self.0
    }
}

impl<'py> Destination<'py> {
    /// A new array of a dtype and a shape, C-contiguous. Zeros cost nothing for large arrays:
    /// the system hands out zeroed pages as they are first written.
    pub(crate) fn new(
        py: Python<'py>,
        descr: Bound<'py, PyAny>,
        shape: Vec<usize>,
    ) -> PyResult<Self> {
        let numpy = py.import(intern!(py, "numpy"))?;
        let array = numpy.call_method1(intern!(py, "zeros"), (shape, descr))?;
        Ok(Self { array: array.cast_into::<PyUntypedArray>()? })
    }

    /// The bytes of the array.
    pub(crate) fn bytes(&mut self) -> Bytes<'_> {
        let len = self.array.len() * self.array.dtype().itemsize();
        let pointer = self.array.as_array_ptr();
        // SAFETY: numpy.zeros() gave a C-contiguous array that owns `len` initialised bytes at
        // `data`, which is not null even for an empty one. No other reference to it exists
        // before `finish`, as it was never handed to Python, and `self` is borrowed mutably for
        // as long as the slice lives.
        unsafe { Bytes(std::slice::from_raw_parts_mut((*pointer).fields.data.cast::<u8>(), len)) }
    }

    /// The array, to be handed to Python.
    pub(crate) fn finish(self) -> Bound<'py, PyAny> {
        self.array.into_any()
    }
}

fn refuse(py: Python<'_>, message: String) -> PyErr {
    errors::to_python(py, pulsewire_client::Error::Value(message))
}

fn int32(py: Python<'_>, stream: &str, value: i64) -> PyResult<i32> {
    i32::try_from(value).map_err(|_| too_large(py, stream, &value.to_string()))
}

fn too_large(py: Python<'_>, stream: &str, value: &str) -> PyErr {
    refuse(
        py,
        format!(
            "the input stream '{stream}': {value} does not fit an int (32 bits, -2147483648 to 2147483647)"
        ),
    )
}

/// One entry out of a bool, an int, a float, a sequence of these of one type, or an array.
pub(crate) fn entry(stream: &str, value: &Bound<'_, PyAny>) -> PyResult<Values> {
    let py = value.py();
    if let Ok(array) = value.cast::<PyUntypedArray>() {
        if array.ndim() > 1 {
            return Err(refuse(
                py,
                format!(
                    "the input stream '{stream}': an entry has one dimension, not {}; use push_many for several entries",
                    array.ndim()
                ),
            ));
        }
        return numbers(stream, array);
    }
    if let Some(scalar) = Scalar::read(stream, value)? {
        return Ok(scalar.into_values());
    }
    let items = items_of(value)?.ok_or_else(|| {
        let name = value.get_type().name().map_or_else(|_| "?".into(), |name| name.to_string());
        refuse(
            py,
            format!(
                "the input stream '{stream}': {name} is not a bool, int, float, a list, tuple or range of these, or an array"
            ),
        )
    })?;
    let mut values: Option<Values> = None;
    for item in items {
        let item = item?;
        let scalar = Scalar::read(stream, &item)?.ok_or_else(|| {
            let name = item.get_type().name().map_or_else(|_| "?".into(), |name| name.to_string());
            refuse(py, format!("the input stream '{stream}': {name} is not a bool, int or float"))
        })?;
        match (&mut values, scalar) {
            (None, first) => values = Some(first.into_values()),
            (Some(Values::Bools(all)), Scalar::Bool(value)) => all.push(value),
            (Some(Values::Ints(all)), Scalar::Int(value)) => all.push(value),
            (Some(Values::Fixed(all)), Scalar::Float(value)) => all.push(value),
            _ => {
                return Err(refuse(
                    py,
                    format!(
                        "the input stream '{stream}': mixed types; give all bools, all ints or all floats"
                    ),
                ));
            }
        }
    }
    Ok(values.unwrap_or(Values::Bools(Vec::new())))
}

/// Several entries: the rows of an array (or its items, one value an entry), or a sequence of
/// what [`entry`] takes.
pub(crate) fn entries(stream: &str, value: &Bound<'_, PyAny>) -> PyResult<Vec<Values>> {
    let py = value.py();
    if let Ok(array) = value.cast::<PyUntypedArray>() {
        let width = match array.shape() {
            [_] => 1,
            [_, width] => *width,
            shape => {
                return Err(refuse(
                    py,
                    format!(
                        "the input stream '{stream}': entries are the rows of an array of 1 or 2 dimensions, not {}",
                        shape.len()
                    ),
                ));
            }
        };
        if width == 0 {
            return Err(refuse(py, format!("the input stream '{stream}': entries without values")));
        }
        return Ok(match numbers(stream, array)? {
            Values::Bools(all) => {
                all.chunks(width).map(|row| Values::Bools(row.to_vec())).collect()
            }
            Values::Ints(all) => all.chunks(width).map(|row| Values::Ints(row.to_vec())).collect(),
            Values::Fixed(all) => {
                all.chunks(width).map(|row| Values::Fixed(row.to_vec())).collect()
            }
        });
    }
    let items = items_of(value)?.ok_or_else(|| {
        refuse(py, format!("the input stream '{stream}': several entries are an array or a list"))
    })?;
    items.map(|item| entry(stream, &item?)).collect()
}

/// The items of a list, a tuple or a range: what has an order and is no text or bytes.
fn items_of<'py>(value: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyIterator>>> {
    let ordered = value.is_instance_of::<PyList>()
        || value.is_instance_of::<PyTuple>()
        || value.is_instance_of::<PyRange>();
    if ordered { value.try_iter().map(Some) } else { Ok(None) }
}

enum Scalar {
    Bool(bool),
    Int(i32),
    Float(f64),
}

impl Scalar {
    /// A Python or numpy scalar; `None` for anything else.
    fn read(stream: &str, value: &Bound<'_, PyAny>) -> PyResult<Option<Self>> {
        let py = value.py();
        if let Ok(value) = value.cast::<PyBool>() {
            return Ok(Some(Self::Bool(value.is_true())));
        }
        if let Ok(value) = value.cast::<PyFloat>() {
            return Ok(Some(Self::Float(value.value())));
        }
        if value.is_instance_of::<PyInt>() {
            let number =
                value.extract::<i64>().map_err(|_| too_large(py, stream, &value.to_string()))?;
            return Ok(Some(Self::Int(int32(py, stream, number)?)));
        }
        // numpy's scalars know their Python twin.
        if value.hasattr(intern!(py, "dtype"))? && value.hasattr(intern!(py, "item"))? {
            let twin = value.call_method0(intern!(py, "item"))?;
            if !twin.hasattr(intern!(py, "dtype"))? {
                return Self::read(stream, &twin);
            }
        }
        Ok(None)
    }

    fn into_values(self) -> Values {
        match self {
            Self::Bool(value) => Values::Bools(vec![value]),
            Self::Int(value) => Values::Ints(vec![value]),
            Self::Float(value) => Values::Fixed(vec![value]),
        }
    }
}

/// A C-contiguous, aligned array of a dtype in the machine's byte order with the same numbers.
///
/// rust-numpy reads elements in place: a field of a structured array, or foreign bytes, must
/// never reach it.
fn plain<'py>(array: &Bound<'py, PyAny>, dtype: &str) -> PyResult<Bound<'py, PyAny>> {
    let py = array.py();
    let numpy = py.import(intern!(py, "numpy"))?;
    let converted = numpy.call_method1(intern!(py, "asarray"), (array, dtype))?;
    numpy.call_method1(intern!(py, "require"), (converted, dtype, ("C", "A")))
}

/// The numbers of an array in their order, whatever its layout.
fn numbers(stream: &str, array: &Bound<'_, PyUntypedArray>) -> PyResult<Values> {
    let py = array.py();
    if array.hasattr(intern!(py, "mask"))? {
        let text = format!("the input stream '{stream}': a masked array; fill its gaps first");
        return Err(refuse(py, text));
    }
    let descr: Bound<'_, PyArrayDescr> = array.dtype();
    match descr.kind() {
        b'b' => {
            // A byte of a foreign bool may be more than 1, which Rust's may not.
            let raw = array.call_method1(intern!(py, "view"), (intern!(py, "uint8"),))?;
            let bytes: PyReadonlyArrayDyn<'_, u8> = plain(&raw, "uint8")?.extract()?;
            Ok(Values::Bools(bytes.as_array().iter().map(|byte| *byte != 0).collect()))
        }
        b'i' => {
            let wide: PyReadonlyArrayDyn<'_, i64> = plain(array, "int64")?.extract()?;
            let narrow = |value: &i64| int32(py, stream, *value);
            wide.as_array().iter().map(narrow).collect::<PyResult<_>>().map(Values::Ints)
        }
        b'u' => {
            let wide: PyReadonlyArrayDyn<'_, u64> = plain(array, "uint64")?.extract()?;
            let narrow = |value: &u64| {
                i32::try_from(*value).map_err(|_| too_large(py, stream, &value.to_string()))
            };
            wide.as_array().iter().map(narrow).collect::<PyResult<_>>().map(Values::Ints)
        }
        b'f' => {
            let wide: PyReadonlyArrayDyn<'_, f64> = plain(array, "float64")?.extract()?;
            Ok(Values::Fixed(wide.as_array().iter().copied().collect()))
        }
        _ => Err(refuse(
            py,
            format!("the input stream '{stream}': an array of {descr} cannot be pushed"),
        )),
    }
}

/// Rows of four: shape (4,) or (n, 4); also lists of these.
pub(crate) fn matrices<'py>(value: &Bound<'py, PyAny>) -> PyResult<(Vec<[f64; 4]>, Vec<usize>)> {
    let py = value.py();
    let array: PyReadonlyArrayDyn<'_, f64> = plain(value, "float64")?.extract()?;
    let shape = array.shape().to_vec();
    if !matches!(shape.as_slice(), [4] | [_, 4]) {
        return Err(refuse(
            py,
            format!("corrections have the shape (4,) or (n, 4), not {shape:?}"),
        ));
    }
    let flat: Vec<f64> = array.as_array().iter().copied().collect();
    let rows = flat.chunks_exact(4).map(|row| [row[0], row[1], row[2], row[3]]).collect();
    Ok((rows, shape))
}

/// A numpy array of doubles of a shape.
pub(crate) fn doubles<'py>(
    py: Python<'py>,
    values: &[f64],
    shape: &[usize],
) -> PyResult<Bound<'py, PyAny>> {
    let flat = numpy::PyArray1::from_slice(py, values);
    flat.call_method1(intern!(py, "reshape"), (PyList::new(py, shape)?,))
}
