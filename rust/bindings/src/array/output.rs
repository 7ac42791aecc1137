//! Memory of numpy arrays, filled by the transport.

use std::io::Write;

use numpy::{PyArrayDescrMethods, PyUntypedArray, PyUntypedArrayMethods};
use pulsewire_client::Sink;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyList;

use super::copy::{PAST_CACHES, past_caches};
use crate::errors::refused_value;

/// The memory of an array, to be filled from its beginning.
pub(crate) struct Destination<'py> {
    array: Bound<'py, PyUntypedArray>,
}

/// Its bytes, for the time that the interpreter is not attached.
///
/// Written through a pointer, as the memory may be new (not initialised) or seen by other threads
/// of Python, which are in for torn numbers then, as with any operation of numpy that releases
/// the interpreter.
pub(crate) struct Memory<'a> {
    at: *mut u8,
    left: usize,
    /// Bytes of all.
    whole: usize,
    /// Whether all of it is more than the caches hold.
    large: bool,
    _array: std::marker::PhantomData<&'a ()>,
}

// SAFETY: the pointer is to memory that the array keeps for as long as `'a`, whichever thread
// writes to it.
unsafe impl Send for Memory<'_> {}

impl Write for Memory<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let len = bytes.len().min(self.left);
        // SAFETY: `left` bytes from `at` on belong to the array, which `'a` keeps alive, and
        // `bytes` is memory of the transport, never of an array.
        unsafe {
            if self.large {
                past_caches(bytes.as_ptr(), self.at, len);
            } else {
                std::ptr::copy_nonoverlapping(bytes.as_ptr(), self.at, len);
            }
            self.at = self.at.add(len);
        }
        self.left -= len;
        Ok(len)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Sink for Memory<'_> {
    fn take_back(&mut self, bytes: u64) -> std::io::Result<()> {
        let taken = usize::try_from(bytes).ok().filter(|bytes| *bytes <= self.whole - self.left);
        let taken = taken.ok_or(std::io::ErrorKind::InvalidInput)?;
        // SAFETY: so many bytes of the array were written before `at`.
        self.at = unsafe { self.at.sub(taken) };
        self.left += taken;
        Ok(())
    }
}

impl<'py> Destination<'py> {
    /// A new array of a dtype and a shape, C-contiguous and not initialised: it must be filled
    /// before it is handed to Python.
    pub(crate) fn new(
        py: Python<'py>,
        descr: &Bound<'py, PyAny>,
        shape: Vec<usize>,
    ) -> PyResult<Self> {
        let numpy = py.import(intern!(py, "numpy"))?;
        let array = numpy.call_method1(intern!(py, "empty"), (shape, descr))?;
        Ok(Self { array: array.cast_into::<PyUntypedArray>()? })
    }

    /// The caller's own array, whose first items are written; the rest stays as it is.
    pub(crate) fn of(
        array: &Bound<'py, PyAny>,
        descr: &Bound<'py, PyAny>,
        shape: &[usize],
    ) -> PyResult<Self> {
        let py = array.py();
        let wrong = |what: String| refused_value(py, format!("out: {what}"));
        let array = array.cast::<PyUntypedArray>().map_err(|_| {
            let name = array.get_type().name().map_or_else(|_| "?".into(), |n| n.to_string());
            wrong(format!("{name} is no numpy array"))
        })?;
        if !array.dtype().as_any().eq(descr)? {
            return Err(wrong(format!("its dtype is {}, the result's is {descr}", array.dtype())));
        }
        let fits = match (array.shape(), shape) {
            ([rows, item @ ..], [count, own @ ..]) => rows >= count && item == own,
            _ => false,
        };
        if !fits {
            return Err(wrong(format!(
                "its shape is {:?}, the result's is {shape:?}",
                array.shape()
            )));
        }
        let writable: bool =
            array.getattr(intern!(py, "flags"))?.getattr(intern!(py, "writeable"))?.extract()?;
        if !array.is_c_contiguous() || !writable {
            return Err(wrong("it must be C-contiguous and writeable".to_owned()));
        }
        Ok(Self { array: array.clone() })
    }

    /// Bytes of one item.
    pub(crate) fn item_size(&self) -> usize {
        self.array.dtype().itemsize()
    }

    /// The bytes of the array.
    pub(crate) fn memory(&mut self) -> Memory<'_> {
        let whole = self.array.len() * self.item_size();
        // SAFETY: an array object is valid for as long as a reference to it is held.
        let at = unsafe { (*self.array.as_array_ptr()).fields.data.cast::<u8>() };
        Memory {
            at,
            left: whole,
            whole,
            large: whole >= PAST_CACHES,
            _array: std::marker::PhantomData,
        }
    }

    /// Writes to the array while attached.
    pub(crate) fn fill(&mut self, bytes: &[u8]) -> PyResult<()> {
        Ok(self.memory().write_all(bytes)?)
    }

    /// The array, to be handed to Python.
    pub(crate) fn finish(self) -> Bound<'py, PyAny> {
        self.array.into_any()
    }
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
