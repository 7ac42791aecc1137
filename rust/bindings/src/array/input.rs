//! What users push, as the numbers of entries.

use numpy::{
    PyArrayDescr, PyArrayDescrMethods, PyReadonlyArray1, PyReadonlyArrayDyn, PyUntypedArray,
    PyUntypedArrayMethods,
};
use pulsewire_client::{MESSAGE_BYTES, Rows, Values};
use pyo3::ffi;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyFloat, PyInt, PyIterator, PyList, PyRange, PyTuple};

use crate::errors::refused_value;

fn too_large(py: Python<'_>, stream: &str, value: &str) -> PyErr {
    refused_value(
        py,
        format!(
            "the input stream '{stream}': {value} does not fit an int (32 bits, -2147483648 to 2147483647)"
        ),
    )
}

/// Numbers taken out of Python's objects; whether they fit their stream is checked later.
pub(crate) enum Numbers {
    Longs(Vec<i64>),
    Fixed(Vec<f64>),
    Bools(Vec<bool>),
}

impl Numbers {
    pub(crate) fn values(&self) -> Values<'_> {
        match self {
            Self::Longs(values) => Values::Longs(values),
            Self::Fixed(values) => Values::Fixed(values),
            Self::Bools(values) => Values::Bools(values),
        }
    }
}

/// Gives `make` the values of one entry: a bool, an int, a float, a sequence of these of one type, or
/// an array, whose memory is used as it is where it can be.
pub(crate) fn with_entry<T>(
    stream: &str,
    value: &Bound<'_, PyAny>,
    make: impl FnOnce(Values<'_>) -> T,
) -> PyResult<T> {
    let py = value.py();
    if let Some(scalar) = Scalar::exact(stream, value)? {
        return Ok(scalar.with_values(make));
    }
    if let Ok(array) = value.cast::<PyUntypedArray>() {
        if array.ndim() > 1 {
            return Err(refused_value(
                py,
                format!(
                    "the input stream '{stream}': an entry has one dimension, not {}; use push_many for several entries",
                    array.ndim()
                ),
            ));
        }
        return with_array(stream, array, make);
    }
    if let Some(scalar) = Scalar::read(stream, value)? {
        return Ok(scalar.with_values(make));
    }
    Ok(make(sequence(stream, value)?.values()))
}

/// Gives `make` the numbers of an array: where they lie, or as numpy converts them, once.
fn with_array<T>(
    stream: &str,
    array: &Bound<'_, PyUntypedArray>,
    make: impl FnOnce(Values<'_>) -> T,
) -> PyResult<T> {
    /// What `make` gives for the elements of an array that has them side by side.
    macro_rules! in_place {
        ($array:expr, $kind:ty, $values:ident) => {
            if let Ok(numbers) = $array.extract::<PyReadonlyArrayDyn<'_, $kind>>()
                && let Ok(numbers) = numbers.as_slice()
            {
                return Ok(make(Values::$values(numbers)));
            }
        };
    }
    if is_masked(array)? {
        return Err(masked(stream, array.py()));
    }
    if is_aligned(array) {
        in_place!(array, i64, Longs);
        in_place!(array, i32, Ints);
        in_place!(array, f64, Fixed);
    }
    /// The same for elements with gaps between them, gathered once.
    macro_rules! gathered {
        ($kind:ty, $values:ident) => {
            if let Ok(numbers) = array.extract::<PyReadonlyArray1<'_, $kind>>() {
                let numbers = numbers.as_array().to_vec();
                return Ok(make(Values::$values(&numbers)));
            }
        };
    }
    if is_aligned(array) && has_whole_gaps(array) {
        if let Ok(numbers) = array.extract::<PyReadonlyArray1<'_, i64>>()
            && let Some((all, step)) = spaced(&numbers)
        {
            return Ok(make(Values::Spaced(all, step)));
        }
        gathered!(i64, Longs);
        gathered!(i32, Ints);
        gathered!(f64, Fixed);
    }
    let descr = array.dtype();
    match (descr.kind(), descr.itemsize()) {
        (b'i', ..=4) | (b'u', ..=2) => in_place!(plain(array, "int32")?, i32, Ints),
        (b'i', _) | (b'u', ..=4) => in_place!(plain(array, "int64")?, i64, Longs),
        (b'f', _) => in_place!(plain(array, "float64")?, f64, Fixed),
        _ => {}
    }
    Ok(make(numbers(stream, array)?.values()))
}

/// The memory from the first element of an array to its last, and how many lie between two, where they go upwards.
fn spaced<'a>(numbers: &'a PyReadonlyArray1<'_, i64>) -> Option<(&'a [i64], usize)> {
    let view = numbers.as_array();
    let step = usize::try_from(*view.strides().first()?).ok().filter(|step| *step > 0)?;
    let span = view.len().checked_sub(1)?.checked_mul(step)?.checked_add(1)?;
    // SAFETY: the first and the last element are of one allocation, and so is what lies between them; it is aligned,
    // as these are. It stays as it is for as long as the array is borrowed.
    Some((unsafe { std::slice::from_raw_parts(view.as_ptr(), span) }, step))
}

