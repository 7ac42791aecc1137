"""Everything that a job saved, name by name."""

import warnings

from qm import QuantumMachinesManager
from qm.qua import *

from configuration import *

qmm = QuantumMachinesManager(
    host=qop_ip, port=qop_port, cluster_name=cluster_name, log_level="ERROR"
)
qm = qmm.open_qm(config)

with program() as prog:
    a = declare(int, value=[3, 1, 2])
    i = declare(int)
    s1, s2 = declare_stream(), declare_stream()
    with for_(i, 0, i < 3, i + 1):
        save(a[i], s1)
        save(i, s2)
    with stream_processing():
        s1.save_all("values")
        s2.buffer(3).save("index")
        s1.average().save("mean")

job = qm.execute(prog)
job.result_handles.wait_for_all_values()
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    for name, handle in job.result_handles:
        print(name, type(handle).__name__, handle.fetch_all())
print(sorted(job.result_handles.keys()), len(job.result_handles))
print({name: str(handle.fetch_all()) for name, handle in job.result_handles.items()})
