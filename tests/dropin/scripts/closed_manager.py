"""What is left after the manager was closed."""

from qm import QuantumMachinesManager
from qm.qua import *

from configuration import *

qmm = QuantumMachinesManager(
    host=qop_ip, port=qop_port, cluster_name=cluster_name, log_level="ERROR"
)
qm = qmm.open_qm(config)

with program() as prog:
    i = declare(int, value=1)
    save(i, "i")

job = qm.execute(prog)
job.result_handles.wait_for_all_values()
handles = job.result_handles
if hasattr(qmm, "close"):
    qmm.close()
    for call in (lambda: job.status, lambda: handles.i.fetch_all(), job.halt):
        try:
            call()
            print("no error")
        except Exception as error:
            print(type(error).__name__)
else:
    qmm.close_all_quantum_machines()
    print(job.status)
