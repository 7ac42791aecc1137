"""All data at the end, by fetching_tool."""

from qualang_tools.results import fetching_tool

from configuration import *
from qm import QuantumMachinesManager
from qm.qua import *

qmm = QuantumMachinesManager(
    host=qop_ip, port=qop_port, cluster_name=cluster_name, log_level="ERROR"
)
qm = qmm.open_qm(config)

with program() as prog:
    n = declare(int)
    x = declare(fixed)
    s1, s2, s3 = declare_stream(), declare_stream(), declare_stream()
    with for_(n, 0, n < 20, n + 1):
        assign(x, Cast.mul_fixed_by_int(0.03125, n))
        save(n, s1)
        save(x, s2)
        save(n, s3)
    with stream_processing():
        s1.save_all("n")
        s2.buffer(5).save_all("x")
        s3.save("last")

job = qm.execute(prog)
n, x, last = fetching_tool(job, data_list=["n", "x", "last"], mode="wait_for_all").fetch_all()
print(n.tolist(), x.shape, x[-1].tolist(), last)
