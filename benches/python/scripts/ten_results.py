"""Ten results of a job, all at once and one by one."""

from configuration import *
from qm import QuantumMachinesManager
from qm.qua import *

qmm = QuantumMachinesManager(host=qop_ip, port=qop_port, cluster_name=cluster_name, log_level="ERROR")
qm = qmm.open_qm(config)

with program() as prog:
    n, st = declare(int), declare_stream()
    with for_(n, 0, n < 2000, n + 1):
        save(n, st)
    with stream_processing():
        for number in range(10):
            st.save_all(f"n{number}")

job = qm.execute(prog)
job.result_handles.wait_for_all_values()
for _ in range(60):
    job.result_handles.fetch_results()
    for number in range(10):
        job.result_handles.get(f"n{number}").fetch_all()
