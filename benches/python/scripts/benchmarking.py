"""Two-qubit benchmarking: 2000 sequences of gates through input streams."""

import random

from configuration import *
from qm import QuantumMachinesManager
from qm.qua import *

qmm = QuantumMachinesManager(host=qop_ip, port=qop_port, cluster_name=cluster_name, log_level="ERROR")
qm = qmm.open_qm(config)

with program() as rb:
    gates = declare_input_stream(int, name="gates", size=60)
    length = declare_input_stream(int, name="length")
    n, i, state, st = declare(int), declare(int), declare(int), declare_stream()
    with for_(n, 0, n < 2000, n + 1):
        advance_input_stream(gates)
        advance_input_stream(length)
        assign(state, 0)
        with for_(i, 0, i < length, i + 1):
            with if_(gates[i] == 0):
                play("pi", "qubit")
                assign(state, state ^ 1)
        save(state, st)
        wait(12500)
    with stream_processing():
        st.save_all("state")

job = qm.execute(rb)
for _ in range(2000):
    job.push_to_input_stream("gates", [random.randrange(3) for _ in range(60)])
    job.push_to_input_stream("length", 60)
job.result_handles.get("state").wait_for_all_values()
job.result_handles.get("state").fetch_all()
