"""Resonator spectroscopy, plotted live."""

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

from qm import QuantumMachinesManager
from qm.qua import *

from configuration import *

qmm = QuantumMachinesManager(
    host=qop_ip, port=qop_port, cluster_name=cluster_name, log_level="ERROR"
)
qm = qmm.open_qm(config)

frequencies = np.arange(10e6, 60e6, 10e6).astype(int)
with program() as spec:
    n, f = declare(int), declare(int)
    I, Q = declare(fixed), declare(fixed)
    I_st, Q_st = declare_stream(), declare_stream()
    with for_(n, 0, n < 50, n + 1):
        with for_each_(f, frequencies.tolist()):
            update_frequency("resonator", f)
            measure(
                "readout",
                "resonator",
                None,
                dual_demod.full("cos", "out1", "sin", "out2", I),
                dual_demod.full("minus_sin", "out1", "cos", "out2", Q),
            )
            save(I, I_st)
            save(Q, Q_st)
    with stream_processing():
        I_st.buffer(len(frequencies)).average().save("I")
        Q_st.buffer(len(frequencies)).average().save("Q")


def interrupt_on_close(figure, job):
    figure.canvas.mpl_connect("close_event", lambda event: job.halt())


job = qm.execute(spec)
figure, axes = plt.subplots()
interrupt_on_close(figure, job)
res = job.result_handles
res.I.wait_for_values(1)
res.Q.wait_for_values(1)
while res.is_processing():
    axes.cla()
    axes.plot(frequencies, np.abs(res.I.fetch_all() + 1j * res.Q.fetch_all()))
    plt.pause(0.001)
axes.cla()
axes.plot(frequencies, np.abs(res.I.fetch_all() + 1j * res.Q.fetch_all()))
print(axes.lines[0].get_ydata().round(5))
plt.close(figure)
print(job.is_paused(), job.status)
