"""pulsewire's connections, jobs and results for those of qm-qua."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from pulsewire._connection import ConnectionOptions, TlsMaterial, tls_material
from pulsewire.client import Client
from pulsewire.dropin.calls import Left
from pulsewire.dropin.identity import ByIdentity
from pulsewire.exceptions import QMHealthCheckError
from pulsewire.jobs.base_job import QmBaseJob
from pulsewire.jobs.pending_job import QmPendingJob
from pulsewire.jobs.qm_job import QmJob
from pulsewire.jobs.simulated_job import SimulatedJob

if TYPE_CHECKING:
    from pulsewire import _native

__all__ = ["client_of", "job_of", "results_of"]

_clients: ByIdentity[Client] = ByIdentity()
_jobs: ByIdentity[QmBaseJob] = ByIdentity()
_results: ByIdentity[_native.Results] = ByIdentity()

# Results by client and job, as qm-qua makes a new service each time that handles are asked for.
_known: OrderedDict[tuple[int, str], tuple[Client, _native.Results]] = OrderedDict()
_MOST_KNOWN = 64


def _tls(details: Any) -> TlsMaterial | None:
    if details.ssl_context is None:
        return None
    paths = getattr(details, "tls_paths", None)
    if paths is None:
        raise Left("an ssl_context object, which does not show its certificates")
    given = {
        "ca": paths.ca_cert_path,
        "certificate": paths.client_cert_path,
        "key": paths.client_key_path,
    }
    return tls_material({name: path for name, path in given.items() if path} or True)


def _options(details: Any) -> ConnectionOptions:
    """What qm-qua's connection was made with; it has followed redirections already."""
    if details.debug_data is not None:
        raise Left("debug data, which only qm-qua's own calls collect")
    headers = dict(details.headers)
    return ConnectionOptions(
        details.host,
        int(details.port),
        cluster_name=None if "any_cluster" in headers else headers.get("cluster_name"),
        timeout=float(details.timeout),
        headers=tuple(sorted(headers.items())),
        tls=_tls(details),
        follow_redirects=False,
    )


def client_of(details: Any) -> Client:
    """The client for a ``ConnectionDetails`` of qm-qua.

    Raises:
        Left: The connection has what only qm-qua knows.
        qm.exceptions.QMConnectionError: Its manager was closed.
    """
    client = _clients.get(details)
    if getattr(details, "is_closed", False):
        if client is not None:
            client.close()
        details.raise_if_closed()
    if client is None:
        try:
            client = Client(_options(details))
        except QMHealthCheckError:
            raise Left("a gateway that says it is not well") from None
        _clients.put(details, client)
    return client


def job_of(job: Any) -> QmBaseJob:
    """The job of pulsewire for one of qm-qua; the same each time."""
    client = client_of(job._frontend.connection_details)
    ours = _jobs.get(job)
    if ours is None:
        kinds = {kind.__name__ for kind in type(job).__mro__}
        made: type[QmBaseJob] = QmBaseJob
        for kind in (SimulatedJob, QmPendingJob, QmJob):
            if kind.__name__ in kinds or (kind is QmJob and "RunningQmJob" in kinds):
                made = kind
                break
        ours = _jobs.put(job, made(client, job._id, job._machine_id))
    return ours


def _describes(results: _native.Results, schemas: Iterable[Any]) -> bool:
    """Whether these are the results that qm-qua was told of: a gateway may count jobs anew."""
    known = {schema.name: schema for schema in results.schema()}
    return all(
        schema.name in known
        and known[schema.name].is_single == schema.is_single
        and known[schema.name].dtype == schema.dtype
        for schema in schemas
    )


def results_of(service: Any, schemas: Iterable[Any]) -> _native.Results:
    """The results that a ``JobResultServiceApi`` of qm-qua reads.

    Raises:
        Left: It is the service of QOP 3.
    """
    if type(service).__name__ != "JobResultServiceApi":
        raise Left("QOP 3")
    client = client_of(service.connection_details)
    results = _results.get(service)
    if results is None:
        key = (id(client), service.id)
        held, results = _known.get(key, (None, None))
        if held is not client or results is None or not _describes(results, schemas):
            results = client._native.job(service.id, "").results()
            _known[key] = (client, results)
            while len(_known) > _MOST_KNOWN:
                _known.popitem(last=False)
        _results.put(service, results)
    return results
