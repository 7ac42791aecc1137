"""Raw ADC traces of the two inputs, averaged and single run."""

from qm import QuantumMachinesManager
from qm.qua import *

from configuration import *

qmm = QuantumMachinesManager(
    host=qop_ip, port=qop_port, cluster_name=cluster_name, log_level="ERROR"
)
qm = qmm.open_qm(config)

n_avg = 20
with program() as raw_trace_prog:
    n = declare(int)
    adc_st = declare_stream(adc_trace=True)
    with for_(n, 0, n < n_avg, n + 1):
        reset_phase("resonator")
        measure("readout", "resonator", adc_st)
        wait(250, "resonator")
    with stream_processing():
        adc_st.input1().average().save("adc1")
        adc_st.input2().average().save("adc2")
        adc_st.input1().save("adc1_single_run")

job = qm.execute(raw_trace_prog)
res_handles = job.result_handles
res_handles.wait_for_all_values()
for name in ("adc1", "adc2", "adc1_single_run"):
    trace = res_handles.get(name).fetch_all()
    print(name, trace.shape, trace.dtype, np.round(trace[:3], 3), round(float(trace.std()), 4))
