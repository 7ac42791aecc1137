"""What objects are: a lab's own subclass, type, isinstance, pickle of results."""

import pickle

from qm.jobs.base_job import QmBaseJob
from qm.jobs.qm_job import QmJob
from qm.jobs.running_qm_job import RunningQmJob

from qm import QuantumMachinesManager
from qm.qua import *

from configuration import *

qmm = QuantumMachinesManager(
    host=qop_ip, port=qop_port, cluster_name=cluster_name, log_level="ERROR"
)
qm = qmm.open_qm(config)

with program() as prog:
    i = declare(int, value=1)
    st = declare_stream()
    save(i, st)
    with stream_processing():
        st.save_all("i")


class Described(QmJob):
    def describe(self):
        return f"a job that is {self.status}"


job = qm.execute(prog)
job.result_handles.wait_for_all_values()
print(
    type(job).__module__,
    type(job) is QmJob,
    isinstance(job, RunningQmJob),
    isinstance(job, QmBaseJob),
)
print(type(job.result_handles).__name__, type(job.result_handles.i).__name__)
described = Described(job.id, qm.id, job._frontend, job._capabilities)
print(described.describe(), described.result_handles.i.fetch_all())
print(pickle.loads(pickle.dumps(job.result_handles.i.fetch_all())))
print(job.user_added is not None, job.time_added is not None)
