"""A machine that is had for a session, and waited for."""

import copy

from configuration import *
from qm import QuantumMachinesManager
from qm.qua import *
from qualang_tools.multi_user import qm_session

qmm = QuantumMachinesManager(
    host=qop_ip, port=qop_port, cluster_name=cluster_name, log_level="ERROR"
)
with qm_session(qmm, config, timeout=20) as qm:
    with program() as prog:
        n = declare(int, value=5)
        save(n, "n")
    job = qm.execute(prog)
    job.result_handles.wait_for_all_values()
    print(job.result_handles.n.fetch_all()["value"])
    try:
        with qm_session(qmm, config, timeout=0.5):
            print("had twice")
    except TimeoutError:
        print("busy")
print(len(qmm.list_open_qms()))
