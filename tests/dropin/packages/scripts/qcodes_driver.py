"""QCoDeS' driver of the OPX: a sweep, fetched by its parameters."""

import matplotlib

matplotlib.use("Agg")
from configuration import *
from qm.qua import *
from qualang_tools.external_frameworks.qcodes.opx_driver import OPX
from qualang_tools.loops import from_array

n_avg = 50
amps = np.arange(0, 1.5, 0.25)


def rabi(simulate=False):
    with program() as prog:
        n, a = declare(int), declare(fixed)
        I, Q = declare(fixed), declare(fixed)
        I_st, Q_st = declare_stream(), declare_stream()
        with for_(n, 0, n < n_avg, n + 1):
            with for_(*from_array(a, amps)):
                play("pi" * amp(a), "qubit")
                align("qubit", "resonator")
                measure(
                    "readout",
                    "resonator",
                    None,
                    dual_demod.full("cos", "out1", "sin", "out2", I),
                    dual_demod.full("minus_sin", "out1", "cos", "out2", Q),
                )
                save(I, I_st)
                save(Q, Q_st)
        with stream_processing():
            I_st.buffer(len(amps)).buffer(n_avg).map(FUNCTIONS.average()).save_all("I")
            Q_st.buffer(len(amps)).buffer(n_avg).map(FUNCTIONS.average()).save_all("Q")
    return prog


opx = OPX(config, name="OPX", host=qop_ip, port=qop_port, cluster_name=cluster_name)
opx.readout_pulse_length(readout_len)
opx.qua_program = rabi()
opx.sim_time(10_000)
opx.simulate()
print(sorted(opx.simulated_wf) != [])
opx.set_sweep_parameters("axis1", amps, "", "amplitude")
parameter = opx.get_measurement_parameter()
opx.run_exp()
values = parameter()
print([np.shape(value) for value in values])
print(np.round(np.asarray(values[0]), 4).tolist())
opx.halt()
opx.close()
