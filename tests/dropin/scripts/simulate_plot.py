"""Samples and report, plotted."""

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from qm import SimulationConfig

from qm import QuantumMachinesManager
from qm.qua import *

from configuration import *

qmm = QuantumMachinesManager(
    host=qop_ip, port=qop_port, cluster_name=cluster_name, log_level="ERROR"
)
qm = qmm.open_qm(config)

with program() as prog:
    play("cw", "qubit")
    play("bias", "flux")

job = qmm.simulate(config, prog, SimulationConfig(200))
job.get_simulated_samples().con1.plot()
lines = plt.gca().lines
print(len(lines), [len(line.get_ydata()) for line in lines][:2])
job.get_simulated_samples().con1.plot(analog_ports=["1"])
print(len(plt.gcf().axes) > 0)
