"""Connections: :func:`connect` and :class:`Client`."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pulsewire._address import addresses
from pulsewire._connection import Connection, ConnectionOptions, tls_material
from pulsewire._log import log_messages, logger
from pulsewire._vendor import config_bytes, program_bytes
from pulsewire.exceptions import QmServerDetectionError
from pulsewire.jobs.qm_job import QmJob
from pulsewire.jobs.simulated_job import SimulatedJob
from pulsewire.quantum_machine import QuantumMachine
from pulsewire.simulation.request import simulation_request

if TYPE_CHECKING:
    from pulsewire import _native
    from pulsewire.results.streams_manager import StreamsManager

__all__ = ["Client", "connect"]


class Client:
    """A connection to a gateway (a QOP 2.x, or the emulator).

    Made by :func:`connect`; a context manager that closes it. Calls may come from any thread.
    Clients of equal options in one process share a link; each is closed by itself, and the last one
    shuts it. A client pickles as its address and options, and is one more of these where it is
    unpickled; after ``os.fork()`` the child gets a link of its own on first use. A pickle carries
    the token, the headers and the TLS key in clear.
    """

    def __init__(self, options: ConnectionOptions, *, check: bool = False) -> None:
        self._connection = Connection(options, check=check)

    @property
    def _native(self) -> _native.Client:
        return self._connection.native

    def __reduce__(self) -> tuple[type[Client], tuple[ConnectionOptions]]:
        return (Client, (self._connection.options,))

    def __repr__(self) -> str:
        options = self._connection.options
        return f"<pulsewire.Client {options.host}:{options.port}>"

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connection; later calls raise ``QMConnectionError``. Jobs go on.

        Also calls of its machines, jobs and results; other clients of the same gateway are not
        concerned.
        """
        self._connection.close()

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

    def open_qm(self, config: object, close_other_machines: bool = True) -> QuantumMachine:
        """Opens a quantum machine.

        Args:
            config: A ``QuaConfig`` message of either client version, its bytes, or (where
                qm-qua is installed) a configuration dictionary.
            close_other_machines: Close the machines that have a port which this one needs, unless
                both say ``shareable``; their queues are cancelled and their running jobs halted.
                They are closed only when this one can be opened. False refuses instead.

        Returns:
            The machine; a context manager that closes it.

        Raises:
            OpenQmException: The configuration was refused, or another machine has a port of it; the
                message lists every reason.

        Example:
            ::

                with client.open_qm(config) as machine:
                    job = machine.execute(program)
        """
        data = config_bytes(config, self.capabilities)
        opened = self._native.open_qm(data, close_other_machines)
        for text in opened.warnings:
            logger.warning("%s", text)
        return QuantumMachine(self, opened.id)

    def get_qm(self, machine_id: str) -> QuantumMachine:
        """An open machine by its id, whoever opened it; nothing is asked yet.

        Args:
            machine_id: As :meth:`list_open_qms` gives it.
        """
        return QuantumMachine(self, machine_id)

    def list_open_qms(self) -> list[str]:
        """The ids of the open machines; :meth:`get_qm` attaches to one."""
        return self._native.list_open_qms()

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
            program: A program, as for :meth:`QuantumMachine.execute`.
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
        request = simulation_request(
            duration,
            interface=interface,
            controller_connections=controller_connections,
            include_analog_waveforms=include_analog_waveforms,
            include_digital_waveforms=include_digital_waveforms,
            flags=flags,
        )
        config_data = config_bytes(config, self.capabilities)
        simulated = self._native.simulate(config_data, program_bytes(program), request)
        log_messages(simulated.messages)
        return SimulatedJob(
            self,
            simulated.job,
            report=simulated.report,
            analog=simulated.analog,
            digital=simulated.digital,
        )

    def job(self, job_id: str, machine_id: str = "") -> QmJob:
        """Attaches to a job by its id; nothing is asked yet.

        Args:
            job_id: The job; it may have been started by anybody.
            machine_id: Its machine; needed only for what concerns the queue.
        """
        return QmJob(self, job_id, machine_id)

    def result_handles(self, job_id: str) -> StreamsManager:
        """The results of a job by its id (``qmm.get_job_result_handles`` of qm-qua)."""
        return self.job(job_id).result_handles


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
    in_order: bool | None = None,
    keepalive: float | None = 30.0,
) -> Client:
    """Connects to a gateway: a QOP 2.x, or the emulator.

    As the vendor's client does, it follows a cluster's redirection (HTTP 302), asks for the
    version and the capabilities, and for the gateway's health: all in one round trip, behind that
    of the TCP connection itself. A cluster that sends it elsewhere costs the same once more.

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
        in_order: Whether the gateway handles what one connection asks in the order in which it was
            sent. Then entries of ``push_many`` and ``exchange_many`` are on their way together, 64
            of a stream at most, and results of a new job are asked for ahead on links of more than
            1 ms. Writers send one at a time all the same. None takes what is known: the emulator
            does, of an instrument it is not known.
        keepalive: Seconds of silence, 1 to 32,767, after which the operating system asks whether
            the gateway is there still (TCP keepalive), three times within as many seconds again;
            then the connection is given up and the next call makes a new one. On Linux what is
            sent and not acknowledged for twice that time ends it, too. None asks never. It finds
            what died while nobody called; a call that nobody answers finds it out by itself.

    Returns:
        The client; a context manager. One of equal options in this process shares its link.

    Raises:
        QmServerDetectionError: There is no gateway at the address.
        QMHealthCheckError: The gateway says that it is not well.
        QmValueError: A host, a port or a keepalive that cannot be.
    """
    options: dict[str, Any] = {
        "cluster_name": cluster_name,
        "timeout": float(timeout),
        "token": token,
        "headers": tuple((headers or {}).items()),
        "tls": tls_material(tls),
        "follow_redirects": follow_redirects,
        "in_order": in_order,
        "keepalive": None if keepalive is None else float(keepalive),
    }
    failed: list[QmServerDetectionError] = []
    for name, number in addresses(host, port):
        try:
            return Client(ConnectionOptions(name, number, **options), check=True)
        except QmServerDetectionError as error:
            failed.append(error)
    if len(failed) == 1:
        raise failed[0]
    raise QmServerDetectionError("; ".join(map(str, failed)))
