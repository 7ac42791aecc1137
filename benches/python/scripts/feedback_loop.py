"""One value in, one average of 200 shots out, 100 times: a closed loop in Python."""

from configuration import *
from qm import QuantumMachinesManager
from qm.qua import *

qmm = QuantumMachinesManager(host=qop_ip, port=qop_port, cluster_name=cluster_name, log_level="ERROR")
qm = qmm.open_qm(config)

with program() as loop:
    f = declare_input_stream(int, name="frequency")
    n, I, st = declare(int), declare(fixed), declare_stream()
    with infinite_loop_():
        advance_input_stream(f)
        update_frequency("resonator", f)
        with for_(n, 0, n < 200, n + 1):
            measure("readout", "resonator", None, demod.full("cos", I, "out1"))
            save(I, st)
            wait(2500, "resonator")
    with stream_processing():
        st.buffer(200).map(FUNCTIONS.average()).save_all("I")

job = qm.execute(loop)
I = job.result_handles.get("I")
value = 30e6
for step in range(100):
    job.push_to_input_stream("frequency", [int(value)])
    I.wait_for_values(step + 1)
    value += 1e4 * I.fetch(step)["value"][0]
job.halt()
