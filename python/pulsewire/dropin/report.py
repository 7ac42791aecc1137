"""What the drop-in served, and what it left to qm-qua."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from pulsewire.dropin.calls import Call, Counts

__all__ = ["Report", "begin", "end", "report"]


@dataclass(frozen=True)
class Report:
    """Calls by seam since :func:`pulsewire.install`.

    Attributes:
        version: Of qm-qua; empty where nothing was ever installed.
        installed: Whether pulsewire serves now.
        calls: What became of the calls, by the name of the seam (``QmBaseJob.status``).
        unfit: Seams that do not fit this version of qm-qua, and why.
    """

    version: str = ""
    installed: bool = False
    calls: dict[str, Counts] = field(default_factory=dict)
    unfit: dict[str, str] = field(default_factory=dict)

    @property
    def served(self) -> int:
        """Calls that pulsewire served."""
        return sum(counts.served for counts in self.calls.values())

    @property
    def left(self) -> int:
        """Calls that were left to qm-qua."""
        return sum(counts.left.total() for counts in self.calls.values())

    @property
    def differences(self) -> int:
        """Answers that differed from qm-qua's, in the mode ``shadow``."""
        return sum(counts.differences for counts in self.calls.values())

    @property
    def saved(self) -> float:
        """Seconds that the calls compared in the mode ``shadow`` took less than qm-qua's."""
        return sum(counts.theirs - counts.ours for counts in self.calls.values())

    def __str__(self) -> str:
        if not self.version:
            return "pulsewire was not installed into qm-qua"
        state = "serves" if self.installed else "served"
        lines = [f"pulsewire {state} qm-qua {self.version}: {self.served} calls, {self.left} left"]
        if any(counts.compared for counts in self.calls.values()):
            compared = sum(counts.compared for counts in self.calls.values())
            lines.append(
                f"  made both ways: {compared}, {self.differences} differed, "
                f"{self.saved:.3f} s saved"
            )
        for place, counts in self.calls.items():
            if not (counts.served or counts.left or counts.failed):
                continue
            line = f"  {place:<52} {counts.served:>7} served {counts.seconds:>9.3f} s"
            if counts.compared:
                line += f"; qm-qua {counts.theirs:.3f} s for {counts.compared} of them"
            lines.append(line)
            lines += [f"      left {number}: {why}" for why, number in counts.left.items()]
            lines += [f"      raised {number}: {name}" for name, number in counts.failed.items()]
        lines += [f"  {place} is left to qm-qua: it {why}" for place, why in self.unfit.items()]
        return "\n".join(lines)


_version = ""
_calls: Sequence[Call] = ()
_unfit: dict[str, str] = {}
_is_installed = False


def begin(version: str, calls: Sequence[Call], unfit: dict[str, str]) -> None:
    """Counts for a new installation."""
    global _version, _calls, _unfit, _is_installed
    _version, _calls, _unfit, _is_installed = version, calls, unfit, True


def end() -> None:
    """The installation is over; what it counted stays."""
    global _is_installed
    _is_installed = False


def report() -> Report:
    """What pulsewire served of qm-qua since :func:`pulsewire.install`, and what it left.

    Example:
        ::

            print(pulsewire.report())
    """
    return Report(
        _version,
        _is_installed,
        {call.seam.place: call.snapshot() for call in _calls},
        dict(_unfit),
    )
