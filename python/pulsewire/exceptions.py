"""The exceptions of pulsewire, by the names and codes that users of qm-qua catch.

Every message says what was asked, of which job, and what to do. The names are those of
``qm.exceptions`` and ``qm._QmJobErrors`` (qm-qua 1.4.1); :class:`ResultEndedError` and
:class:`ClosedLoopError` are pulsewire's own. A wait that runs out of time raises the builtin
:class:`TimeoutError`; a call that gets no answer raises :class:`QMTimeoutError`.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = [
    "ClosedLoopError",
    "CompilationException",
    "ConfigQueryError",
    "DataFetchingError",
    "ElementWithSingleInputError",
    "ElementWithoutIntermediateFrequencyError",
    "ErrorJobStateError",
    "FailedToAddJobToQueueException",
    "FailedToExecuteJobException",
    "GatewayNotImplementedError",
    "InvalidElementCorrectionError",
    "InvalidJobExecutionStatusError",
    "InvalidOperationOnRealJobError",
    "InvalidOperationOnSimulatorJobError",
    "JobCancelledError",
    "JobNotFoundError",
    "MissingElementError",
    "MissingJobError",
    "OpenQmException",
    "QMConnectionError",
    "QMHealthCheckError",
    "QMRequestDataError",
    "QMRequestError",
    "QMSimulationError",
    "QMTimeoutError",
    "QmApiError",
    "QmFailedToCloseQuantumMachineError",
    "QmInvalidSchemaError",
    "QmLocationParsingError",
    "QmQuaException",
    "QmServerDetectionError",
    "QmValueError",
    "ResultEndedError",
    "StreamProcessingDataLossError",
    "UnknownInputStreamError",
    "UnknownJobStateError",
    "UnspecifiedError",
    "UnsupportedCapabilitiesError",
]


class QmQuaException(Exception):  # noqa: N818 (the name is qm-qua's)
    """The base of almost everything raised here.

    Attributes:
        message: What happened.
        acknowledged: Set by ``push_many``: how many entries the gateway had taken.
        in_doubt: Whether what was sent may have been taken all the same: the connection was lost,
            or the time was up, before the gateway answered. It is never sent twice.
    """

    acknowledged: int | None = None
    in_doubt: bool = False

    def __init__(self, message: str = "", *args: object) -> None:
        self.message = message
        super().__init__(message, *args)


class ClosedLoopError(QmQuaException):
    """A closed loop does not know whose answer comes next; nothing was sent.

    A step before failed in such a way that nobody knows whether its entry was taken. The message
    says how to go on: ``receive()`` waits for that answer, ``skip()`` takes the entry for lost
    (of a single input stream).

    Attributes:
        pushes: By input stream, how many pushes are in doubt.
    """

    def __init__(self, message: str = "", *, pushes: dict[str, int] | None = None) -> None:
        super().__init__(message)
        self.pushes = pushes or {}


class QMConnectionError(QmQuaException):
    """The gateway cannot be reached, or answered with a failure."""


class QMTimeoutError(QmQuaException):
    """A call got no answer within its time."""


class QMHealthCheckError(QmQuaException):
    """The gateway says that it is not well."""


class QmServerDetectionError(QmQuaException):
    """No gateway was found at the address."""


class QmLocationParsingError(QmQuaException):
    """A cluster redirects to something that is no address."""


class UnsupportedCapabilitiesError(QmQuaException):
    """The gateway's version lacks what the call needs."""


class QmValueError(QmQuaException, ValueError):
    """A value that cannot be sent; nothing was sent."""


class OpenQmException(QmQuaException):
    """The machine was not opened: the message lists what is wrong with the configuration."""


class QmFailedToCloseQuantumMachineError(QmQuaException):
    """The machine was not closed."""


