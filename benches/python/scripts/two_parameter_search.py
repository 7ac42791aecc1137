"""A search over two parameters: 60 points, each measured 200 times."""

from configuration import *
from qm import QuantumMachinesManager
from qm.qua import *

qmm = QuantumMachinesManager(host=qop_ip, port=qop_port, cluster_name=cluster_name, log_level="ERROR")
qm = qmm.open_qm(config)

with program() as prog:
    x = declare_input_stream(fixed, name="x", size=2)
    n, I, st = declare(int), declare(fixed), declare_stream()
    with infinite_loop_():
        advance_input_stream(x)
        with for_(n, 0, n < 200, n + 1):
            play("pi" * amp(x[0]), "qubit")
            align()
            measure("readout" * amp(x[1]), "resonator", None, demod.full("cos", I, "out1"))
            save(I, st)
            wait(2500)
    with stream_processing():
        st.buffer(200).map(FUNCTIONS.average()).save_all("I")

job = qm.execute(prog)
point, size = np.array([0.5, 0.5]), 0.3
best = np.inf
for step in range(60):
    trial = np.clip(point + size * np.array([np.cos(step), np.sin(step)]), 0, 1.9)
    job.push_to_input_stream("x", [float(value) for value in trial])
    job.result_handles.I.wait_for_values(step + 1)
    value = float(job.result_handles.I.fetch(step)["value"][0])
    if value < best:
        point, best = trial, value
    size *= 0.98
job.halt()
