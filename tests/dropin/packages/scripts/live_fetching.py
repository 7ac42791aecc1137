"""Live data by fetching_tool, a progress bar, a window that halts the job."""

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from qualang_tools.loops import from_array
from qualang_tools.plot import interrupt_on_close
from qualang_tools.results import fetching_tool, progress_counter

from configuration import *
from qm import QuantumMachinesManager
from qm.qua import *

qmm = QuantumMachinesManager(
    host=qop_ip, port=qop_port, cluster_name=cluster_name, log_level="ERROR"
)
qm = qmm.open_qm(config)

n_avg = 300
amps = np.linspace(0, 1.5, 11)
with program() as rabi:
    n, a = declare(int), declare(fixed)
    I, Q = declare(fixed), declare(fixed)
    I_st, Q_st, n_st = declare_stream(), declare_stream(), declare_stream()
    with for_(n, 0, n < n_avg, n + 1):
        with for_(*from_array(a, amps)):
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
        save(n, n_st)
    with stream_processing():
        I_st.buffer(len(amps)).average().save("I")
        Q_st.buffer(len(amps)).average().save("Q")
        n_st.save("iteration")

job = qm.execute(rabi)
results = fetching_tool(job, data_list=["I", "Q", "iteration"], mode="live")
fig = plt.figure()
interrupt_on_close(fig, job)
while results.is_processing():
    I, Q, iteration = results.fetch_all()
    progress_counter(iteration, n_avg, start_time=results.get_start_time())
    plt.cla()
    plt.plot(amps, I, ".")
    plt.pause(0.001)
I, Q, iteration = results.fetch_all()
print()
print("last", iteration, np.round(4096 * I / readout_len, 3).tolist())
