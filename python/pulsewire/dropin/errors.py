"""pulsewire's exceptions as qm-qua's: its classes, by their own constructors, with their codes."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable
from typing import Any

from pulsewire import exceptions

__all__ = ["theirs"]

# Where qm-qua has the classes of the same names.
_MODULES = ("qm.exceptions", "qm._QmJobErrors", "qm.api.base_api")

# Constructors that take something other than the message; where they take none, the message is put
# behind.
_Make = Callable[[Any, Any, str], Any]
_MADE: dict[str, _Make] = {
    "ErrorJobStateError": lambda kind, ours, text: kind(text, error_list=ours.error_list),
    "QmApiError": lambda kind, ours, text: kind(ours.code, text),
    "MissingJobError": lambda kind, ours, text: kind(),
    "InvalidJobExecutionStatusError": lambda kind, ours, text: kind(),
    "InvalidOperationOnSimulatorJobError": lambda kind, ours, text: kind(),
    "InvalidOperationOnRealJobError": lambda kind, ours, text: kind(),
    "UnknownInputStreamError": lambda kind, ours, text: kind(),
    "ElementWithSingleInputError": lambda kind, ours, text: kind(ours.element_name),
    "ElementWithoutIntermediateFrequencyError": lambda kind, ours, text: kind(ours.element_name),
    "InvalidElementCorrectionError": lambda kind, ours, text: kind(
        text, ours.element_name, ours.correction
    ),
    "ConfigQueryError": lambda kind, ours, text: kind(ours.code, text),
}


@functools.cache
def _their_class(name: str) -> type[Exception] | None:
    for module in _MODULES:
        found = getattr(importlib.import_module(module), name, None)
        if isinstance(found, type) and issubclass(found, Exception):
            return found
    return None


@functools.cache
def _ended_class() -> type[exceptions.ResultEndedError]:
    """A result that ended early: for ``except TimeoutError`` and for qm-qua's base class."""
    base = _their_class("QmQuaException")
    name = exceptions.ResultEndedError.__name__
    bases: tuple[type, ...] = (exceptions.ResultEndedError, *([base] if base else []), TimeoutError)
    attributes = {
        "__doc__": exceptions.ResultEndedError.__doc__,
        "__module__": __name__,
        "__reduce__": lambda self: (_ended, (self.message, self.got, self.wanted)),
    }
    made: type[exceptions.ResultEndedError] = type(name, bases, attributes)
    return made


def _ended(message: str, got: int, wanted: int) -> exceptions.ResultEndedError:
    return _ended_class()(message, got=got, wanted=wanted)


def _of_text(kind: Any, _: object, text: str) -> Any:
    return kind(text)


def theirs(error: Exception) -> Exception:
    """The exception of qm-qua for one of pulsewire; any other as it is."""
    if isinstance(error, exceptions.ResultEndedError):
        ended = _ended(error.message, error.got, error.wanted)
        return ended.with_traceback(error.__traceback__)
    if type(error).__module__ != exceptions.__name__:
        return error
    name = type(error).__name__
    kind = _their_class(name)
    if kind is None:
        return error
    text = str(error)
    make: _Make = _MADE.get(name, _of_text)
    made: Exception = make(kind, error, text)
    # qm-qua leaves some without a word.
    made.args = (text, *made.args[1:])
    made.message = text  # type: ignore[attr-defined]
    if isinstance(error, exceptions.QmQuaException) and error.in_doubt:
        made.in_doubt = True  # type: ignore[attr-defined]
    return made
