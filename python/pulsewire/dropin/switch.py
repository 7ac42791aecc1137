"""The emulator as a switch: every manager of qm-qua in this process is led to it."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pulsewire.dropin.recording import Recording
from pulsewire.dropin.replace import Replacements
from pulsewire.emulator import Emulator

__all__ = ["EmulatorSwitch"]


class EmulatorSwitch:
    """Leads every ``QuantumMachinesManager`` that is made meanwhile to an emulator.

    Whatever host, port, cluster, credentials or octave a script names. A context manager; the
    emulator stops with it.

    Args:
        emulator: The emulator.
        record: A folder that programs, configurations and results are kept in; None keeps none.
    """

    def __init__(self, emulator: Emulator, record: Path | None = None) -> None:
        self.emulator = emulator
        self._replacements = Replacements()
        self._octaves: list[Any] = []
        self._recording = None if record is None else Recording(record, self._replacements)

    def __enter__(self) -> EmulatorSwitch:
        import qm.octave.octave_manager as octaves
        from qm.octave import QmOctaveConfig
        from qm.quantum_machines_manager import QuantumMachinesManager

        put = self._replacements.wrap
        put(QuantumMachinesManager, "_initialize_connection", self._connection)
        put(octaves, "_cached_get_device", self._device)
        put(QmOctaveConfig, "__init__", self._octave_config)
        if self._recording is not None:
            self._recording.begin()
        return self

    def __exit__(self, *_: object) -> None:
        try:
            if self._recording is not None:
                self._recording.keep_results(self.emulator)
        finally:
            self._replacements.undo()
            self._say_goodbye()
            self.emulator.stop()

    def _connection(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def connection(manager: Any, *args: Any, **kwargs: Any) -> Any:
            kwargs |= {
                "host": self.emulator.host,
                "port": self.emulator.port,
                "credentials": None,
            }
            return original(manager, *args, **kwargs)

        return connection

    def _details(self, headers: dict[str, str]) -> Any:
        from qm.api.models.server_details import ConnectionDetails

        return ConnectionDetails(self.emulator.host, self.emulator.port, headers=headers)

    def _device(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def device(connection_info: Any, *args: Any, **kwargs: Any) -> Any:
            octave = original(self._details(dict(connection_info.headers)), *args, **kwargs)
            self._octaves.append(octave)
            return octave

        return device

    def _octave_config(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def begin(config: Any, *args: Any, **kwargs: Any) -> None:
            original(config, *args, **kwargs)
            config._devices = _Octaves(lambda: self._details({}), config._devices)

        return begin

    def _say_goodbye(self) -> None:
        """Tells the octaves' monitors that their connection ends as it should."""
        for octave in self._octaves:
            with contextlib.suppress(AttributeError):
                monitor = octave._health._health_monitor
                monitor._grace_stop = True
                monitor._stop_event.set()


class _Octaves(dict[str, Any]):
    """Octaves by name; one that a cluster's router would have told of is at the emulator, too."""

    def __init__(self, here: Callable[[], Any], known: dict[str, Any]) -> None:
        super().__init__(known)
        self._here = here

    def __missing__(self, name: str) -> Any:
        return self._here()
