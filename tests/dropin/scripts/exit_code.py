"""A script that checks, and says so by its exit status."""

import sys

from qm import QuantumMachinesManager
from qm.qua import *

from configuration import *

qmm = QuantumMachinesManager(
    host=qop_ip, port=qop_port, cluster_name=cluster_name, log_level="ERROR"
)
qm = qmm.open_qm(config)

with program() as prog:
    i = declare(int, value=4)
    save(i, "i")

job = qm.execute(prog)
job.result_handles.wait_for_all_values()
value = int(job.result_handles.i.fetch_all()["value"][0])
print("measured", value)
if value != 5:
    sys.exit(3)
