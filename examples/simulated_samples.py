"""The samples of a sequence: gates, a frame rotation, a long drive and a readout."""

import sys

from matplotlib import pyplot as plt
from qm.qua import align, amp, declare, demod, fixed, frame_rotation_2pi, measure, play, program

import pulsewire
from examples.lab import CONFIG


def main(output):
    with program() as sequence:
        i, q = declare(fixed), declare(fixed)
        play("x90", "qubit")
        frame_rotation_2pi(0.25, "qubit")
        play("cw" * amp(0.5), "qubit", duration=50)
        play("x180", "qubit")
        align("qubit", "resonator")
        measure("readout", "resonator", demod.full("cos", i, "out1"), demod.full("sin", q, "out1"))

    with (
        pulsewire.Emulator() as emulator,
        pulsewire.connect(emulator.host, emulator.port) as client,
    ):
        job = client.simulate(CONFIG, sequence, duration=400)
        samples = job.get_simulated_samples()

    figure, axes = plt.subplots(2, 1, sharex=True, figsize=(9, 5), layout="constrained")
    plt.sca(axes[0])
    samples.con1.plot(analog_ports=["1", "2"], digital_ports=[])
    axes[0].set_title("The qubit's I and Q", loc="left")
    axes[0].set_xlabel("")
    plt.sca(axes[1])
    samples.con1.plot(analog_ports=["3", "4"], digital_ports=["1"])
    axes[1].set_title("The resonator's I and Q, and its marker", loc="left")
    figure.savefig(output, dpi=110)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "simulated_samples.png")
