"""A window that is closed halts an endless measurement."""

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

from qm import QuantumMachinesManager
from qm.qua import *

from configuration import *

qmm = QuantumMachinesManager(
    host=qop_ip, port=qop_port, cluster_name=cluster_name, log_level="ERROR"
)
qm = qmm.open_qm(config)

with program() as endless:
    n = declare(int, value=0)
    st = declare_stream()
    with infinite_loop_():
        assign(n, n + 1)
        save(n, st)
        wait(1000)
    with stream_processing():
        st.save("n")

job = qm.execute(endless)
figure = plt.figure()
figure.canvas.mpl_connect("close_event", lambda event: job.halt())
job.result_handles.get("n").wait_for_values(1)
# What the window system says when the window is closed.
figure.canvas.callbacks.process("close_event", None)
print(job.result_handles.wait_for_all_values(timeout=20))
print(job.result_handles.get("n").fetch_all() > 0)
