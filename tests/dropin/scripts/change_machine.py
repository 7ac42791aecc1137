"""Offsets and frequencies of an open machine."""

from qm import QuantumMachinesManager
from qm.qua import *

from configuration import *

qmm = QuantumMachinesManager(
    host=qop_ip, port=qop_port, cluster_name=cluster_name, log_level="ERROR"
)
qm = qmm.open_qm(config)

qm.set_intermediate_frequency("qubit", 51e6)
qm.set_output_dc_offset_by_element("flux", "single", 0.1)
qm.set_input_dc_offset_by_element("resonator", "out1", 0.01)
print(round(qm.get_output_dc_offset_by_element("flux", "single"), 4))
print(round(qm.get_input_dc_offset_by_element("resonator", "out1"), 4))
print(qm.get_config()["elements"]["qubit"]["intermediate_frequency"])
with program() as prog:
    play("pi", "qubit")
    play("bias", "flux")
job = qm.execute(prog)
job.result_handles.wait_for_all_values()
print(len(job.result_handles), job.status)
