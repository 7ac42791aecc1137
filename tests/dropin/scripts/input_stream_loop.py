"""One value in, one result out."""

from qm import QuantumMachinesManager
from qm.qua import *

from configuration import *

qmm = QuantumMachinesManager(
    host=qop_ip, port=qop_port, cluster_name=cluster_name, log_level="ERROR"
)
qm = qmm.open_qm(config)

with program() as loop:
    f = declare_input_stream(int, name="frequency")
    n = declare(int)
    st = declare_stream()
    with for_(n, 0, n < 25, n + 1):
        advance_input_stream(f)
        update_frequency("resonator", f)
        save(f, st)
    with stream_processing():
        st.save_all("seen")

job = qm.execute(loop)
seen = job.result_handles.get("seen")
for step in range(25):
    job.push_to_input_stream("frequency", [int(1e6) * step])
    seen.wait_for_values(step + 1)
    assert seen.fetch(step)["value"] == int(1e6) * step
seen.wait_for_all_values()
print(seen.fetch_all()["value"].sum(), job.status)
