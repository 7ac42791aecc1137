"""Two-qubit randomized benchmarking: sequences through input streams."""

import random

from qm import QuantumMachinesManager
from qm.qua import *

from configuration import *

qmm = QuantumMachinesManager(
    host=qop_ip, port=qop_port, cluster_name=cluster_name, log_level="ERROR"
)
qm = qmm.open_qm(config)

random.seed(7)
depth = 10
with program() as rb:
    gates = declare_input_stream(int, name="gates", size=depth)
    length = declare_input_stream(int, name="length")
    n, i = declare(int), declare(int)
    state = declare(int)
    st = declare_stream()
    with for_(n, 0, n < 30, n + 1):
        advance_input_stream(gates)
        advance_input_stream(length)
        assign(state, 0)
        with for_(i, 0, i < length, i + 1):
            with switch_(gates[i]):
                with case_(0):
                    play("pi", "qubit")
                    assign(state, state ^ 1)
                with case_(1):
                    play("pi", "qubit2")
                    assign(state, state ^ 2)
                with default_():
                    wait(4, "qubit")
        align()
        save(state, st)
    with stream_processing():
        st.save_all("state")

job = qm.execute(rb)
expected = []
for _ in range(30):
    sequence = [random.randrange(3) for _ in range(depth)]
    job.push_to_input_stream("gates", sequence)
    job.push_to_input_stream("length", depth)
    expected.append((sequence.count(0) % 2) | (sequence.count(1) % 2) << 1)
handle = job.result_handles.get("state")
handle.wait_for_all_values(timeout=60)
print((handle.fetch_all()["value"] == expected).all(), expected[:5])
