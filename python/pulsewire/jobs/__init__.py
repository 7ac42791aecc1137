"""Jobs, by the module paths of ``qm.jobs``."""

from pulsewire.jobs.base_job import QmBaseJob
from pulsewire.jobs.job_queue_old_api import QmQueue
from pulsewire.jobs.pending_job import QmPendingJob
from pulsewire.jobs.qm_job import QmJob
from pulsewire.jobs.running_qm_job import AcquiringStatus, RunningQmJob
from pulsewire.jobs.simulated_job import SimulatedJob

__all__ = [
    "AcquiringStatus",
    "QmBaseJob",
    "QmJob",
    "QmPendingJob",
    "QmQueue",
    "RunningQmJob",
    "SimulatedJob",
]
