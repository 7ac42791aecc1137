"""Many values."""

from qm import QuantumMachinesManager
from qm.qua import *

from configuration import *

qmm = QuantumMachinesManager(
    host=qop_ip, port=qop_port, cluster_name=cluster_name, log_level="ERROR"
)
qm = qmm.open_qm(config)

with program() as prog:
    i = declare(int)
    st = declare_stream()
    with for_(i, 0, i < 200000, i + 1):
        save(i, st)
    with stream_processing():
        st.save_all("i")
        st.buffer(1000).average().save("mean")

job = qm.execute(prog)
res = job.result_handles
res.wait_for_all_values()
values = res.i.fetch_all()["value"]
print(values.dtype, values.shape, int(values.sum()), res.mean.fetch_all()[:2])
