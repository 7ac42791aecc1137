"""The emulator inside this process."""

from __future__ import annotations

import operator
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pulsewire import _native
from pulsewire.simulation.readout import Readout

__all__ = ["Emulator"]


def _limit(name: str, given: object) -> int:
    try:
        number = -1 if isinstance(given, bool) else operator.index(given)  # type: ignore[arg-type]
    except TypeError:
        number = -1
    # With no client nobody would ever get in.
    if number < (1 if name == "clients" else 0):
        raise ValueError(f"the emulator's limit {name!r} cannot be {given!r}")
    return min(number, sys.maxsize)


class Emulator:
    """A QOP 2.6 gateway on this machine that really executes QUA programs.

    It runs on threads of its own from construction until :meth:`stop` (or the end of the
    ``with`` block) and speaks the protocol of the instrument, so that pulsewire and an unchanged
    qm-qua connect to it. What it does not model it refuses when a program is compiled; see
    docs/emulator.md.

    Args:
        host: Address to listen on; loopback unless told otherwise.
        port: Port; 0 for any free one.
        realtime: Whether ``wait`` lasts as long as on the instrument; otherwise time is virtual
            and programs run as fast as they can.
        timing: What the real system adds to a program's own time. ``"qop-2.4"``: as the vendor's
            simulator of 2025, a program's first pulse comes at 224 ns, each ``for_`` entered before
            it adds 16, and phases count from 48 ns. ``"ideal"``: nothing, the first pulse comes at
            0 and phases count from there.
        msb: What ``Math.msb`` gives of an int ``n``: ``"manual"``, floor(log2 |n|); ``"2025"``, 28
            less, which public programs of 2025 count on.
        limits: What clients may make it hold, by name; see docs/emulator.md.
        readout: A model of what is behind the ports, by the name of the readout element: see
            :class:`Readout`; also as a mapping of its arguments, with those of its
            :class:`Qubit` under ``qubit``. Without one, analog inputs read zero. That values of a
            job are modelled is told to the logger ``pulsewire`` (level INFO).
        seed: Of the model's random numbers; a program run again gives the same values.

    Raises:
        OSError: The address cannot be used.
        ValueError: A port, a limit, a timing or an msb that cannot be.
        TypeError: A limit of an unknown name.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        realtime: bool = False,
        limits: Mapping[str, int] | None = None,
        readout: Mapping[str, Readout | Mapping[str, Any]] | None = None,
        seed: int = 0,
        timing: Literal["qop-2.4", "ideal"] = "qop-2.4",
        msb: Literal["manual", "2025"] = "manual",
    ) -> None:
        if isinstance(port, bool) or not 0 <= operator.index(port) < 65536:
            raise ValueError(f"the emulator's port is 0 to 65535, not {port}")
        checked = {name: _limit(name, limit) for name, limit in (limits or {}).items()}
        if not 0 <= seed < 1 << 64:
            raise ValueError(f"the emulator's seed is 0 to 2**64 - 1, not {seed}")
        models = {
            name: Readout._of(name, model)._given(name) for name, model in (readout or {}).items()
        }
        self._native = _native.Emulator(
            host, port, realtime, checked, readout=models, seed=seed, timing=timing, msb=msb
        )

    @classmethod
    def _of_arguments(cls, program: str, arguments: Sequence[str]) -> Emulator | None:
        """The emulator of a command line; None when only its help was asked for, and shown."""
        started = _native.Emulator.of_arguments(program, list(arguments))
        if isinstance(started, str):
            print(started)
            return None
        emulator = cls.__new__(cls)
        emulator._native = started
        return emulator

    @property
    def host(self) -> str:
        """The address it listens on."""
        return self._native.host

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._native.port

    @property
    def address(self) -> str:
        """``host:port``."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    def stop(self) -> None:
        """Halts every job and closes every connection; once is enough."""
        self._native.stop()

    def __enter__(self) -> Emulator:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"<pulsewire.Emulator {self.address}>"
