"""The emulator as a switch: every manager of qm-qua in this process is led to it."""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Callable
from typing import Any, ClassVar

from pulsewire.dropin.recording import Recording
from pulsewire.dropin.replace import Replacements

__all__ = ["ADDRESS", "EmulatorSwitch"]


#: Where processes that this one starts find its emulator: ``install()`` there goes to it, too.
ADDRESS = "PULSEWIRE_EMULATOR"


class EmulatorSwitch:
    """Leads every ``QuantumMachinesManager`` that is made meanwhile to an emulator.

    Whatever host, port, cluster, credentials or octave a script names.

    Args:
        host: Of the emulator.
        port: Of the emulator.
        recording: What programs, configurations and results are kept by; None keeps none.
    """

    #: The one that leads managers of this process now.
    active: ClassVar[EmulatorSwitch | None] = None

    def __init__(self, host: str, port: int, recording: Recording | None = None) -> None:
        self._host, self._port = host, port
        self._recording = recording
        self._replacements = Replacements()
        # By their ids, as the vendor keeps each for ever.
        self._octaves: dict[int, Any] = {}

    @classmethod
    def of_environment(cls) -> EmulatorSwitch | None:
        """To the emulator of the process that started this one, if it has one."""
        host, _, port = os.environ.get(ADDRESS, "").rpartition(":")
        return cls(host, int(port)) if host and port.isdigit() else None

    def begin(self) -> None:
        """Leads managers there from now on; one at a time in a process."""
        if EmulatorSwitch.active is not None:
            return
        EmulatorSwitch.active = self
        import qm.octave.octave_manager as octaves
        from qm.octave import QmOctaveConfig
        from qm.quantum_machines_manager import QuantumMachinesManager

        put = self._replacements.wrap
        put(QuantumMachinesManager, "_initialize_connection", self._connection)
        put(octaves, "_cached_get_device", self._device)
        put(QmOctaveConfig, "__init__", self._octave_config)
        if self._recording is not None:
            self._recording.begin(self._replacements)

    def end(self) -> None:
        """Leads nobody any more, and keeps the results that were to be recorded."""
        try:
            if self._recording is not None:
                self._recording.keep_results(self._host, self._port)
        finally:
            EmulatorSwitch.active = None
            self._replacements.undo()
            self._say_goodbye()

    def _connection(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def connection(manager: Any, *args: Any, **kwargs: Any) -> Any:
            kwargs |= {
                "host": self._host,
                "port": self._port,
                "credentials": None,
            }
            return original(manager, *args, **kwargs)

        return connection

    def _details(self, headers: dict[str, str]) -> Any:
        from qm.api.models.server_details import ConnectionDetails

        return ConnectionDetails(self._host, self._port, headers=headers)

    def _device(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def device(connection_info: Any, *args: Any, **kwargs: Any) -> Any:
            octave = original(self._details(dict(connection_info.headers)), *args, **kwargs)
            self._octaves[id(octave)] = octave
            return octave

        for name in ("cache_clear", "cache_info"):
            setattr(device, name, getattr(original, name))
        return device

    def _octave_config(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def begin(config: Any, *args: Any, **kwargs: Any) -> None:
            original(config, *args, **kwargs)
            config._devices = _Octaves(lambda: self._details({}), config._devices)

        return begin

    def _say_goodbye(self) -> None:
        """Tells the octaves' monitors that their connection ends as it should."""
        for octave in self._octaves.values():
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
