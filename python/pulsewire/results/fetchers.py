"""Handles of single results."""

from __future__ import annotations

import operator
import os
import secrets
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from pulsewire._log import logger
from pulsewire._timeouts import VERY_LONG_TIME
from pulsewire.exceptions import QmInvalidSchemaError, QmValueError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sized

    from numpy.typing import NDArray

    from pulsewire import _native
    from pulsewire.jobs.running_qm_job import RunningQmJob

__all__ = [
    "BaseSingleStreamFetcher",
    "JobStreamingState",
    "SingleStreamMultipleResultFetcher",
    "SingleStreamSingleResultFetcher",
]


@dataclass(frozen=True)
class JobStreamingState:
    """How the results of a job stand.

    Attributes:
        job_id: The job.
        done: Everything is there.
        closed: Nothing more comes although the program did not come to its end.
        has_dataloss: The gateway dropped data.
    """

    job_id: str
    done: bool
    closed: bool
    has_dataloss: bool


def _handle_of(job: RunningQmJob, name: str) -> BaseSingleStreamFetcher:
    """A handle unpickled: the job is asked for its results anew."""
    return job.result_handles[name]


def report_errors(job_id: str, name: str) -> None:
    """Logs that a job met runtime errors, as qm-qua does with each fetch."""
    logger.error(
        f"the job {job_id} met runtime errors; values of {name!r} may be wrong: see "
        "job.execution_report()"
    )


def warn_closed(job_id: str) -> None:
    """Logs that a job did not come to its end."""
    logger.warning(f"the job {job_id} was halted or failed: not all of its data is there")


def warn_if_closed(native: _native.Results, job_id: str) -> None:
    """Logs it when a job that is over did not come to its end."""
    state = native.state(None)
    if state.closed and not state.done:
        warn_closed(job_id)


# What the extension takes for a place; no result has so many items.
_FURTHEST = (1 << 63) - 1


def _place(at: object) -> int:
    """A place among items: beyond every count, either way, it is all the same where."""
    return max(-_FURTHEST, min(operator.index(at), _FURTHEST))  # type: ignore[arg-type]


def _range_of(name: str, item: object) -> tuple[int, int | None]:
    """The first item and the one after the last, as the gateway is asked for them."""
    if isinstance(item, slice):
        if item.step not in (None, 1):
            raise ValueError(
                f"the result {name!r}: items are fetched in steps of 1, not {item.step}"
            )
        start = 0 if item.start is None else _place(item.start)
        return start, None if item.stop is None else _place(item.stop)
    try:
        index = operator.index(item)  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(
            f"the result {name!r}: fetch takes an int or a slice, not {type(item).__name__}"
        ) from None
    # The item before the end has no item behind it to stop at.
    return _place(index), None if index == -1 else _place(index + 1)


