"""An endless program, watched and halted."""

from qm import QuantumMachinesManager
from qm.qua import *

from configuration import *

qmm = QuantumMachinesManager(
    host=qop_ip, port=qop_port, cluster_name=cluster_name, log_level="ERROR"
)
qm = qmm.open_qm(config)

with program() as prog:
    n = declare(int, value=0)
    st = declare_stream()
    with infinite_loop_():
        assign(n, n + 1)
        save(n, st)
        wait(500)
    with stream_processing():
        st.save_all("n")

job = qm.execute(prog)
n = job.result_handles.get("n")
n.wait_for_values(100)
print(job.status, n.is_processing(), n.count_so_far() >= 100)
print(job.halt(), job.halt())
print(n.wait_for_all_values(timeout=10), n.is_processing())
values = n.fetch_all()["value"]
print((values == np.arange(1, len(values) + 1)).all(), len(values) >= 100)
try:
    n.wait_for_values(10**8, timeout=0.3)
except TimeoutError:
    print("TimeoutError")
