"""Forty jobs of 20 ms queued, each waited for and fetched."""

from configuration import *
from qm import QuantumMachinesManager
from qm.qua import *

qmm = QuantumMachinesManager(host=qop_ip, port=qop_port, cluster_name=cluster_name, log_level="ERROR")
qm = qmm.open_qm(config)

programs = []
for number in range(40):
    with program() as prog:
        st = declare_stream()
        n = declare(int, value=number)
        wait(5_000_000)
        save(n, st)
        with stream_processing():
            st.save_all("n")
    programs.append(qm.queue.add(prog))
for pending in programs:
    job = pending.wait_for_execution()
    job.result_handles.wait_for_all_values()
    job.result_handles.n.fetch_all()
