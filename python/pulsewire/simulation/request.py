"""What is asked of a gateway that simulates."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pulsewire.exceptions import QmValueError
from pulsewire.simulation.interfaces import InterfaceRequest, interface_request, whole

__all__ = ["SimulationRequest", "simulation_request"]


@dataclass(frozen=True)
class _Addresses:
    """Two controllers connected, each with whether it is its left connection."""

    source: tuple[str, bool]
    target: tuple[str, bool]


@dataclass(frozen=True)
class _Channels:
    """Two controllers connected, each with its channel."""

    source_channel: tuple[str, int]
    target_channel: tuple[str, int]


@dataclass(frozen=True)
class SimulationRequest:
    """From our own arguments, or from qm-qua's SimulationConfig; read by the extension."""

    cycles: int
    analog_waveforms: bool
    digital_waveforms: bool
    interface: InterfaceRequest | None
    controller_connections: list[_Addresses | _Channels]
    extra_processing_ms: int
    flags: list[str]


def _controller_connection(connection: Any) -> _Addresses | _Channels:
    """One of qm-qua's ControllerConnections."""
    source, target = connection.source, connection.target
    if all(hasattr(end, "is_left_connection") for end in (source, target)):
        return _Addresses(
            (source.controller, bool(source.is_left_connection)),
            (target.controller, bool(target.is_left_connection)),
        )
    if all(hasattr(end, "channel_number") for end in (source, target)):
        return _Channels(
            (source.controller, whole(source.channel_number, 1 << 31, "a channel")),
            (target.controller, whole(target.channel_number, 1 << 31, "a channel")),
        )
    raise QmValueError(f"simulate: a connection of two different kinds: {connection}")


def _cycles(given: Any) -> int:
    try:
        if isinstance(given, (bool, np.bool_)):
            raise TypeError
        cycles = operator.index(given)
    except TypeError:
        raise QmValueError(
            f"simulate: a duration is a number of clock cycles, not {given!r}"
        ) from None
    if not 0 <= cycles < 1 << 32:
        raise QmValueError(f"simulate: a duration of {cycles} clock cycles cannot be")
    return cycles


def simulation_request(
    duration: Any,
    *,
    interface: Any,
    controller_connections: Sequence[Any],
    include_analog_waveforms: Any,
    include_digital_waveforms: Any,
    flags: Sequence[str],
) -> SimulationRequest:
    """What the arguments of ``Client.simulate`` ask for.

    Raises:
        QmValueError: One of them cannot be.
    """
    extra = -1
    if hasattr(duration, "simulation_interface"):
        given = duration
        duration, interface = given.duration, given.simulation_interface
        controller_connections = given.controller_connections
        include_analog_waveforms = given.include_analog_waveforms
        include_digital_waveforms = given.include_digital_waveforms
        extra = operator.index(given.extraProcessingTimeoutInMs)
        if not -(1 << 31) <= extra < 1 << 31:
            raise QmValueError(f"simulate: extraProcessingTimeoutInMs cannot be {extra}")
    connected = interface_request(interface)
    connections = [_controller_connection(one) for one in controller_connections or ()]
    cycles = _cycles(duration)
    if isinstance(flags, str):
        raise QmValueError(f"simulate: flags are a list of texts, not the text {flags!r}")
    return SimulationRequest(
        cycles=cycles,
        analog_waveforms=bool(include_analog_waveforms),
        digital_waveforms=bool(include_digital_waveforms),
        interface=connected,
        controller_connections=connections,
        extra_processing_ms=extra,
        flags=list(flags),
    )
