"""What a readout model answers to measurements, for the emulator."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pulsewire.exceptions import QmValueError

__all__ = ["Qubit", "Readout"]


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
        """What the extension takes: times in nanoseconds; its numbers are checked there."""
        try:
            return self._as_dict(name)
        except TypeError as error:
            raise QmValueError(f"the readout of '{name}': {error}") from error

    def _as_dict(self, name: str) -> dict[str, Any]:
        excited = self.ground if self.excited is None else self.excited
        pairs = (self.ground, excited, self.photons)
        # As floats here, so that what is no number is told by the readout's name.
        if any(len(pair) != 2 or not all(map(math.isfinite, pair)) for pair in pairs):
            raise QmValueError(f"the readout of '{name}' has points that are not pairs of numbers")
        for number in (self.noise, self.linewidth, self.shift, self.frequency or 0.0):
            math.isfinite(number)
        qubit = self.qubit
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