class BaseSingleStreamFetcher(ABC):
    """What both kinds of handles share; made by :class:`StreamsManager`."""

    _is_single: bool

    def __init__(
        self,
        native: _native.Results,
        job: RunningQmJob,
        schema: _native.Schema,
    ) -> None:
        self._native = native
        self._job = job
        self._job_id = job.id
        self._name, self._dtype = schema.name, schema.dtype
        self._expected_count = schema.expected_count
        if schema.is_single != self._is_single:
            kind = "single" if self._is_single else "multiple"
            raise QmInvalidSchemaError(f"the result {self._name!r} is not a {kind} result")

    def __reduce__(self) -> tuple[Any, tuple[RunningQmJob, str]]:
        return (_handle_of, (self._job, self._name))

    def __repr__(self) -> str:
        return f"<pulsewire.{type(self).__name__} {self._name!r} of {self._job_id!r}>"

    @property
    def name(self) -> str:
        """The name it is saved under."""
        return self._name

    @property
    def job_id(self) -> str:
        """The job it belongs to."""
        return self._job_id

    @property
    def expected_count(self) -> int:
        """What the gateway expects in all; 0 where it does not know."""
        return self._expected_count

    @property
    def numpy_dtype(self) -> Any:
        """The description of an item's dtype, as qm-qua shows it.

        A name (``"<i8"``), or a list of fields ``[name, dtype]`` or ``[name, dtype, shape]``
        with the shape a tuple.
        """
        return self._dtype

    def count_so_far(self) -> int:
        """How many values there are now; also ``len(handle)``."""
        now = self._native.count(self._name)
        self._report_errors(now.has_execution_errors)
        return now.count

    def __len__(self) -> int:
        return self.count_so_far()

    def is_processing(self) -> bool:
        """Whether more values may come."""
        state = self.get_job_state()
        return not (state.done or state.closed)

    def has_dataloss(self) -> bool:
        """Whether the gateway dropped data of the job."""
        return self.get_job_state().has_dataloss

    def get_job_state(self) -> JobStreamingState:
        """How the result stands."""
        state = self._native.state(self._name)
        return JobStreamingState(self._job_id, state.done, state.closed, state.has_dataloss)

    def wait_for_values(self, count: int = 1, timeout: float = VERY_LONG_TIME) -> None:
        """Waits until there are at least ``count`` values.

        Args:
            count: Values wanted.
            timeout: Seconds; zero or less looks exactly once.

        Raises:
            ResultEndedError: The job ended with fewer; it says how many came and why.
            TimeoutError: They did not come in time.
        """
        self._native.wait_for_values(self._name, max(_place(count), 0), timeout)

    def wait_for_all_values(self, timeout: float = VERY_LONG_TIME) -> bool:
        """Waits until no more values come.

        Args:
            timeout: Seconds; zero or less looks exactly once.

        Returns:
            True when the program came to its end, False when it was halted or failed.

        Raises:
            TimeoutError: The job still runs.
        """
        return self._native.wait_for_all(self._name, timeout)

    def _report_errors(self, has_errors: bool) -> None:
        if has_errors:
            report_errors(self._job_id, self._name)

    def strict_fetch(
        self,
        item: int | slice,
        *,
        check_for_errors: bool = True,
        flat_struct: bool = False,
        timeout: float | None = None,
        out: NDArray[Any] | None = None,
    ) -> NDArray[Any]:
        """Fetches values as they are stored, without any unwrapping.

        Args:
            item: An index or a slice in steps of 1; negative ends count from the end. What is
                out of range gives an empty array.
            check_for_errors: Log an error when the job met runtime errors.
            flat_struct: Put an item's dimensions into the shape instead of the dtype.
            timeout: Seconds for the whole call; None for the connection's timeout.
            out: A C-contiguous, writeable array to fetch into, of the dtype that would be returned
                and at least as many rows as there are items; each row has an item's shape. What is
                in it is undefined after an error.

        Returns:
            A new array: one item has the item's own shape, several have a first axis for them. With
            ``out`` the part of it that was filled, always with a first axis.

        Raises:
            StreamProcessingDataLossError: The gateway dropped data of the job.
            DataFetchingError: More or less arrived than was promised.
            QmValueError: ``out`` does not fit; nothing was written.
        """
        return self._fetch(item, check_for_errors, flat_struct, timeout, out).array

    def _fetch(
        self,
        item: object,
        check_for_errors: bool,
        flat_struct: bool,
        timeout: float | None,
        out: NDArray[Any] | None = None,
    ) -> _native.FetchedItems:
        start, stop = _range_of(self._name, item)
        items = self._native.fetch(self._name, start, stop, flat_struct, timeout, out)
        if check_for_errors:
            self._report_errors(items.has_execution_errors)
        return items

    @abstractmethod
    def fetch(
        self,
        item: int | slice,
        *,
        check_for_errors: bool = True,
        flat_struct: bool = False,
        timeout: float | None = None,
    ) -> Any:
        """Fetches values; see the two kinds of handles."""

    def _asked(self, item: object) -> tuple[int, int | None]:
        """The first item and the one after the last that ``fetch`` asks the gateway for."""
        return _range_of(self._name, item)

    @abstractmethod
    def _shaped(self, items: _native.FetchedItems, flat_struct: bool) -> Any:
        """What ``fetch`` makes of the items as they are stored."""

    def fetch_all(
        self,
        *,
        check_for_errors: bool = True,
        flat_struct: bool = False,
        out: NDArray[Any] | None = None,
    ) -> Any:
        """Fetches everything there is now; see :meth:`fetch`.

        With ``out`` the items go into it, as they are stored; see :meth:`strict_fetch`.
        """
        if out is not None:
            return self.strict_fetch(
                slice(0, None),
                check_for_errors=check_for_errors,
                flat_struct=flat_struct,
                out=out,
            )
        return self.fetch(
            slice(0, None), check_for_errors=check_for_errors, flat_struct=flat_struct
        )

    def fetch_to(
        self,
        path: str | os.PathLike[str],
        item: int | slice = slice(0, None),
        *,
        check_for_errors: bool = True,
        flat_struct: bool = False,
        timeout: float | None = None,
    ) -> int:
        """Fetches values into an ``.npy`` file, in bounded memory whatever their size.

        The values are written beside ``path`` under a temporary name, which becomes ``path`` when
        all of them are there: a file of that name is whole, and one that was there before is
        replaced. ``np.load(path, mmap_mode="r")`` reads it without loading it.

        Args:
            path: The file.
            item: An index or a slice in steps of 1; everything there is now by default.
            check_for_errors: Log an error when the job met runtime errors.
            flat_struct: Put an item's dimensions into the shape instead of the dtype.
            timeout: Seconds for the whole call; None for the connection's timeout, which large
                results may pass.

        Returns:
            How many items were written. ``np.load`` gives the array that :meth:`strict_fetch` of
            the same items gives.

        Raises:
            StreamProcessingDataLossError: The gateway dropped data of the job.
            DataFetchingError: More or less arrived than was promised, or the disk is full.
            OSError: The file cannot be made.
        """
        started = time.monotonic()
        start, stop = _range_of(self._name, item)
        plan = self._native.plan(self._name, start, stop, flat_struct, timeout)
        if check_for_errors:
            self._report_errors(plan.has_execution_errors)
        target = Path(path)
        temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
        try:
            with open(temporary, "xb") as file:
                np.lib.format.write_array_header_2_0(
                    file,
                    {
                        "descr": np.lib.format.dtype_to_descr(plan.dtype),
                        "fortran_order": False,
                        "shape": plan.shape,
                    },
                )
            left = None if timeout is None else max(timeout - (time.monotonic() - started), 0)
            self._native.append_to(
                self._name, plan.first, plan.count, plan.item_size, temporary, left
            )
            temporary.replace(target)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        return plan.count

    def stream(
        self,
        *,
        start: int = 0,
        max_items: int | None = None,
        timeout: float = VERY_LONG_TIME,
        check_for_errors: bool = True,
        flat_struct: bool = False,
    ) -> Iterator[NDArray[Any]]:
        """Iterates over what is new, until the result is over.

        Each item is fetched exactly once. ::

            for values in job.result_handles.get("I").stream(flat_struct=True):
                plot(values)

        Args:
            start: The first item wanted.
            max_items: The most items of one array; bounds the memory. None for all that are new.
            timeout: Seconds to wait until there is something new; its fetch may take as long as the
                connection's timeout, which a large backlog without ``max_items`` may pass.
            check_for_errors: Log an error when the job met runtime errors, once.
            flat_struct: Put an item's dimensions into the shape instead of the dtype.

        Yields:
            Arrays of one item and more, the items along the first axis, as they are stored.

        Raises:
            TimeoutError: Nothing new came in time.
            QMTimeoutError: A fetch took longer than the connection's timeout.
            StreamProcessingDataLossError: The gateway dropped data of the job.
            QmValueError: ``max_items`` below 1, or ``start`` below 0.
        """
        start = _place(start)
        if start < 0 or (max_items is not None and max_items < 1):
            raise QmValueError(
                f"the result {self._name!r}: a stream starts at an item from 0 on and gives at "
                f"least 1 at a time, not {start} and {max_items}"
            )
        return self._stream(start, max_items, timeout, check_for_errors, flat_struct)

    def _stream(
        self,
        seen: int,
        max_items: int | None,
        timeout: float,
        check_for_errors: bool,
        flat_struct: bool,
    ) -> Iterator[NDArray[Any]]:
        reported = not check_for_errors
        while (count := self._native.wait_for_more([self._name], seen, timeout)) > seen:
            stop = count if max_items is None else min(count, seen + max_items)
            [items] = self._native.fetch_many([(self._name, seen, stop)], flat_struct, None, True)
            if items.has_execution_errors and not reported:
                self._report_errors(True)
                reported = True
            seen = stop
            yield items.array
        warn_if_closed(self._native, self._job_id)


