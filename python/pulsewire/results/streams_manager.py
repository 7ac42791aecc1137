"""All results of a job."""

from __future__ import annotations

import logging
import time
import warnings
from collections.abc import Collection, ItemsView, Iterator, KeysView, Mapping, ValuesView
from typing import TYPE_CHECKING, Any

from pulsewire.exceptions import QmQuaException, QMTimeoutError
from pulsewire.results.fetchers import (
    VERY_LONG_TIME,
    BaseSingleStreamFetcher,
    SingleStreamMultipleResultFetcher,
    SingleStreamSingleResultFetcher,
)

if TYPE_CHECKING:
    from pulsewire.jobs.base_job import QmBaseJob

__all__ = ["StreamingResultFetcher", "StreamsManager"]

logger = logging.getLogger("pulsewire")


class StreamsManager(Mapping[str, BaseSingleStreamFetcher]):
    """The results of a job by name: ``job.result_handles``.

    Handles are reached as ``results["I"]``, ``results.I`` or ``results.get("I")``; as in qm-qua,
    a name that the job does not have gives None. Iterating gives (name, handle) pairs and is
    deprecated: use :meth:`iterate_results` or :meth:`items`.

    Args:
        job: The job; its results' names and types are asked for once, here.
    """

    def __init__(self, job: QmBaseJob) -> None:
        self._job = job
        self._native = job._native.results()
        self._handles: dict[str, BaseSingleStreamFetcher] = {}
        for schema in self._native.schema():
            kind = (
                SingleStreamSingleResultFetcher if schema[2] else SingleStreamMultipleResultFetcher
            )
            self._handles[schema[0]] = kind(self._native, job, schema)

    def __reduce__(self) -> tuple[type[StreamsManager], tuple[QmBaseJob]]:
        return (StreamsManager, (self._job,))

    def __repr__(self) -> str:
        return f"<pulsewire.StreamsManager of {self._job.id!r}: {', '.join(self._handles)}>"

    def __len__(self) -> int:
        return len(self._handles)

    def __getitem__(self, name: str) -> BaseSingleStreamFetcher:
        return self._handles.get(name)  # type: ignore[return-value]  # None, as in qm-qua

    def __getattr__(self, name: str) -> BaseSingleStreamFetcher | None:
        # Only what is no attribute comes here; Python's own protocols must see that it is none.
        if name.startswith("_"):
            raise AttributeError(name)
        return self._handles.get(name)

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
        done, closed, _ = self._native.state(None)
        return not (done or closed)

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
            logger.warning(
                f"the job {self._job.id} was halted or failed: not all of its data is there"
            )
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
            What the handles' ``fetch`` gives, by name; results without a value yet are left out
            with a warning.

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
        unknown = [name for name in wanted if name not in self._handles]
        if unknown:
            raise QmQuaException(
                f"the job {self._job.id} has no results {', '.join(map(repr, unknown))}; it has "
                f"{', '.join(self._handles) or 'none'}"
            )
        if timeout is None:
            timeout = VERY_LONG_TIME
        ends = time.monotonic() + timeout
        if wait_until_done:
            try:
                self.wait_for_all_values(timeout if timeout > 0 else -1)
            except TimeoutError as error:
                raise QMTimeoutError(str(error)) from error
        results = {}
        for name, which in wanted.items():
            left = ends - time.monotonic() if timeout > 0 else None
            if left is not None and left <= 0:
                raise QMTimeoutError(
                    f"fetch results of the job {self._job.id}: {timeout} s were over before "
                    f"{name!r}; raise the timeout"
                )
            value = self._handles[name].fetch(which, timeout=left)
            if value is None:
                logger.warning(f"the result {name!r} has no value yet and is left out")
            else:
                results[name] = value
        return results


#: The name that older scripts know.
StreamingResultFetcher = StreamsManager
