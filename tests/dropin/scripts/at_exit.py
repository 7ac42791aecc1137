"""An exit handler that halts what still runs."""

import atexit

from configuration import *
from qm import QuantumMachinesManager
from qm.qua import *

qmm = QuantumMachinesManager(
    host=qop_ip, port=qop_port, cluster_name=cluster_name, log_level="ERROR"
)
qm = qmm.open_qm(config)
with program() as prog:
    n = declare(int, value=0)
    st = declare_stream()
    with infinite_loop_():
        save(n, st)
        wait(1000)
    with stream_processing():
        st.save("n")

job = qm.execute(prog)


def leave():
    print("halted", job.halt(), job.result_handles.wait_for_all_values(timeout=20))


atexit.register(leave)
job.result_handles.n.wait_for_values(1)
print(job.result_handles.n.fetch_all())
