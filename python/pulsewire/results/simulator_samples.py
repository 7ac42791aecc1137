"""The samples of a simulated job, as every port played them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from pulsewire import _native

__all__ = ["SimulatorControllerSamples", "SimulatorSamples"]

Ports: TypeAlias = "str | int | Sequence[str | int] | None"

_RATE = 1e9


class _Port(NamedTuple):
    """The samples of a port, as the extension gives them too."""

    controller: str
    is_analog: bool
    port: str
    samples: NDArray[Any]


def _usual_rate() -> float:
    return _RATE


def _standard(port: object) -> str:
    """``1`` and ``"1"`` are ``"1-1"``: the port of the first (on an OPX+, the only) module."""
    text = str(port)
    return text if "-" in text else f"1-{text}"


class _PortSamples(dict[str, "NDArray[Any]"]):
    """Arrays by port; a port may be asked for as ``1``, ``"1"`` or ``"1-1"``."""

    def __init__(self, samples: Mapping[str, Any]) -> None:
        super().__init__({_standard(port): np.asarray(given) for port, given in samples.items()})

    def __getitem__(self, port: str | int) -> NDArray[Any]:
        return super().__getitem__(_standard(port))

    def __missing__(self, port: str) -> NDArray[Any]:
        raise KeyError(f"no port {port!r} was simulated; there are: {', '.join(self) or 'none'}")

    def __contains__(self, port: object) -> bool:
        known = isinstance(port, (str, int, np.integer)) and not isinstance(port, bool)
        return known and super().__contains__(_standard(port))

    def get(self, port: str | int, default: Any = None) -> Any:
        return super().get(_standard(port), default)


def _label(port: str | int, kind: str) -> str:
    parts = _standard(port).split("-")
    label = f"FEM{parts[0]}-{kind}{parts[1]}"
    return f"{label}-UP{parts[2]}" if len(parts) > 2 else label


class SimulatorControllerSamples:
    """The samples of the ports of one controller.

    Args:
        analog: Volts by port; a sample each nanosecond.
        digital: Levels by port; a sample each nanosecond.
        analog_sampling_rate: Samples a second by port; 1e9 for each when not given.

    Attributes:
        analog: Arrays of float64, shape ``(4 * duration,)``, by port: ``analog["1"]``,
            ``analog[1]`` and ``analog["1-1"]`` are the same. What leaves the port, offset included.
        digital: Arrays of bool of the same shape, by port.
    """

    def __init__(
        self,
        analog: Mapping[str, Any],
        digital: Mapping[str, Any],
        analog_sampling_rate: Mapping[str, float] | None = None,
    ) -> None:
        self.analog = _PortSamples(analog)
        self.digital = _PortSamples(digital)
        self._rates = None if analog_sampling_rate is None else dict(analog_sampling_rate)

    @property
    def analog_sampling_rate(self) -> Mapping[str, float]:
        """Samples a second of each analog port."""
        if self._rates is not None:
            return self._rates
        return defaultdict(_usual_rate, dict.fromkeys(self.analog, _RATE))

    def _rate(self, port: str | int) -> float:
        rates = self.analog_sampling_rate
        for name in (str(port), _standard(port)):
            if name in rates:
                return rates[name]
        return _RATE

    def plot(self, analog_ports: Ports = None, digital_ports: Ports = None) -> Axes:
        """Draws ports over time, in nanoseconds, into the current axes of matplotlib.

        Analog traces are in volts; digital ones are drawn as 0 and 1. A port that stays at zero
        is left out, as qm-qua does. Needs matplotlib (``pip install pulsewire[plot]``).

        Args:
            analog_ports: Which analog ports: one, several, none (``[]``), or all by default.
            digital_ports: Which digital ports, likewise.

        Returns:
            The axes.

        Raises:
            KeyError: A port that was not simulated.
        """
        from matplotlib import pyplot as plt

        if plt.get_fignums() and getattr(plt.gcf(), "_is_a_report", False):
            # A report that is still shown is whole.
            plt.figure()
        axes = plt.gca()
        traces: list[tuple[str, NDArray[Any], NDArray[Any]]] = []
        for port in _chosen(analog_ports, self.analog):
            samples = self.analog[port]
            times = np.arange(len(samples)) / self._rate(port) * 1e9
            label = _label(port, "AO")
            parts = [(label, samples)]
            if np.iscomplexobj(samples):
                parts = [(f"{label} I", samples.real), (f"{label} Q", samples.imag)]
            if np.any(samples):
                traces += [(name, times, part) for name, part in parts]
        levels: list[tuple[str, NDArray[Any], NDArray[Any]]] = []
        for port in _chosen(digital_ports, self.digital):
            samples = self.digital[port]
            if np.any(samples):
                times = np.arange(len(samples)) / _RATE * 1e9
                levels.append((_label(port, "DO"), times, samples.astype(float)))
        if len(traces) + len(levels) > len(plt.rcParams["axes.prop_cycle"]):
            # A colour for each of twenty.
            axes.set_prop_cycle(color=plt.get_cmap("tab20").colors)
        for name, times, part in traces:
            axes.plot(times, part, label=name)
        for index, (name, times, part) in enumerate(levels):
            # Markers that are high together lie upon each other: each is seen beside the next.
            width = min(1.2 + 0.8 * (len(levels) - 1 - index), 4.0)
            axes.step(times, part, where="post", label=name, linewidth=width, alpha=0.7)
        axes.set_xlabel("Time [ns]")
        axes.set_ylabel("Output [V], digital 0 or 1" if levels else "Output [V]")
        if traces or levels:
            many = len(traces) + len(levels) > 6
            axes.legend(
                loc="upper right", framealpha=0.7, ncols=2 if many else 1,
                fontsize="small" if many else None,
            )  # fmt: skip
        return axes

    def __repr__(self) -> str:
        return (
            f"<pulsewire.SimulatorControllerSamples analog {list(self.analog)}, "
            f"digital {list(self.digital)}>"
        )


def _chosen(ports: Ports, there: Iterable[str]) -> Sequence[str | int]:
    if ports is None:
        return list(there)
    if isinstance(ports, (bool, np.bool_)):
        return [ports]
    if isinstance(ports, (str, int, np.integer)):
        return [ports if isinstance(ports, str) else int(ports)]
    return ports


class _NoControllerError(KeyError, AttributeError):
    """What neither an item nor an attribute is."""


class SimulatorSamples(dict[str, SimulatorControllerSamples]):
    """Samples by controller: ``samples["con1"]`` and ``samples.con1`` are the same."""

    def __getattr__(self, name: str) -> SimulatorControllerSamples:
        if name in self:
            return self[name]
        known = ", ".join(self) or "none"
        raise _NoControllerError(f"no controller {name!r} was simulated; there are: {known}")

    @property
    def __dict__(self) -> dict[str, SimulatorControllerSamples]:  # type: ignore[override]
        """The items, as ``vars(samples)`` gives them in qm-qua."""
        return dict(self)

    @staticmethod
    def from_np_array(arr: NDArray[Any]) -> SimulatorSamples:
        """From a structured array whose fields are ``controller:analog|digital:port``.

        Raises:
            ValueError: A field of another form.
        """
        if arr.dtype.names is None:
            raise ValueError(f"samples are a structured array, not one of {arr.dtype}")
        ports: list[_Port] = []
        for name in arr.dtype.names:
            controller, kind, port = name.split(":")
            if kind not in ("analog", "digital"):
                raise ValueError(f"a field of samples is analog or digital, not {name!r}")
            ports.append(_Port(controller, kind == "analog", port, arr[name]))
        return SimulatorSamples.of_ports(ports)

    @staticmethod
    def of_ports(ports: Iterable[_native.SamplePort | _Port]) -> SimulatorSamples:
        """From the samples of each port."""
        sorted_out: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {}
        for port in ports:
            pair = sorted_out.setdefault(port.controller, ({}, {}))
            pair[0 if port.is_analog else 1][port.port] = port.samples
        return SimulatorSamples(
            {name: SimulatorControllerSamples(*pair) for name, pair in sorted_out.items()}
        )
