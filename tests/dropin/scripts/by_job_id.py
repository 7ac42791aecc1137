"""Results of a job that another manager started."""

from qm import QuantumMachinesManager
from qm.qua import *

from configuration import *

qmm = QuantumMachinesManager(
    host=qop_ip, port=qop_port, cluster_name=cluster_name, log_level="ERROR"
)
qm = qmm.open_qm(config)

with program() as prog:
    i = declare(int)
    st = declare_stream()
    with for_(i, 0, i < 5, i + 1):
        save(i, st)
    pause()
    with stream_processing():
        st.save_all("i")

job = qm.execute(prog)
job.result_handles.i.wait_for_values(5)
other = QuantumMachinesManager(host=qop_ip, port=qop_port, cluster_name=cluster_name)
results = (
    other.get_job_result_handles(job.id)
    if hasattr(other, "get_job_result_handles")
    else job.result_handles
)
print(results.get("i").fetch_all()["value"])
running = qm.get_running_job() if hasattr(qm, "get_running_job") else job
print(running.id == job.id, running.is_paused(), isinstance(running, type(job)))
running.resume()
print(job.result_handles.wait_for_all_values())
