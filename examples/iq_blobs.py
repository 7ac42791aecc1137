"""IQ blobs of a qubit that relaxes, with the emulator's readout model."""

import sys

import numpy as np
from matplotlib import pyplot as plt
from qm.qua import (
    align,
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

SHOTS = 3000


def main(output):
    with program() as blobs:
        n, i, q = declare(int), declare(fixed), declare(fixed)
        streams = {(state, part): declare_stream() for state in "ge" for part in "iq"}
        with for_(n, 0, n < SHOTS, n + 1):
            for state in "ge":
                if state == "e":
                    play("x180", "qubit")
                    wait(75, "qubit")
                align("qubit", "resonator")
                measure(
                    "readout",
                    "resonator",
                    dual_demod.full("cos", "out1", "sin", "out2", i),
                    dual_demod.full("minus_sin", "out1", "cos", "out2", q),
                )
                save(i, streams[state, "i"])
                save(q, streams[state, "q"])
                wait(25_000, "resonator")
                align("qubit", "resonator")
        with stream_processing():
            for (state, part), stream in streams.items():
                stream.save_all(f"{part}{state}")

    model = lab.readout(t1=3e-6)
    with (
        pulsewire.Emulator(readout=model, seed=1) as emulator,
        pulsewire.connect(emulator.host, emulator.port) as client,
    ):
        job = client.open_qm(lab.CONFIG).execute(blobs)
        job.result_handles.wait_for_all_values(timeout=60)
        results = job.result_handles.fetch_results()

    figure, axes = plt.subplots(figsize=(5.5, 5), layout="constrained")
    for state, label in (("g", "prepared |g⟩"), ("e", "prepared |e⟩, 300 ns before")):
        i, q = (1e3 * lab.volts(results[f"{part}{state}"]["value"]) for part in "iq")
        axes.plot(i, q, ".", markersize=2, alpha=0.4, label=label)
        excited = np.mean(q > 15)
        print(f"{label}: {100 * excited:.1f} % are read as |e⟩")
    axes.set_xlabel("I [mV]")
    axes.set_ylabel("Q [mV]")
    axes.set_aspect("equal")
    axes.legend(markerscale=6)
    axes.set_title("IQ blobs; T1 = 3 µs")
    figure.savefig(output, dpi=110)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "iq_blobs.png")