fn masked(stream: &str, py: Python<'_>) -> PyErr {
    let text = format!("the input stream '{stream}': a masked array; fill its gaps first");
    refused_value(py, text)
}

/// The ints of a list that holds nothing but ints of 64 bits; `None` for any other.
///
/// Users' lists are long and mostly this: an item costs a third of what it does in [`sequence`].
fn longs(list: &Bound<'_, PyList>) -> Option<Vec<i64>> {
    let len = list.len();
    let mut longs = Vec::with_capacity(len);
    for index in 0..len {
        // SAFETY: attached, so that the list cannot shrink below `len` meanwhile: nothing here
        // runs Python code, as an exact int has no methods of its own to convert it. The item is
        // borrowed from the list for as long as that holds.
        let long = unsafe {
            let item = ffi::PyList_GetItem(list.as_ptr(), index as ffi::Py_ssize_t);
            if item.is_null() || ffi::PyLong_CheckExact(item) == 0 {
                return None;
            }
            ffi::PyLong_AsLongLong(item)
        };
        if long == -1 && PyErr::take(list.py()).is_some() {
            // Too large: found again, and named, on the slower way.
            return None;
        }
        longs.push(long);
    }
    Some(longs)
}

/// After so many items Ctrl-C is heard.
const LISTEN: usize = 1 << 16;

/// One entry out of a sequence of bools, ints or floats.
fn sequence(stream: &str, value: &Bound<'_, PyAny>) -> PyResult<Numbers> {
    let py = value.py();
    if let Ok(list) = value.cast_exact::<PyList>()
        && !list.is_empty()
        && let Some(longs) = longs(list)
    {
        return Ok(Numbers::Longs(longs));
    }
    let items = items_of(value)?.ok_or_else(|| {
        let name = value.get_type().name().map_or_else(|_| "?".into(), |name| name.to_string());
        refused_value(
            py,
            format!(
                "the input stream '{stream}': {name} is not a bool, int, float, a list, tuple or range of these, or an array"
            ),
        )
    })?;
    // A range can be longer than any memory: `len` fails then.
    let len = value.len().ok().filter(|len| *len <= MESSAGE_BYTES).ok_or_else(|| {
        refused_value(
            py,
            format!("the input stream '{stream}': more values than the {MESSAGE_BYTES} bytes of a message hold"),
        )
    })?;
    let mut values: Option<Numbers> = None;
    for (index, item) in items.enumerate() {
        let item = item?;
        if index % LISTEN == 0 {
            py.check_signals()?;
        }
        let scalar = Scalar::read(stream, &item)?.ok_or_else(|| {
            let name = item.get_type().name().map_or_else(|_| "?".into(), |name| name.to_string());
            refused_value(
                py,
                format!("the input stream '{stream}': {name} is not a bool, int or float"),
            )
        })?;
        match (&mut values, scalar) {
            (None, first) => values = Some(first.into_numbers(len)),
            (Some(Numbers::Bools(all)), Scalar::Bool(value)) => all.push(value),
            (Some(Numbers::Longs(all)), Scalar::Int(value)) => all.push(value),
            (Some(Numbers::Fixed(all)), Scalar::Float(value)) => all.push(value),
            (Some(Numbers::Fixed(all)), Scalar::Int(value)) => all.push(value as f64),
            // The first float among ints makes floats of all.
            (Some(Numbers::Longs(all)), Scalar::Float(value)) => {
                let ints = all.iter().map(|int| *int as f64);
                let floats = ints.chain([value]).collect();
                values = Some(Numbers::Fixed(floats));
            }
            _ => {
                return Err(refused_value(
                    py,
                    format!(
                        "the input stream '{stream}': mixed types; bools stand alone, give all bools or all numbers"
                    ),
                ));
            }
        }
    }
    Ok(values.unwrap_or(Numbers::Bools(Vec::new())))
}

