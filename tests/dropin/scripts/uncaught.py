"""A script that ends with an exception."""

from qm.exceptions import QmQuaException

from qm import QuantumMachinesManager
from qm.qua import *

from configuration import *

qmm = QuantumMachinesManager(
    host=qop_ip, port=qop_port, cluster_name=cluster_name, log_level="ERROR"
)
qm = qmm.open_qm(config)

with program() as prog:
    x = declare_input_stream(int, name="x")
    advance_input_stream(x)

job = qm.execute(prog)


def push_something():
    try:
        job.push_to_input_stream("y", 1)
    except QmQuaException as error:
        raise RuntimeError(f"no stream: {error.code}") from None


push_something()
