"""A simulation whose inputs see its outputs."""

from qm import LoopbackInterface, SimulationConfig

from qm import QuantumMachinesManager
from qm.qua import *

from configuration import *

qmm = QuantumMachinesManager(
    host=qop_ip, port=qop_port, cluster_name=cluster_name, log_level="ERROR"
)
qm = qmm.open_qm(config)

with program() as prog:
    I = declare(fixed)
    st, adc = declare_stream(), declare_stream(adc_trace=True)
    measure("readout", "resonator", adc, demod.full("cos", I, "out1"))
    save(I, st)
    with stream_processing():
        st.save("I")
        adc.input1().save("trace")

interface = LoopbackInterface([("con1", 5, "con1", 1), ("con1", 6, "con1", 2)], latency=180)
job = qmm.simulate(config, prog, SimulationConfig(1000, simulation_interface=interface))
job.result_handles.wait_for_all_values()
print(round(float(job.result_handles.I.fetch_all()), 6))
print(job.result_handles.trace.fetch_all().shape, job.result_handles.get("trace").fetch_all()[:4])
print(job.status, type(job).__name__)
