"""A sweep of simulations."""

from qm import SimulationConfig

from qm import QuantumMachinesManager
from qm.qua import *

from configuration import *

qmm = QuantumMachinesManager(
    host=qop_ip, port=qop_port, cluster_name=cluster_name, log_level="ERROR"
)
qm = qmm.open_qm(config)

areas = []
for scale in (0.25, 0.5, 1.0):
    with program() as prog:
        play("pi" * amp(scale), "qubit")
    samples = qmm.simulate(config, prog, SimulationConfig(150)).get_simulated_samples()
    areas.append(np.abs(samples.con1.analog["1"]).max())
print(np.round(np.array(areas) / areas[-1], 2))
