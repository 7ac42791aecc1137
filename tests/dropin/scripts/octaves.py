"""Qubits behind octaves."""

import copy

from qm.octave import QmOctaveConfig

from configuration import *
from qm import QuantumMachinesManager
from qm.qua import *

octave_config = QmOctaveConfig()
octave_config.add_device_info("octave1", qop_ip, qop_port or 11050)
with_octave = copy.deepcopy(config)
with_octave["elements"] = {
    "qubit": {
        "RF_inputs": {"port": ("octave1", 1)},
        "intermediate_frequency": qubit_IF,
        "operations": {"cw": "const_pulse", "pi": "pi_pulse"},
    },
    "resonator": {
        "RF_inputs": {"port": ("octave1", 2)},
        "RF_outputs": {"port": ("octave1", 1)},
        "intermediate_frequency": resonator_IF,
        "operations": {"readout": "readout_pulse"},
        "time_of_flight": time_of_flight,
        "smearing": 0,
    },
}
with_octave["mixers"] = {}
with_octave["octaves"] = {
    "octave1": {
        "RF_outputs": {
            1: {
                "LO_frequency": 4.9e9,
                "LO_source": "internal",
                "output_mode": "always_on",
                "gain": 0,
            },
            2: {
                "LO_frequency": 6.1e9,
                "LO_source": "internal",
                "output_mode": "always_on",
                "gain": -5,
            },
        },
        "RF_inputs": {1: {"RF_source": "RF_in", "LO_frequency": 4.9e9, "LO_source": "internal"}},
        "connectivity": "con1",
    }
}
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
