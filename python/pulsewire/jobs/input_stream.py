"""Input streams of a running program."""

from __future__ import annotations

import contextlib
import operator
import sys
from typing import TYPE_CHECKING

from pulsewire._timeouts import VERY_LONG_TIME
from pulsewire.exceptions import QmValueError

if TYPE_CHECKING:
    from pulsewire.jobs.base_job import QmBaseJob

__all__ = ["InputStream", "InputStreamWriter"]

# How long a writer's block that failed waits for entries still under way, in seconds.
_PATIENCE = 1.0


class InputStream:
    """One input stream of a job; made by ``job.input_stream(name)``."""

    def __init__(self, job: QmBaseJob, name: str) -> None:
        self._job = job
        self._name = name

    def __repr__(self) -> str:
        return f"<pulsewire.InputStream {self._name!r} of {self._job.id!r}>"

    @property
    def name(self) -> str:
        """The name given to ``declare_input_stream``."""
        return self._name

    def push(self, value: object) -> None:
        """Pushes one entry; see :meth:`QmBaseJob.push_to_input_stream`."""
        self._job._native.push(self._name, value)

    def push_many(self, entries: object) -> int:
        """Pushes several entries in their order, each once the one before was taken.

        One call into the extension for all of them: as fast as entries can go one by one.

        Args:
            entries: An array whose rows are entries (or, with one dimension, whose items are
                entries of one value), or a sequence of what :meth:`push` takes. All are checked
                before the first is sent.

        Returns:
            How many entries the gateway acknowledged: all of them.

        Raises:
            QmQuaException: As :meth:`push`; its ``acknowledged`` says how many entries were
                taken before the failure. None of them is sent a second time.
        """
        return self._job._native.push_many(self._name, entries)

    def writer(self, max_pending: int = 1024) -> InputStreamWriter:
        """A writer that pushes in the background, in order.

        Args:
            max_pending: How many entries may be under way or waiting; a push beyond waits.

        Raises:
            QmValueError: ``max_pending`` below 1.
        """
        max_pending = operator.index(max_pending)
        if max_pending < 1:
            raise QmValueError(
                f"a writer of the input stream {self._name!r} holds at least 1 entry, not "
                f"{max_pending}"
            )
        return InputStreamWriter(self, min(max_pending, sys.maxsize))


class InputStreamWriter:
    """Pushes entries of one input stream in the background; made by :meth:`InputStream.writer`.

    :meth:`push` returns in about a microsecond; the entries go out in their order, one request at
    a time, over a connection and a thread of their own. A context manager: leaving it waits until
    everything is acknowledged. Without it, call :meth:`close`: what is pending when the
    interpreter exits is lost.

    After a failure nothing more is sent, as nobody knows whether the entry that failed was taken
    and the order must hold. The failure is raised by the next call and by every later one; its
    ``acknowledged`` says how many entries the gateway took.
    """

    def __init__(self, stream: InputStream, max_pending: int) -> None:
        self._stream = stream
        self._native = stream._job._native.writer(stream.name, max_pending)
        # The extension's own method: a Python frame less for each entry.
        self.push = self._native.push
        """Takes one entry, as :meth:`InputStream.push` does; waits while the writer is full."""

    def __repr__(self) -> str:
        return f"<pulsewire.InputStreamWriter of {self._stream!r}>"

    @property
    def acknowledged(self) -> int:
        """Entries that the gateway took so far."""
        return self._native.acknowledged

    @property
    def pending(self) -> int:
        """Entries under way or waiting."""
        return self._native.pending

    def flush(self, timeout: float = VERY_LONG_TIME) -> int:
        """Waits until everything that was pushed is acknowledged.

        Args:
            timeout: Seconds.

        Returns:
            How many entries were acknowledged in all.

        Raises:
            QmQuaException: An entry failed; as :meth:`InputStream.push`.
            TimeoutError: The time was over; what is pending is still sent.
        """
        return self._native.flush(timeout)

    def close(self, timeout: float = VERY_LONG_TIME) -> int:
        """Takes no more entries and waits as :meth:`flush` does; more than once does no harm."""
        return self._native.close(timeout)

    def __enter__(self) -> InputStreamWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.close()
            return
        # What the user's code raised is not hidden by what a push did; an interrupt is not made to
        # wait for entries that nobody wants any more.
        if not issubclass(kind, Exception):
            self._native.discard()
        with contextlib.suppress(Exception):
            self.close(timeout=_PATIENCE)
