"""Results with the times when they were saved."""

from qm import QuantumMachinesManager
from qm.qua import *

from configuration import *

qmm = QuantumMachinesManager(
    host=qop_ip, port=qop_port, cluster_name=cluster_name, log_level="ERROR"
)
qm = qmm.open_qm(config)

with program() as prog:
    n = declare(int)
    st = declare_stream()
    with for_(n, 0, n < 5, n + 1):
        wait(25, "qubit")
        save(n, st)
    with stream_processing():
        st.with_timestamps().save_all("n")
        st.timestamps().save_all("times")
        st.with_timestamps().save("last")

job = qm.execute(prog)
res = job.result_handles
res.wait_for_all_values()
both = res.n.fetch_all()
print(both.dtype.names, both.shape, both["value"])
print(np.unique(np.diff(both["timestamp"])).shape, (res.times.fetch_all()["value"] > 0).all())
print(res.last.fetch_all().dtype.names, res.last.fetch_all()["value"])
