"""A thread that fetches while the main thread pushes."""

import threading

from qm import QuantumMachinesManager
from qm.qua import *

from configuration import *

qmm = QuantumMachinesManager(
    host=qop_ip, port=qop_port, cluster_name=cluster_name, log_level="ERROR"
)
qm = qmm.open_qm(config)

with program() as prog:
    x = declare_input_stream(fixed, name="x", size=4)
    n, i = declare(int), declare(int)
    st = declare_stream()
    with for_(n, 0, n < 60, n + 1):
        advance_input_stream(x)
        with for_(i, 0, i < 4, i + 1):
            save(x[i], st)
    with stream_processing():
        st.buffer(4).save_all("x")

job = qm.execute(prog)
counts = []


def read():
    handle = job.result_handles.get("x")
    while handle.is_processing():
        counts.append(len(handle.fetch_all()))
    counts.append(len(handle.fetch_all()))


reader = threading.Thread(target=read)
reader.start()
for n in range(60):
    job.push_to_input_stream("x", [n / 64, -n / 64, 0.5, 0.0])
reader.join(60)
print(counts[-1], counts == sorted(counts), reader.is_alive())
print(job.result_handles.x.fetch(59)["value"])
