"""Simulated samples of the ports."""

from qm import SimulationConfig

from qm import QuantumMachinesManager
from qm.qua import *

from configuration import *

qmm = QuantumMachinesManager(
    host=qop_ip, port=qop_port, cluster_name=cluster_name, log_level="ERROR"
)
qm = qmm.open_qm(config)

with program() as prog:
    play("pi", "qubit")
    align("qubit", "flux")
    play("bias", "flux", duration=30)

job = qmm.simulate(config, prog, SimulationConfig(300))
samples = job.get_simulated_samples()
con1 = samples.con1
print(sorted(con1.analog), sorted(con1.digital))
for port in ("1", "2", "7"):
    wave = con1.analog[port]
    print(
        port, wave.dtype, wave.shape, np.flatnonzero(wave)[:1], round(float(np.abs(wave).sum()), 4)
    )
print(con1.digital["1"].dtype, con1.digital["1"].sum())
only = job.get_simulated_samples(include_digital=False)
print(sorted(only.con1.digital), len(only.con1.analog["1"]))
