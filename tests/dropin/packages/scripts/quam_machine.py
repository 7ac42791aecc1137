"""A machine described by QuAM."""

from configuration import cluster_name, np, qop_ip, qop_port
from qm import QuantumMachinesManager
from qm.qua import *
from quam.components import *
from quam.components.channels import InOutIQChannel, IQChannel
from quam.components.pulses import (
    ConstantReadoutPulse,
    DragGaussianPulse,
    SquarePulse,
    SquareReadoutPulse,
)
from quam.examples.superconducting_qubits import Quam, Transmon

machine = Quam()
machine.qubits["q1"] = qubit = Transmon(id="q1")
qubit.xy = IQChannel(
    opx_output_I=("con1", 1),
    opx_output_Q=("con1", 2),
    frequency_converter_up=FrequencyConverter(
        local_oscillator=LocalOscillator(frequency=5e9), mixer=Mixer()
    ),
    intermediate_frequency=50e6,
)
qubit.xy.operations["x180"] = SquarePulse(length=40, amplitude=0.2)
configuration = machine.generate_config()
print(
    sorted(configuration["elements"]), configuration["controllers"]["con1"]["analog_outputs"].keys()
)
qmm = QuantumMachinesManager(
    host=qop_ip, port=qop_port, cluster_name=cluster_name, log_level="ERROR"
)
qm = qmm.open_qm(configuration)
with program() as prog:
    n = declare(int)
    st = declare_stream()
    with for_(n, 0, n < 6, n + 1):
        qubit.xy.play("x180")
        save(n, st)
    with stream_processing():
        st.save_all("n")
job = qm.execute(prog)
job.result_handles.wait_for_all_values()
print(job.result_handles.n.fetch_all()["value"])
