"""Sliced, accumulated and windowed demodulation."""

from qm import QuantumMachinesManager
from qm.qua import *

from configuration import *

qmm = QuantumMachinesManager(
    host=qop_ip, port=qop_port, cluster_name=cluster_name, log_level="ERROR"
)
qm = qmm.open_qm(config)

slices = 10
with program() as prog:
    k = declare(int)
    sliced = declare(fixed, size=slices)
    accumulated = declare(fixed, size=slices)
    total = declare(fixed)
    s_st, a_st = declare_stream(), declare_stream()
    measure(
        "readout",
        "resonator",
        None,
        demod.sliced("cos", sliced, readout_len // (4 * slices), "out1"),
        demod.accumulated("cos", accumulated, readout_len // (4 * slices), "out1"),
        demod.full("cos", total, "out1"),
    )
    with for_(k, 0, k < slices, k + 1):
        save(sliced[k], s_st)
        save(accumulated[k], a_st)
    save(total, "total")
    with stream_processing():
        s_st.buffer(slices).save("sliced")
        a_st.buffer(slices).save("accumulated")

job = qm.execute(prog)
res = job.result_handles
res.wait_for_all_values()
sliced, accumulated = res.sliced.fetch_all(), res.accumulated.fetch_all()
print(np.allclose(np.cumsum(sliced), accumulated, atol=1e-6))
print(round(float(res.total.fetch_all()["value"][0] - accumulated[-1]), 6))
