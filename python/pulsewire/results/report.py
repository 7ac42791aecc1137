"""Runtime errors of a job."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pulsewire import _native

__all__ = ["ExecutionError", "ExecutionErrorSeverity", "ExecutionReport"]


class ExecutionErrorSeverity(Enum):
    """How serious a runtime error is."""

    Warn = 0
    Error = 1


@dataclass(frozen=True)
class ExecutionError:
    """A runtime error.

    Attributes:
        error_code: Its number.
        message: What happened, and where.
        severity: How serious it is.
    """

    error_code: int
    message: str
    severity: ExecutionErrorSeverity

    def __repr__(self) -> str:
        return f"{self.error_code}\t\t{self.severity.name}\t\t{self.message}"


class ExecutionReport:
    """The runtime errors of a job; its text is a table of them."""

    def __init__(self, job_id: str, errors: Sequence[ExecutionError]) -> None:
        self._job_id = job_id
        self._errors = list(errors)

    @classmethod
    def from_native(cls, job_id: str, errors: Sequence[_native.ExecutionError]) -> ExecutionReport:
        """The report of what the gateway tells."""
        severity = {True: ExecutionErrorSeverity.Error, False: ExecutionErrorSeverity.Warn}
        return cls(
            job_id,
            [ExecutionError(one.code, one.message, severity[one.is_error]) for one in errors],
        )

    def has_errors(self) -> bool:
        """Whether the job met any that is an error: a warning is none (with qm-qua it counts)."""
        return any(error.severity is ExecutionErrorSeverity.Error for error in self._errors)

    def errors(self) -> list[ExecutionError]:
        """All of them, as a new list."""
        return list(self._errors)

    def __repr__(self) -> str:
        lines = [f"Execution report for job {self._job_id}"]
        if not self._errors:
            return "\n".join([*lines, "No errors"])
        lines += ["Errors:", "", "code\t\tseverity\tmessage"]
        return "\n".join([*lines, *(repr(error) for error in self._errors)])
