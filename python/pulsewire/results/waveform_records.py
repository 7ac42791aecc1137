"""The entries of a waveform report: pulses, markers, acquisitions and events, and their ports."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

__all__ = [
    "AdcAcquisition",
    "Event",
    "FemToWaveformMap",
    "PlayedAnalogWaveform",
    "PlayedDigitalWaveform",
    "PlayedWaveform",
    "SingleControllerMapping",
]

_ORIGIN = "OriginPulseName="


def _named(given: Any) -> str:
    if not isinstance(given, str):
        raise TypeError(f"{given!r:.60} where a name is needed")
    return given


def _row(given: Any) -> list[float]:
    """Numbers, at least one."""
    row = [float(value) for value in given]
    if not row:
        raise ValueError("a row without numbers")
    return row


def _iq(given: Mapping[str, Any]) -> dict[str, Any]:
    flags = {name: bool(given[name]) for name in ("isPartOfIq", "isI", "isQ")}
    return {**given, **flags}


def _text(name: str, lines: Sequence[str]) -> str:
    """Lines below each other, behind the name's bracket."""
    indent = " " * (len(name) + 1)
    return f"{name}(" + f"\n{indent}".join(lines) + ")"


_CHIRP = ("rate", "times", "units", "startFrequency", "endFrequency")


def _chirp_order(name: str) -> int:
    return _CHIRP.index(name) if name in _CHIRP else len(_CHIRP)


def _hertz(frequency: float) -> str:
    value, unit = frequency, "Hz"
    if 1e3 <= frequency < 1e6:
        value, unit = frequency / 1e3, "kHz"
    elif frequency >= 1e6:
        value, unit = frequency / 1e6, "MHz"
    return f"{value:.3f}".rstrip("0").rstrip(".") + unit


