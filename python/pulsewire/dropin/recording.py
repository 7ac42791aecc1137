"""Keeps what a script runs, and what came of it, as files: for a bug report or a test."""

from __future__ import annotations

import functools
import itertools
import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pulsewire._log import logger
from pulsewire._vendor import config_bytes, program_bytes

if TYPE_CHECKING:
    from pulsewire.dropin.replace import Replacements
    from pulsewire.emulator import Emulator

__all__ = ["Recording"]


class Recording:
    """Files of a run.

    ``NNN-config.bin`` and ``NNN-program.bin`` in the order in which they were sent (bytes that
    ``Client.open_qm`` and ``QuantumMachine.execute`` take), ``runs.json`` which says what each was
    for, and a folder for each job with its results as ``.npy``.

    Args:
        folder: Where; made if it is not there.
        replacements: Where what listens is put in place.
    """

    def __init__(self, folder: Path, replacements: Replacements) -> None:
        self._folder = folder
        self._replacements = replacements
        self._numbers = itertools.count()
        self._runs: list[dict[str, Any]] = []
        self._lock = threading.Lock()

    def begin(self) -> None:
        """Listens to qm-qua's calls from now on."""
        from qm.api.frontend_api import FrontendApi
        from qm.api.simulation_api import SimulationApi

        self._folder.mkdir(parents=True, exist_ok=True)
        put = self._replacements.wrap
        put(FrontendApi, "open_qm", self._opened)
        put(FrontendApi, "add_to_queue", functools.partial(self._added, "program"))
        put(FrontendApi, "compile", functools.partial(self._added, "compiled"))
        put(FrontendApi, "add_compiled_to_queue", self._added_compiled)
        put(SimulationApi, "simulate", self._simulated)

    def _keep(self, kind: str, data: bytes) -> str:
        with self._lock:
            name = f"{next(self._numbers):03}-{kind}.bin"
        (self._folder / name).write_bytes(data)
        return name

    def _note(self, **run: Any) -> None:
        with self._lock:
            self._runs.append(run)
            (self._folder / "runs.json").write_text(json.dumps(self._runs, indent=1))

    def _opened(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def open_qm(api: Any, config: Any, *args: Any, **kwargs: Any) -> Any:
            file = self._keep("config", config_bytes(config, frozenset()))
            machine = original(api, config, *args, **kwargs)
            self._note(what="open_qm", config=file, machine=machine)
            return machine

        return open_qm

    def _added(self, kind: str, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def add(api: Any, machine_id: str, program: Any, *args: Any, **kwargs: Any) -> Any:
            file = self._keep("program", program_bytes(program))
            made = original(api, machine_id, program, *args, **kwargs)
            what = "add_to_queue" if kind == "program" else "compile"
            self._note(what=what, program=file, machine=machine_id, **{_MADE[what]: made})
            return made

        return add

    def _added_compiled(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def add(api: Any, machine_id: str, program_id: str, *args: Any, **kwargs: Any) -> Any:
            job = original(api, machine_id, program_id, *args, **kwargs)
            self._note(what="add_compiled", compiled=program_id, machine=machine_id, job=job)
            return job

        return add

    def _simulated(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def simulate(
            api: Any, config: Any, program: Any, request: Any, *args: Any, **kwargs: Any
        ) -> Any:
            files = {
                "config": self._keep("config", config_bytes(config, frozenset())),
                "program": self._keep("program", program_bytes(program)),
            }
            answer = original(api, config, program, request, *args, **kwargs)
            cycles = int(request.duration)
            self._note(what="simulate", **files, clock_cycles=cycles, job=answer[0])
            return answer

        return simulate

    def keep_results(self, emulator: Emulator) -> None:
        """Fetches the results of every job that was seen into files."""
        from pulsewire.client import connect

        jobs = dict.fromkeys(run["job"] for run in self._runs if "job" in run)
        if not jobs:
            return
        with connect(emulator.host, emulator.port) as client:
            for job_id in jobs:
                folder = self._folder / job_id
                folder.mkdir(exist_ok=True)
                for name, handle in client.result_handles(job_id).items():
                    try:
                        handle.fetch_to(folder / f"{name}.npy", check_for_errors=False)
                    except Exception as error:
                        logger.warning("the result %r of %s is not kept: %s", name, job_id, error)


# What each call makes.
_MADE = {"add_to_queue": "job", "compile": "compiled"}
