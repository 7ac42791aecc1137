"""Ramsey with all shots saved, fetched in slices."""

from qm import QuantumMachinesManager
from qm.qua import *

from configuration import *

qmm = QuantumMachinesManager(
    host=qop_ip, port=qop_port, cluster_name=cluster_name, log_level="ERROR"
)
qm = qmm.open_qm(config)

taus = np.arange(4, 40, 8)
with program() as ramsey:
    n, t = declare(int), declare(int)
    I = declare(fixed)
    I_st = declare_stream()
    with for_(n, 0, n < 12, n + 1):
        with for_(t, 4, t < 40, t + 8):
            play("pi_half", "qubit")
            wait(t, "qubit")
            frame_rotation_2pi(0.25, "qubit")
            play("pi_half", "qubit")
            align()
            measure("readout", "resonator", None, demod.full("cos", I, "out1"))
            save(I, I_st)
            reset_frame("qubit")
    with stream_processing():
        I_st.buffer(len(taus)).save_all("I")
        I_st.save_all("shots")

job = qm.execute(ramsey)
handle = job.result_handles.get("I")
handle.wait_for_all_values()
print(len(handle), handle.count_so_far(), handle.has_dataloss(), handle.is_processing())
print(handle.numpy_dtype, handle.name)
print(handle.fetch_all()["value"].shape, handle.fetch_all(flat_struct=True).shape)
print(handle.fetch(0)["value"].round(4))
print(handle.fetch(slice(2, 4))["value"].round(4))
print(handle.fetch(slice(10, 30)).shape, handle.fetch(40).shape)
shots = job.result_handles.shots
print(shots.fetch(slice(0, 3)), shots.fetch(59)["value"].round(5), shots.strict_fetch(slice(5, 7)))
