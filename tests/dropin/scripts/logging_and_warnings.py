"""What is logged and warned of."""

import logging
import warnings

from qm import QuantumMachinesManager
from qm.qua import *

from configuration import *

qmm = QuantumMachinesManager(
    host=qop_ip, port=qop_port, cluster_name=cluster_name, log_level="ERROR"
)
qm = qmm.open_qm(config)

shown = []


class Listener(logging.Handler):
    def emit(self, record):
        shown.append((record.name, record.levelname))


logging.getLogger("qm").addHandler(Listener())
with program() as prog:
    x = declare_input_stream(int, name="x")
    st = declare_stream()
    advance_input_stream(x)
    save(x, st)
    with stream_processing():
        st.save("x")

job = qm.execute(prog)
print(job.result_handles.x.fetch_all())
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    job.insert_input_stream("x", 3)
    print(job.manager)
print([(type(w.message).__name__, w.filename.endswith("logging_and_warnings.py")) for w in caught])
job.result_handles.wait_for_all_values()
print(job.result_handles.x.fetch_all(), job.result_handles.x.fetch(3))
job2 = qm.execute(prog)
job2.halt()
print(job2.result_handles.wait_for_all_values())
print(sorted(set(shown)))
