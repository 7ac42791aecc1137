"""Connections: :func:`connect` and :class:`Client`."""

from __future__ import annotations

import atexit
import json
import logging
import operator
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pulsewire import _native
from pulsewire._vendor import config_bytes, program_bytes
from pulsewire.exceptions import QmServerDetectionError, QmValueError
from pulsewire.jobs.job_queue import QmQueue
from pulsewire.jobs.pending_job import QmPendingJob
from pulsewire.jobs.qm_job import QmJob
from pulsewire.jobs.simulated_job import SimulatedJob
from pulsewire.results.streams_manager import StreamsManager
from pulsewire.simulation import _Asked

__all__ = ["Client", "connect"]

logger = logging.getLogger("pulsewire")

# The runtime of the extension ends with the interpreter, within a bound; a forked child makes
# its own.
atexit.register(_native._shut_down)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_native._after_fork)

_LEVELS = {"error": logging.ERROR, "warning": logging.WARNING, "info": logging.INFO}


def _log(messages: Sequence[tuple[str, str]]) -> None:
    for level, text in messages:
        logger.log(_LEVELS[level], "%s", text)


class Client:
    """A connection to a gateway (a QOP 2.x, or the emulator).

    Made by :func:`connect`; a context manager that closes it. Calls may come from any thread.
    A client pickles as its address and options and connects anew where it is unpickled; after
    ``os.fork()`` the child gets a connection of its own on first use. A pickle carries the
    token, the headers and the TLS key in clear.
    """

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._options = dict(options)
        self._native = _native.connect(**self._options)

    def __reduce__(self) -> tuple[type[Client], tuple[dict[str, Any]]]:
        return (Client, (self._options,))

    def __repr__(self) -> str:
        return f"<pulsewire.Client {self._options['host']}:{self._options['port']}>"

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connection; later calls raise ``QMConnectionError``. Jobs go on."""
        self._native.close()

    @property
    def address(self) -> str:
        """``host:port`` of the gateway, after a cluster's redirection."""
        return self._native.address

    @property
    def version(self) -> str:
        """The gateway's version string, for example ``2.70-a0974ba`` for QOP 2.6.0."""
        return self._native.version

    @property
    def capabilities(self) -> frozenset[str]:
        """The gateway's capabilities, by their names on the wire."""
        return frozenset(self._native.capabilities)

    def open_qm(self, config: object, close_other_machines: bool = True) -> str:
        """Opens a quantum machine.

        Args:
            config: A ``QuaConfig`` message of either client version, its bytes, or (where
                qm-qua is installed) a configuration dictionary.
            close_other_machines: Close the machines that have a port which this one needs, unless
                both say ``shareable``; their queues are cancelled and their running jobs halted.
                They are closed only when this one can be opened. False refuses instead.

        Returns:
            The machine's id.

        Raises:
            OpenQmException: The configuration was refused, or another machine has a port of it; the
                message lists every reason.
        """
        data = config_bytes(config, self.capabilities)
        machine, warnings = self._native.open_qm(data, close_other_machines)
        for text in warnings:
            logger.warning("%s", text)
        return machine

    def close_qm(self, machine_id: str) -> bool:
        """Closes a machine; its queue is cancelled and its running job halted.

        Returns:
            True.

        Raises:
            QmFailedToCloseQuantumMachineError: There is none of that id.
        """
        self._native.close_qm(machine_id)
        return True

    def list_open_qms(self) -> list[str]:
        """The ids of the open machines."""
        return self._native.list_open_qms()

    def execute(self, machine_id: str, program: object, *, timeout: float = 5.0) -> QmJob:
        """Runs a program at once: empties the machine's queue and halts its running job first.

        Args:
            machine_id: The machine, as :meth:`open_qm` gave it.
            program: A qm-qua ``Program``, its protobuf message of either client version, or
                bytes.
            timeout: Seconds to wait for the start.

        Returns:
            The running (or already completed) job.

        Raises:
            FailedToAddJobToQueueException: The program has mistakes; ``errors`` has a text for
                each, with the statement and its source line.
            TimeoutError: It did not start in time; it stays queued.
        """
        job, messages = self._native.execute(machine_id, program_bytes(program), timeout)
        _log(messages)
        return QmJob(self, job, machine_id)

    def simulate(
        self,
        config: object,
        program: object,
        duration: object,
        *,
        interface: object = None,
        controller_connections: Sequence[Any] = (),
        include_analog_waveforms: bool = False,
        include_digital_waveforms: bool = False,
        flags: Sequence[str] = (),
    ) -> SimulatedJob:
        """Simulates a program; no machine is needed, and none is touched.

        Args:
            config: A configuration, as for :meth:`open_qm`.
            program: A program, as for :meth:`execute`.
            duration: Clock cycles of 4 ns (2,500 are 10 µs), or a ``SimulationConfig`` of
                qm-qua, whose interface, connections and choices hold then.
            interface: What analog inputs see: a :class:`Loopback`, a :class:`Raw`, one of
                qm-qua's, or nothing.
            controller_connections: ``ControllerConnection`` objects of qm-qua.
            include_analog_waveforms: For :meth:`SimulatedJob.simulated_analog_waveforms`.
            include_digital_waveforms: For :meth:`SimulatedJob.simulated_digital_waveforms`.
            flags: Flags of the compiler, for example ``"auto-element-thread"``.

        Returns:
            The simulated job, which has ended.

        Raises:
            FailedToExecuteJobException: The program or the configuration has mistakes; ``errors``
                has a text for each.
            QMSimulationError: The simulation itself failed.
            QmValueError: A duration or an interface that cannot be.
        """
        given: Any = duration
        if hasattr(given, "simulation_interface"):
            asked = _Asked(
                given.duration,
                bool(given.include_analog_waveforms),
                bool(given.include_digital_waveforms),
            )
            asked.connect(given.simulation_interface)
            asked.link(given.controller_connections or ())
            extra = operator.index(given.extraProcessingTimeoutInMs)
            if not -(1 << 31) <= extra < 1 << 31:
                raise QmValueError(f"simulate: extraProcessingTimeoutInMs cannot be {extra}")
            asked.extra_processing_ms = extra
        else:
            asked = _Asked(given, bool(include_analog_waveforms), bool(include_digital_waveforms))
            asked.connect(interface)
            asked.link(controller_connections or ())
        try:
            if isinstance(asked.cycles, (bool, np.bool_)):
                raise TypeError
            asked.cycles = operator.index(asked.cycles)
        except TypeError:
            raise QmValueError(
                f"simulate: a duration is a number of clock cycles, not {asked.cycles!r}"
            ) from None
        if not 0 <= asked.cycles < 1 << 32:
            raise QmValueError(f"simulate: a duration of {asked.cycles} clock cycles cannot be")
        if isinstance(flags, str):
            raise QmValueError(f"simulate: flags are a list of texts, not the text {flags!r}")
        asked.flags = list(flags)
        config_data = config_bytes(config, self.capabilities)
        job, messages, report, analog, digital = self._native.simulate(
            config_data, program_bytes(program), asked.native()
        )
        _log(messages)
        return SimulatedJob(self, job, report=report, analog=analog, digital=digital)

    def compile(self, machine_id: str, program: object) -> str:
        """Compiles a program for later.

        Returns:
            The program's id, for :meth:`QmQueue.add_compiled`; valid while the machine is open.

        Raises:
            CompilationException: The program has mistakes; see ``errors``.
        """
        program_id, messages = self._native.compile(machine_id, program_bytes(program))
        _log(messages)
        return program_id

    def queue(self, machine_id: str) -> QmQueue:
        """The queue of a machine."""
        return QmQueue(self, machine_id)

    def job(self, job_id: str, machine_id: str = "") -> QmJob:
        """Attaches to a job by its id; nothing is asked yet.

        Args:
            job_id: The job; it may have been started by anybody.
            machine_id: Its machine; needed only for what concerns the queue.
        """
        return QmJob(self, job_id, machine_id)

    def pending_job(self, job_id: str, machine_id: str) -> QmPendingJob:
        """Attaches to a job in a queue by its id; nothing is asked yet."""
        return QmPendingJob(self, job_id, machine_id)

    def running_job(self, machine_id: str) -> QmJob | None:
        """The job that a machine runs, or None."""
        job = self._native.running_job(machine_id)
        return None if job is None else QmJob(self, job, machine_id)

    def result_handles(self, job_id: str) -> StreamsManager:
        """The results of a job by its id (``qmm.get_job_result_handles`` of qm-qua)."""
        return self.job(job_id).result_handles


