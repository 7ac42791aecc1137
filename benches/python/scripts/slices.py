"""New items, fetched as they come: 100 slices, one every 5 ms."""

from configuration import *
from qm import QuantumMachinesManager
from qm.qua import *

qmm = QuantumMachinesManager(host=qop_ip, port=qop_port, cluster_name=cluster_name, log_level="ERROR")
qm = qmm.open_qm(config)

with program() as prog:
    go = declare_input_stream(int, name="go")
    n, st = declare(int), declare_stream()
    with infinite_loop_():
        advance_input_stream(go)
        with for_(n, 0, n < 1000, n + 1):
            save(n, st)
            wait(1250)
    with stream_processing():
        st.save_all("n")

job = qm.execute(prog)
handle = job.result_handles.n
for step in range(100):
    job.push_to_input_stream("go", step)
    handle.wait_for_values(1000 * (step + 1))
    handle.fetch(slice(1000 * step, 1000 * (step + 1)))
job.halt()
