"""pulsewire's connections, jobs and results for those of qm-qua."""

from __future__ import annotations

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
# With what qm-qua was told of each result.
_results: ByIdentity[tuple[dict[str, Any], _native.Results]] = ByIdentity()


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


def results_of(service: Any, schemas: Iterable[Any]) -> _native.Results:
    """The results that a ``JobResultServiceApi`` of qm-qua reads, as it was told of them.

    Raises:
        Left: It is the service of QOP 3.
    """
    if type(service).__name__ != "JobResultServiceApi":
        raise Left("QOP 3")
    client = client_of(service.connection_details)
    wanted = {schema.name: schema for schema in schemas}
    held = _results.get(service)
    if held is not None:
        known, results = held
        if known.keys() >= wanted.keys():
            return results
        wanted = {**known, **wanted}
    announced = [
        (name, schema.bare_dtype, schema.is_single, schema.expected_count, list(schema.shape))
        for name, schema in wanted.items()
    ]
    results = client._native.job(service.id, "").announced_results(announced)
    _results.put(service, (wanted, results))
    return results
