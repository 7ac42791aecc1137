"""The command line: ``pulsewire`` and ``python -m pulsewire``."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from pulsewire.dropin.running import add_arguments, parse, run
from pulsewire.emulator import Emulator

__all__ = ["main"]


def _emulator(arguments: Sequence[str]) -> int:
    """Runs an emulator until Ctrl-C or SIGTERM; its options are those of ``pulsewire-emulator``."""
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    try:
        emulator = Emulator._of_arguments("pulsewire emulator", arguments)
    except ValueError as error:
        print(error)
        return 2
    except OSError as error:
        print(error)
        return 1
    if emulator is None:
        return 0
    with emulator:
        print(f"listening on {emulator.address}", flush=True)
        # In steps, as a wait without a bound does not hear signals on Windows.
        while not stopped.wait(0.5):
            pass
    return 0


def _demo(arguments: argparse.Namespace) -> int:
    from pulsewire._demo.closed_loop import run as run_demo

    return run_demo(arguments.output, iterations=arguments.iterations)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command; gives the exit status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given[:1] == ["emulator"]:
        # One parser for both emulators: that of the binary.
        return _emulator(given[1:])
    parser = argparse.ArgumentParser(prog="pulsewire", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("emulator", help="run the emulator until Ctrl-C or SIGTERM")
    demo = commands.add_parser("demo", help="close a loop on the emulator and plot it")
    demo.add_argument("--output", type=Path, default=Path("demo.png"), help="the picture")
    demo.add_argument("--iterations", type=int, default=1200, help="of the loop")
    demo.set_defaults(run=_demo)
    running = commands.add_parser("run", help="run a script on qm-qua with pulsewire's core")
    add_arguments(running)
    running.set_defaults(run=run)
    parsed = parse(parser, given) if given[:1] == ["run"] else parser.parse_args(given)
    status: int = parsed.run(parsed)
    return status