/// Several entries.
pub(crate) enum Entries {
    /// The rows of an array, of so many values each.
    Rows(Numbers, usize),
    /// Each by itself.
    List(Vec<Numbers>),
}

impl Entries {
    /// Their values.
    pub(crate) fn values(&self) -> Vec<Values<'_>> {
        match self {
            Self::Rows(numbers, width) => {
                Rows { values: numbers.values(), width: *width }.entries().collect()
            }
            Self::List(entries) => entries.iter().map(Numbers::values).collect(),
        }
    }
}

/// Several entries: the rows of an array (or its items, one value an entry), or a sequence of
/// what [`with_entry`] takes.
pub(crate) fn entries(stream: &str, value: &Bound<'_, PyAny>) -> PyResult<Entries> {
    let py = value.py();
    if let Ok(array) = value.cast::<PyUntypedArray>() {
        let width = match array.shape() {
            [_] => 1,
            [_, width] => *width,
            shape => {
                return Err(refused_value(
                    py,
                    format!(
                        "the input stream '{stream}': entries are the rows of an array of 1 or 2 dimensions, not {}",
                        shape.len()
                    ),
                ));
            }
        };
        if width == 0 {
            return Err(refused_value(
                py,
                format!("the input stream '{stream}': entries without values"),
            ));
        }
        return Ok(Entries::Rows(numbers(stream, array)?, width));
    }
    let items = items_of(value)?.ok_or_else(|| {
        refused_value(
            py,
            format!("the input stream '{stream}': several entries are an array or a list"),
        )
    })?;
    let owned = |values: Values<'_>| match values {
        Values::Ints(values) => Numbers::Longs(values.iter().map(|v| i64::from(*v)).collect()),
        Values::Longs(values) => Numbers::Longs(values.to_vec()),
        Values::Spaced(values, step) => {
            Numbers::Longs(values.iter().step_by(step).copied().collect())
        }
        Values::Fixed(values) => Numbers::Fixed(values.to_vec()),
        Values::Bools(values) => Numbers::Bools(values.to_vec()),
    };
    items.map(|item| with_entry(stream, &item?, owned)).collect::<PyResult<_>>().map(Entries::List)
}

/// The items of a list, a tuple or a range: what has an order and is no text or bytes.
fn items_of<'py>(value: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyIterator>>> {
    let ordered = value.is_instance_of::<PyList>()
        || value.is_instance_of::<PyTuple>()
        || value.is_instance_of::<PyRange>();
    if ordered { value.try_iter().map(Some) } else { Ok(None) }
}

#[derive(Clone, Copy)]
enum Scalar {
    Bool(bool),
    Int(i64),
    Float(f64),
}

impl Scalar {
    /// A scalar of Python; `None` for anything else.
    fn exact(stream: &str, value: &Bound<'_, PyAny>) -> PyResult<Option<Self>> {
        if let Ok(value) = value.cast::<PyBool>() {
            return Ok(Some(Self::Bool(value.is_true())));
        }
        if value.is_instance_of::<PyInt>() {
            let number = value.extract::<i64>();
            let number = number.map_err(|_| too_large(value.py(), stream, &value.to_string()))?;
            return Ok(Some(Self::Int(number)));
        }
        if let Ok(value) = value.cast::<PyFloat>() {
            return Ok(Some(Self::Float(value.value())));
        }
        Ok(None)
    }

    /// A scalar of Python or numpy; `None` for anything else.
    fn read(stream: &str, value: &Bound<'_, PyAny>) -> PyResult<Option<Self>> {
        let py = value.py();
        if let Some(scalar) = Self::exact(stream, value)? {
            return Ok(Some(scalar));
        }
        // numpy's scalars know their Python twin.
        if value.hasattr(intern!(py, "dtype"))? && value.hasattr(intern!(py, "item"))? {
            let twin = value.call_method0(intern!(py, "item"))?;
            if !twin.hasattr(intern!(py, "dtype"))? {
                return Self::exact(stream, &twin);
            }
        }
        Ok(None)
    }

