"""``pulsewire run``: a script with its jobs on pulsewire's core, and on the emulator if asked."""

from __future__ import annotations

import argparse
import atexit
import builtins
import contextlib
import json
import runpy
import sys
import types
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pulsewire.dropin.installation import install, uninstall
from pulsewire.dropin.report import report

__all__ = ["add_arguments", "run"]


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


@contextlib.contextmanager
def _emulated(parsed: argparse.Namespace) -> Iterator[None]:
    if not parsed.emulator:
        for option in ("readout", "record"):
            if getattr(parsed, option) is not None:
                raise SystemExit(f"pulsewire run: --{option} is the emulator's: add --emulator")
        yield
        return
    from pulsewire.dropin.switch import EmulatorSwitch
    from pulsewire.emulator import Emulator

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
        emulator = Emulator(readout=readout, seed=parsed.seed, timing=parsed.timing)
    except (ValueError, TypeError) as error:
        raise SystemExit(f"pulsewire run: {error}") from error
    with EmulatorSwitch(emulator, parsed.record):
        yield


def _without_our_frames(error: BaseException) -> types.TracebackType | None:
    traceback = error.__traceback__
    while traceback is not None and traceback.tb_frame.f_code.co_filename in (
        __file__,
        runpy.__file__,
        "<frozen runpy>",
    ):
        traceback = traceback.tb_next
    return traceback


def _run_script(script: str, arguments: Sequence[str]) -> None:
    """Runs a file as ``python file`` does: as the module ``__main__``."""
    path = Path(script).absolute()
    try:
        code = compile(path.read_bytes(), str(path), "exec", dont_inherit=True)
    except OSError as error:
        raise SystemExit(f"pulsewire run: can't open {script!r}: {error.strerror}") from None
    main = types.ModuleType("__main__")
    main.__file__ = str(path)
    main.__builtins__ = builtins  # type: ignore[attr-defined]
    main.__annotations__ = {}
    sys.modules["__main__"] = main
    sys.argv = [script, *arguments]
    # In place of where the command itself lies.
    sys.path[0:1] = [str(path.resolve().parent)]
    exec(code, vars(main))


def _run_module(module: str, arguments: Sequence[str]) -> None:
    sys.argv = [module, *arguments]
    sys.path[0:1] = [str(Path.cwd())]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def run(parsed: argparse.Namespace) -> int:
    """Runs what the command line names; gives its exit status.

    What it set up ends with the process, behind the script's own exit handlers.
    """
    ends = contextlib.ExitStack()
    atexit.register(ends.close)
    ends.enter_context(_emulated(parsed))
    if not parsed.off:
        install(strict=parsed.strict, shadow=parsed.shadow)
        ends.callback(uninstall)
    if parsed.report:
        ends.callback(lambda: print(report(), file=sys.stderr, flush=True))
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
