"""Machines opened and closed again and again."""

from qm import QuantumMachinesManager
from qm.qua import *

from configuration import *

qmm = QuantumMachinesManager(
    host=qop_ip, port=qop_port, cluster_name=cluster_name, log_level="ERROR"
)
qm = qmm.open_qm(config)

totals = []
for round in range(3):
    qm = qmm.open_qm(config)
    with program() as prog:
        i = declare(int)
        st = declare_stream()
        with for_(i, 0, i < 10 + round, i + 1):
            save(i, st)
        with stream_processing():
            st.save_all("i")
    job = qm.execute(prog)
    job.result_handles.wait_for_all_values()
    totals.append(len(job.result_handles.i.fetch_all()))
    qm.close()
    print(qmm.list_open_qms() if hasattr(qmm, "list_open_qms") else [])
print(totals, job.result_handles.i.fetch_all()["value"].sum())
