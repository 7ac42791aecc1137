"""The waveform report of a simulation."""

from qm import SimulationConfig

from qm import QuantumMachinesManager
from qm.qua import *

from configuration import *

qmm = QuantumMachinesManager(
    host=qop_ip, port=qop_port, cluster_name=cluster_name, log_level="ERROR"
)
qm = qmm.open_qm(config)

with program() as prog:
    n = declare(int)
    with for_(n, 0, n < 5, n + 1):
        play("pi", "qubit")
        align()
        measure("readout", "resonator", None)

job = qm.simulate(prog, SimulationConfig(1500))
report = job.get_simulated_waveform_report()
for waveform in report.analog_waveforms[:4]:
    print(waveform.element, waveform.pulse_name, waveform.length, waveform.timestamp)
print(len(report.analog_waveforms), len(report.digital_waveforms), len(report.adc_acquisitions))
print(
    report.to_string().splitlines()[0] != "", report.controllers_in_use, report.elements_in_report
)
print(sorted(report.to_dict()))