class QMRequestError(QmQuaException):
    """A machine was not changed.

    Attributes:
        errors: What is wrong, one text for each.
    """

    def __init__(self, message: str = "", *, errors: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.errors = list(errors)


class QMRequestDataError(QmQuaException):
    """What a machine is set to could not be read."""


class _ProgramRefused(QmQuaException):
    def __init__(self, message: str = "", *, errors: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.errors = list(errors)


class CompilationException(_ProgramRefused):
    """The program has mistakes.

    Attributes:
        errors: One text for each, with the statement and its source line.
    """


class FailedToAddJobToQueueException(_ProgramRefused):
    """The program was not queued.

    Attributes:
        errors: One text for each mistake, with the statement and its source line.
    """


class FailedToExecuteJobException(_ProgramRefused):
    """The program was not simulated.

    Attributes:
        errors: One text for each mistake, with the statement and its source line.
    """


class QMSimulationError(QmQuaException):
    """A simulation failed, or has not what was asked of it."""


class JobCancelledError(QmQuaException):
    """The job was taken out of the queue."""


class ErrorJobStateError(QmQuaException):
    """The job failed.

    Attributes:
        error_list: What the gateway says, one text for each error.
    """

    def __init__(self, message: str = "", *, error_list: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.error_list = list(error_list)
        # The name that qm-qua has it under.
        self._error_list = self.error_list


class UnknownJobStateError(QmQuaException):
    """The gateway knows no state of the job."""


class JobNotFoundError(Exception):
    """The queue has no such job (qm-qua's ``qm.jobs.job_queue_base.JobNotFoundError``)."""


class StreamProcessingDataLossError(QmQuaException):
    """The gateway dropped data of the job."""


class DataFetchingError(QmQuaException):
    """What arrived is not what was promised."""


class QmInvalidSchemaError(QmQuaException):
    """A result is described in a way that is not known."""


class ResultEndedError(QmQuaException):
    """A result ended before the values that were waited for.

    Attributes:
        got: Values that came.
        wanted: Values waited for.
    """

    def __init__(self, message: str = "", *, got: int = 0, wanted: int = 0) -> None:
        super().__init__(message)
        self.got = got
        self.wanted = wanted


class GatewayNotImplementedError(NotImplementedError):
    """The gateway does not offer the call."""


class QmApiError(QmQuaException):
    """The gateway refused an operation on a job.

    Attributes:
        code: The number of the kind of refusal.
    """

    code: int = 0


class UnspecifiedError(QmApiError):
    """Code 0: refused for a reason that has no number."""


class MissingJobError(QmApiError):
    """Code 1000: the gateway knows no such job."""

    code = 1000


class InvalidJobExecutionStatusError(QmApiError):
    """Code 1001: the job is not running (any more)."""

    code = 1001


class InvalidOperationOnSimulatorJobError(QmApiError):
    """Code 1002: the job is a simulation."""

    code = 1002


class InvalidOperationOnRealJobError(QmApiError):
    """Code 1003: the job is not a simulation."""

    code = 1003


class UnknownInputStreamError(QmApiError):
    """Code 1006: the program declares no such input stream."""

    code = 1006


class _ElementRefused(QmApiError):  # noqa: N818 (a base of names that are qm-qua's)
    def __init__(self, message: str = "", *, element_name: str = "") -> None:
        super().__init__(message)
        self.element_name = element_name


class ElementWithSingleInputError(_ElementRefused):
    """Code 3000: the element has a single input.

    Attributes:
        element_name: Which element.
    """

    code = 3000


class InvalidElementCorrectionError(_ElementRefused):
    """Code 3001: the correction has an entry outside [-2, 2 - 2⁻¹⁶].

    Attributes:
        element_name: Which element.
        correction: The matrix that was refused.
    """

    code = 3001

    def __init__(
        self,
        message: str = "",
        *,
        element_name: str = "",
        correction: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0),
    ) -> None:
        super().__init__(message, element_name=element_name)
        self.correction = correction


class ElementWithoutIntermediateFrequencyError(_ElementRefused):
    """Code 3002: the element has no intermediate frequency.

    Attributes:
        element_name: Which element.
    """

    code = 3002


class ConfigQueryError(QmApiError):
    """The configuration of the job lacks something."""


class MissingElementError(ConfigQueryError):
    """Code 4001: the configuration of the job has no such element."""

    code = 4001
