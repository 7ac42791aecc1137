"""A drift watched: 40 blocks of 20 ms, each handed on when it is whole."""

from configuration import *
from qm import QuantumMachinesManager
from qm.qua import *

qmm = QuantumMachinesManager(host=qop_ip, port=qop_port, cluster_name=cluster_name, log_level="ERROR")
qm = qmm.open_qm(config)

with program() as prog:
    n, I, Q = declare(int), declare(fixed), declare(fixed)
    I_st, Q_st = declare_stream(), declare_stream()
    with for_(n, 0, n < 4000, n + 1):
        measure("readout", "resonator", None,
                dual_demod.full("cos", "out1", "sin", "out2", I),
                dual_demod.full("minus_sin", "out1", "cos", "out2", Q))
        save(I, I_st)
        save(Q, Q_st)
        wait(50_000)
    with stream_processing():
        I_st.buffer(100).save_all("I")
        Q_st.buffer(100).save_all("Q")

job = qm.execute(prog)
for block in range(40):
    job.result_handles.I.wait_for_values(block + 1)
    job.result_handles.Q.wait_for_values(block + 1)
    I, Q = job.result_handles.I.fetch(block)["value"], job.result_handles.Q.fetch(block)["value"]
    drift = np.angle((I + 1j * Q).mean())
