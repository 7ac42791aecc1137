"""A mixer's correction while the job runs."""

from qm.exceptions import QmQuaException

from qm import QuantumMachinesManager
from qm.qua import *

from configuration import *

qmm = QuantumMachinesManager(
    host=qop_ip, port=qop_port, cluster_name=cluster_name, log_level="ERROR"
)
qm = qmm.open_qm(config)

with program() as prog:
    with infinite_loop_():
        play("cw", "qubit")

job = qm.execute(prog)
print(np.round(job.get_element_correction("qubit"), 5))
print(job.set_element_correction("qubit", (1.03, 0.0421, -0.0377, 0.98)))
print(job.get_element_correction("qubit"))
for element, matrix in [
    ("nobody", (1, 0, 0, 1)),
    ("flux", (1, 0, 0, 1)),
    ("qubit", (3.0, 0, 0, 1)),
]:
    try:
        job.set_element_correction(element, matrix)
    except QmQuaException as error:
        print(type(error).__name__, error.code, getattr(error, "element_name", None))
job.halt()
