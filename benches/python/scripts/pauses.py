"""A program that pauses 100 times; Python waits for each and resumes."""

import time

from configuration import *
from qm import QuantumMachinesManager
from qm.qua import *

qmm = QuantumMachinesManager(host=qop_ip, port=qop_port, cluster_name=cluster_name, log_level="ERROR")
qm = qmm.open_qm(config)

with program() as prog:
    n, st = declare(int), declare_stream()
    with for_(n, 0, n < 100, n + 1):
        wait(250_000)
        save(n, st)
        pause()
    with stream_processing():
        st.save_all("n")

job = qm.execute(prog)
for n in range(100):
    job.result_handles.n.wait_for_values(n + 1)
    while not job.is_paused():
        time.sleep(0.0005)
    job.resume()
job.result_handles.wait_for_all_values()