@dataclass(frozen=True)
class PlayedWaveform:
    """One waveform that an output played.

    Attributes:
        waveform_name: The waveform.
        pulse_name: ``OriginPulseName=`` and the pulse.
        length: Nanoseconds.
        timestamp: Its start, in nanoseconds of simulated time.
        iq_info: ``isPartOfIq``, ``iqGroupId``, ``isI``, ``isQ``.
        element: The element.
        output_ports: Ports of the controller, from 1.
        controller: The controller.
        pulser: ``controllerName`` and ``pulserIndex``.
        fem: The module of the controller, from 1.
    """

    waveform_name: str
    pulse_name: str
    length: int
    timestamp: int
    iq_info: dict[str, Any]
    element: str
    output_ports: list[int]
    controller: str
    pulser: dict[str, Any]
    fem: int

    @staticmethod
    def build_initialization_dict(
        dict_description: Mapping[str, Any], formatted_attribute_dict: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """The fields of a waveform from the structure that a gateway sends."""
        pulser = dict_description["pulser"]
        return {
            **(formatted_attribute_dict or {}),
            "waveform_name": _named(dict_description["waveformName"]),
            "pulse_name": _named(dict_description["pulseName"]),
            "length": int(dict_description["length"]),
            "timestamp": int(dict_description["timestamp"]),
            "iq_info": _iq(dict_description["iqInfo"]),
            "element": _named(dict_description["quantumElements"]),
            "output_ports": [int(port) for port in dict_description["outputPorts"]],
            "controller": _named(pulser["controllerName"]),
            "pulser": pulser,
            "fem": int(pulser.get("femId", 0)) + 1,
        }

    @property
    def ports(self) -> list[str]:
        """The ports as texts."""
        return [str(port) for port in self.output_ports]

    @property
    def ends_at(self) -> int:
        """Its end, in nanoseconds of simulated time."""
        return self.timestamp + self.length

    @property
    def span(self) -> tuple[int, int]:
        """Its start and its end, in nanoseconds of simulated time."""
        return self.timestamp, self.ends_at

    @property
    def label(self) -> str:
        """The text of its bar in the plot: the pulse, and which of a pair."""
        return f"{self._short_name} ({self.get_iq_association})" if self.is_iq else self._short_name

    @property
    def is_iq(self) -> bool:
        """Whether it is one of a pair I and Q."""
        return bool(self.iq_info["isPartOfIq"])

    @property
    def is_I_pulse(self) -> bool:  # noqa: N802 (the name is qm-qua's)
        """Whether it is the I of a pair."""
        return bool(self.iq_info["isI"])

    @property
    def get_iq_association(self) -> str:
        """``"I"``, ``"Q"``, or nothing for a single waveform."""
        if not self.is_iq:
            return ""
        return "I" if self.is_I_pulse else "Q"

    @property
    def _short_name(self) -> str:
        return self.pulse_name.removeprefix(_ORIGIN)

    def _lines(self) -> list[str]:
        kind = f"IQ Type ({self.get_iq_association})" if self.is_iq else "Single"
        return [
            f"Waveform Name={self.waveform_name}",
            f"Pulse name={self._short_name}",
            f"Start Time={self.timestamp} ns",
            f"Length={self.length} ns",
            f"Element={self.element}",
            f"Output Ports={self.ports}",
            f"Type={kind}",
        ]

    def to_dict(self) -> dict[str, Any]:
        """All attributes, by name."""
        return dataclasses.asdict(self)

    def to_string(self) -> str:
        """A text of several lines."""
        return _text("Waveform", self._lines())

    def __str__(self) -> str:
        return self.to_string()


@dataclass(frozen=True)
class PlayedDigitalWaveform(PlayedWaveform):
    """A digital marker that an output played."""

    @classmethod
    def from_job_dict(cls, dict_description: Mapping[str, Any]) -> PlayedDigitalWaveform:
        """From the structure that a gateway sends."""
        return cls(**cls.build_initialization_dict(dict_description))

    def to_string(self) -> str:
        """A text of several lines."""
        return _text("DigitalWaveform", self._lines())

    def __str__(self) -> str:
        return self.to_string()


@dataclass(frozen=True)
class PlayedAnalogWaveform(PlayedWaveform):
    """An analog waveform that an output played.

    Attributes:
        current_amp_elements: The row of the amplitude's matrix.
        current_dc_offset_by_port: Volts by port.
        current_intermediate_frequency: Hz.
        current_frame: The row of the frame's rotation.
        current_correction_elements: The row of the mixer's correction.
        chirp_info: ``rate``, ``times``, ``units``, ``startFrequency``, ``endFrequency``; None
            without a chirp.
        current_phase: Radians, that resets and frequency updates left.
    """

    current_amp_elements: list[float]
    current_dc_offset_by_port: dict[str, float]
    current_intermediate_frequency: float
    current_frame: list[float]
    current_correction_elements: list[float]
    chirp_info: dict[str, Any] | None
    current_phase: float

    @classmethod
    def from_job_dict(cls, dict_description: Mapping[str, Any]) -> PlayedAnalogWaveform:
        """From the structure that a gateway sends."""
        chirp = dict_description["chirpInfo"]
        fields = {
            "current_amp_elements": _row(dict_description["currentGMatrixElements"]),
            "current_dc_offset_by_port": {
                port: float(volts)
                for port, volts in dict_description["currentDCOffsetByPort"].items()
            },
            "current_intermediate_frequency": float(
                dict_description["currentIntermediateFrequency"]
            ),
            "current_frame": _row(dict_description["currentFrame"]),
            "current_correction_elements": _row(dict_description["currentCorrectionElements"]),
            # A structure of the wire has no order; the report's text has one.
            "chirp_info": {name: chirp[name] for name in sorted(chirp, key=_chirp_order)}
            if len(chirp["units"]) > 0 or len(chirp["rate"]) > 0
            else None,
            "current_phase": float(dict_description.get("currentPhase", 0)),
        }
        return cls(**cls.build_initialization_dict(dict_description, fields))

    def to_custom_string(self, show_chirp: bool = True) -> str:
        """A text of several lines, with or without the chirp."""

        def row(values: Sequence[float]) -> str:
            texts = [f"{value:.3f}" for value in values]
            return str(texts) if self.is_iq else texts[0]

        by_port = sorted(self.current_dc_offset_by_port.items())
        offsets = {port: f"{volts:.3f}" for port, volts in by_port}
        lines = [
            *self._lines(),
            f"Amplitude Values={row(self.current_amp_elements)}",
            f"Frame Values={row(self.current_frame)}",
            f"Correction Values={row(self.current_correction_elements)}",
            f"Intermediate Frequency={_hertz(self.current_intermediate_frequency)}",
            f"Current DC Offset (By output ports)={offsets}",
            f"Current Phase={self.current_phase:.3f},",
        ]
        if show_chirp and self.chirp_info is not None:
            lines.append(f"chirp_info={self.chirp_info}")
        return _text("AnalogWaveform", lines)

    def to_string(self) -> str:
        """A text of several lines."""
        return self.to_custom_string()

    def __str__(self) -> str:
        return self.to_string()


@dataclass(frozen=True)
class AdcAcquisition:
    """An analog input that was read.

    Attributes:
        start_time: Nanoseconds of simulated time, time of flight included.
        end_time: Nanoseconds of simulated time.
        process: What was done, for example ``DemodIntegration``.
        pulser: ``controllerName`` and ``pulserIndex``.
        quantum_element: The element.
        adc_ports: Inputs of the controller, from 1.
        controller: The controller.
        fem: The module of the controller, from 1.
        element: The element.
    """

    start_time: int
    end_time: int
    process: str
    pulser: dict[str, Any]
    quantum_element: str
    adc_ports: list[int]
    controller: str
    fem: int
    element: str

    @classmethod
    def from_job_dict(cls, dict_description: Mapping[str, Any]) -> AdcAcquisition:
        """From the structure that a gateway sends."""
        pulser = dict_description["pulser"]
        return cls(
            start_time=int(dict_description["startTime"]),
            end_time=int(dict_description["endTime"]),
            process=_named(dict_description["process"]),
            pulser=pulser,
            quantum_element=_named(dict_description["quantumElement"]),
            adc_ports=[int(port) + 1 for port in dict_description["adc"]],
            controller=_named(pulser["controllerName"]),
            fem=int(pulser.get("femId", 0)) + 1,
            element=_named(dict_description["quantumElement"]),
        )

    @property
    def ports(self) -> list[str]:
        """The inputs as texts."""
        return [str(port) for port in self.adc_ports]

    @property
    def span(self) -> tuple[int, int]:
        """Its start and its end, in nanoseconds of simulated time."""
        return self.start_time, self.end_time

    @property
    def label(self) -> str:
        """The text of its bar in the plot: what was done."""
        return self.process

    def to_dict(self) -> dict[str, Any]:
        """All attributes, by name."""
        return dataclasses.asdict(self)

    def to_string(self) -> str:
        """A text of several lines."""
        lines = [
            f"start_time={self.start_time}",
            f"end_time={self.end_time}",
            f"process={self.process}",
            f"element={self.quantum_element}",
            f"input_ports={self.adc_ports}",
        ]
        return _text("AdcAcquisition", lines)


@dataclass(frozen=True)
class Event:
    """Something that happened to an element: ``phase_reset`` or ``reset_timestamp``."""

    name: str
    timestamp: int
    controller: str
    fem: int
    element: str
    is_i: bool
    is_q: bool

    @staticmethod
    def is_supported(given: Mapping[str, Any]) -> bool:
        """Whether it is an event that the report shows."""
        return given["eventMessage"] in ("phase_reset", "reset_timestamp")

    @classmethod
    def from_job_dict(cls, dict_description: Mapping[str, Any]) -> list[Event]:
        """From the structure that a gateway sends: an event for each element it names."""
        named = dict_description["quantumElement"]
        pulser, iq = dict_description["sourcePulser"], dict_description["sourcePulserIqInfo"]
        return [
            cls(
                name=dict_description["eventMessage"],
                timestamp=int(dict_description["timestamp"]),
                controller=_named(pulser["controllerName"]),
                fem=int(pulser.get("femId", 0)) + 1,
                element=_named(element),
                is_i=bool(iq["isI"]),
                is_q=bool(iq["isQ"]),
            )
            for element in ([named] if isinstance(named, str) else named)
        ]

    def to_dict(self) -> dict[str, Any]:
        """All attributes, by name."""
        return dataclasses.asdict(self)

    def to_string(self) -> str:
        """A text of several lines."""
        return _text("Event", [f"{name}={value}" for name, value in self.to_dict().items()])


_Entry = TypeVar("_Entry", bound="PlayedWaveform | AdcAcquisition")


def by_port(entries: Sequence[_Entry]) -> dict[str, list[_Entry]]:
    """Entries by the ports that they are of."""
    ports: dict[str, list[_Entry]] = {}
    for entry in entries:
        for port in entry.ports:
            ports.setdefault(port, []).append(entry)
    return ports


@dataclass
class FemToWaveformMap:
    """What one module of a controller played and read, by port."""

    analog_out: dict[str, list[PlayedAnalogWaveform]] = field(default_factory=dict)
    digital_out: dict[str, list[PlayedDigitalWaveform]] = field(default_factory=dict)
    analog_in: dict[str, list[AdcAcquisition]] = field(default_factory=dict)


def _flat(kind: str) -> property:
    def flat(self: SingleControllerMapping) -> dict[str, list[Any]]:
        return {
            f"{fem}-{port}": entries
            for fem, ports in self.items()
            for port, entries in getattr(ports, kind).items()
        }

    return property(flat, doc=f"``{kind}`` of all modules, by ``fem-port``.")


def _number(kind: str) -> property:
    def number(self: SingleControllerMapping) -> int:
        return sum(len(getattr(ports, kind)) for ports in self.values())

    return property(number, doc=f"How many ports of ``{kind}`` are in use.")


class SingleControllerMapping(dict[int, FemToWaveformMap]):
    """What one controller played and read, by module."""

    flat_analog_out = _flat("analog_out")
    flat_digital_out = _flat("digital_out")
    flat_analog_in = _flat("analog_in")
    num_analog_out_ports = _number("analog_out")
    num_digital_out_ports = _number("digital_out")
    num_analog_in_ports = _number("analog_in")
