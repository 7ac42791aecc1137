"""The exceptions of pulsewire, by the names and codes that users of qm-qua catch.

Every message says what was asked, of which job, and what to do. The names are those of
``qm.exceptions`` and ``qm._QmJobErrors`` (qm-qua 1.4.1); :class:`ResultEndedError` and
:class:`ClosedLoopError` are pulsewire's own. A wait that runs out of time raises the builtin
:class:`TimeoutError`; a call that gets no answer raises :class:`QMTimeoutError`.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = [
    "AnotherJobIsRunning",
    "CalibrationException",
    "CantCalibrateElementError",
    "CapabilitiesNotInitializedError",
    "ClosedLoopError",
    "CompilationException",
    "ConfigQueryError",
    "ConfigSchemaError",
    "ConfigSerializationException",
    "ConfigValidationException",
    "ConfigurationLockedByOctave",
    "DataFetchingError",
    "ElementInputConnectionAmbiguity",
    "ElementOutputConnectionAmbiguity",
    "ElementUpconverterDeclarationError",
    "ElementWithSingleInputError",
    "ElementWithoutIntermediateFrequencyError",
    "ErrorJobStateError",
    "FailedToAddJobToQueueException",
    "FailedToExecuteJobException",
    "FunctionInputError",
    "GatewayNotImplementedError",
    "InvalidConfigError",
    "InvalidCredentialsError",
    "InvalidDigitalInputDeadtimeError",
    "InvalidDigitalInputPolarityError",
    "InvalidDigitalInputThresholdError",
    "InvalidElementCorrectionError",
    "InvalidJobExecutionStatusError",
    "InvalidOctaveParameter",
    "InvalidOperationOnRealJobError",
    "InvalidOperationOnSimulatorJobError",
    "InvalidQuaArraySubclassError",
    "JobCancelledError",
    "JobFailedError",
    "JobNotFoundError",
    "JobNotFoundException",
    "LOFrequencyMismatch",
    "MissingDigitalInputError",
    "MissingElementError",
    "MissingJobError",
    "NoInputsOrOutputsError",
    "NoMatchingOctavePort",
    "NoOutputPortDeclared",
    "NoScopeFoundException",
    "OctaveCableSwapError",
    "OctaveConfigDeprecationException",
    "OctaveConnectionAmbiguity",
    "OctaveConnectionError",
    "OctaveLoopbackError",
    "OctaveUnsupportedOnUpdate",
    "OpenQmException",
    "ProgramScopeAccessError",
    "QMConnectionError",
    "QMFailedToCloseAllQuantumMachinesError",
    "QMFailedToGetQuantumMachineError",
    "QMHealthCheckError",
    "QMRequestDataError",
    "QMRequestError",
    "QMSimulationError",
    "QMTimeoutError",
    "QmApiError",
    "QmFailedToCloseQuantumMachineError",
    "QmInvalidResult",
    "QmInvalidSchemaError",
    "QmLocationParsingError",
    "QmNoResultsError",
    "QmQuaException",
    "QmRedirectionError",
    "QmServerDetectionError",
    "QmValueError",
    "QmmException",
    "QopConfigValidationError",
    "QopPhysicalValidationError",
    "QopResponseError",
    "QopValidationError",
    "ReservedFieldNameError",
    "ResultEndedError",
    "SaveToAdcTraceException",
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


# -- Of qm-qua's other rooms: pulsewire raises none of these. They are here so that an import line
# and an `except` need no change when `qm` becomes `pulsewire`.


class QmmException(QmQuaException):
    """A manager could not be made."""


class InvalidCredentialsError(QmmException):
    """Credentials that cannot be read, or do not belong together."""


class OctaveConfigDeprecationException(QmmException):
    """The octaves belong into the QUA configuration."""


class ProgramScopeAccessError(QmQuaException):
    """A program was used while its block was open."""


class NoScopeFoundException(QmQuaException):
    """A statement of QUA stands outside of a program."""


class SaveToAdcTraceException(QmQuaException):
    """A value was saved to a stream of ADC samples."""


class JobNotFoundException(QmQuaException):
    """There is no job of the id."""


class JobFailedError(QmQuaException):
    """The job failed, or was cancelled."""


class ConfigValidationException(QmQuaException):
    """A configuration that cannot be."""


class ConfigSchemaError(ConfigValidationException):
    """A configuration that is not of the form that configurations have."""


class NoInputsOrOutputsError(ConfigValidationException):
    """An element has neither inputs nor outputs."""


class NoMatchingOctavePort(ConfigValidationException):
    """No port of an octave fits an element."""


class ConfigSerializationException(QmQuaException):
    """A configuration could not be written."""


class CapabilitiesNotInitializedError(QmQuaException):
    """It is not known what the gateway can do."""


class InvalidConfigError(QmQuaException):
    """A configuration that cannot be used."""


class QMFailedToGetQuantumMachineError(QmQuaException):
    """There is no such machine."""


class QMFailedToCloseAllQuantumMachinesError(QmFailedToCloseQuantumMachineError):
    """Not all machines were closed."""


class QmInvalidResult(QmQuaException):
    """A result that is not what was expected."""


class QmNoResultsError(QmQuaException):
    """There are no results."""


class FunctionInputError(QmQuaException):
    """An argument that a function cannot take."""


class AnotherJobIsRunning(QmQuaException):
    """Another job runs on the machine."""


class CalibrationException(QmQuaException):
    """A calibration failed."""


class CantCalibrateElementError(CalibrationException):
    """An element cannot be calibrated."""


class OctaveConnectionError(QmQuaException):
    """What is connected to an octave is not what is configured."""


class OctaveLoopbackError(OctaveConnectionError):
    """A loopback from one octave to another."""


class NoOutputPortDeclared(OctaveConnectionError):  # noqa: N818
    """An element has no output port."""


class OctaveCableSwapError(OctaveConnectionError):
    """I and Q are connected the wrong way round."""


class ElementUpconverterDeclarationError(OctaveConnectionError):
    """I and Q go to different upconverters."""


class LOFrequencyMismatch(ConfigValidationException):
    """An element and its octave say different LO frequencies."""


class OctaveConnectionAmbiguity(ConfigValidationException):
    """The connections of an octave are said twice."""


class InvalidOctaveParameter(ConfigValidationException):
    """A setting that an octave does not have."""


class OctaveUnsupportedOnUpdate(ConfigValidationException):
    """Octaves cannot be changed by an update."""


class ConfigurationLockedByOctave(ConfigValidationException):
    """A setting belongs to an octave."""


class ElementOutputConnectionAmbiguity(ConfigValidationException):
    """An element's outputs are said twice."""


class ElementInputConnectionAmbiguity(ConfigValidationException):
    """An element's inputs are said twice."""


class QmRedirectionError(QmQuaException):
    """A router does not know the cluster."""


class QopValidationError(QmQuaException):
    """The gateway found a configuration wrong."""


class QopPhysicalValidationError(QopValidationError):
    """The hardware is not what a configuration says."""


class QopConfigValidationError(QopValidationError):
    """The gateway found a part of a configuration wrong."""


class ReservedFieldNameError(QmQuaException):
    """A name of a QUA struct that is reserved."""


class InvalidQuaArraySubclassError(QmQuaException):
    """A QUA array that cannot be."""


class QopResponseError(Exception):
    """The gateway of QOP 3 answered with an error."""


class MissingDigitalInputError(ConfigQueryError):
    """Code 4002: the element has no such digital input."""

    code = 4002


class InvalidDigitalInputThresholdError(QmApiError):
    """Code 3003: a threshold that cannot be."""

    code = 3003


class InvalidDigitalInputDeadtimeError(QmApiError):
    """Code 3004: a dead time that cannot be."""

    code = 3004


class InvalidDigitalInputPolarityError(QmApiError):
    """Code 3005: a polarity that cannot be."""

    code = 3005
