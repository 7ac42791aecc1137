"""A result of 24 MB, fetched whole a hundred times, as live plots do."""

from configuration import *
from qm import QuantumMachinesManager
from qm.qua import *

qmm = QuantumMachinesManager(host=qop_ip, port=qop_port, cluster_name=cluster_name, log_level="ERROR")
qm = qmm.open_qm(config)

with program() as prog:
    n, st = declare(int), declare_stream()
    with for_(n, 0, n < 3_000_000, n + 1):
        save(n, st)
    with stream_processing():
        st.save_all("n")

job = qm.execute(prog)
job.result_handles.n.wait_for_all_values()
for _ in range(100):
    assert len(job.result_handles.n.fetch_all()) == 3_000_000
