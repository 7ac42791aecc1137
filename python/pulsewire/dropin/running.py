"""``pulsewire run``: a script with its jobs on pulsewire's core, and on the emulator if asked."""

from __future__ import annotations

import argparse
import atexit
import builtins
import contextlib
import functools
import json
import os
import runpy
import sys
import types
from collections.abc import Sequence
from multiprocessing import spawn
from pathlib import Path
from typing import Any

from pulsewire.dropin.imports import when_imported
from pulsewire.dropin.installation import install, uninstall
from pulsewire.dropin.recording import Recording
from pulsewire.dropin.report import report
from pulsewire.dropin.switch import ADDRESS, EmulatorSwitch
from pulsewire.emulator import Emulator

__all__ = ["add_arguments", "parse", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``pulsewire run``."""
    parser.add_argument(
        "--emulator",
        action="store_true",
        help="send every QuantumMachinesManager to an emulator, whatever it names",
    )
    parser.add_argument(
        "--readout", type=Path, metavar="FILE", help="a readout model for the emulator (JSON)"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the readout model")
    parser.add_argument(
        "--timing", choices=("qop-2.4", "ideal"), default="qop-2.4", help="of the emulator"
    )
    parser.add_argument(
        "--record",
        type=Path,
        metavar="DIR",
        help="keep programs, configurations and results of the emulator as files",
    )
    parser.add_argument("--report", action="store_true", help="say at the end what was served")
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--strict", action="store_true", help="fail where a call is left to qm-qua")
    mode.add_argument("--shadow", action="store_true", help="also ask qm-qua, and compare")
    mode.add_argument("--off", action="store_true", help="leave qm-qua's own calls as they are")
    parser.add_argument("-m", dest="module", action="store_true", help="run a module, as python -m")
    parser.add_argument("script", help="the script, or with -m the module")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help="what the script is given")


def parse(parser: argparse.ArgumentParser, given: Sequence[str]) -> argparse.Namespace:
    """Parses a command line; what stands behind the script is its own, a first ``--`` too."""
    parsed, found = parser.parse_args(given), list(given)
    behind = len(parsed.arguments)
    while behind < len(found) and found[-behind - 1 :][0] == "--":
        behind += 1
    parsed.arguments = found[len(found) - behind :]
    return parsed


def _emulator(parsed: argparse.Namespace) -> Emulator:
    """The emulator that the options describe."""
    if parsed.record is not None and (parsed.record / "runs.json").exists():
        raise SystemExit(
            f"pulsewire run: --record {parsed.record}: there is a recording already; name another"
        )
    readout = None
    if parsed.readout is not None:
        try:
            readout = json.loads(parsed.readout.read_text())
        except (OSError, ValueError) as error:
            raise SystemExit(f"pulsewire run: --readout {parsed.readout}: {error}") from error
    try:
        return Emulator(readout=readout, seed=parsed.seed, timing=parsed.timing)
    except (ValueError, TypeError) as error:
        raise SystemExit(f"pulsewire run: {error}") from error


class _Ends:
    """What ends with the process that began it, and not with one that was forked from it."""

    def __init__(self) -> None:
        self._process = os.getpid()
        self.stack = contextlib.ExitStack()
        atexit.register(self._close)

    def _close(self) -> None:
        if os.getpid() == self._process:
            self.stack.close()


def _set_up(parsed: argparse.Namespace) -> None:
    """Makes everything ready, each part of it as soon as the script has imported qm-qua."""
    ends = _Ends().stack
    if parsed.emulator:
        emulator = _emulator(parsed)
        ends.callback(emulator.stop)
        recording = None if parsed.record is None else Recording(parsed.record)
        switch = EmulatorSwitch(emulator.host, emulator.port, recording)
        os.environ[ADDRESS] = emulator.address
        ends.callback(switch.end)
        when_imported("qm", switch.begin)
        _inherit()
    elif parsed.readout is not None or parsed.record is not None:
        raise SystemExit("pulsewire run: --readout and --record are the emulator's: add --emulator")
    if not parsed.off:
        ends.callback(uninstall)
        when_imported("qm", functools.partial(install, strict=parsed.strict, shadow=parsed.shadow))
    if parsed.report:
        ends.callback(lambda: print(report(), file=sys.stderr, flush=True))


class _Inherited:
    """Makes a process that is spawned from this one go to the emulator: by being unpickled."""

    def __reduce__(self) -> tuple[Any, tuple[()]]:
        return (_begin_in_child, ())


def _begin_in_child() -> None:
    switch = EmulatorSwitch.of_environment()
    if switch is not None:
        when_imported("qm", switch.begin)
        _inherit()


def _inherit() -> None:
    """Lets processes that multiprocessing spawns find the emulator: not the instrument."""
    prepared = spawn.get_preparation_data

    def with_emulator(name: str) -> dict[str, Any]:
        return {**prepared(name), "pulsewire": _Inherited()}

    spawn.get_preparation_data = with_emulator


def _without_our_frames(error: BaseException) -> types.TracebackType | None:
    traceback = error.__traceback__
    while traceback is not None and traceback.tb_frame.f_code.co_filename in (
        __file__,
        runpy.__file__,
        "<frozen runpy>",
    ):
        traceback = traceback.tb_next
    return traceback


def _place_of_script(folder: Path) -> None:
    """Puts a script's folder first on the path, in place of where the command itself lies."""
    # Not with -P or PYTHONSAFEPATH, where Python puts nothing there (from 3.11 on).
    if not getattr(sys.flags, "safe_path", False):
        sys.path[0:1] = [str(folder)]


def _run_script(script: str, arguments: Sequence[str]) -> None:
    """Runs a file as ``python file`` does: as the module ``__main__``."""
    path = Path(script).absolute()
    try:
        source = path.read_bytes()
    except OSError as error:
        print(f"pulsewire run: can't open {script!r}: {error.strerror}", file=sys.stderr)
        raise SystemExit(2) from None
    code = compile(source, str(path), "exec", dont_inherit=True)
    main = types.ModuleType("__main__")
    main.__file__ = str(path)
    main.__builtins__ = builtins  # type: ignore[attr-defined]
    main.__annotations__ = {}
    sys.modules["__main__"] = main
    sys.argv = [script, *arguments]
    _place_of_script(path.resolve().parent)
    exec(code, vars(main))


def _run_module(module: str, arguments: Sequence[str]) -> None:
    sys.argv = [module, *arguments]
    _place_of_script(Path.cwd())
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def run(parsed: argparse.Namespace) -> int:
    """Runs what the command line names; gives its exit status.

    What it set up ends with the process, behind the script's own exit handlers.
    """
    _set_up(parsed)
    try:
        (_run_module if parsed.module else _run_script)(parsed.script, parsed.arguments)
    except SystemExit as ended:
        return _status_of(ended)
    except Exception as error:
        traceback = _without_our_frames(error)
        sys.excepthook(type(error), error.with_traceback(traceback), traceback)
        return 1
    return 0


def _status_of(ended: SystemExit) -> int:
    """As Python makes of it: a text is said, and the status is 1."""
    code: Any = ended.code
    if code is None:
        return 0
    if isinstance(code, int):
        return code
    print(code, file=sys.stderr)
    return 1
