"""Jobs that run or have run."""

from __future__ import annotations

import warnings
from enum import Enum
from functools import cached_property
from typing import TYPE_CHECKING

from pulsewire.exceptions import QmValueError
from pulsewire.jobs.base_job import QmBaseJob
from pulsewire.jobs.closed_loop import ClosedLoop
from pulsewire.results.report import ExecutionReport
from pulsewire.results.streams_manager import StreamsManager

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["AcquiringStatus", "RunningQmJob"]


class AcquiringStatus(Enum):
    """Whether a job acquires data."""

    AcquireStopped = 0
    NoDataToAcquire = 1
    HasDataToAcquire = 2


class RunningQmJob(QmBaseJob):
    """A running or completed job."""

    @property
    def manager(self) -> None:
        """Deprecated since qm-qua 1.1.0: always None."""
        warnings.warn(
            "RunningQmJob.manager has no value since qm-qua 1.1.0", DeprecationWarning, stacklevel=2
        )

    @cached_property
    def result_handles(self) -> StreamsManager:
        """The results of the job; the first access asks for their names and types."""
        return StreamsManager(self)

    def closed_loop(self, streams: str | Sequence[str], results: str | Sequence[str]) -> ClosedLoop:
        """A closed loop: push, wait for the answer and fetch it as one call.

        Args:
            streams: The input stream, or several.
            results: The result, or several; of ``save_all``, as the next item of a ``save`` cannot
                be told from the one before.

        Returns:
            The loop; see :meth:`ClosedLoop.exchange`. ::

                loop = job.closed_loop("frequency", "signal")
                signal = loop.exchange(0.25)

        Raises:
            QmValueError: A result that the job does not have or that keeps only its last value.
        """
        return ClosedLoop(self, streams, results)

    def halt(self) -> bool:
        """Stops the program, wherever it is (also in a pause or an input stream).

        Returns:
            True when it was stopped, False when it did not run any more. What was saved stays
            readable.
        """
        return self._native.halt()

    def cancel(self) -> bool:
        """The same as :meth:`halt`."""
        return self.halt()

    def resume(self) -> bool:
        """Lets the program go on after a ``pause()``; without effect when it is not paused.

        Returns:
            True.
        """
        self._native.resume()
        return True

    def is_paused(self) -> bool:
        """Whether the program stands at a ``pause()``."""
        return self._native.is_paused()

    def _is_job_running(self) -> bool:
        return self._native.is_running()

    def _is_data_acquiring(self) -> AcquiringStatus:
        return AcquiringStatus(self._native.acquiring())

    def execution_report(self) -> ExecutionReport:
        """The runtime errors of the job."""
        return ExecutionReport.from_native(self.id, self._native.errors())

    def set_element_correction(
        self, element: str, correction: tuple[float, float, float, float]
    ) -> tuple[float, float, float, float]:
        """Sets the correction matrix of an element's IQ mixer, for this job only.

        Args:
            element: The element.
            correction: (v00, v01, v10, v11), each within [-2, 2 - 2⁻¹⁶].

        Returns:
            The matrix as the hardware holds it: rounded to steps of 2⁻¹⁶.

        Raises:
            QmValueError: Other than four numbers; nothing was sent.
            InvalidElementCorrectionError: An entry is out of range or not finite; nothing was
                sent.
            ElementWithSingleInputError: The element has no pair of inputs.
            ElementWithoutIntermediateFrequencyError: It has no intermediate frequency.
            MissingElementError: The configuration has no such element.
        """
        try:
            if isinstance(correction, str):
                raise TypeError
            v00, v01, v10, v11 = (float(value) for value in correction)
        except (TypeError, ValueError, OverflowError):
            raise QmValueError(
                f"the correction of the element {element!r} is four values, (v00, v01, v10, v11), "
                f"not {correction!r:.80}"
            ) from None
        return self._native.set_correction(element, (v00, v01, v10, v11))

    def get_element_correction(self, element: str) -> tuple[float, float, float, float]:
        """The correction matrix of an element in this job, (v00, v01, v10, v11).

        Raises:
            QmApiError: As :meth:`set_element_correction`.
        """
        return self._native.correction(element)
