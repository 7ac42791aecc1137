"""The calls of qm-qua as pulsewire serves them; ``seams.py`` says in place of what.

Each takes what qm-qua's own takes and gives what it gives, in its classes. What it cannot serve it
raises :class:`Left` for, before anything is sent.
"""

from __future__ import annotations

import datetime
import logging
import math
import numbers
from collections.abc import Mapping
from typing import Any

from qm._report import ExecutionError, ExecutionErrorSeverity, ExecutionReport
from qm._stream_results import StreamsManager
from qm._stream_results._utils import log_execution_errors
from qm.api.job_result_api import JobResultServiceApi
from qm.api.models.capabilities import QopCaps
from qm.api.models.jobs import JobStreamingState
from qm.jobs.pending_job import INVALID_QUEUE_POSITION
from qm.jobs.qm_job import QmJob
from qm.simulate._simulator_samples import SimulatorControllerSamples, SimulatorSamples

from pulsewire import _native
from pulsewire._timeouts import VERY_LONG_TIME
from pulsewire.dropin.calls import Left
from pulsewire.dropin.connections import client_of, job_of, results_of
from pulsewire.dropin.identity import ByIdentity

_pending_log = logging.getLogger("qm.jobs.pending_job")
_manager_log = logging.getLogger("qm._stream_results._streams_manager")
_single_log = logging.getLogger(
    "qm._stream_results._single_stream_fetchers._single_stream_single_result_fetcher"
)


def _seconds(timeout: Any) -> float:
    """A timeout of a wait; qm-qua refuses what is negative."""
    if isinstance(timeout, bool) or not isinstance(timeout, (int, float)):
        raise Left("a timeout that is no number")
    if not timeout >= 0:
        raise ValueError(f"a wait's timeout is 0 s or more, not {timeout}")
    return float(timeout)


# -- Jobs

_TELL_WHO = frozenset(("pending", "running", "completed", "loading"))


def initialize_from_job_status(self: Any) -> None:
    now = job_of(self)._native.status()
    if now.state in _TELL_WHO:
        self._added_user_id = now.added_by or ""
        added = datetime.datetime.fromtimestamp(now.time_added or 0, datetime.timezone.utc)
        self._time_added = added


def push_to_input_stream(self: Any, name: str, data: Any) -> None:
    if not self._capabilities.supports(QopCaps.input_stream):
        raise Left("a gateway without input streams")
    if not isinstance(name, str):
        raise Left("a name that is no text")
    # qm-qua looks at the types of the values before it sends them.
    if isinstance(data, list) and len(set(map(type, data))) != 1:
        raise Left("an entry that is empty or of several types")
    job_of(self)._native.push(name, data)


def status(self: Any) -> str:
    return job_of(self)._native.status().state


def wait_for_execution(self: Any, timeout: float = math.inf) -> Any:
    job_of(self)._native.wait_for_execution(_seconds(timeout))
    return QmJob(
        job_id=self._id,
        machine_id=self._machine_id,
        frontend_api=self._frontend,
        capabilities=self._capabilities,
    )


def position_in_queue(self: Any) -> int:
    position = job_of(self)._native.status().position
    if position is None:
        _pending_log.warning(f"Job {self._id} is not pending: it has no position in the queue")
        return int(INVALID_QUEUE_POSITION)
    return position


def cancel(self: Any) -> bool:
    return job_of(self)._native.cancel_pending()


def halt(self: Any) -> bool:
    return job_of(self)._native.halt()


def resume(self: Any) -> bool:
    job_of(self)._native.resume()
    return True


def is_paused(self: Any) -> bool:
    return job_of(self)._native.is_paused()


def execution_report(self: Any) -> Any:
    severity = {True: ExecutionErrorSeverity.Error, False: ExecutionErrorSeverity.Warn}
    errors = job_of(self)._native.errors()
    return ExecutionReport(
        self._id, [ExecutionError(e.code, e.message, severity[e.is_error]) for e in errors]
    )


def set_element_correction(self: Any, element: str, correction: Any) -> Any:
    try:
        entries = [correction[index] for index in range(4)]
        if not all(isinstance(entry, numbers.Real) for entry in entries):
            raise TypeError
        v00, v01, v10, v11 = map(float, entries)
    except (TypeError, ValueError, IndexError, OverflowError, KeyError):
        raise Left("a correction that is not four numbers") from None
    return job_of(self)._native.set_correction(element, (v00, v01, v10, v11))


def get_element_correction(self: Any, element: str) -> Any:
    return job_of(self)._native.correction(element)


# What a job's results are called and made of does not change: it is asked for once a job.
_services: ByIdentity[Any] = ByIdentity()


def result_handles(self: Any) -> Any:
    details = self._frontend.connection_details
    client_of(details)
    service = _services.get(self)
    if service is None:
        service = JobResultServiceApi(details, self._id)
        manager = StreamsManager(service, self._capabilities, wait_until_func=None)
        known = manager._schema_items
        if known:
            service.get_job_result_schema = lambda: known
            _services.put(self, service)
        return manager
    return StreamsManager(service, self._capabilities, wait_until_func=None)


