"""The suite, simulated and executed by one client: prints what came of each program, as JSON.

python simulations.py qm|pulsewire HOST PORT
"""

import hashlib
import json
import logging
import sys
import warnings
from pathlib import Path

import numpy as np

warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)
sys.path.insert(0, str(Path(__file__).parent.parent.parent))

from qm import LoopbackInterface, QuantumMachinesManager, SimulationConfig  # noqa: E402
from qm.qua import program  # noqa: E402

from tests.emulator.rack import CONFIG  # noqa: E402
from tests.interop.suite import LONGEST, SUITE  # noqa: E402

# Nothing of a second version in it: what differs between the clients is only how they write.
CONNECTED = [("con1", 9, "con1", 1), ("con1", 10, "con1", 2)]


def digest(array):
    array = np.ascontiguousarray(array)
    return f"{array.dtype} {array.shape} {hashlib.sha256(array.tobytes()).hexdigest()[:16]}"


def results(job):
    handles = job.result_handles
    assert handles.wait_for_all_values(timeout=60)
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


def main(backend, host, port):
    vendor = QuantumMachinesManager(host, int(port))
    machine = vendor.open_qm(CONFIG)
    if backend == "pulsewire":
        import pulsewire

        client = pulsewire.connect(host, int(port))
        machine_id = client.open_qm(CONFIG, close_other_machines=False)

        def simulate(built, how):
            return client.simulate(CONFIG, built, how)

        def execute(built):
            return client.execute(machine_id, built)
    else:

        def simulate(built, how):
            return vendor.simulate(CONFIG, built, how)

        execute = machine.execute
    outcome = {}
    for name, build in SUITE.items():
        with program() as built:
            build()
        plain = SimulationConfig(
            LONGEST, include_analog_waveforms=True, include_digital_waveforms=True
        )
        looped = SimulationConfig(LONGEST, simulation_interface=LoopbackInterface(CONNECTED))
        outcome[name] = {
            "plain": simulated(simulate(built, plain)),
            "looped": results(simulate(built, looped)),
            "executed": results(execute(built)),
        }
    print("OUTCOME " + json.dumps(outcome))


main(*sys.argv[1:])
