"""What every job has: an id, a status, input streams."""

from __future__ import annotations

import datetime
import warnings
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pulsewire.jobs.input_stream import InputStream

if TYPE_CHECKING:
    from pulsewire.client import Client

__all__ = ["QmBaseJob"]


class QmBaseJob:
    """A job, wherever it is in its life.

    It lives in the gateway whether or not anybody holds this object, and pickles as its
    client's address and its id.

    Args:
        client: The connection.
        job_id: The job.
        machine_id: Its machine; may be empty.
    """

    def __init__(self, client: Client, job_id: str, machine_id: str = "") -> None:
        self._client = client
        self._machine_id = machine_id
        self._native = client._native.job(job_id, machine_id)

    def __reduce__(self) -> tuple[type[QmBaseJob], tuple[Any, ...]]:
        return (type(self), (self._client, self.id, self._machine_id))

    def __repr__(self) -> str:
        return f"<pulsewire.{type(self).__name__} {self.id!r}>"

    @property
    def id(self) -> str:
        """The id of the job."""
        return self._native.id

    @property
    def status(self) -> str:
        """Where the job is now; each read asks the gateway.

        One of ``unknown``, ``pending``, ``running``, ``completed``, ``canceled``, ``loading``,
        ``error``, or ``processing`` (undocumented: the program ended, its results are on their
        way). A paused job is ``running``.
        """
        return self._native.status().state

    @cached_property
    def _added(self) -> tuple[str | None, datetime.datetime | None]:
        status = self._native.status()
        if status.time_added is None:
            return status.added_by, None
        try:
            added = datetime.datetime.fromtimestamp(status.time_added, datetime.timezone.utc)
        except (OverflowError, ValueError, OSError):
            # A time that no calendar has.
            return status.added_by, None
        return status.added_by, added

    @property
    def user_added(self) -> str | None:
        """Who added the job, as first asked; None in a state that does not tell."""
        return self._added[0]

    @property
    def time_added(self) -> datetime.datetime | None:
        """When the job was added, in UTC, as first asked; None in a state that does not tell."""
        return self._added[1]

    def input_stream(self, name: str) -> InputStream:
        """An input stream of the program, by the name given to ``declare_input_stream``."""
        return InputStream(self, name)

    def push_to_input_stream(self, name: str, data: object) -> None:
        """Pushes one entry to an input stream; the program takes it at its next advance.

        Entries wait in the gateway in the order they were pushed. An entry is sent once: after
        a ``QMConnectionError`` or ``QMTimeoutError`` nobody knows whether it was taken.

        Args:
            name: The stream, as given to ``declare_input_stream``.
            data: As many values as the stream was declared with (1 for a scalar): a bool, int,
                float, a list, tuple or range of these of one type, or a numpy scalar or
                array of one dimension. Ints must fit 32 bits, floats [-8, 8).

        Raises:
            QmValueError: Values of mixed types, NaN, or out of range; nothing was sent.
            UnknownInputStreamError: The program declares no such stream.
            UnspecifiedError: The entry does not fit the declaration.
            InvalidJobExecutionStatusError: The job has ended.
            MissingJobError: The gateway knows no such job.
        """
        self._native.push(name, data)

    def insert_input_stream(self, name: str, data: object) -> None:
        """Deprecated since qm-qua 1.2.0: use :meth:`push_to_input_stream`."""
        warnings.warn(
            "insert_input_stream was renamed to push_to_input_stream in qm-qua 1.2.0",
            DeprecationWarning,
            stacklevel=2,
        )
        self.push_to_input_stream(name, data)
