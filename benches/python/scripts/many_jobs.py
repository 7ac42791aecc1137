"""Sixty jobs of 10 ms, as a calibration runs them."""

from configuration import *
from qm import QuantumMachinesManager
from qm.qua import *

qmm = QuantumMachinesManager(host=qop_ip, port=qop_port, cluster_name=cluster_name, log_level="ERROR")
qm = qmm.open_qm(config)

for number in range(60):
    with program() as prog:
        n, st = declare(int), declare_stream()
        with for_(n, 0, n < 100, n + 1):
            play("pi", "qubit")
            save(n, st)
            wait(25_000)
        with stream_processing():
            st.save_all("n")
    job = qm.execute(prog)
    job.result_handles.wait_for_all_values()
    job.result_handles.n.fetch_all()
