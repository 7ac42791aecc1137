"""The demo's programs in QUA, built with qm-qua's DSL.

``python -m pulsewire._demo.programs`` writes them and the configuration beside this file, as the
ready programs that the demo falls back on where qm-qua is not installed.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from pulsewire._vendor import config_bytes

__all__ = ["BULK_VALUES", "CONFIG", "OPTIMUM", "bulk", "closed_loop"]

#: Where the signal is largest; the loop does not know it.
OPTIMUM = (0.31, -0.42)
#: Values of the bulk result: 50 MB of int64.
BULK_VALUES = 6_250_000

CONFIG: dict[str, Any] = {
    "controllers": {
        "con1": {
            "type": "opx1",
            "analog_outputs": {1: {"offset": 0.0}, 2: {"offset": 0.0}},
        }
    },
    "elements": {
        "qubit": {
            "mixInputs": {
                "I": ("con1", 1),
                "Q": ("con1", 2),
                "lo_frequency": 5_000_000_000,
                "mixer": "mixer_qubit",
            },
            "intermediate_frequency": 50_000_000,
            "operations": {"pi": "pi_pulse"},
        }
    },
    "pulses": {
        "pi_pulse": {
            "operation": "control",
            "length": 40,
            "waveforms": {"I": "constant_wf", "Q": "zero_wf"},
        }
    },
    "waveforms": {
        "constant_wf": {"type": "constant", "sample": 0.2},
        "zero_wf": {"type": "constant", "sample": 0.0},
    },
    "mixers": {
        "mixer_qubit": [
            {
                "intermediate_frequency": 50_000_000,
                "lo_frequency": 5_000_000_000,
                "correction": (1.0, 0.0, 0.0, 1.0),
            }
        ]
    },
}


def closed_loop() -> Any:
    """A program that answers each guess (two numbers) with a noisy signal, for ever."""
    import qm.qua as qua

    with qua.program() as built:
        guess = qua.declare_input_stream(qua.fixed, "guess", size=2)
        x = qua.declare(qua.fixed)
        y = qua.declare(qua.fixed)
        signal = qua.declare(qua.fixed)
        random = qua.Random(4711)
        stream = qua.declare_stream()
        qua.pause()
        with qua.infinite_loop_():
            qua.advance_input_stream(guess)
            qua.assign(x, guess[0] - OPTIMUM[0])
            qua.assign(y, guess[1] - OPTIMUM[1])
            noise = (random.rand_fixed() - 0.5) * 0.02
            qua.assign(signal, 1.0 - x * x - y * y + noise)
            qua.wait(25, "qubit")
            qua.save(signal, stream)
        with qua.stream_processing():
            stream.save_all("signal")
            stream.average().save("mean_signal")
    return built


def bulk() -> Any:
    """A program that saves 0, 1, 2, … as one large result."""
    import qm.qua as qua

    with qua.program() as built:
        value = qua.declare(int)
        stream = qua.declare_stream()
        with qua.for_(value, 0, value < BULK_VALUES, value + 1):
            qua.save(value, stream)
        with qua.stream_processing():
            stream.save_all("values")
    return built


def portable(program: Any) -> bytes:
    """A program's bytes with this file named without its folder, the same on every machine."""

    def shorten(message: Any) -> None:
        for field, value in message.ListFields():
            if field.name == "loc":
                message.loc = re.sub(r'File "[^"]*programs\.py"', 'File "programs.py"', value)
            elif field.message_type is not None:
                for part in [value] if hasattr(value, "ListFields") else value:
                    shorten(part)

    message = type(program.qua_program)()
    message.CopyFrom(program.qua_program)
    shorten(message)
    return bytes(message.SerializeToString(deterministic=True))


def _write(folder: Path, capabilities: frozenset[str]) -> None:
    from google.protobuf.message import Message

    built = closed_loop()
    if not isinstance(built.qua_program, Message):
        raise SystemExit("write the ready programs with qm-qua 1.4.1")
    (folder / "closed_loop.program.bin").write_bytes(portable(built))
    (folder / "bulk.program.bin").write_bytes(portable(bulk()))
    (folder / "config.bin").write_bytes(config_bytes(CONFIG, capabilities))


if __name__ == "__main__":
    from pulsewire.client import connect
    from pulsewire.emulator import Emulator

    with Emulator() as emulator, connect(emulator.host, emulator.port) as client:
        _write(Path(__file__).parent, client.capabilities)
