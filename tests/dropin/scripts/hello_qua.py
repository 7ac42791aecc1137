"""The first program of everybody."""

from qm import QuantumMachinesManager
from qm.qua import *

from configuration import *

qmm = QuantumMachinesManager(
    host=qop_ip, port=qop_port, cluster_name=cluster_name, log_level="ERROR"
)
qm = qmm.open_qm(config)

with program() as hello:
    n = declare(int)
    st = declare_stream()
    with for_(n, 0, n < 10, n + 1):
        play("pi" * amp(0.5), "qubit")
        save(n, st)
    with stream_processing():
        st.save_all("n")

job = qm.execute(hello)
res = job.result_handles
res.wait_for_all_values()
print(job.id, job.status)
print(res.n.fetch_all()["value"])