# -- A result


def _results(fetcher: Any) -> _native.Results:
    return results_of(fetcher._service, [fetcher._schema])


def wait_for_values(self: Any, count: int = 1, timeout: float = VERY_LONG_TIME) -> None:
    seconds = _seconds(timeout)
    try:
        wanted = max(math.ceil(count), 0)
    except (TypeError, ValueError, OverflowError):
        raise Left("a count that is no number") from None
    _results(self).wait_for_values(self._schema.name, wanted, seconds)


def wait_for_all_values(self: Any, timeout: float = VERY_LONG_TIME) -> bool:
    seconds = _seconds(timeout)
    return _results(self).wait_for_all(self._schema.name, seconds)


def count_so_far(self: Any) -> int:
    now = _results(self).count(self._schema.name)
    log_execution_errors(now, self._schema.name, True)
    return now.count


def get_job_state(self: Any) -> Any:
    state = _results(self).state(self._schema.name)
    return JobStreamingState(
        job_id=self._service.id,
        done=state.done,
        closed=state.closed,
        has_dataloss=state.has_dataloss,
    )


def _bound(bound: object) -> int | None:
    # As in qm-qua: numpy's ints are none, and what is negative goes to the gateway as it is.
    if bound is None:
        return None
    if not isinstance(bound, int) or not 0 <= bound < 1 << 31:
        raise Left("an item that is not an int from 0 on")
    return bound


def _range(item: object) -> tuple[int, int | None]:
    if isinstance(item, slice):
        if item.step not in (None, 1):
            raise Left("a slice with a step")
        return _bound(item.start) or 0, _bound(item.stop)
    start = _bound(item)
    if start is None:
        raise Left("an item that is not an int from 0 on")
    return start, start + 1


def strict_fetch(
    self: Any,
    item: Any,
    *,
    check_for_errors: bool = True,
    flat_struct: bool = False,
    timeout: float | None = None,
) -> Any:
    start, stop = _range(item)
    name = self._schema.name
    items = _results(self).fetch(name, start, stop, bool(flat_struct), timeout, None)
    log_execution_errors(items, name, check_for_errors)
    return items.array


# -- All results


def manager_wait_for_all_values(self: Any, timeout: float | None = None) -> bool:
    if self._wait_until_func is not None:
        raise Left("QOP 3")
    seconds = _seconds(timeout if timeout else VERY_LONG_TIME)
    if not self._schema_items:
        return True
    done = results_of(self._service, self._schema_items.values()).wait_for_all(None, seconds)
    if not done:
        _manager_log.warning(
            f"Job {self._service.id} failed or was halted: not all of its data is available"
        )
    return done


_WHOLE = [0, slice(None), slice(1), slice(0, 1), slice(0, 1, 1)]


def fetch_by_standard_query(
    self: Any, data_to_fetch: Mapping[str, Any], timeout: float | None = None
) -> Any:
    if self._multiple_streams_fetcher is not None:
        raise Left("QOP 3")
    asked: list[tuple[str, int, int | None]] = []
    for name, item in data_to_fetch.items():
        is_single = self._schema_items[name].is_single
        asked.append((name, *((0, 1) if is_single else _range(item))))
    if timeout is None:
        timeout = self._service.connection_details.timeout
    # qm-qua gives each result so long, one after the other.
    fetched = results_of(self._service, self._schema_items.values()).fetch_many(
        asked, False, timeout * max(len(asked), 1), False
    )
    given = {}
    for (name, _, _), items in zip(asked, fetched, strict=True):
        log_execution_errors(items, name, True)
        handle = self._single_stream_fetchers[name]
        if self._schema_items[name].is_single and data_to_fetch[name] not in _WHOLE:
            _single_log.warning("Fetching single result will always return the single value")
        value = handle._postprocess(items.array, False)
        if value is None:
            _manager_log.warning(f"Failed to fetch results for stream '{name}': it has no value")
        else:
            given[name] = value
    return given


# -- Simulations


def get_simulated_samples(
    self: Any, include_analog: bool = True, include_digital: bool = True
) -> Any:
    ours = job_of(self)
    # qm-qua sets no bound.
    ports = ours._client._native.pull_samples(
        ours.id, bool(include_analog), bool(include_digital), VERY_LONG_TIME
    )
    controllers: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {}
    for port in ports:
        analog, digital = controllers.setdefault(port.controller, ({}, {}))
        (analog if port.is_analog else digital)[port.port] = port.samples
    return SimulatorSamples(
        {name: SimulatorControllerSamples(*given) for name, given in controllers.items()}
    )


def extract_struct_value(struct_value: Any) -> dict[str, Any]:
    serialize = getattr(struct_value, "SerializeToString", None)
    # betterproto, of the versions below 1.3, has made Python objects of all of it already.
    if serialize is None or not hasattr(struct_value, "DESCRIPTOR"):
        raise Left("a structure of betterproto")
    return _native.Structure.of_bytes(serialize()).to_dict()
