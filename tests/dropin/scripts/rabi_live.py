"""Power Rabi with live averages, as the libraries of QUA do it by hand."""

import time

from qm import QuantumMachinesManager
from qm.qua import *

from configuration import *

qmm = QuantumMachinesManager(
    host=qop_ip, port=qop_port, cluster_name=cluster_name, log_level="ERROR"
)
qm = qmm.open_qm(config)

n_avg = 200
amps = np.arange(0.0, 1.6, 0.2)
with program() as rabi:
    n, a = declare(int), declare(fixed)
    I, Q = declare(fixed), declare(fixed)
    I_st, Q_st, n_st = declare_stream(), declare_stream(), declare_stream()
    with for_(n, 0, n < n_avg, n + 1):
        with for_each_(a, amps.tolist()):
            play("pi" * amp(a), "qubit")
            align("qubit", "resonator")
            measure(
                "readout",
                "resonator",
                None,
                dual_demod.full("cos", "out1", "sin", "out2", I),
                dual_demod.full("minus_sin", "out1", "cos", "out2", Q),
            )
            save(I, I_st)
            save(Q, Q_st)
            wait(25000, "resonator")
        save(n, n_st)
    with stream_processing():
        I_st.buffer(len(amps)).average().save("I")
        Q_st.buffer(len(amps)).average().save("Q")
        n_st.save("iteration")

job = qm.execute(rabi)
res = job.result_handles
res.get("I").wait_for_values(1)
res.get("Q").wait_for_values(1)
looks = 0
while res.is_processing():
    I, Q = res.get("I").fetch_all(), res.get("Q").fetch_all()
    assert I.shape == Q.shape == amps.shape
    looks += 1
    time.sleep(0.005)
I, Q = res.get("I").fetch_all(), res.get("Q").fetch_all()
print(looks >= 0, int(res.get("iteration").fetch_all()) + 1)
print(np.round(4096 * I / readout_len, 3).tolist())
print(np.round(4096 * Q / readout_len, 3).tolist())
