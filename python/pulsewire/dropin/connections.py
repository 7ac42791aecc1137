"""pulsewire's connections, jobs and results for those of qm-qua."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from pulsewire._connection import ConnectionOptions, TlsMaterial, tls_material
from pulsewire.client import Client
from pulsewire.dropin.calls import Left
from pulsewire.dropin.identity import ByIdentity
from pulsewire.dropin.locks import Lock
from pulsewire.exceptions import QmQuaException
from pulsewire.jobs.base_job import QmBaseJob
from pulsewire.jobs.pending_job import QmPendingJob
from pulsewire.jobs.qm_job import QmJob
from pulsewire.jobs.simulated_job import SimulatedJob

if TYPE_CHECKING:
    from pulsewire import _native

__all__ = ["client_of", "close_client", "job_of", "results_of"]

# With the headers that it was made with, as a script may renew its token.
_clients: ByIdentity[tuple[dict[str, str], Client]] = ByIdentity()
# Until when a connection that could not be made is not tried again, and why.
_failed: ByIdentity[tuple[float, str]] = ByIdentity()
_RETRY_AFTER = 10.0
# Held for a moment only, never across a call of the gateway.
_lock = Lock()
_jobs: ByIdentity[QmBaseJob] = ByIdentity()
# With what qm-qua was told of each result.
_results: ByIdentity[tuple[Client, dict[str, Any], _native.Results]] = ByIdentity()


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
        Left: The connection has what only qm-qua knows, or cannot be made: qm-qua's own call then
            tells why.
        qm.exceptions.QMConnectionError: Its manager was closed.
    """
    if getattr(details, "is_closed", False):
        close_client(details)
        details.raise_if_closed()
    held = _clients.get(details)
    if held is not None and held[0] == details.headers:
        return held[1]
    return _connected(details)


def _connected(details: Any) -> Client:
    until, why = _failed.get(details) or (0.0, "")
    if time.monotonic() < until:
        raise Left(why)
    headers = dict(details.headers)
    try:
        client = Client(_options(details))
    except (QmQuaException, OSError, ValueError, TypeError) as error:
        why = f"a connection that cannot be made ({type(error).__name__})"
        _failed.put(details, (time.monotonic() + _RETRY_AFTER, why))
        raise Left(why) from None
    with _lock:
        held = _clients.get(details)
        if held is None or held[0] != headers:
            _clients.put(details, (headers, client))
            return client
    # Another thread was faster.
    client.close()
    return held[1]


def close_client(details: Any) -> None:
    """Closes what is ours of a connection that qm-qua closes: waits under way end."""
    held = _clients.get(details)
    if held is not None:
        held[1].close()


_KINDS: dict[str, type[QmBaseJob]] = {
    "SimulatedJob": SimulatedJob,
    "QmPendingJob": QmPendingJob,
    "RunningQmJob": QmJob,
}


def job_of(job: Any) -> QmBaseJob:
    """The job of pulsewire for one of qm-qua; the same each time."""
    client = client_of(job._frontend.connection_details)
    ours = _jobs.get(job)
    if ours is None or ours._client is not client:
        names = (kind.__name__ for kind in type(job).__mro__)
        made = next((_KINDS[name] for name in names if name in _KINDS), QmBaseJob)
        with _lock:
            ours = _jobs.get(job)
            if ours is None or ours._client is not client:
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
    if held is not None and held[0] is client:
        _, known, results = held
        if known.keys() >= wanted.keys():
            return results
        wanted = {**known, **wanted}
    announced = [
        (name, schema.bare_dtype, schema.is_single, schema.expected_count, list(schema.shape))
        for name, schema in wanted.items()
    ]
    results = client._native.job(service.id, "").announced_results(announced)
    _results.put(service, (client, wanted, results))
    return results
