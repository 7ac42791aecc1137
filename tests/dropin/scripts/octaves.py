"""Qubits behind octaves."""

from qm.octave import QmOctaveConfig

from configuration import *
from qm import QuantumMachinesManager
from qm.qua import *

octave_config = QmOctaveConfig()
octave_config.add_device_info("octave1", qop_ip, qop_port or 11050)
qmm = QuantumMachinesManager(
    host=qop_ip, port=qop_port, cluster_name=cluster_name, octave=octave_config, log_level="ERROR"
)
qm = qmm.open_qm(with_octave)
qm.octave.set_lo_frequency("qubit", 5.0e9)
qm.octave.set_rf_output_gain("qubit", -10)
with program() as prog:
    n = declare(int)
    I = declare(fixed)
    st = declare_stream()
    with for_(n, 0, n < 5, n + 1):
        play("pi", "qubit")
        align()
        measure("readout", "resonator", None, demod.full("cos", I, "out1"))
        save(n, st)
    with stream_processing():
        st.save_all("n")

job = qm.execute(prog)
job.result_handles.wait_for_all_values()
print(job.result_handles.n.fetch_all()["value"])
