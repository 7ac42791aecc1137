"""Keeps what a script runs, and what came of it, as files: for a bug report or a test."""

from __future__ import annotations

import functools
import inspect
import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pulsewire._log import logger
from pulsewire._vendor import config_bytes, program_bytes
from pulsewire.dropin.locks import Lock

if TYPE_CHECKING:
    from pulsewire.client import Client
    from pulsewire.dropin.replace import Replacements

__all__ = ["Recording"]


class Recording:
    """Files of a run.

    ``NNN-config.bin`` and ``NNN-program.bin`` in the order in which they were sent (bytes that
    ``Client.open_qm`` and ``QuantumMachine.execute`` take), ``runs.json`` which says what each was
    for, and a folder for each job with its results as ``.npy``.

    What cannot be kept is told to the logger ``pulsewire``, and does not stop the script.

    Args:
        folder: Where; made if it is not there.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = itertools.count()
        self._runs: list[dict[str, Any]] = []
        self._lock = Lock()

    def begin(self, replacements: Replacements) -> None:
        """Listens to qm-qua's calls from now on."""
        from qm.api.frontend_api import FrontendApi
        from qm.api.simulation_api import SimulationApi

        self._folder.mkdir(parents=True, exist_ok=True)
        for holder, name, kept in (
            (FrontendApi, "open_qm", self._opened),
            (FrontendApi, "add_to_queue", self._added),
            (FrontendApi, "compile", self._added),
            (FrontendApi, "add_compiled_to_queue", self._added_compiled),
            (SimulationApi, "simulate", self._simulated),
        ):
            replacements.wrap(holder, name, functools.partial(self._listening, name, kept))

    def _listening(
        self, name: str, kept: Callable[..., dict[str, Any]], original: Callable[..., Any]
    ) -> Callable[..., Any]:
        """A call that is noted behind what it did, as qm-qua puts its options into the program."""
        signature = inspect.signature(original)

        @functools.wraps(original)
        def call(*args: Any, **kwargs: Any) -> Any:
            run: dict[str, Any] = {"what": name}
            try:
                answer = original(*args, **kwargs)
            except Exception as error:
                run["refused"] = f"{type(error).__name__}: {error}"
                self._note(run, kept, signature.bind(*args, **kwargs).arguments, None)
                raise
            self._note(run, kept, signature.bind(*args, **kwargs).arguments, answer)
            return answer

        return call

    def _note(
        self,
        run: dict[str, Any],
        kept: Callable[..., dict[str, Any]],
        given: dict[str, Any],
        answer: Any,
    ) -> None:
        try:
            run |= kept(given, answer)
            with self._lock:
                self._runs.append(run)
                (self._folder / "runs.json").write_text(json.dumps(self._runs, indent=1))
        except Exception as error:
            logger.warning("%s is not recorded in %s: %s", run["what"], self._folder, error)

    def _file(self, kind: str, data: bytes) -> str:
        with self._lock:
            name = f"{next(self._numbers):03}-{kind}.bin"
        (self._folder / name).write_bytes(data)
        return name

    def _opened(self, given: dict[str, Any], machine: Any) -> dict[str, Any]:
        file = self._file("config", config_bytes(given["config"], frozenset()))
        return {"config": file, "machine": machine}

    def _added(self, given: dict[str, Any], made: Any) -> dict[str, Any]:
        # The gateway calls the id of a program and of a job alike.
        file = self._file("program", program_bytes(given["program"]))
        return {
            "program": file,
            "machine": given["machine_id"],
            "options": str(given["compiler_options"]),
            "id": made,
        }

    def _added_compiled(self, given: dict[str, Any], job: Any) -> dict[str, Any]:
        overrides = given["execution_overrides"]
        return {
            "compiled": given["program_id"],
            "machine": given["machine_id"],
            "overrides": str(overrides),
            "id": job,
        }

    def _simulated(self, given: dict[str, Any], answer: Any) -> dict[str, Any]:
        request = given["simulate"]
        return {
            "config": self._file("config", config_bytes(given["config"], frozenset())),
            "program": self._file("program", program_bytes(given["program"])),
            "clock_cycles": int(request.duration),
            "interface": _described(request.simulation_interface),
            "options": str(given["compiler_options"]),
            "id": answer[0] if answer else None,
        }

    def keep_results(self, host: str, port: int) -> None:
        """Fetches the results of every job that was seen into files."""
        from pulsewire.client import connect

        seen = [run["id"] for run in self._runs if run["what"] != "compile" and run.get("id")]
        if not seen:
            return
        with connect(host, port) as client:
            for job_id in dict.fromkeys(seen):
                try:
                    self._keep_results_of(client, job_id)
                except Exception as error:
                    logger.warning("the results of %s are not kept: %s", job_id, error)

    def _keep_results_of(self, client: Client, job_id: str) -> None:
        folder = self._folder / job_id
        for name, handle in client.result_handles(job_id).items():
            folder.mkdir(exist_ok=True)
            handle.fetch_to(folder / f"{name}.npy", check_for_errors=False)


def _described(thing: Any) -> str:
    return f"{type(thing).__name__} {vars(thing)}" if hasattr(thing, "__dict__") else str(thing)
