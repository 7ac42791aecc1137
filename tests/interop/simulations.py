"""The suite, simulated and executed by one client: prints what came of each program, as JSON.

python simulations.py qm|pulsewire HOST PORT [all|read]
"""

import hashlib
import json
import logging
import sys
import time
import warnings
from pathlib import Path

import numpy as np

warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)
sys.path.insert(0, str(Path(__file__).parent.parent.parent))

from qm import LoopbackInterface, QuantumMachinesManager, SimulationConfig  # noqa: E402
from qm.qua import program  # noqa: E402

import pulsewire  # noqa: E402
from pulsewire._vendor import config_bytes, program_bytes  # noqa: E402
from tests import PATIENCE  # noqa: E402
from tests.interop.suite import LONGEST, SUITE  # noqa: E402
from tests.interop.suite.configurations import CONFIGS  # noqa: E402

# What qm-qua 1.2.6 reads for itself: of each configuration and each kind of answer one. It takes
# apart in Python, value by value, what others let C++ or Rust do: a minute for all, ten seconds
# for these.
READ = """
    a_play chirped frames sticky_levels targets markers offsets clipped demodulated dual traces
    tagged feedback all_phases_at_once legacy_saves functions_of_numbers a_pause timestamps
    delayed_ports_and_markers inputs_with_gain corrections_by_frequency a_reset_with_timestamps
    a_readout_through_an_octave two_controllers_in_a_loop
""".split()  # noqa: SIM905
# Nothing of a second version in it: what differs between the clients is only how they write.
CONNECTED = [("con1", 9, "con1", 1), ("con1", 10, "con1", 2)]


def digest(array):
    array = np.ascontiguousarray(array)
    return f"{array.dtype} {array.shape} {hashlib.sha256(array.tobytes()).hexdigest()[:16]}"


def results(job):
    handles = job.result_handles
    assert handles.wait_for_all_values(timeout=PATIENCE)
    found = {}
    for name in sorted(handles.keys()):
        value = handles.get(name).fetch_all()
        found[name] = None if value is None else digest(np.asarray(value))
    return found


def text(report):
    """The report's text; a dict within it has the order of the wire, which is none."""
    lines = report.to_string().splitlines()
    return ["".join(sorted(line)) if "{" in line else line for line in lines]


def simulated(job):
    samples = job.get_simulated_samples()
    ports = {
        f"{controller}:{kind}:{port}": digest(array)
        for controller, both in samples.items()
        for kind in ("analog", "digital")
        for port, array in getattr(both, kind).items()
    }
    report = job.get_simulated_waveform_report()
    return {
        "ports": ports,
        "report": report.to_dict(),
        "text": text(report),
        "analog": job.simulated_analog_waveforms(),
        "digital": job.simulated_digital_waveforms(),
        "results": results(job),
        "errors": [error.message for error in job.execution_report().errors()],
    }


def talked_to(job, entry):
    """Pushes, and resumes, as a program needs it to come to its end."""
    for stream, value in entry.pushes:
        job.push_to_input_stream(stream, value)
    for _ in range(entry.pauses):
        ends = time.monotonic() + PATIENCE
        while not job.is_paused():
            assert time.monotonic() < ends, "it does not pause"
            time.sleep(0.01)
        job.resume()
    return job


class Ours:
    """What the suite needs of a client, by pulsewire."""

    def __init__(self, host, port):
        self.client = pulsewire.connect(host, port)
        self.machines = {}
        # Converted once: qm-qua 1.2.6 takes long for it.
        self.configs = {
            name: config_bytes(config, self.client.capabilities) for name, config in CONFIGS.items()
        }

    def simulate(self, name, built, how):
        return self.client.simulate(self.configs[name], built, how)

    def machine(self, name):
        # The configurations share their ports: a new machine closes the one before.
        if name not in self.machines:
            self.machines = {name: self.client.open_qm(self.configs[name])}
        return self.machines[name]

    def execute(self, name, built):
        return self.machine(name).execute(built)

    def set_registers(self, name, values):
        self.machine(name).set_io_values(*values)


class Theirs:
    """The same, by qm-qua."""

    def __init__(self, host, port):
        self.manager = QuantumMachinesManager(host, port)
        self.ours = Ours(host, port)
        self.machines = {}

    def simulate(self, name, built, how):
        return self.manager.simulate(CONFIGS[name], built, how)

    def set_registers(self, name, values):
        self.manager.get_qm(self.ours.machine(name).id).set_io_values(*values)

    def execute(self, name, built):
        # qm-qua opens no machine without its octaves, which are devices of their own.
        if "octaves" in CONFIGS[name]:
            return self.ours.execute(name, built)
        if name not in self.machines:
            self.machines = {name: self.manager.get_qm(self.ours.machine(name).id)}
        return self.machines[name].execute(built)


def main(backend, host, port, which="all"):
    theirs = Theirs(host, int(port))
    client = theirs if backend == "qm" else theirs.ours
    outcome = {}
    entries = SUITE if which == "all" else {name: SUITE[name] for name in READ}
    assert {entry.config for entry in entries.values()} == set(CONFIGS)
    for name, entry in sorted(entries.items(), key=lambda item: item[1].config):
        with program() as built:
            entry.build()
        if backend == "pulsewire":
            # Once: qm-qua 1.2.6 takes long for it.
            built = program_bytes(built)
        plain = SimulationConfig(
            LONGEST, include_analog_waveforms=True, include_digital_waveforms=True
        )
        looped = SimulationConfig(LONGEST, simulation_interface=LoopbackInterface(CONNECTED))
        if entry.registers:
            client.set_registers(entry.config, entry.registers)
        executed = client.execute(entry.config, built)
        outcome[name] = {
            "alone": entry.alone,
            "plain": simulated(client.simulate(entry.config, built, plain)),
            "looped": results(client.simulate(entry.config, built, looped)),
            "executed": results(talked_to(executed, entry)),
        }
    print("OUTCOME " + json.dumps(outcome))


main(*sys.argv[1:])
