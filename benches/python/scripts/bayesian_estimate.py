"""A frequency estimated shot by shot: 150 single shots, each chosen by what was seen."""

from configuration import *
from qm import QuantumMachinesManager
from qm.qua import *

qmm = QuantumMachinesManager(host=qop_ip, port=qop_port, cluster_name=cluster_name, log_level="ERROR")
qm = qmm.open_qm(config)

with program() as prog:
    tau = declare_input_stream(int, name="tau")
    I, state, st = declare(fixed), declare(bool), declare_stream()
    with infinite_loop_():
        advance_input_stream(tau)
        play("pi_half", "qubit")
        wait(tau, "qubit")
        play("pi_half", "qubit")
        align()
        measure("readout", "resonator", None, demod.full("cos", I, "out1"))
        assign(state, I > 0)
        save(state, st)
        wait(25_000)
    with stream_processing():
        st.save_all("state")

job = qm.execute(prog)
grid = np.linspace(0, 1, 101)
weights = np.ones_like(grid)
states = job.result_handles.get("state")
for step in range(150):
    tau = 4 + int(40 * np.std(grid * weights / weights.sum()) * step)
    job.push_to_input_stream("tau", tau)
    states.wait_for_values(step + 1)
    seen = bool(states.fetch(step)["value"][0])
    chance = 0.5 + 0.5 * np.cos(grid * tau)
    weights *= chance if seen else 1 - chance
    weights /= max(weights.sum(), 1e-9)
job.halt()
