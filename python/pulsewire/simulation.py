"""What a simulation connects to the inputs of a controller, and what a readout model answers."""

from __future__ import annotations

import math
import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pulsewire.exceptions import QmValueError

__all__ = ["Loopback", "Qubit", "Raw", "Readout"]


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


@dataclass(frozen=True)
class Qubit:
    """The qubit behind a readout element, for :class:`Readout`.

    Args:
        element: The element that drives it.
        pi: The operation of that element that turns it by π; all others turn it by their area.
        frequency: Hz, as an intermediate frequency of the element; None for the configured one.
        t1: Seconds; the decay to the ground state.
        t2: Seconds; the decay of a superposition, at most twice ``t1``.
        t2_star: Seconds; the decay by a frequency that wanders from shot to shot, which an echo
            undoes.
    """

    element: str
    pi: str
    frequency: float | None = None
    t1: float = math.inf
    t2: float = math.inf
    t2_star: float = math.inf


@dataclass(frozen=True)
class Readout:
    """What a resonator answers to a measurement, for ``Emulator(readout={element: Readout(…)})``.

    The points are what a full demodulation with weights of 1 gives, in volts:
    ``4096 * 2 * I / duration`` of a single one, ``4096 * I / duration`` of a dual one.

    Args:
        ground: I and Q with the qubit in its ground state, for a measurement pulse as it is
            configured; ``amp()`` scales and turns them. Within ±0.5 V.
        excited: I and Q with the qubit in its excited state; the ground state's by default.
        noise: Standard deviation of a sample at the input, volts.
        frequency: The resonance, Hz as an intermediate frequency; None answers the same at every
            one.
        linewidth: Full width of the resonance, Hz; with it the answer rises and falls with the time
            ``1 / (π linewidth)``.
        shift: How far the resonance moves with the qubit excited, Hz.
        photons: Mean photons a microsecond for time tags and counts, by state; at most 1000.
        qubit: The qubit it reads; None always answers as the ground state.
    """

    ground: tuple[float, float] = (0.01, 0.0)
    excited: tuple[float, float] | None = None
    noise: float = 0.0
    frequency: float | None = None
    linewidth: float = 0.0
    shift: float = 0.0
    photons: tuple[float, float] = (0.0, 0.0)
    qubit: Qubit | None = None

    def __post_init__(self) -> None:
        if isinstance(self.qubit, Mapping):
            object.__setattr__(self, "qubit", Qubit(**self.qubit))

    @staticmethod
    def _of(name: str, given: Readout | Mapping[str, Any]) -> Readout:
        """A model, or one from the arguments of Readout with those of its Qubit."""
        if isinstance(given, Readout):
            return given
        try:
            return Readout(**given)
        except (TypeError, ValueError) as error:
            raise QmValueError(f"the readout of '{name}': {error}") from error

    def _given(self, name: str) -> dict[str, Any]:
        try:
            return self._checked(name)
        except TypeError as error:
            raise QmValueError(f"the readout of '{name}': {error}") from error

    def _checked(self, name: str) -> dict[str, Any]:
        excited = self.ground if self.excited is None else self.excited
        pairs = (self.ground, excited, self.photons)
        if any(len(pair) != 2 or not all(map(math.isfinite, pair)) for pair in pairs):
            raise QmValueError(f"the readout of '{name}' has points that are not pairs of numbers")
        if max(map(abs, (*self.ground, *excited))) > 0.5:
            raise QmValueError(
                f"the readout of '{name}' has a point beyond the converter's range, 0.5 V"
            )
        qubit = self.qubit
        others = [self.noise, self.linewidth, self.shift, self.frequency or 0.0]
        others.append(qubit.frequency or 0.0 if qubit is not None else 0.0)
        if not all(map(math.isfinite, others)):
            raise QmValueError(f"the readout of '{name}' has a number that is not finite")
        if self.frequency is not None and not self.linewidth > 0:
            raise QmValueError(f"the readout of '{name}' has a frequency but no linewidth")
        if self.shift != 0 and self.frequency is None:
            raise QmValueError(f"the readout of '{name}' has a shift of no frequency")
        if not (self.noise >= 0 and min(self.photons) >= 0 and self.linewidth >= 0):
            raise QmValueError(f"the readout of '{name}' has a negative noise, width or rate")
        if max(self.photons) > 1000:
            raise QmValueError(
                f"the readout of '{name}' has more photons than one a nanosecond, 1000"
            )
        if qubit is not None and not min(qubit.t1, qubit.t2, qubit.t2_star) > 0:
            raise QmValueError(f"the qubit of '{name}' has a decay that takes no time")
        return {
            "ground": list(self.ground),
            "excited": list(excited),
            "noise": self.noise,
            "frequency": self.frequency,
            "linewidth": self.linewidth,
            "shift": self.shift,
            "photons": list(self.photons),
            "qubit": qubit
            and {
                "element": qubit.element,
                "pi": qubit.pi,
                "frequency": qubit.frequency,
                "t1": qubit.t1 * 1e9,
                "t2": qubit.t2 * 1e9,
                "t2_star": qubit.t2_star * 1e9,
            },
        }


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


