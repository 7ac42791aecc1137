"""The job class that users of qm-qua meet."""

from pulsewire.jobs.running_qm_job import RunningQmJob

__all__ = ["QmJob"]


class QmJob(RunningQmJob):
    """A running or completed job; adds nothing to :class:`RunningQmJob`."""
