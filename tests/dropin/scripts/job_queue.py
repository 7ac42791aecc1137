"""Several programs in the queue, one after the other."""

from qm import QuantumMachinesManager
from qm.qua import *

from configuration import *

qmm = QuantumMachinesManager(
    host=qop_ip, port=qop_port, cluster_name=cluster_name, log_level="ERROR"
)
qm = qmm.open_qm(config)


def sweep(number):
    with program() as prog:
        go = declare_input_stream(int, name="go")
        st = declare_stream()
        advance_input_stream(go)
        save(go, st)
        with stream_processing():
            st.save_all("result")
    return prog


pending = [qm.queue.add(sweep(number)) for number in range(4)]
first = pending[0].wait_for_execution()
print(qm.queue.count, [job.position_in_queue() for job in pending[1:]])
print(pending[3].status, pending[3].cancel(), qm.queue.count, pending[3].status)
first.push_to_input_stream("go", 10)
print(first.result_handles.wait_for_all_values(), first.result_handles.result.fetch_all()["value"])
for number, waiting in enumerate(pending[1:3]):
    job = waiting.wait_for_execution(timeout=20)
    assert job.id == waiting.id
    job.push_to_input_stream("go", 20 + number)
    job.result_handles.wait_for_all_values()
    print(type(job).__name__, job.result_handles.get("result").fetch_all()["value"], job.status)
try:
    pending[3].wait_for_execution(timeout=5)
except Exception as error:
    print(type(error).__name__)
