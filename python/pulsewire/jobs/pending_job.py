"""Jobs in a queue."""

from __future__ import annotations

import math

from pulsewire._log import logger
from pulsewire.jobs.base_job import QmBaseJob
from pulsewire.jobs.qm_job import QmJob

__all__ = ["INVALID_QUEUE_POSITION", "QmPendingJob"]

INVALID_QUEUE_POSITION = -1


class QmPendingJob(QmBaseJob):
    """A job that waits for its turn."""

    def position_in_queue(self) -> int:
        """Its place in the queue, from 1; -1 and a warning when it is not pending any more."""
        position = self._native.status().position
        if position is None:
            logger.warning(f"job {self.id} is not pending: it has no position in the queue")
            return INVALID_QUEUE_POSITION
        return position

    def wait_for_execution(self, timeout: float = math.inf) -> QmJob:
        """Waits until the job runs or has run.

        Args:
            timeout: Seconds; zero or less looks exactly once.

        Returns:
            The running (or completed) job.

        Raises:
            TimeoutError: It did not start in time; it stays queued.
            ErrorJobStateError: It failed; ``error_list`` says why.
            JobCancelledError: It was taken out of the queue.
            UnknownJobStateError: The gateway knows no such job.
        """
        self._native.wait_for_execution(timeout)
        return QmJob(self._client, self.id, self._machine_id)

    def cancel(self) -> bool:
        """Takes the job out of the queue.

        Returns:
            True when it was in the queue.
        """
        return self._native.cancel_pending()
