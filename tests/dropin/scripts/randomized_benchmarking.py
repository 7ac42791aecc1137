"""Single-qubit benchmarking with random numbers of the controller."""

from qm import QuantumMachinesManager
from qm.qua import *

from configuration import *

qmm = QuantumMachinesManager(
    host=qop_ip, port=qop_port, cluster_name=cluster_name, log_level="ERROR"
)
qm = qmm.open_qm(config)

with program() as rb:
    rand = Random(12345)
    n, i, gate, state = declare(int), declare(int), declare(int), declare(int)
    st, g_st = declare_stream(), declare_stream()
    with for_(n, 0, n < 10, n + 1):
        assign(state, 0)
        with for_(i, 0, i < 20, i + 1):
            assign(gate, rand.rand_int(4))
            with switch_(gate, unsafe=True):
                with case_(0):
                    wait(10, "qubit")
                with case_(1):
                    play("pi", "qubit")
                with case_(2):
                    play("pi_half", "qubit")
                with case_(3):
                    play("pi_half" * amp(-1), "qubit")
            save(gate, g_st)
        save(state, st)
    with stream_processing():
        g_st.buffer(20).save_all("gates")
        st.save_all("state")

job = qm.execute(rb)
gates = job.result_handles.get("gates")
gates.wait_for_all_values()
values = gates.fetch_all()["value"]
print(values.shape, values.min(), values.max(), values[0].tolist())
