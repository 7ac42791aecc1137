"""The seams: what of qm-qua is replaced, with which signature, and why.

The one table of the drop-in. :func:`pulsewire.dropin.install` looks at each before it replaces
anything; a seam whose place or signature is another in the installed version is left to qm-qua.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pulsewire.dropin import served
from pulsewire.dropin.compare import same

__all__ = ["KNOWN_VERSIONS", "SEAMS", "Seam", "signature_of"]

#: The versions that `make vendor-versions` tries.
KNOWN_VERSIONS = ("1.2.6", "1.3.1", "1.4.0", "1.4.1")

_BASE_JOB = ("qm.jobs.base_job", "QmBaseJob")
_PENDING = ("qm.jobs.pending_job", "QmPendingJob")
_RUNNING = ("qm.jobs.running_qm_job", "RunningQmJob")
_SIMULATED = ("qm.jobs.simulated_job", "SimulatedJob")
_RESULT = (
    "qm._stream_results._single_stream_fetchers._base_single_stream_fetcher",
    "BaseSingleStreamFetcher",
)
_RESULTS = ("qm._stream_results._streams_manager", "StreamsManager")


@dataclass(frozen=True)
class Seam:
    """A place where pulsewire's code stands in for qm-qua's.

    Attributes:
        module: Where it is.
        owner: The class; None for a function of the module.
        name: The method, property or function.
        signature: Its parameters, as :func:`signature_of` writes them.
        serve: What is called in its place.
        why: What is gained.
        same: How two answers are compared; None where the call must not be made twice.
        since: The first version that it is for.
    """

    module: str
    owner: str | None
    name: str
    signature: str
    serve: Callable[..., Any]
    why: str
    same: Callable[[Any, Any], bool] | None = None
    since: tuple[int, ...] = (0,)

    @property
    def place(self) -> str:
        """How it is named in reports: ``QmBaseJob.status``."""
        return f"{self.owner or self.module}.{self.name}"

    def holder(self) -> Any:
        """The class or module that has it.

        Raises:
            ImportError: There is no such module.
            AttributeError: There is no such class.
        """
        module = importlib.import_module(self.module)
        return module if self.owner is None else getattr(module, self.owner)


_PREFIXES: dict[Any, str] = {
    inspect.Parameter.VAR_POSITIONAL: "*",
    inspect.Parameter.VAR_KEYWORD: "**",
}


def signature_of(function: Callable[..., Any]) -> str:
    """Parameters in short: ``self, item, *, timeout=``."""
    parts = []
    star = False
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY and not star:
            parts.append("*")
            star = True
        default = "" if parameter.default is parameter.empty else "="
        parts.append(f"{_PREFIXES.get(parameter.kind, '')}{parameter.name}{default}")
    return ", ".join(parts)


_FETCH = "self, item, *, check_for_errors=, flat_struct=, timeout="
_SAMPLES = "self, include_analog=, include_digital="

SEAMS: tuple[Seam, ...] = (
    Seam(
        *_BASE_JOB,
        "push_to_input_stream",
        "self, name, data",
        served.push_to_input_stream,
        "a push is one request made in Rust; also numpy arrays",
    ),
    Seam(
        *_BASE_JOB,
        "_initialize_from_job_status",
        "self",
        served.initialize_from_job_status,
        "one request made in Rust, twice for each job that is executed",
    ),
    Seam(*_BASE_JOB, "status", "self", served.status, "one request made in Rust", same),
    Seam(
        *_PENDING,
        "wait_for_execution",
        "self, timeout=",
        served.wait_for_execution,
        "asks at once and again after 1 to 5 ms, not every 10",
    ),
    Seam(*_PENDING, "position_in_queue", "self", served.position_in_queue, "one request", same),
    Seam(*_PENDING, "cancel", "self", served.cancel, "one request"),
    Seam(
        *_RUNNING,
        "result_handles",
        "self",
        served.result_handles,
        "names and types are asked for once a job, not with each access",
    ),
    Seam(*_RUNNING, "halt", "self", served.halt, "one request"),
    Seam(*_RUNNING, "resume", "self", served.resume, "one request, not two"),
    Seam(*_RUNNING, "is_paused", "self", served.is_paused, "one request", same),
    Seam(*_RUNNING, "execution_report", "self", served.execution_report, "one request", same),
    Seam(
        *_RUNNING,
        "set_element_correction",
        "self, element, correction",
        served.set_element_correction,
        "refuses a correction that cannot be before it is sent",
    ),
    Seam(
        *_RUNNING,
        "get_element_correction",
        "self, element",
        served.get_element_correction,
        "one request",
        same,
    ),
    Seam(
        *_RESULT,
        "wait_for_values",
        "self, count=, timeout=",
        served.wait_for_values,
        "asks after 0.2 to 5 ms, not every 100; ends when the job ends",
    ),
    Seam(
        *_RESULT,
        "wait_for_all_values",
        "self, timeout=",
        served.wait_for_all_values,
        "asks after 0.2 to 5 ms, not every 100",
    ),
    Seam(*_RESULT, "count_so_far", "self", served.count_so_far, "one request", same),
    Seam(*_RESULT, "get_job_state", "self", served.get_job_state, "one request", same),
    Seam(
        *_RESULT,
        "strict_fetch",
        _FETCH,
        served.strict_fetch,
        "the bytes go from the socket into the array; checked against what was promised",
        same,
    ),
    Seam(
        *_RESULTS,
        "wait_for_all_values",
        "self, timeout=",
        served.manager_wait_for_all_values,
        "one request for all results, after 0.2 to 5 ms, not one for each every 100",
    ),
    Seam(
        *_RESULTS,
        "_fetch_by_standard_query",
        "self, data_to_fetch, timeout=",
        served.fetch_by_standard_query,
        "all results are asked for at once",
        same,
    ),
    Seam(
        *_SIMULATED,
        "get_simulated_samples",
        _SAMPLES,
        served.get_simulated_samples,
        "samples go from the socket into the arrays of the ports",
        same,
    ),
    Seam(
        "qm.jobs.simulated_job",
        None,
        "extract_struct_value",
        "struct_value",
        served.extract_struct_value,
        "reports of many pulses are unpacked in Rust",
        same,
        since=(1, 3),
    ),
)
