"""Functions of Python that a program calls."""

from qualang_tools.callable_from_qua import callable_from_qua, patch_qua_program_addons

patch_qua_program_addons()

from configuration import *
from qm import QuantumMachinesManager
from qm.qua import *

qmm = QuantumMachinesManager(
    host=qop_ip, port=qop_port, cluster_name=cluster_name, log_level="ERROR"
)
qm = qmm.open_qm(config)

called = []


@callable_from_qua
def note(value, name):
    called.append((name, int(value)))


with program() as prog:
    n = declare(int)
    with for_(n, 0, n < 4, n + 1):
        note(n, "first")
        play("pi", "qubit")

job = qm.execute(prog)
print(called)