def _tls(
    tls: Mapping[str, str | os.PathLike[str]] | bool | None,
) -> tuple[str | None, tuple[str, str] | None, str | None] | None:
    if tls is None or tls is False:
        return None
    if tls is not True and not isinstance(tls, Mapping):
        raise TypeError(f"tls is True, or a mapping like {{'ca': 'ca.pem'}}, not {tls!r:.80}")
    given = {} if tls is True else dict(tls)

    def read(key: str) -> str | None:
        path = given.pop(key, None)
        try:
            return None if path is None else Path(path).read_text()
        except UnicodeDecodeError:
            raise QmValueError(f"tls: {key}: {path} is no PEM text") from None

    ca, certificate, key = read("ca"), read("certificate"), read("key")
    domain = given.pop("domain", None)
    if given:
        raise TypeError(f"tls takes ca, certificate, key and domain, not {', '.join(given)}")
    if (certificate is None) != (key is None):
        raise ValueError("tls: a client's certificate and its key must be given together")
    identity = None if certificate is None or key is None else (certificate, key)
    return (ca, identity, None if domain is None else str(domain))


# The port of a gateway, where nothing else is said.
_PORT = 80


def _settings() -> dict[str, Any]:
    """What qm-qua keeps in its configuration file."""
    try:
        path = Path("~/.qm/config.json").expanduser()
    except RuntimeError:
        # A user without a home, as in containers.
        return {}
    try:
        given = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise QmValueError(
            f"connect: qm-qua's configuration file {path} cannot be read: {error}"
        ) from None
    return given if isinstance(given, dict) else {}


