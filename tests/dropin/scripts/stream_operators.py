"""Streams that are computed on: maps, averages, FFT, histograms."""

from qm import QuantumMachinesManager
from qm.qua import *

from configuration import *

qmm = QuantumMachinesManager(
    host=qop_ip, port=qop_port, cluster_name=cluster_name, log_level="ERROR"
)
qm = qmm.open_qm(config)

with program() as prog:
    n, i = declare(int), declare(int)
    x = declare(fixed)
    st = declare_stream()
    with for_(n, 0, n < 4, n + 1):
        with for_(i, 0, i < 8, i + 1):
            assign(x, Math.sin2pi(Cast.mul_fixed_by_int(0.125, i + n)))
            save(x, st)
    with stream_processing():
        rows = st.buffer(8)
        rows.average().save("mean")
        rows.map(FUNCTIONS.average()).save_all("means")
        rows.fft().save_all("fft")
        st.buffer(4, 8).save("matrix")
        (st.buffer(8) * 2 + 1).save_all("scaled")
        st.skip(4).take(3).save_all("few")
        st.histogram([[-1.0, 0.0], [0.0, 0.5], [0.5, 1.0]]).save("histogram")
        st.boolean_to_int().save_all("same") if False else st.save_all("all")

job = qm.execute(prog)
res = job.result_handles
res.wait_for_all_values()
for name in sorted(res.keys()):
    value = res.get(name).fetch_all(flat_struct=True)
    print(name, value.shape, value.dtype, np.round(value.ravel()[:3].tolist(), 4))
