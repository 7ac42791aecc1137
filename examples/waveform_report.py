"""The waveform report of a sequence: what each port plays and reads, and when."""

import sys

from qm.qua import align, declare, dual_demod, fixed, measure, play, program, wait

import pulsewire
from examples.lab import CONFIG


def main(output):
    with program() as echo:
        i = declare(fixed)
        play("x90", "qubit")
        wait(25, "qubit")
        play("y180", "qubit")
        wait(25, "qubit")
        play("x90", "qubit")
        align("qubit", "resonator")
        measure("readout", "resonator", dual_demod.full("cos", "out1", "sin", "out2", i))

    with (
        pulsewire.Emulator() as emulator,
        pulsewire.connect(emulator.host, emulator.port) as client,
    ):
        job = client.simulate(CONFIG, echo, duration=400)
        report = job.get_simulated_waveform_report()
        print(report.report_by_elements()["qubit"].to_string())
        (figure,) = report.create_plot(job.get_simulated_samples(), plot=False)
    figure.suptitle("An echo, port by port")
    figure.savefig(output, dpi=90)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "waveform_report.png")