def _port(given: Any) -> int:
    """A port: an int of any kind, or a text of digits."""
    try:
        if isinstance(given, (bool, np.bool_)):
            raise TypeError
        digits = isinstance(given, str) and given.strip().isdecimal()
        port = int(given) if digits else operator.index(given)
    except (TypeError, ValueError):
        port = 0
    if not 0 < port < 65536:
        raise QmValueError(f"connect: a port is 1 to 65535, not {given!r:.80}")
    return port


def _addresses(host: str | None, port: Any) -> list[tuple[str, int]]:
    """Where to look for the gateway, in this order."""
    settings = {} if host and port is not None else _settings()
    given = host or settings.get("quantumMachinesManager_host")
    if not isinstance(given, str) or not given.strip():
        raise QmValueError(
            "connect: no host: give one, for example connect('192.168.1.10'), or set "
            "quantumMachinesManager_host in ~/.qm/config.json"
        )
    scheme, _, name = given.strip().rpartition("://")
    if scheme.lower() == "https":
        raise QmValueError(
            f"connect: {given!r} is no host: for encryption give its name and tls=True, "
            f"connect({name.split('/')[0]!r}, tls=True)"
        )
    if scheme.lower() not in ("", "http"):
        raise QmValueError(f"connect: {given!r} is no host: give its name or address")
    name, _, path = name.partition("/")
    if path:
        raise QmValueError(f"connect: {given!r} has a path; a host is a name or an address")
    of_host: str | None = None
    if name.startswith("["):
        name, _, behind = name[1:].partition("]")
        of_host = behind.removeprefix(":") or None
    elif name.count(":") == 1:
        name, _, of_host = name.partition(":")
    if not name:
        raise QmValueError(f"connect: {given!r} names no host")
    if of_host is not None:
        if port is not None and _port(port) != _port(of_host):
            raise QmValueError(
                f"connect: {given!r} has a port, and the port {port} is given besides"
            )
        port = of_host
    if port is not None:
        return [(name, _port(port))]
    of_file = settings.get("quantumMachinesManager_port")
    ports = [_PORT] if of_file is None else [_port(of_file), _PORT]
    return [(name, port) for port in dict.fromkeys(ports)]


def connect(
    host: str | None = None,
    port: int | str | None = None,
    *,
    cluster_name: str | None = None,
    timeout: float = 120.0,
    token: str | None = None,
    headers: Mapping[str, str] | None = None,
    tls: Mapping[str, str | os.PathLike[str]] | bool | None = None,
    follow_redirects: bool = True,
) -> Client:
    """Connects to a gateway: a QOP 2.x, or the emulator.

    As the vendor's client does, it follows a cluster's redirection (HTTP 302), asks for the
    version and the capabilities, and for the gateway's health.

    Args:
        host: Name or address; also ``"host:port"`` and ``"http://host"``. None takes what qm-qua's
            configuration file, ``~/.qm/config.json``, says.
        port: Port, as an int or as digits. None takes the one of that file, then 80; each is tried.
        cluster_name: The cluster meant, where a router serves several.
        timeout: Seconds that a call may take in all, unless it has a timeout of its own.
        token: A user token (``authorization: Bearer …``).
        headers: Further headers of every call.
        tls: True for public certificates, or a mapping with any of ``ca``, ``certificate``,
            ``key`` (paths of PEM files) and ``domain``.
        follow_redirects: Whether to go where a router points. With ``tls`` there is no
            redirection, as the probe is plaintext.

    Returns:
        The client; a context manager.

    Raises:
        QmServerDetectionError: There is no gateway at the address.
        QMHealthCheckError: The gateway says that it is not well.
        QmValueError: A host or a port that cannot be.
    """
    options = {
        "cluster_name": cluster_name,
        "timeout": float(timeout),
        "token": token,
        "headers": list((headers or {}).items()),
        "tls": _tls(tls),
        "follow_redirects": follow_redirects,
    }
    failed: list[QmServerDetectionError] = []
    for name, number in _addresses(host, port):
        try:
            return Client({"host": name, "port": number, **options})
        except QmServerDetectionError as error:
            failed.append(error)
    if len(failed) == 1:
        raise failed[0]
    raise QmServerDetectionError("; ".join(map(str, failed)))
