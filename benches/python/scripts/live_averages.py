"""Ten averages, fetched whenever there is a new one."""

from configuration import *
from qm import QuantumMachinesManager
from qm.qua import *

qmm = QuantumMachinesManager(host=qop_ip, port=qop_port, cluster_name=cluster_name, log_level="ERROR")
qm = qmm.open_qm(config)

with program() as prog:
    n, i = declare(int), declare(int)
    streams, n_st = [declare_stream() for _ in range(10)], declare_stream()
    with for_(n, 0, n < 1500, n + 1):
        with for_(i, 0, i < 20, i + 1):
            wait(2500)
            for stream in streams:
                save(i, stream)
        save(n, n_st)
    with stream_processing():
        for number, stream in enumerate(streams):
            stream.buffer(20).average().save(f"average{number}")
        n_st.buffer(50).save_all("fifty")

job = qm.execute(prog)
results = job.result_handles
for step in range(30):
    results.get("fifty").wait_for_values(step + 1)
    for number in range(10):
        results.get(f"average{number}").fetch_all()
