"""All results of a job."""

from __future__ import annotations

import time
import warnings
from collections.abc import Collection, ItemsView, Iterator, KeysView, Mapping, ValuesView
from typing import TYPE_CHECKING, Any

from pulsewire._timeouts import VERY_LONG_TIME
from pulsewire.exceptions import QmQuaException, QMTimeoutError, QmValueError
from pulsewire.results.fetchers import (
    BaseSingleStreamFetcher,
    SingleStreamMultipleResultFetcher,
    SingleStreamSingleResultFetcher,
    report_errors,
    warn_closed,
    warn_if_closed,
)

if TYPE_CHECKING:
    from pulsewire.jobs.running_qm_job import RunningQmJob

__all__ = ["StreamingResultFetcher", "StreamsManager"]


class StreamsManager(Mapping[str, BaseSingleStreamFetcher]):
    """The results of a job by name: ``job.result_handles``.

    Handles are reached as ``results["I"]``, ``results.I`` or ``results.get("I")``; as in qm-qua,
    a name that the job does not have gives None. Iterating gives (name, handle) pairs and is
    deprecated: use :meth:`iterate_results` or :meth:`items`.

    Args:
        job: The job; its results' names and types are asked for once, here.
    """

    def __init__(self, job: RunningQmJob) -> None:
        self._job = job
        self._native = job._native.results()
        self._handles: dict[str, BaseSingleStreamFetcher] = {}
        for schema in self._native.schema():
            kind = (
                SingleStreamSingleResultFetcher
                if schema.is_single
                else SingleStreamMultipleResultFetcher
            )
            self._handles[schema.name] = kind(self._native, job, schema)

    def __reduce__(self) -> tuple[type[StreamsManager], tuple[RunningQmJob]]:
        return (StreamsManager, (self._job,))

    def __repr__(self) -> str:
        made = vars(self)
        if "_handles" not in made:
            # By a debugger or a traceback, while it is being made.
            job = f" of {made['_job'].id!r}" if "_job" in made else ""
            return f"<pulsewire.StreamsManager{job}, not yet made>"
        return f"<pulsewire.StreamsManager of {self._job.id!r}: {', '.join(self._handles)}>"

    def __len__(self) -> int:
        return len(self._handles)

    def __getitem__(self, name: str) -> BaseSingleStreamFetcher:
        return self._handles.get(name)  # type: ignore[return-value]  # None, as in qm-qua

    def __getattr__(self, name: str) -> BaseSingleStreamFetcher:
        # Only what is no attribute comes here; Python's own protocols must see that it is none.
        if name.startswith("_"):
            raise AttributeError(name)
        if name not in self._handles:
            known = ", ".join(self._handles) or "none"
            raise AttributeError(f"the job {self._job.id} has no result {name!r}; it has: {known}")
        return self._handles[name]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name in self._handles

    def __iter__(self) -> Iterator[Any]:
        """Iterates over (name, handle) pairs; deprecated since qm-qua 1.2.0."""
        warnings.warn(
            "iterating over result handles will give names only in a later qm-qua; use "
            "iterate_results()",
            DeprecationWarning,
            stacklevel=2,
        )
        return self.iterate_results()

    def iterate_results(self) -> Iterator[tuple[str, BaseSingleStreamFetcher]]:
        """Iterates over (name, handle) pairs, in the program's order."""
        yield from self._handles.items()

    def keys(self) -> KeysView[str]:
        """The names."""
        return self._handles.keys()

    def values(self) -> ValuesView[BaseSingleStreamFetcher]:
        """The handles."""
        return self._handles.values()

    def items(self) -> ItemsView[str, BaseSingleStreamFetcher]:
        """(name, handle) pairs."""
        return self._handles.items()

    def get(self, name: str, /, default: Any = None) -> Any:
        """The handle of a name, or ``default``."""
        return self._handles.get(name, default)

    def is_processing(self) -> bool:
        """Whether more values may come; False for a job that has no results."""
        if not self._handles:
            return False
        state = self._native.state(None)
        return not (state.done or state.closed)

    def wait_for_all_values(self, timeout: float | None = None) -> bool:
        """Waits until no more values come.

        Args:
            timeout: Seconds for the whole call; None (or 0, as in qm-qua) for no bound, negative
                to look exactly once.

        Returns:
            True when the program came to its end; False and a warning when it was halted or
            failed. True at once for a job that has no results.

        Raises:
            TimeoutError: The job still runs.
        """
        if not self._handles:
            return True
        done = self._native.wait_for_all(None, timeout if timeout else VERY_LONG_TIME)
        if not done:
            warn_closed(self._job.id)
        return done

    def fetch_results(
        self,
        wait_until_done: bool = True,
        timeout: float | None = VERY_LONG_TIME,
        stream_names: Mapping[str, int | slice] | Collection[str] | None = None,
        item: int | slice | None = None,
    ) -> dict[str, Any]:
        """Fetches several results.

        Args:
            wait_until_done: Wait until no more values come first.
            timeout: Seconds for the whole call; None for no bound. Zero or less looks exactly once
                whether the job is over, then fetches within the connection's timeout.
            stream_names: Which results: names, or a dict of name to index or slice; None for
                all.
            item: An index or slice of each; None for everything.

        Returns:
            What the handles' ``fetch`` gives, by name, all asked for at once; results without a
            value yet are left out with a warning.

        Raises:
            QMTimeoutError: The time was over.
            QmQuaException: An unknown name, or ``item`` besides a dict.
        """
        if isinstance(stream_names, Mapping):
            if item is not None:
                raise QmQuaException("give the items either in stream_names or as item, not both")
            wanted = dict(stream_names)
        else:
            names = self._handles if stream_names is None else stream_names
            wanted = {name: slice(None) if item is None else item for name in names}
        self._named(wanted)
        if timeout is None:
            timeout = VERY_LONG_TIME
        ends = time.monotonic() + timeout
        # Known to be over first: the headers that are asked for then need not be asked for again.
        if wait_until_done:
            try:
                self.wait_for_all_values(timeout if timeout > 0 else -1)
            except TimeoutError as error:
                raise QMTimeoutError(str(error)) from error
        left = ends - time.monotonic() if timeout > 0 else None
        if left is not None and left <= 0:
            raise QMTimeoutError(
                f"fetch results of the job {self._job.id}: {timeout} s were over before the "
                "results were asked for; raise the timeout"
            )
        results = self._fetch_many(self._asked(wanted), timeout=left)
        return {name: value for name, value in results.items() if value is not None}

    def _asked(self, wanted: Mapping[str, int | slice]) -> list[tuple[str, int, int | None]]:
        return [(name, *self._handles[name]._asked(which)) for name, which in wanted.items()]

    def _fetch_many(
        self,
        asked: list[tuple[str, int, int | None]],
        *,
        flat_struct: bool = False,
        timeout: float | None = None,
    ) -> dict[str, Any]:
        """What the handles' ``fetch`` gives, all asked for at once; None where there is nothing."""
        fetched = self._native.fetch_many(asked, flat_struct, timeout, False)
        results = {}
        for (name, _, _), items in zip(asked, fetched, strict=True):
            self._handles[name]._report_errors(items.has_execution_errors)
            results[name] = self._handles[name]._shaped(items, flat_struct)
        return results

    def _named(self, names: Collection[str] | None) -> list[str]:
        chosen = list(self._handles) if names is None else list(names)
        unknown = [name for name in chosen if name not in self._handles]
        if unknown:
            raise QmQuaException(
                f"the job {self._job.id} has no results {', '.join(map(repr, unknown))}; it has "
                f"{', '.join(self._handles) or 'none'}"
            )
        return chosen

    def snapshot(
        self, names: Collection[str] | None = None, *, flat_struct: bool = False
    ) -> dict[str, Any]:
        """What is there now of several results, cut to one consistent length.

        While a program runs, its results grow one after the other: fetched one by one, ``I`` can
        have an item more than ``Q``. Here all counts are asked for first, and as many items of
        each are fetched as all of them have.

        Args:
            names: Which results; None for all.
            flat_struct: Put an item's dimensions into the shape instead of the dtype.

        Returns:
            By name: of each ``save_all`` the first n items (n is the same for all, and may be 0),
            of each ``save`` its value, or None without one; in the form of the handles' ``fetch``.

        Raises:
            QmQuaException: An unknown name.
        """
        chosen = self._named(names)
        growing = [name for name in chosen if not self._handles[name]._is_single]
        count = min(self._native.counts(growing), default=0)
        wanted: dict[str, int | slice] = {
            name: slice(0, count) if name in growing else 0 for name in chosen
        }
        return self._fetch_many(self._asked(wanted), flat_struct=flat_struct)

    def stream(
        self,
        names: Collection[str] | None = None,
        *,
        max_items: int | None = None,
        timeout: float = VERY_LONG_TIME,
        flat_struct: bool = False,
    ) -> Iterator[dict[str, Any]]:
        """Iterates over what is new of several results, until one of them is over.

        Each item is fetched exactly once, and each step has as many items of every result. ::

            for step in job.result_handles.stream(["I", "Q"], flat_struct=True):
                plot(step["I"] + 1j * step["Q"])

        Args:
            names: Which results, of ``save_all``; None for all of these.
            max_items: The most items of one step; bounds the memory. None for all that are new.
            timeout: Seconds to wait for each step; its fetch may take as long as the connection's
                timeout.
            flat_struct: Put an item's dimensions into the shape instead of the dtype.

        Yields:
            Arrays by name, the items along the first axis, as they are stored.

        Raises:
            TimeoutError: Nothing new came in time.
            StreamProcessingDataLossError: The gateway dropped data of the job.
            QmQuaException: An unknown name.
            QmValueError: A name of a ``save``, whose last value only is kept; no name at all;
                ``max_items`` below 1.
        """
        chosen = [
            name
            for name in self._named(names)
            if names is not None or not self._handles[name]._is_single
        ]
        single = [name for name in chosen if self._handles[name]._is_single]
        if single or not chosen or (max_items is not None and max_items < 1):
            raise QmValueError(
                f"a stream of the job {self._job.id} takes results of save_all, at least one, and "
                f"gives at least 1 item at a time; asked for {', '.join(chosen) or 'none'}"
            )
        return self._stream(chosen, max_items, timeout, flat_struct)

    def _stream(
        self, names: list[str], max_items: int | None, timeout: float, flat_struct: bool
    ) -> Iterator[dict[str, Any]]:
        seen = 0
        reported = False
        while (count := self._native.wait_for_more(names, seen, timeout)) > seen:
            stop = count if max_items is None else min(count, seen + max_items)
            asked: list[tuple[str, int, int | None]] = [(name, seen, stop) for name in names]
            fetched = self._native.fetch_many(asked, flat_struct, None, True)
            if not reported and any(items.has_execution_errors for items in fetched):
                report_errors(self._job.id, ", ".join(names))
                reported = True
            seen = stop
            yield {name: items.array for name, items in zip(names, fetched, strict=True)}
        warn_if_closed(self._native, self._job.id)


#: The name that older scripts know.
StreamingResultFetcher = StreamsManager
