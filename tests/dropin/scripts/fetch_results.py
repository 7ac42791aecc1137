"""All results at once."""

from qm import QuantumMachinesManager
from qm.qua import *

from configuration import *

qmm = QuantumMachinesManager(
    host=qop_ip, port=qop_port, cluster_name=cluster_name, log_level="ERROR"
)
qm = qmm.open_qm(config)

with program() as prog:
    i = declare(int)
    x = declare(fixed)
    streams = [declare_stream() for _ in range(3)]
    with for_(i, 0, i < 6, i + 1):
        assign(x, Math.cos2pi(Cast.mul_fixed_by_int(0.125, i)))
        save(i, streams[0])
        save(x, streams[1])
        save(i, streams[2])
    with stream_processing():
        streams[0].save_all("i")
        streams[1].buffer(2).save_all("x")
        streams[2].save("last")

job = qm.execute(prog)
res = job.result_handles
everything = res.fetch_results(timeout=60)
for name in sorted(everything):
    print(name, everything[name], getattr(everything[name], "dtype", None))
print(res.fetch_results(stream_names=["i"], item=slice(1, 3)))
print(res.fetch_results(stream_names={"x": 1, "last": 0}))
try:
    res.fetch_results(stream_names=["z"])
except Exception as error:
    print(type(error).__name__)
