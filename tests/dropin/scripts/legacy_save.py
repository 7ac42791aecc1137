"""Values saved under a tag, as before streams."""

from qm import QuantumMachinesManager
from qm.qua import *

from configuration import *

qmm = QuantumMachinesManager(
    host=qop_ip, port=qop_port, cluster_name=cluster_name, log_level="ERROR"
)
qm = qmm.open_qm(config)

with program() as legacy:
    i = declare(int)
    x = declare(fixed)
    with for_(i, 0, i < 8, i + 1):
        assign(x, 0.125 * Cast.to_fixed(i))
        save(i, "i")
        save(x, "x")

job = qm.execute(legacy)
res = job.result_handles
res.wait_for_all_values()
print(res.get("i").fetch_all()["value"], res.get("x").fetch_all()["value"])
print(res.get("i").fetch_all().dtype.names, (np.diff(res.i.fetch_all()["timestamp"]) > 0).all())
print(res.x.fetch(3)["value"], res.get("nothing") is None, "x" in res, "y" in res)
