"""The queue of a machine."""

from __future__ import annotations

import operator
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from pulsewire._log import log_messages
from pulsewire._vendor import program_bytes
from pulsewire.exceptions import JobNotFoundError, QmValueError
from pulsewire.jobs.pending_job import QmPendingJob

if TYPE_CHECKING:
    from pulsewire.client import Client

__all__ = ["QmQueue"]


# Positions are 32 bits wide on the wire.
_MOST = 1 << 32


def _position(given: object) -> int:
    """A position in a queue; a truth value is none."""
    if isinstance(given, (bool, np.bool_)):
        raise TypeError(f"a position in a queue is an int from 1 on, not {given!r}")
    return operator.index(given)  # type: ignore[arg-type]


def _overrides(
    overrides: Mapping[str, Mapping[str, float | Sequence[float]]] | None,
) -> list[tuple[str, list[float]]]:
    given = dict(overrides or {})
    waveforms = given.pop("waveforms", {})
    if not isinstance(waveforms, Mapping):
        raise QmValueError("overrides: waveforms is a mapping of names to samples")
    if given:
        raise QmValueError(f"overrides: only waveforms can be overridden, not {', '.join(given)}")
    out = []
    for name, samples in waveforms.items():
        try:
            values = [float(sample) for sample in np.atleast_1d(np.asarray(samples, dtype=float))]
        except (TypeError, ValueError):
            raise QmValueError(f"overrides: the samples of {name!r} are not numbers") from None
        if not values:
            raise QmValueError(f"overrides: the waveform {name!r} needs at least one sample")
        out.append((name, values))
    return out


class QmQueue:
    """The jobs that wait for a machine; positions count from 1.

    Args:
        client: The connection.
        machine_id: The machine.
    """

    def __init__(self, client: Client, machine_id: str) -> None:
        self._client = client
        self.machine_id = machine_id
        self._native = client._native.machine(machine_id)

    def __reduce__(self) -> tuple[type[QmQueue], tuple[Client, str]]:
        return (QmQueue, (self._client, self.machine_id))

    def __repr__(self) -> str:
        return f"<pulsewire.QmQueue of {self.machine_id!r}>"

    def _job(self, job_id: str) -> QmPendingJob:
        return QmPendingJob(self._client, job_id, self.machine_id)

    def _add(self, program: object, to_start: bool) -> QmPendingJob:
        taken = self._native.add_to_queue(program_bytes(program), to_start)
        log_messages(taken.messages)
        return self._job(taken.id)

    def add(self, program: object) -> QmPendingJob:
        """Queues a program at the end.

        Args:
            program: A qm-qua ``Program``, its protobuf message of either version, or bytes.

        Raises:
            FailedToAddJobToQueueException: The program has mistakes; see ``errors``.
        """
        return self._add(program, False)

    def add_to_start(self, program: object) -> QmPendingJob:
        """Queues a program in front of the others; see :meth:`add`."""
        return self._add(program, True)

    def add_compiled(
        self,
        program_id: str,
        overrides: Mapping[str, Mapping[str, float | Sequence[float]]] | None = None,
    ) -> QmPendingJob:
        """Queues a program compiled with :meth:`QuantumMachine.compile`.

        Args:
            program_id: What ``compile`` returned.
            overrides: ``{"waveforms": {name: sample or samples}}``: one sample for a constant
                waveform, as many as it has for an arbitrary one that is overridable.

        Raises:
            FailedToAddJobToQueueException: There is no such program or waveform.
            QmValueError: The overrides have another form; nothing was sent.
        """
        waveforms = _overrides(overrides)
        job = self._native.add_compiled(program_id, waveforms)
        return self._job(job)

    def _pending(
        self,
        job_id: str | None = None,
        user_id: str | None = None,
        position: int | None = None,
    ) -> tuple[QmPendingJob, ...]:
        ids = self._native.pending_jobs(job_id, user_id, position)
        return tuple(self._job(found) for found in ids)

    @property
    def count(self) -> int:
        """How many jobs wait."""
        return len(self._pending())

    def __len__(self) -> int:
        return self.count

    @property
    def pending_jobs(self) -> tuple[QmPendingJob, ...]:
        """The jobs that wait, sorted by their ids as text."""
        return self._pending()

    def get(self, job_id: str) -> QmPendingJob:
        """The pending job of an id.

        Raises:
            JobNotFoundError: It does not wait in this queue.
        """
        return self._first(f"job {job_id!r}", self._pending(job_id=job_id))

    def get_at(self, position: int) -> QmPendingJob:
        """The pending job at a position, from 1; also ``queue[position]``.

        Raises:
            JobNotFoundError: Fewer jobs wait.
        """
        position = _position(position)
        found = self._pending(position=position) if 0 <= position < _MOST else ()
        return self._first(f"job at position {position}", found)

    def __getitem__(self, position: int) -> QmPendingJob:
        return self.get_at(position)

    def __iter__(self) -> Iterator[QmPendingJob]:
        """The jobs in the order in which they will run, as they stand now."""
        ids = self._native.queued_jobs()
        return iter([self._job(found) for found in ids])

    def __reversed__(self) -> Iterator[QmPendingJob]:
        return reversed(list(self))

    def __contains__(self, job: object) -> bool:
        """Whether a job, or the job of an id, waits."""
        job_id = getattr(job, "id", job)
        return isinstance(job_id, str) and bool(self._pending(job_id=job_id))

    def _first(self, what: str, found: tuple[QmPendingJob, ...]) -> QmPendingJob:
        if not found:
            raise JobNotFoundError(f"the queue of {self.machine_id!r} has no {what}")
        return found[0]

    def get_by_user_id(self, user_id: str) -> tuple[QmPendingJob, ...]:
        """The pending jobs that a user added; may be empty."""
        return self._pending(user_id=user_id)

    def _remove(
        self,
        job_id: str | None = None,
        user_id: str | None = None,
        position: int | None = None,
    ) -> int:
        return self._native.remove_pending(job_id, user_id, position)

    def remove_by_id(self, job_id: str) -> int:
        """Takes a job out of the queue.

        Returns:
            How many were removed: 1 or 0.

        Raises:
            ValueError: An empty id.
        """
        if not job_id:
            raise ValueError("the job's id cannot be empty")
        return self._remove(job_id=job_id)

    def remove_by_position(self, position: int) -> int:
        """Takes the job at a position, from 1, out of the queue.

        Returns:
            How many were removed: 1 or 0.

        Raises:
            ValueError: A position that is not positive.
        """
        if position is None or position <= 0:
            raise ValueError("the position must be positive")
        position = _position(position)
        return self._remove(position=position) if position < _MOST else 0

    def remove_by_user_id(self, user_id: str) -> int:
        """Takes the jobs that a user added out of the queue; gives how many."""
        return self._remove(user_id=user_id)

    def clear(self) -> int:
        """Empties the queue; gives how many jobs were removed."""
        return self._remove()
