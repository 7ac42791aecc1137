"""What analog inputs see in a simulation: outputs connected to them, or samples."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pulsewire.exceptions import QmValueError

__all__ = ["InterfaceRequest", "Loopback", "Raw", "interface_request", "whole"]


@dataclass(frozen=True)
class Loopback:
    """Analog outputs connected to analog inputs.

    Args:
        connections: Of ``(from controller, output, to controller, input)``, of the same with the
            module behind each controller, or of ``(from element, to element, input)``.
        latency: Nanoseconds, from 0 on.
        noise_power: The variance of gaussian noise, V².
    """

    connections: Sequence[tuple[Any, ...]]
    latency: int = 24
    noise_power: float = 0.0


@dataclass(frozen=True)
class Raw:
    """Samples given to analog inputs.

    Args:
        connections: Of ``(controller, input, samples)``, or with the module behind the
            controller; volts, one a nanosecond from the start of the program.
        noise_power: The variance of gaussian noise, V².
    """

    connections: Sequence[tuple[Any, ...]]
    noise_power: float = 0.0


# A controller, its module and a port.
_Port = tuple[str, int, int]


@dataclass(frozen=True)
class _Wire:
    """An output that is connected to an input."""

    output: _Port
    input: _Port


@dataclass(frozen=True)
class _LoopbackRequest:
    connections: list[_Wire]
    latency: int
    noise_power: float


@dataclass(frozen=True)
class _Samples:
    """Volts of an input, one a nanosecond."""

    input: _Port
    samples: list[float]


@dataclass(frozen=True)
class _RawRequest:
    inputs: list[_Samples]
    noise_power: float


InterfaceRequest = _LoopbackRequest | _RawRequest


def _connections(
    given: Any, sizes: dict[int, tuple[type, ...]], what: str
) -> list[tuple[Any, ...]]:
    if not isinstance(given, (list, tuple)):
        raise QmValueError(f"simulate: the connections of a {what} are a list of tuples")
    found: list[tuple[Any, ...]] = []
    for one in given:
        if not isinstance(one, tuple) or len(one) not in sizes:
            lengths = " or ".join(str(size) for size in sizes)
            raise QmValueError(
                f"simulate: a connection of a {what} is a tuple of {lengths}: {one!r}"
            )
        whole = []
        for value, kind in zip(one, sizes[len(one)], strict=True):
            if kind is int and isinstance(value, np.integer):
                value = int(value)
            fits = kind is not int or (type(value) is int and -1 <= value < 1 << 31)
            if not (fits and (kind is object or isinstance(value, kind))):
                raise QmValueError(f"simulate: {value!r} in the connection {one!r} of a {what}")
            whole.append(value)
        found.append(tuple(whole))
    return found


def _volts(samples: Any) -> list[float]:
    """Samples as floats: numbers, and no text, truth value or complex number among them."""
    try:
        array = np.asarray(samples)
    except ValueError:
        array = np.asarray(None)
    if array.ndim != 1 or (array.dtype.kind not in "iuf" and array.size):
        raise QmValueError(
            f"simulate: raw samples are a list or array of volts, no numbers in {samples!r:.60}"
        )
    volts: list[float] = array.astype(float).tolist()
    return volts


def whole(value: Any, end: int, what: str) -> int:
    """An int from 0 up to an end."""
    try:
        whole = -1 if isinstance(value, (bool, np.bool_)) else operator.index(value)
    except TypeError:
        whole = -1
    if not 0 <= whole < end:
        raise QmValueError(f"simulate: {what} cannot be {value!r}")
    return whole


_MISSING = object()


def _noise_power(given: Any) -> float:
    try:
        power = float(given)
    except (TypeError, ValueError):
        power = math.nan
    if not (math.isfinite(power) and power >= 0):
        raise QmValueError(f"simulate: a noise power is a variance, not {power}")
    return power


def interface_request(interface: Any) -> InterfaceRequest | None:
    """What an interface asks for: ours, or one of qm-qua's, which keeps its list to itself.

    Raises:
        QmValueError: It is no interface, or has something that cannot be.
    """
    if interface is None:
        return None
    given = getattr(interface, "_raw_connections", getattr(interface, "connections", _MISSING))
    power = getattr(interface, "noisePower", getattr(interface, "noise_power", _MISSING))
    if given is _MISSING or power is _MISSING:
        raise QmValueError(
            f"simulate: an interface is a Loopback or a Raw, not {type(interface).__name__}"
        )
    power = _noise_power(power)
    if hasattr(interface, "latency"):
        wires = _wires(given or [])
        if not wires:
            return None
        return _LoopbackRequest(wires, whole(interface.latency, 1 << 32, "latency"), power)
    sizes: dict[int, tuple[type, ...]] = {3: (str, int, object), 4: (str, int, int, object)}
    inputs = []
    for one in _connections(given, sizes, "raw interface"):
        controller, fem, port, samples = one if len(one) == 4 else (one[0], 0, one[1], one[2])
        inputs.append(_Samples((controller, fem, port), _volts(samples)))
    return _RawRequest(inputs, power)


def _wires(given: Any) -> list[_Wire]:
    """The connections of a loopback: by element, or by port with or without modules."""
    sizes: dict[int, tuple[type, ...]] = {
        3: (str, str, int),
        4: (str, int, str, int),
        6: (str, int, int, str, int, int),
    }
    wires = []
    for one in _connections(given, sizes, "loopback"):
        if len(one) == 3:
            wires.append(_Wire((one[0], -1, -1), (one[1], -1, one[2])))
        elif len(one) == 4:
            wires.append(_Wire((one[0], 0, one[1]), (one[2], 0, one[3])))
        else:
            wires.append(_Wire(one[:3], one[3:]))
    return wires
