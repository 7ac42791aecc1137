"""Thirty jobs of 5 ms: the blobs of a readout at thirty amplitudes."""

from configuration import *
from qm import QuantumMachinesManager
from qm.qua import *

qmm = QuantumMachinesManager(host=qop_ip, port=qop_port, cluster_name=cluster_name, log_level="ERROR")
qm = qmm.open_qm(config)

for number in range(30):
    with program() as prog:
        n, I, Q = declare(int), declare(fixed), declare(fixed)
        I_st, Q_st = declare_stream(), declare_stream()
        with for_(n, 0, n < 100, n + 1):
            measure("readout" * amp(0.5 + number / 30), "resonator", None,
                    dual_demod.full("cos", "out1", "sin", "out2", I),
                    dual_demod.full("minus_sin", "out1", "cos", "out2", Q))
            save(I, I_st)
            save(Q, Q_st)
            wait(12_500)
        with stream_processing():
            I_st.save_all("I")
            Q_st.save_all("Q")
    job = qm.execute(prog)
    results = job.result_handles
    results.wait_for_all_values()
    I, Q = results.get("I").fetch_all()["value"], results.get("Q").fetch_all()["value"]
    assert len(I) == len(Q) == 100