_MISSING = object()


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


def _whole(value: Any, end: int, what: str) -> int:
    """An int from 0 up to an end."""
    try:
        whole = -1 if isinstance(value, (bool, np.bool_)) else operator.index(value)
    except TypeError:
        whole = -1
    if not 0 <= whole < end:
        raise QmValueError(f"simulate: {what} cannot be {value!r}")
    return whole


@dataclass
class _Asked:
    """What is asked of the gateway, from our own arguments or from qm-qua's SimulationConfig."""

    cycles: int
    analog_waveforms: bool = False
    digital_waveforms: bool = False
    loopback: tuple[list[tuple[Any, ...]], int, float] | None = None
    raw: tuple[list[tuple[Any, ...]], float] | None = None
    addresses: list[Any] = field(default_factory=list)
    channels: list[Any] = field(default_factory=list)
    extra_processing_ms: int = -1
    flags: list[str] = field(default_factory=list)

    def connect(self, interface: Any) -> None:
        """Takes an interface: ours, or one of qm-qua's, which keeps its list to itself."""
        if interface is None:
            return
        given = getattr(interface, "_raw_connections", getattr(interface, "connections", _MISSING))
        power: Any = getattr(interface, "noisePower", getattr(interface, "noise_power", _MISSING))
        if given is _MISSING or power is _MISSING:
            raise QmValueError(
                f"simulate: an interface is a Loopback or a Raw, not {type(interface).__name__}"
            )
        try:
            power = float(power)
        except (TypeError, ValueError):
            power = math.nan
        if not (math.isfinite(power) and power >= 0):
            raise QmValueError(f"simulate: a noise power is a variance, not {power}")
        if hasattr(interface, "latency"):
            sizes: dict[int, tuple[type, ...]] = {
                3: (str, str, int),
                4: (str, int, str, int),
                6: (str, int, int, str, int, int),
            }
            found = []
            for one in _connections(given or [], sizes, "loopback"):
                if len(one) == 3:
                    found.append((one[0], -1, -1, one[1], -1, one[2]))
                elif len(one) == 4:
                    found.append((one[0], 0, one[1], one[2], 0, one[3]))
                else:
                    found.append(one)
            if found:
                self.loopback = (found, _whole(interface.latency, 1 << 32, "latency"), power)
            return
        sizes = {3: (str, int, object), 4: (str, int, int, object)}
        raw = []
        for one in _connections(given, sizes, "raw interface"):
            *port, samples = one if len(one) == 4 else (one[0], 0, one[1], one[2])
            raw.append((*port, _volts(samples)))
        self.raw = (raw, power)

    def link(self, connections: Sequence[Any]) -> None:
        """Takes qm-qua's ControllerConnections."""
        for connection in connections:
            ends = (connection.source, connection.target)
            if all(hasattr(end, "is_left_connection") for end in ends):
                pair = [(end.controller, bool(end.is_left_connection)) for end in ends]
                self.addresses.append(tuple(pair))
            elif all(hasattr(end, "channel_number") for end in ends):
                channels = [_whole(end.channel_number, 1 << 31, "a channel") for end in ends]
                pairs = zip((end.controller for end in ends), channels, strict=True)
                self.channels.append(tuple(pairs))
            else:
                raise QmValueError(f"simulate: a connection of two different kinds: {connection}")

    def native(self) -> Mapping[str, Any]:
        return vars(self)