class SingleStreamMultipleResultFetcher(BaseSingleStreamFetcher):
    """A handle of a ``save_all`` (or of a ``save`` to a name, the legacy form)."""

    _is_single = False

    def fetch(
        self,
        item: int | slice,
        *,
        check_for_errors: bool = True,
        flat_struct: bool = False,
        timeout: float | None = None,
    ) -> NDArray[Any]:
        """Fetches values.

        Args:
            item: An index or a slice in steps of 1; negative ends count from the end.
            check_for_errors: Log an error when the job met runtime errors.
            flat_struct: Put an item's dimensions into the shape instead of the dtype.
            timeout: Seconds for the whole call; None for the connection's timeout.

        Returns:
            An array with the values along the first axis. Without ``flat_struct`` its dtype has
            a field ``value`` (and ``timestamp``); an item's dimensions are the field's. With it,
            n items of shape s are (n, *s), a single one is s.

        Raises:
            StreamProcessingDataLossError: The gateway dropped data of the job.
        """
        items = self._fetch(item, check_for_errors, flat_struct, timeout)
        return self._shaped(items, flat_struct)

    def _shaped(self, items: _native.FetchedItems, flat_struct: bool) -> NDArray[Any]:
        if not items.is_wrapped:
            return items.array
        # A record of value and timestamp below a single field "value": the field is dropped,
        # and so is the first axis of a single item (docs/protocol.md, "Types of results").
        inner: NDArray[Any] = items.array["value"]
        return inner[0] if inner.shape[0] == 1 else inner


