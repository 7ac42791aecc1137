"""A mixer's correction, tuned in 1000 steps while the job plays."""

from configuration import *
from qm import QuantumMachinesManager
from qm.qua import *

qmm = QuantumMachinesManager(host=qop_ip, port=qop_port, cluster_name=cluster_name, log_level="ERROR")
qm = qmm.open_qm(config)

with program() as prog:
    with infinite_loop_():
        play("cw", "qubit")

job = qm.execute(prog)
for step in range(1000):
    job.set_element_correction("qubit", (1.0, step / 1000, -step / 1000, 1.0))
    job.get_element_correction("qubit")
job.halt()
