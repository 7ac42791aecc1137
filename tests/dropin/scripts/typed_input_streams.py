"""Input streams of every type, and what they refuse."""

from qm.exceptions import QmQuaException

from qm import QuantumMachinesManager
from qm.qua import *

from configuration import *

qmm = QuantumMachinesManager(
    host=qop_ip, port=qop_port, cluster_name=cluster_name, log_level="ERROR"
)
qm = qmm.open_qm(config)

with program() as prog:
    i = declare_input_stream(int, name="i")
    x = declare_input_stream(fixed, name="x", size=3)
    b = declare_input_stream(bool, name="b")
    s_i, s_x, s_b = declare_stream(), declare_stream(), declare_stream()
    k = declare(int)
    advance_input_stream(i)
    advance_input_stream(x)
    advance_input_stream(b)
    save(i, s_i)
    with for_(k, 0, k < 3, k + 1):
        save(x[k], s_x)
    save(b, s_b)
    with stream_processing():
        s_i.save_all("i")
        s_x.buffer(3).save_all("x")
        s_b.save_all("b")

job = qm.execute(prog)
for name, data in [
    ("none", 1),
    ("x", [0.5]),
    ("i", [1, 2]),
    ("i", [1, 0.5]),
    ("i", "text"),
    ("i", []),
]:
    try:
        job.push_to_input_stream(name, data)
        print(name, data, "taken")
    except Exception as error:
        print(
            name,
            data,
            type(error).__name__,
            isinstance(error, QmQuaException),
            getattr(error, "code", None),
        )
job.push_to_input_stream("i", -5)
job.push_to_input_stream("x", [0.5, -0.25, 1.75])
job.push_to_input_stream("b", True)
print({name: value.tolist() for name, value in job.result_handles.fetch_results().items()})
