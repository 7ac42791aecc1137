"""A compiled program run again with other waveforms."""

from qm import QuantumMachinesManager
from qm.qua import *

from configuration import *

qmm = QuantumMachinesManager(
    host=qop_ip, port=qop_port, cluster_name=cluster_name, log_level="ERROR"
)
qm = qmm.open_qm(config)

with program() as prog:
    n = declare(int, value=3)
    st = declare_stream()
    play("pi", "qubit")
    save(n, st)
    with stream_processing():
        st.save_all("n")

program_id = qm.compile(prog)
pending = qm.queue.add_compiled(program_id)
job = pending.wait_for_execution()
job.result_handles.wait_for_all_values()
print(job.result_handles.n.fetch_all())
pending = qm.queue.add_compiled(program_id, overrides={"waveforms": {"pi_wf": [0.1] * pi_len}})
job = pending.wait_for_execution()
print(job.result_handles.wait_for_all_values(), job.status)
