"""Results saved to a file and read back."""

import tempfile
from pathlib import Path

from qm import QuantumMachinesManager
from qm.qua import *

from configuration import *

qmm = QuantumMachinesManager(
    host=qop_ip, port=qop_port, cluster_name=cluster_name, log_level="ERROR"
)
qm = qmm.open_qm(config)

with program() as prog:
    i, j, product = declare(int), declare(int), declare(int)
    st = declare_stream()
    with for_(i, 0, i < 30, i + 1):
        with for_(j, 0, j < 20, j + 1):
            assign(product, i * j)
            save(product, st)
    with stream_processing():
        st.buffer(30, 20).save("table")

job = qm.execute(prog)
job.result_handles.wait_for_all_values()
table = job.result_handles.table.fetch_all()
with tempfile.TemporaryDirectory() as folder:
    np.savez(Path(folder) / "data.npz", table=table)
    again = np.load(Path(folder) / "data.npz")["table"]
print(again.shape, again.dtype, (again == np.outer(np.arange(30), np.arange(20))).all())
print(table.flags.writeable, table.flags.owndata or table.base is not None)
