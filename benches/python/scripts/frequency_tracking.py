"""A frequency followed for 80 steps of a Ramsey measurement of 5 ms."""

from configuration import *
from qm import QuantumMachinesManager
from qm.qua import *

qmm = QuantumMachinesManager(host=qop_ip, port=qop_port, cluster_name=cluster_name, log_level="ERROR")
qm = qmm.open_qm(config)

with program() as prog:
    f = declare_input_stream(int, name="f")
    n, I, st = declare(int), declare(fixed), declare_stream()
    with infinite_loop_():
        advance_input_stream(f)
        update_frequency("qubit", f)
        with for_(n, 0, n < 100, n + 1):
            play("pi_half", "qubit")
            wait(250, "qubit")
            play("pi_half", "qubit")
            align()
            measure("readout", "resonator", None, demod.full("cos", I, "out1"))
            save(I, st)
            wait(12_500)
    with stream_processing():
        st.buffer(100).save_all("shots")

job = qm.execute(prog)
shots = job.result_handles.get("shots")
frequency = qubit_IF
for step in range(80):
    job.push_to_input_stream("f", int(frequency))
    shots.wait_for_values(step + 1)
    frequency += 1e3 * np.sign(shots.fetch(step)["value"].mean())
job.halt()
