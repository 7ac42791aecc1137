"""Programs and configurations with mistakes."""

import copy

from qm.exceptions import OpenQmException, QmQuaException

from qm import QuantumMachinesManager
from qm.qua import *

from configuration import *

qmm = QuantumMachinesManager(
    host=qop_ip, port=qop_port, cluster_name=cluster_name, log_level="ERROR"
)
qm = qmm.open_qm(config)

bad = copy.deepcopy(config)
bad["elements"]["qubit"]["operations"]["pi"] = "no_such_pulse"
try:
    qmm.open_qm(bad)
except OpenQmException as error:
    print(type(error).__name__)
with program() as prog:
    play("pi", "qubit")
    play("nothing", "qubit")
for attempt in (qm.execute, qm.compile, qm.queue.add):
    try:
        attempt(prog)
    except QmQuaException as error:
        print(type(error).__name__)
print(
    qmm.list_open_quantum_machines() != [] if hasattr(qmm, "list_open_quantum_machines") else True
)
