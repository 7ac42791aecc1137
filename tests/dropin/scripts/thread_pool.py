"""Results of several jobs, fetched by a pool of threads."""

from concurrent.futures import ThreadPoolExecutor

from qm import QuantumMachinesManager
from qm.qua import *

from configuration import *

qmm = QuantumMachinesManager(
    host=qop_ip, port=qop_port, cluster_name=cluster_name, log_level="ERROR"
)
qm = qmm.open_qm(config)

jobs = []
for number in range(4):
    with program() as prog:
        i, scaled = declare(int), declare(int)
        st = declare_stream()
        with for_(i, 0, i < 1000, i + 1):
            assign(scaled, i * (number + 1))
            save(scaled, st)
        with stream_processing():
            st.save_all("i")
    jobs.append(qm.execute(prog))
    jobs[-1].result_handles.wait_for_all_values()


def total(job):
    return int(job.result_handles.i.fetch_all()["value"].sum())


with ThreadPoolExecutor(4) as pool:
    print(list(pool.map(total, jobs)))
