"""Benchmarking where each of 100 sequences is waited for, with 2 ms of shots."""

import random

from configuration import *
from qm import QuantumMachinesManager
from qm.qua import *

qmm = QuantumMachinesManager(host=qop_ip, port=qop_port, cluster_name=cluster_name, log_level="ERROR")
qm = qmm.open_qm(config)

with program() as rb:
    gates = declare_input_stream(int, name="gates", size=30)
    n, i, I = declare(int), declare(int), declare(fixed)
    I_st, n_st = declare_stream(), declare_stream()
    with infinite_loop_():
        advance_input_stream(gates)
        with for_(n, 0, n < 50, n + 1):
            with for_(i, 0, i < 30, i + 1):
                with if_(gates[i] == 0):
                    play("pi", "qubit")
            align()
            measure("readout", "resonator", None, demod.full("cos", I, "out1"))
            save(I, I_st)
            wait(10_000)
        save(n, n_st)
    with stream_processing():
        I_st.buffer(50).map(FUNCTIONS.average()).save_all("I")
        n_st.save_all("shots")

job = qm.execute(rb)
for step in range(100):
    job.push_to_input_stream("gates", [random.randrange(3) for _ in range(30)])
    job.result_handles.get("shots").wait_for_values(step + 1)
    job.result_handles.get("I").wait_for_values(step + 1)
    job.result_handles.get("I").fetch(step)
job.halt()
