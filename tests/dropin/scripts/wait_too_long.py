"""Waits that run out of time."""

from qm.exceptions import QMTimeoutError

from qm import QuantumMachinesManager
from qm.qua import *

from configuration import *

qmm = QuantumMachinesManager(
    host=qop_ip, port=qop_port, cluster_name=cluster_name, log_level="ERROR"
)
qm = qmm.open_qm(config)

with program() as prog:
    go = declare_input_stream(int, name="go")
    st = declare_stream()
    advance_input_stream(go)
    save(go, st)
    with stream_processing():
        st.save_all("go")

job = qm.execute(prog)
waits = [
    lambda: job.result_handles.go.wait_for_values(1, timeout=0.2),
    lambda: job.result_handles.go.wait_for_all_values(timeout=0.2),
    lambda: job.result_handles.wait_for_all_values(timeout=0.2),
    lambda: job.result_handles.go.wait_for_values(1, timeout=-1),
    lambda: job.result_handles.fetch_results(timeout=0.2),
    lambda: qm.queue.add(prog).wait_for_execution(timeout=0.2),
]
for wait_for in waits:
    try:
        wait_for()
        print("no error")
    except Exception as error:
        print(type(error).__name__, isinstance(error, (TimeoutError, QMTimeoutError, ValueError)))
print(job.result_handles.go.count_so_far(), job.result_handles.go.fetch_all().shape)
job.halt()
