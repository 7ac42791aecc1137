"""Twenty simulations of 40 µs, with their samples."""

from qm import SimulationConfig

from configuration import *
from qm import QuantumMachinesManager
from qm.qua import *

qmm = QuantumMachinesManager(host=qop_ip, port=qop_port, cluster_name=cluster_name, log_level="ERROR")
qm = qmm.open_qm(config)

with program() as prog:
    n = declare(int)
    with for_(n, 0, n < 100, n + 1):
        play("pi", "qubit")
        align()
        play("cw", "resonator")
for _ in range(20):
    job = qmm.simulate(config, prog, SimulationConfig(10_000))
    job.get_simulated_samples().con1.analog["1"]
