"""Quantum machines: programs run on them, and what they are set to."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np

from pulsewire._log import log_messages
from pulsewire._vendor import program_bytes
from pulsewire.exceptions import ErrorJobStateError, JobCancelledError, QmValueError
from pulsewire.jobs.job_queue_old_api import QmQueue
from pulsewire.jobs.pending_job import QmPendingJob
from pulsewire.jobs.qm_job import QmJob

if TYPE_CHECKING:
    from types import TracebackType

    from pulsewire import _native
    from pulsewire.client import Client
    from pulsewire.jobs.simulated_job import SimulatedJob

__all__ = ["QuantumMachine"]

# A digital input: controller and port, with the module between them where there is one.
_Port = tuple[str, int] | tuple[str, int, int]
_Matrix = tuple[float, float, float, float]

# Seconds that a job which is about to run may take for it, as with qm-qua.
_START = 10.0


def _io_value(number: int, given: Any) -> bool | int | float:
    """A value for an IO register: its type is the type of the variable in QUA."""
    if isinstance(given, (bool, np.bool_)):
        return bool(given)
    if isinstance(given, (int, np.integer)):
        whole = int(given)
        if not -(1 << 31) <= whole < 1 << 31:
            raise QmValueError(f"set_io_values: IO{number} cannot hold {whole}: 32 bits, signed")
        return whole
    if isinstance(given, (float, np.floating)):
        return float(given)
    raise QmValueError(f"set_io_values: IO{number} takes an int, a float or a bool, not {given!r}")


def _number(what: str, given: Any) -> float:
    if isinstance(given, (bool, np.bool_)) or not isinstance(given, Real):
        raise QmValueError(f"{what} is a number, not {given!r:.80}")
    return float(given)


def _nanoseconds(what: str, given: Any) -> int:
    try:
        whole = -1 if isinstance(given, (bool, np.bool_)) else operator.index(given)
    except TypeError:
        whole = -1
    if not 0 <= whole < 1 << 32:
        raise QmValueError(f"{what} is a number of nanoseconds, from 0 on, not {given!r:.80}")
    return whole


def _digital_port(port: _Port) -> tuple[str, int, int]:
    """Controller, module, port; an OPX+ is one module."""
    if not isinstance(port, (tuple, list)) or len(port) not in (2, 3):
        raise QmValueError(f"a digital input is (controller, port), not {port!r:.80}")
    controller, *numbers = port
    fem, number = numbers if len(numbers) == 2 else (1, numbers[0])
    return str(controller), operator.index(fem), operator.index(number)


class QuantumMachine:
    """An open quantum machine: programs run on it, and its elements are set through it.

    Made by :meth:`Client.open_qm`, or attached to by :meth:`Client.get_qm`. A context manager that
    closes the machine. It lives in the gateway whether or not anybody holds this object, and
    pickles as its client's address and its id. What is set holds for jobs that start
    later, until the machine is closed; jobs that run keep what they have.

    Args:
        client: The connection.
        machine_id: The machine.
    """

    def __init__(self, client: Client, machine_id: str) -> None:
        self._client = client
        self._native = client._native.machine(machine_id)

    def __reduce__(self) -> tuple[type[QuantumMachine], tuple[Client, str]]:
        return (QuantumMachine, (self._client, self.id))

    def __repr__(self) -> str:
        return f"<pulsewire.QuantumMachine {self.id!r}>"

    def __enter__(self) -> QuantumMachine:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def id(self) -> str:
        """The id of the machine."""
        return self._native.id

    def close(self) -> bool:
        """Closes the machine; its queue is cancelled and its running job halted.

        Returns:
            True.

        Raises:
            QmFailedToCloseQuantumMachineError: It is not open (any more).
        """
        self._native.close()
        return True

    # -- programs

    def execute(self, program: object, *, timeout: float = 5.0) -> QmJob:
        """Runs a program at once: empties the queue and halts the running job first.

        Args:
            program: A qm-qua ``Program``, its protobuf message of either client version, or
                bytes.
            timeout: Seconds to wait for the start.

        Returns:
            The running (or already completed) job.

        Raises:
            FailedToAddJobToQueueException: The program has mistakes; ``errors`` has a text for
                each, with the statement and its source line.
            TimeoutError: It did not start in time; it stays queued.

        Example:
            ::

                job = machine.execute(program)
                values = job.result_handles.fetch_results()
        """
        taken = self._native.execute(program_bytes(program), timeout)
        log_messages(taken.messages)
        return QmJob(self._client, taken.id, self.id)

    def compile(self, program: object) -> str:
        """Compiles a program for later.

        Args:
            program: As for :meth:`execute`.

        Returns:
            The program's id, for :meth:`QmQueue.add_compiled`; valid while the machine is open.

        Raises:
            CompilationException: The program has mistakes; see ``errors``.
        """
        taken = self._native.compile(program_bytes(program))
        log_messages(taken.messages)
        return taken.id

    @property
    def queue(self) -> QmQueue:
        """The jobs that wait for this machine."""
        return QmQueue(self._client, self.id)

    def simulate(self, program: object, duration: object, **options: Any) -> SimulatedJob:
        """Simulates a program with the machine's configuration, as it is set now.

        The machine itself is not touched.

        Args:
            program: As for :meth:`execute`.
            duration: Clock cycles of 4 ns, or a ``SimulationConfig`` of qm-qua.
            **options: As for :meth:`Client.simulate`.

        Returns:
            The simulated job, which has ended.

        Raises:
            QMRequestDataError: The machine is not open (any more).
            FailedToExecuteJobException: The program has mistakes; see ``errors``.
        """
        return self._client.simulate(self._native.configuration(), program, duration, **options)

    def get_running_job(self) -> QmJob | None:
        """The job that runs here, or None."""
        job_id = self._native.running_job()
        if job_id is None:
            return None
        try:
            return QmPendingJob(self._client, job_id, self.id).wait_for_execution(_START)
        except JobCancelledError:
            # It went between the two questions.
            return None

    def get_job(self, job_id: str) -> QmJob | QmPendingJob:
        """A job of this machine by its id: pending or loading ones as such, others as running.

        Raises:
            ErrorJobStateError: It failed, was cancelled, or the gateway does not know it.
        """
        status = self._native.job(job_id).status()
        if status.state in ("running", "completed", "processing"):
            return QmJob(self._client, job_id, self.id)
        if status.state in ("pending", "loading"):
            return QmPendingJob(self._client, job_id, self.id)
        raise ErrorJobStateError(
            f"the job {job_id!r} of the machine {self.id!r} neither runs nor waits: its state is "
            f"{status.state}",
            error_list=status.errors,
        )

    # -- IO registers

    def set_io1_value(self, value_1: bool | int | float) -> None:
        """Sets IO1; see :meth:`set_io_values`."""
        self.set_io_values(value_1, None)

    def set_io2_value(self, value_2: bool | int | float) -> None:
        """Sets IO2; see :meth:`set_io_values`."""
        self.set_io_values(None, value_2)

    def set_io_values(
        self, value_1: bool | int | float | None = None, value_2: bool | int | float | None = None
    ) -> None:
        """Sets the IO registers that programs read as ``IO1`` and ``IO2``.

        Args:
            value_1: For IO1: an int for ``int`` (32 bits), a float for ``fixed`` (in [-8, 8)), a
                bool for ``bool``; None leaves it.
            value_2: For IO2.

        Raises:
            QmValueError: A value of another type or range; nothing was sent.
            QMRequestError: The machine is not open (any more).
        """
        given = [(number, value) for number, value in ((1, value_1), (2, value_2))]
        values = [
            (number, _io_value(number, value)) for number, value in given if value is not None
        ]
        if values:
            self._native.set_io_values(values)

    def get_io1_value(self) -> dict[str, Any]:
        """IO1, read as each kind that it may be; see :meth:`get_io_values`."""
        return self.get_io_values()[0]

    def get_io2_value(self) -> dict[str, Any]:
        """IO2, read as each kind that it may be; see :meth:`get_io_values`."""
        return self.get_io_values()[1]

    def get_io_values(self) -> list[dict[str, Any]]:
        """Both IO registers.

        Returns:
            Of each a dict of ``io_number``, ``int_value``, ``fixed_value`` and ``boolean_value``:
            the gateway does not tell which of them was set.
        """
        return [
            {
                "io_number": number,
                "int_value": values.int_value,
                "fixed_value": values.fixed_value,
                "boolean_value": values.boolean_value,
            }
            for number, values in enumerate(self._native.io_values(), 1)
        ]

    # -- elements

    def _element(self, element: str) -> _native.ElementSettings:
        """How an element is set now; asks the gateway."""
        elements = self._native.settings().elements
        if element not in elements:
            raise QmValueError(
                f"the machine {self.id!r} has no element {element!r}; it has: "
                f"{', '.join(sorted(elements)) or 'none'}"
            )
        return elements[element]

    def _of_element(self, element: str, what: str, name: str, given: dict[str, Any]) -> Any:
        if name not in given:
            raise QmValueError(
                f"the element {element!r} of the machine {self.id!r} has no {what} {name!r}; it "
                f"has: {', '.join(sorted(given)) or 'none'}"
            )
        return given[name]

    def set_intermediate_frequency(self, element: str, freq: float) -> None:
        """Sets an element's intermediate frequency, Hz, for jobs to come.

        Raises:
            QMRequestError: There is no such element, or the frequency cannot be.
        """
        self._native.set_intermediate_frequency(element, _number("an intermediate frequency", freq))

    def get_intermediate_frequency(self, element: str) -> float | None:
        """An element's intermediate frequency, Hz; None for one that is not modulated."""
        return self._element(element).intermediate_frequency

    def set_mixer_correction(
        self,
        mixer: str,
        intermediate_frequency: float,
        lo_frequency: float,
        values: Sequence[float],
    ) -> _Matrix:
        """Sets the correction matrix of a mixer's entry, for jobs to come.

        A running job has its own: :meth:`RunningQmJob.set_element_correction`.

        Args:
            mixer: The mixer.
            intermediate_frequency: Hz, as the configuration's entry has it.
            lo_frequency: Hz, as the configuration's entry has it.
            values: (v00, v01, v10, v11), each within [-2, 2 - 2⁻¹⁶].

        Returns:
            The matrix as the hardware holds it: rounded to steps of 2⁻¹⁶.

        Raises:
            QmValueError: Other than four numbers, or one out of range; nothing was sent.
            QMRequestError: There is no such entry.
        """
        try:
            v00, v01, v10, v11 = (float(value) for value in values)
        except (TypeError, ValueError, OverflowError):
            raise QmValueError(
                f"the correction of the mixer {mixer!r} is four values, (v00, v01, v10, v11), not "
                f"{values!r:.80}"
            ) from None
        return self._native.set_mixer_correction(
            mixer,
            _number("an intermediate frequency", intermediate_frequency),
            _number("an LO frequency", lo_frequency),
            (v00, v01, v10, v11),
        )

    def set_output_dc_offset_by_element(
        self, element: str, input: str | Sequence[str], offset: float | Sequence[float]
    ) -> None:
        """Sets the offset of the analog outputs of an element, for jobs to come.

        Args:
            element: The element.
            input: ``"single"``, ``"I"``, ``"Q"``, or several, for example ``("I", "Q")``.
            offset: Volts, in [-0.5, 0.5); as many as inputs.

        Raises:
            QmValueError: Not as many offsets as inputs, or no numbers; nothing was sent.
            QMRequestError: There is no such element or input, or the offset is out of range.
        """
        inputs = [input] if isinstance(input, str) else list(input)
        given = list(offset) if isinstance(offset, (list, tuple, np.ndarray)) else [offset]
        if len(inputs) != len(given):
            raise QmValueError(
                f"the element {element!r}: {len(given)} offsets for {len(inputs)} inputs"
            )
        volts = [_number(f"the offset of the element {element!r}", one) for one in given]
        for name, one in zip(inputs, volts, strict=True):
            self._native.set_output_offset(element, name, one)

    def get_output_dc_offset_by_element(self, element: str, iq_input: str) -> float:
        """The offset of an analog output of an element, volts."""
        offsets = self._element(element).output_offsets
        return float(self._of_element(element, "input", iq_input, offsets))

    def set_output_filter_by_element(
        self,
        element: str,
        input: str,
        feedforward: Sequence[float] | None,
        feedback: Sequence[float] | None,
    ) -> None:
        """Sets the filter of an analog output of an element, for jobs to come.

        Args:
            element: The element.
            input: ``"single"``, ``"I"`` or ``"Q"``.
            feedforward: Taps; None for none.
            feedback: Taps; None for none.

        Raises:
            QMRequestError: There is no such element or input, or the taps cannot be.
        """

        def taps(given: Sequence[float] | None) -> list[float]:
            what = f"a filter tap of the element {element!r}"
            return [] if given is None else [_number(what, tap) for tap in given]

        self._native.set_output_filter(element, input, taps(feedforward), taps(feedback))

    def set_input_dc_offset_by_element(self, element: str, output: str, offset: float) -> None:
        """Sets the offset of an analog input of an element, for jobs to come.

        Args:
            element: The element.
            output: The element's output, as the configuration names it (``"out1"``).
            offset: Volts, in [-0.5, 0.5).

        Raises:
            QMRequestError: There is no such element or output, or the offset is out of range.
        """
        volts = _number(f"the offset of the element {element!r}", offset)
        self._native.set_input_offset(element, output, volts)

    def get_input_dc_offset_by_element(self, element: str, output: str) -> float:
        """The offset of an analog input of an element, volts."""
        offsets = self._element(element).input_offsets
        return float(self._of_element(element, "output", output, offsets))

    def set_digital_delay(self, element: str, digital_input: str, delay: int) -> None:
        """Sets the delay of a digital marker, nanoseconds, for jobs to come."""
        ns = _nanoseconds(f"the digital delay of {element!r}", delay)
        self._native.set_digital_delay(element, digital_input, ns)

    def get_digital_delay(self, element: str, digital_input: str) -> int:
        """The delay of a digital marker, nanoseconds."""
        return self._digital_input(element, digital_input).delay

    def set_digital_buffer(self, element: str, digital_input: str, buffer: int) -> None:
        """Sets by how much a digital marker is longer on either side, nanoseconds."""
        ns = _nanoseconds(f"the digital buffer of {element!r}", buffer)
        self._native.set_digital_buffer(element, digital_input, ns)

    def get_digital_buffer(self, element: str, digital_input: str) -> int:
        """By how much a digital marker is longer on either side, nanoseconds."""
        return self._digital_input(element, digital_input).buffer

    def _digital_input(self, element: str, name: str) -> _native.DigitalInputTiming:
        given = self._element(element).digital_inputs
        timing: _native.DigitalInputTiming
        timing = self._of_element(element, "digital input", name, given)
        return timing

    def get_time_of_flight(self, element: str) -> int:
        """Nanoseconds from a measurement pulse to the opening of its window; 0 without one."""
        return self._element(element).time_of_flight or 0

    def get_smearing(self, element: str) -> int:
        """Nanoseconds by which a raw window is longer on either side; 0 without one."""
        return self._element(element).smearing or 0

    # -- digital inputs of controllers

    def _digital_port(self, port: _Port) -> _native.DigitalInputSettings:
        wanted = _digital_port(port)
        for settings in self._native.settings().digital_inputs:
            if (settings.controller, settings.fem, settings.port) == wanted:
                return settings
        raise QmValueError(f"the machine {self.id!r} has no digital input {port!r}")

    def set_digital_input_threshold(self, port: _Port, threshold: float) -> None:
        """Sets the threshold of a digital input, volts.

        Args:
            port: (controller, port), or (controller, module, port).
            threshold: Volts.
        """
        volts = _number("the threshold of a digital input", threshold)
        self._native.set_digital_input_threshold(_digital_port(port), volts)

    def get_digital_input_threshold(self, port: _Port) -> float:
        """The threshold of a digital input, volts."""
        return self._digital_port(port).threshold

    def set_digital_input_deadtime(self, port: _Port, deadtime: int) -> None:
        """Sets how long a digital input is deaf after an edge, nanoseconds."""
        ns = _nanoseconds("the dead time of a digital input", deadtime)
        self._native.set_digital_input_deadtime(_digital_port(port), ns)

    def get_digital_input_deadtime(self, port: _Port) -> int:
        """How long a digital input is deaf after an edge, nanoseconds."""
        return self._digital_port(port).deadtime

    def set_digital_input_polarity(self, port: _Port, polarity: str) -> None:
        """Sets which edge of a digital input counts.

        Args:
            port: (controller, port), or (controller, module, port).
            polarity: ``"RISING"`` or ``"FALLING"``.

        Raises:
            QmValueError: Another text.
        """
        if polarity not in ("RISING", "FALLING"):
            raise QmValueError(
                f"the polarity of a digital input is 'RISING' or 'FALLING', not {polarity!r}"
            )
        self._native.set_digital_input_polarity(_digital_port(port), polarity)

    def get_digital_input_polarity(self, port: _Port) -> str:
        """Which edge of a digital input counts: ``"RISING"`` or ``"FALLING"``."""
        return self._digital_port(port).polarity
