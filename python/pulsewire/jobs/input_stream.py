"""Input streams of a running program."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pulsewire.jobs.base_job import QmBaseJob

__all__ = ["InputStream"]


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
