"""Active reset with feedback, and state discrimination."""

from qm import QuantumMachinesManager
from qm.qua import *

from configuration import *

qmm = QuantumMachinesManager(
    host=qop_ip, port=qop_port, cluster_name=cluster_name, log_level="ERROR"
)
qm = qmm.open_qm(config)

threshold = 0.0
with program() as reset:
    n = declare(int)
    I = declare(fixed)
    tries = declare(int)
    state = declare(bool)
    tries_st, state_st, I_st = declare_stream(), declare_stream(), declare_stream()
    with for_(n, 0, n < 40, n + 1):
        play("pi", "qubit")
        align("qubit", "resonator")
        measure("readout", "resonator", None, demod.full("cos", I, "out1"))
        assign(tries, 0)
        with while_((I < threshold) & (tries < 3)):
            align("resonator", "qubit")
            play("pi", "qubit", condition=I < threshold)
            align("qubit", "resonator")
            measure("readout", "resonator", None, demod.full("cos", I, "out1"))
            assign(tries, tries + 1)
        assign(state, I < threshold)
        save(state, state_st)
        save(tries, tries_st)
        save(I, I_st)
        wait(50000, "qubit", "resonator")
    with stream_processing():
        state_st.boolean_to_int().average().save("excited")
        tries_st.save_all("tries")
        I_st.save_all("I")

job = qm.execute(reset)
res = job.result_handles
res.wait_for_all_values()
print(res.excited.fetch_all(), np.bincount(res.tries.fetch_all()["value"], minlength=4))
print(res.I.fetch_all()["value"].mean().round(6))