class SingleStreamSingleResultFetcher(BaseSingleStreamFetcher):
    """A handle of a ``save``: the last value only."""

    _is_single = True

    def wait_for_values(self, count: int = 1, timeout: float = VERY_LONG_TIME) -> None:
        """Waits until there is a value; see :meth:`BaseSingleStreamFetcher.wait_for_values`.

        Raises:
            RuntimeError: A count other than 1.
        """
        if count != 1:
            raise RuntimeError("a single result can wait only for a single value")
        super().wait_for_values(1, timeout)

    def fetch_all(
        self,
        *,
        check_for_errors: bool = True,
        flat_struct: bool = False,
        out: NDArray[Any] | None = None,
    ) -> Any:
        """Fetches the value; see :meth:`fetch`, and :meth:`strict_fetch` for ``out``."""
        if out is not None:
            return super().fetch_all(
                check_for_errors=check_for_errors, flat_struct=flat_struct, out=out
            )
        return self.fetch(0, check_for_errors=check_for_errors, flat_struct=flat_struct)

    def stream(self, **_: Any) -> Iterator[NDArray[Any]]:
        """Refused: only the last value is kept, so that what is new cannot be told.

        Raises:
            QmValueError: Always.
        """
        raise QmValueError(
            f"the result {self._name!r} keeps its last value only: save_all() makes a stream"
        )

    def fetch(
        self,
        item: int | slice = 0,
        *,
        check_for_errors: bool = True,
        flat_struct: bool = False,
        timeout: float | None = None,
    ) -> Any:
        """Fetches the value.

        Args:
            item: There is only one; anything that asks for another is warned of.
            check_for_errors: Log an error when the job met runtime errors.
            flat_struct: Put the value's dimensions into the shape instead of the dtype.
            timeout: Seconds for the whole call; None for the connection's timeout.

        Returns:
            A numpy scalar, an array for a buffered stream, a ``numpy.void`` for several fields;
            None and a warning when there is no value yet.

        Raises:
            StreamProcessingDataLossError: The gateway dropped data of the job.
        """
        self._asked(item)
        items = self._fetch(slice(0, 1), check_for_errors, flat_struct, timeout)
        return self._shaped(items, flat_struct)

    def _asked(self, item: object) -> tuple[int, int | None]:
        if item not in [0, slice(None), slice(1), slice(0, 1), slice(0, 1, 1), slice(0, None)]:
            logger.warning(f"the result {self._name!r} has a single value: that one is fetched")
        return 0, 1

    def _shaped(self, items: _native.FetchedItems, flat_struct: bool) -> Any:
        data = items.array
        if data.ndim == 0:
            # An item without dimensions.
            return data[()]
        if len(data) == 0:
            logger.warning(f"the result {self._name!r} has no value yet: wait_for_values() first")
            return None
        # One layer is peeled, and a second one when it holds a single thing (docs/protocol.md,
        # "Types of results").
        value: Any = data if flat_struct else data[0]
        if isinstance(value, (np.ndarray, np.void)) and len(cast("Sized", value)) == 1:
            return value[0]
        return value
