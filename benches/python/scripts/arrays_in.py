"""Pulses of 1,000 samples' amplitudes, pushed 1,000 times."""

from configuration import *
from qm import QuantumMachinesManager
from qm.qua import *

qmm = QuantumMachinesManager(host=qop_ip, port=qop_port, cluster_name=cluster_name, log_level="ERROR")
qm = qmm.open_qm(config)

with program() as prog:
    a = declare_input_stream(fixed, name="a", size=1000)
    n, st = declare(int), declare_stream()
    with for_(n, 0, n < 1000, n + 1):
        advance_input_stream(a)
        save(a[n], st)
        wait(2500)
    with stream_processing():
        st.save_all("a")

job = qm.execute(prog)
samples = (np.sin(np.arange(1000)) / 2).tolist()
for n in range(1000):
    job.push_to_input_stream("a", samples)
job.result_handles.wait_for_all_values()
job.result_handles.a.fetch_all()
