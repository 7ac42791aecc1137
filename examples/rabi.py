"""Power Rabi, live: 2,000 shots of 100 amplitudes with the emulator's readout model."""

import sys
import time

import numpy as np
from matplotlib import pyplot as plt
from qm.qua import (
    align,
    amp,
    declare,
    declare_stream,
    dual_demod,
    fixed,
    for_,
    measure,
    play,
    program,
    save,
    stream_processing,
    wait,
)

import pulsewire
from examples import lab

SHOTS, POINTS = 2000, 100


def main(output):
    with program() as rabi:
        n, a, i, q = declare(int), declare(fixed), declare(fixed), declare(fixed)
        stream_i, stream_q = declare_stream(), declare_stream()
        with for_(n, 0, n < SHOTS, n + 1), for_(a, 0.0, a < 1.995, a + 0.02):
            play("x180" * amp(a), "qubit")
            align("qubit", "resonator")
            measure(
                "readout",
                "resonator",
                dual_demod.full("cos", "out1", "sin", "out2", i),
                dual_demod.full("minus_sin", "out1", "cos", "out2", q),
            )
            save(i, stream_i)
            save(q, stream_q)
            wait(25_000, "resonator")
            align("qubit", "resonator")
        with stream_processing():
            stream_i.buffer(POINTS).average().save("i")
            stream_q.buffer(POINTS).average().save("q")

    with (
        pulsewire.Emulator(readout=lab.readout(t1=10e-6), seed=2) as emulator,
        pulsewire.connect(emulator.host, emulator.port) as client,
    ):
        machine = client.open_qm(lab.CONFIG)
        started = time.perf_counter()
        job = machine.execute(rabi)
        job.result_handles.wait_for_all_values(timeout=60)
        results = job.result_handles.fetch_results()
        print(f"{SHOTS} shots of {POINTS} amplitudes in {time.perf_counter() - started:.2f} s")

    amplitudes = 0.02 * np.arange(POINTS)
    figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
    axes.plot(amplitudes, 1e3 * lab.volts(results["i"]), ".", label="I")
    axes.plot(amplitudes, 1e3 * lab.volts(results["q"]), ".", label="Q")
    excited = np.sin(np.pi * amplitudes / 2) ** 2
    axes.plot(amplitudes, 1e3 * lab.EXCITED[1] * excited, color="0.5", label="30 mV · sin²(πa/2)")
    axes.set_xlabel("amplitude of x180")
    axes.set_ylabel("demodulated, averaged [mV]")
    axes.legend()
    axes.set_title("Power Rabi")
    figure.savefig(output, dpi=110)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "rabi.png")
