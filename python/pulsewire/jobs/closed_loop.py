"""Closed loops: push, wait for the answer, fetch it, as one call."""

from __future__ import annotations

import operator
import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from pulsewire._timeouts import VERY_LONG_TIME
from pulsewire.exceptions import QmValueError
from pulsewire.results.fetchers import report_errors

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pulsewire import _native
    from pulsewire.jobs.running_qm_job import RunningQmJob

__all__ = ["ClosedLoop"]


def _names(what: str, given: str | Sequence[str]) -> tuple[str, ...]:
    names = (given,) if isinstance(given, str) else tuple(given)
    if not names or len(set(names)) != len(names):
        raise QmValueError(f"a closed loop takes {what} of different names, at least one")
    return names


class ClosedLoop:
    """Exchanges values with a running program; made by :meth:`RunningQmJob.closed_loop`.

    One step is one call into the extension: it pushes, waits for the next item of each result and
    fetches it. The push and the look for its answer leave together, or the look as much later as
    the program took for the steps before: that is one round trip and the program's time, where
    ``push_to_input_stream``, ``wait_for_values`` and ``fetch`` make three. Steps that do not
    depend on each other's answers go faster with :meth:`exchange_many`.

    A program that is much faster once in a while is seen at half its usual time the first time,
    and at once for 16 steps behind that.

    The items are taken in their order: each call gives the items after those of the call before,
    beginning with the first one that is saved after the loop was made. All loops that a connection
    makes over the same input streams of a job are one in this: they have the same
    :attr:`positions`, take their steps one at a time, and know of each other's pushes that are not
    answered yet. Values that are pushed past them, with ``push_to_input_stream``, they do not know
    of: call :meth:`skip` behind those.
    """

    def __init__(
        self, job: RunningQmJob, streams: str | Sequence[str], results: str | Sequence[str]
    ) -> None:
        self._job = job
        self._streams = _names("input streams", streams)
        self._results = _names("results", results)
        self._single = isinstance(results, str)
        self._native = job._native.closed_loop(
            list(self._streams), job._native.results(), list(self._results)
        )

    def __repr__(self) -> str:
        streams, results = ", ".join(self._streams), ", ".join(self._results)
        return f"<pulsewire.ClosedLoop {streams} -> {results} of {self._job.id!r}>"

    def exchange(self, *values: object, timeout: float = VERY_LONG_TIME) -> Any:
        """Pushes a value to each input stream and gives the next item of each result.

        Args:
            *values: One for each stream, in the order in which they were named; what
                ``push_to_input_stream`` takes. All are checked before the first is sent; then
                they go out at once.
            timeout: Seconds to wait for the items, after the push; zero or less looks exactly
                once.

        Returns:
            For a result of scalars a numpy scalar, for a buffered one an array of its shape, for
            one with timestamps a ``numpy.void``. A tuple of these when the loop was made with a
            sequence of results.

        Raises:
            QmQuaException: As ``push_to_input_stream``.
            ResultEndedError: The job ended before the items came.
            TimeoutError: They did not come in time. The values were pushed, so that the program
                may still answer: :meth:`receive` waits for that answer. A further ``exchange``
                leaves it out and gives its own, and a warning of the logger ``pulsewire`` says so.
            ClosedLoopError: A step before was lost or interrupted in such a way that nobody knows
                whether its values were taken: nothing was sent. :meth:`receive` waits for that
                answer; :meth:`skip` takes the values for lost. Where an answer is there that proves
                it, the loop goes on by itself. Also when an answer came after all that ``skip``
                had taken for lost.
            RuntimeError: A step of a loop over the same input streams is under way, in another
                thread or below a signal handler.
            StreamProcessingDataLossError: The gateway dropped data of the job.
        """
        return self._unpack(self._native.exchange(values, timeout))

    def exchange_many(
        self, *batches: object, ahead: int = 16, timeout: float = VERY_LONG_TIME
    ) -> Any:
        """Makes several steps whose values do not depend on each other's answers.

        Up to ``ahead`` values of each stream are pushed before the first is answered, so that the
        program need not wait for a round trip between two steps. The answers are in the order of
        the values, one for each. Example, a generation of candidates of an optimiser::

            loop = job.closed_loop("candidate", "cost")
            costs = loop.exchange_many(candidates)  # shape (64,) for 64 candidates

        Args:
            *batches: One for each stream, all of the same length: what ``push_many`` takes. All
                values are checked before the first is sent.
            ahead: Steps that are begun and not answered, at most; 1 is one after the other. The
                program's input streams hold what it has not taken yet.
            timeout: Seconds to wait for each answer, after the ones before.

        Returns:
            An array of the answers, shape (n,) for a result of scalars, (n, …) for one of arrays;
            a tuple of these when the loop was made with a sequence of results.

        Raises:
            QmValueError: ``ahead`` below 1, or batches of different lengths.
            Exception: As :meth:`exchange`; its ``answers`` are those that came before, in the same
                form. Values that were pushed and not answered are owed as after an ``exchange``
                that failed; none is sent a second time.
        """
        ahead = operator.index(ahead)
        if ahead < 1:
            raise QmValueError(f"a closed loop has at least 1 step under way, not {ahead}")
        arrays, has_errors, failure = self._native.exchange_many(
            batches, min(ahead, sys.maxsize), timeout
        )
        if has_errors:
            for name in self._results:
                report_errors(self._job.id, name)
        answers = tuple(np.empty(0) if array is None else array for array in arrays)
        unpacked = answers[0] if self._single else answers
        if failure is not None:
            failure.answers = unpacked  # type: ignore[attr-defined]
            raise failure
        return unpacked

    def receive(self, *, timeout: float = VERY_LONG_TIME) -> Any:
        """Gives the next item of each result without a push; see :meth:`exchange`."""
        return self._unpack(self._native.receive(timeout))

    def skip(self) -> None:
        """Leaves out the items that are there already, and the answers to what was pushed before.

        The next one is new. A push in doubt is taken for lost, which is right once its answer
        cannot come any more: wait longer than the program takes for a step. Should it come all the
        same, it is found before the next push, and told by a ``ClosedLoopError``; looking for it
        costs each step one more round trip.

        Raises:
            ClosedLoopError: Some of several input streams took an entry that others did not, or
                may have: no step belongs together then. Run the job anew.
        """
        self._native.skip()

    @property
    def in_doubt(self) -> int:
        """Pushes of which nobody knows whether they were taken; see :meth:`exchange`."""
        return self._native.in_doubt()

    @property
    def positions(self) -> dict[str, int]:
        """The index of the item of each result that comes next."""
        return dict(zip(self._results, self._native.positions(), strict=True))

    def _unpack(self, items: list[_native.LoopItem]) -> Any:
        for name, item in zip(self._results, items, strict=True):
            if item.has_execution_errors:
                report_errors(self._job.id, name)
        if self._single:
            return items[0].value
        return tuple(item.value for item in items)
