"""A job whose status and count are looked at 2000 times."""

from configuration import *
from qm import QuantumMachinesManager
from qm.qua import *

qmm = QuantumMachinesManager(host=qop_ip, port=qop_port, cluster_name=cluster_name, log_level="ERROR")
qm = qmm.open_qm(config)

with program() as prog:
    n, st = declare(int), declare_stream()
    with infinite_loop_():
        save(n, st)
        pause()
    with stream_processing():
        st.save_all("n")

job = qm.execute(prog)
handle = job.result_handles.n
for _ in range(2000):
    job.status, job.is_paused(), handle.count_so_far(), handle.is_processing()
job.halt()
