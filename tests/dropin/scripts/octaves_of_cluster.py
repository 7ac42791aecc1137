"""Qubits behind octaves that the cluster knows of, as from QOP 2.4 on."""

from configuration import *
from qm import QuantumMachinesManager
from qm.qua import *

qmm = QuantumMachinesManager(
    host=qop_ip, port=qop_port, cluster_name=cluster_name, log_level="ERROR"
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
