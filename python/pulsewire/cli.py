"""The command line: ``pulsewire`` and ``python -m pulsewire``."""

from __future__ import annotations

import argparse
import json
import signal
import threading
from collections.abc import Sequence
from pathlib import Path

from pulsewire.emulator import Emulator
from pulsewire.exceptions import QmValueError
from pulsewire.simulation.readout import Readout

__all__ = ["main"]


def _readouts(path: Path) -> dict[str, Readout]:
    """The readout model of a JSON file: by element, the arguments of Readout and of its Qubit."""
    given = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(given, dict):
        raise QmValueError(f"{path} has no object of elements")
    readouts = {}
    for element, settings in given.items():
        try:
            readouts[element] = Readout._of(element, settings)
        except ValueError as error:
            raise QmValueError(f"{path}: {error}") from error
    return readouts


def _emulator(arguments: argparse.Namespace) -> int:
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    try:
        emulator = Emulator(
            host=arguments.host,
            port=arguments.port,
            realtime=arguments.realtime,
            readout=None if arguments.readout is None else _readouts(arguments.readout),
            seed=arguments.seed,
            timing=arguments.timing,
            msb=arguments.msb,
        )
    except (OSError, TypeError, ValueError) as error:
        print(f"pulsewire: {error}")
        return 1
    with emulator:
        print(f"listening on {emulator.address}", flush=True)
        # In steps, as a wait without a bound does not hear signals on Windows.
        while not stopped.wait(0.5):
            pass
    return 0


def _demo(arguments: argparse.Namespace) -> int:
    from pulsewire._demo.closed_loop import run

    return run(arguments.output, iterations=arguments.iterations)


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port < 65536:
        raise argparse.ArgumentTypeError(f"{port} is no port: 0 to 65535")
    return port


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command; gives the exit status."""
    parser = argparse.ArgumentParser(prog="pulsewire", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)

    emulator = commands.add_parser("emulator", help="run the emulator until Ctrl-C")
    emulator.add_argument("--host", default="127.0.0.1", help="address (default: loopback)")
    emulator.add_argument("--port", type=_port, default=9510, help="port; 0: any free one")
    emulator.add_argument(
        "--realtime", action="store_true", help="waits last as long as on the instrument"
    )
    emulator.add_argument(
        "--readout",
        type=Path,
        metavar="FILE",
        help="a readout model as JSON: {element: {ground: [I, Q], excited: [I, Q], noise: …, "
        "qubit: {element: …, pi: …, t1: …}}}, as the arguments of Readout and Qubit",
    )
    emulator.add_argument("--seed", type=int, default=0, help="of the readout model's noise")
    emulator.add_argument(
        "--timing",
        choices=("qop-2.4", "ideal"),
        default="qop-2.4",
        help="what the real system adds to a program's own time (ideal: nothing)",
    )
    emulator.add_argument(
        "--msb",
        choices=("manual", "2025"),
        default="manual",
        help="what Math.msb gives of an int (2025: 28 less than the manual says)",
    )
    emulator.set_defaults(run=_emulator)

    demo = commands.add_parser("demo", help="close a loop on the emulator and plot it")
    demo.add_argument("--output", type=Path, default=Path("demo.png"), help="the picture")
    demo.add_argument("--iterations", type=int, default=1200, help="of the loop")
    demo.set_defaults(run=_demo)

    parsed = parser.parse_args(arguments)
    status: int = parsed.run(parsed)
    return status