    fn with_values<T>(self, make: impl FnOnce(Values<'_>) -> T) -> T {
        match self {
            Self::Bool(value) => make(Values::Bools(&[value])),
            Self::Int(value) => make(Values::Longs(&[value])),
            Self::Float(value) => make(Values::Fixed(&[value])),
        }
    }

    /// The first of as many as `len`.
    fn into_numbers(self, len: usize) -> Numbers {
        fn first<T>(value: T, len: usize) -> Vec<T> {
            // A range can be longer than any memory.
            let mut values = Vec::with_capacity(len.clamp(1, 1 << 16));
            values.push(value);
            values
        }
        match self {
            Self::Bool(value) => Numbers::Bools(first(value, len)),
            Self::Int(value) => Numbers::Longs(first(value, len)),
            Self::Float(value) => Numbers::Fixed(first(value, len)),
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

/// Whether its first element lies where any number may lie.
fn is_aligned(array: &Bound<'_, PyUntypedArray>) -> bool {
    // SAFETY: an array object is valid for as long as a reference to it is held.
    let data = unsafe { (*array.as_array_ptr()).fields.data };
    data.addr().is_multiple_of(align_of::<i64>())
}

/// Whether elements are a whole number of elements apart: not so in a field of a structured array.
fn has_whole_gaps(array: &Bound<'_, PyUntypedArray>) -> bool {
    let size = array.dtype().itemsize().max(1) as isize;
    array.strides().iter().all(|stride| stride % size == 0)
}

fn is_masked(array: &Bound<'_, PyUntypedArray>) -> PyResult<bool> {
    array.hasattr(intern!(array.py(), "mask"))
}

/// The numbers of an array in their order, whatever its layout.
fn numbers(stream: &str, array: &Bound<'_, PyUntypedArray>) -> PyResult<Numbers> {
    let py = array.py();
    if is_masked(array)? {
        return Err(masked(stream, py));
    }
    let descr: Bound<'_, PyArrayDescr> = array.dtype();
    match descr.kind() {
        b'b' => {
            // A byte of a foreign bool may be more than 1, which Rust's may not.
            let raw = array.call_method1(intern!(py, "view"), (intern!(py, "uint8"),))?;
            let bytes: PyReadonlyArrayDyn<'_, u8> = plain(&raw, "uint8")?.extract()?;
            Ok(Numbers::Bools(bytes.as_array().iter().map(|byte| *byte != 0).collect()))
        }
        b'i' => {
            let wide: PyReadonlyArrayDyn<'_, i64> = plain(array, "int64")?.extract()?;
            Ok(Numbers::Longs(wide.as_array().iter().copied().collect()))
        }
        b'u' => {
            let wide: PyReadonlyArrayDyn<'_, u64> = plain(array, "uint64")?.extract()?;
            let signed = |value: &u64| {
                i64::try_from(*value).map_err(|_| too_large(py, stream, &value.to_string()))
            };
            wide.as_array().iter().map(signed).collect::<PyResult<_>>().map(Numbers::Longs)
        }
        b'f' => {
            let wide: PyReadonlyArrayDyn<'_, f64> = plain(array, "float64")?.extract()?;
            Ok(Numbers::Fixed(wide.as_array().iter().copied().collect()))
        }
        _ => Err(refused_value(
            py,
            format!("the input stream '{stream}': an array of {descr} cannot be pushed"),
        )),
    }
}

/// Rows of four: shape (4,) or (n, 4); also lists of these.
pub(crate) fn matrices<'py>(value: &Bound<'py, PyAny>) -> PyResult<(Vec<[f64; 4]>, Vec<usize>)> {
    let py = value.py();
    let numbers = plain(value, "float64").map_err(|error| {
        if error.is_instance_of::<pyo3::exceptions::PyException>(py) {
            refused_value(py, format!("corrections are numbers: {error}"))
        } else {
            error
        }
    })?;
    let array: PyReadonlyArrayDyn<'_, f64> = numbers.extract()?;
    let shape = array.shape().to_vec();
    if !matches!(shape.as_slice(), [4] | [_, 4]) {
        return Err(refused_value(
            py,
            format!("corrections have the shape (4,) or (n, 4), not {shape:?}"),
        ));
    }
    let flat: Vec<f64> = array.as_array().iter().copied().collect();
    let rows = flat.chunks_exact(4).map(|row| [row[0], row[1], row[2], row[3]]).collect();
    Ok((rows, shape))
}
