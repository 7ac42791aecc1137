"""A program that goes over what outputs can, and its report."""

from qm import QuantumMachinesManager
from qm.qua import *

from configuration import *

qmm = QuantumMachinesManager(
    host=qop_ip, port=qop_port, cluster_name=cluster_name, log_level="ERROR"
)
qm = qmm.open_qm(config)

with program() as prog:
    n = declare(int)
    a = declare(int, size=3)
    st = declare_stream()
    with for_(n, 0, n < 5, n + 1):
        assign(a[n], n)
        save(n, st)
    with stream_processing():
        st.save_all("n")

job = qm.execute(prog)
job.result_handles.wait_for_all_values()
report = job.execution_report()
print(type(report).__name__, report.has_errors())
print([(error.error_code, error.severity.name) for error in report.errors()])
print(job.result_handles.n.fetch_all(check_for_errors=False)["value"])
