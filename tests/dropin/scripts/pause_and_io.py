"""A handshake: the program pauses, Python sets a register and resumes."""

import time

from qm import QuantumMachinesManager
from qm.qua import *

from configuration import *

qmm = QuantumMachinesManager(
    host=qop_ip, port=qop_port, cluster_name=cluster_name, log_level="ERROR"
)
qm = qmm.open_qm(config)

with program() as handshake:
    value = declare(int)
    st = declare_stream()
    i = declare(int)
    with for_(i, 0, i < 4, i + 1):
        pause()
        assign(value, IO1)
        assign(IO2, value * 2)
        save(value, st)
    with stream_processing():
        st.save_all("value")

job = qm.execute(handshake)
answers = []
for given in (7, 3, 100, 0):
    while not job.is_paused():
        time.sleep(0.001)
    qm.set_io1_value(given)
    job.resume()
    if given != 0:
        while not job.is_paused():
            time.sleep(0.001)
        answers.append(qm.get_io2_value()["int_value"])
job.result_handles.wait_for_all_values()
print(answers, job.result_handles.value.fetch_all()["value"])
