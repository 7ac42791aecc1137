"""A program compiled once and run at fifty points by its waveform."""

from configuration import *
from qm import QuantumMachinesManager
from qm.qua import *

qmm = QuantumMachinesManager(host=qop_ip, port=qop_port, cluster_name=cluster_name, log_level="ERROR")
qm = qmm.open_qm(config)

with program() as prog:
    n, st = declare(int), declare_stream()
    with for_(n, 0, n < 50, n + 1):
        play("pi", "qubit")
        save(n, st)
        wait(25_000)
    with stream_processing():
        st.save_all("n")

program_id = qm.compile(prog)
for number in range(50):
    pending = qm.queue.add_compiled(
        program_id, overrides={"waveforms": {"pi_wf": [0.1 + number / 500] * pi_len}}
    )
    job = pending.wait_for_execution()
    job.result_handles.wait_for_all_values()
    job.result_handles.fetch_results()
