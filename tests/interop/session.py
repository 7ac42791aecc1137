"""A whole session of an unmodified qm-qua: everything a user does with a machine.

    python session.py HOST PORT

Prints every warning of the client; ends with ``SESSION OK``.
"""

import logging
import sys
import time
import warnings
from pathlib import Path

import numpy as np

warnings.simplefilter("ignore")
sys.path.insert(0, str(Path(__file__).parent.parent.parent))

from qm import QuantumMachinesManager, SimulationConfig  # noqa: E402
from qm.exceptions import OpenQmException  # noqa: E402

from tests import PATIENCE  # noqa: E402
from tests.emulator.conftest import CONFIG, shared  # noqa: E402
from tests.interop import programs  # noqa: E402

LOUD = []


class Listener(logging.Handler):
    def emit(self, record):
        if record.levelno >= logging.WARNING:
            LOUD.append(record.getMessage())


def wait_for(condition):
    ends = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < ends, "not in time"
        time.sleep(0.002)


def refused(kind, call):
    try:
        call()
    except Exception as error:
        assert type(error).__name__ == kind, repr(error)
    else:
        raise AssertionError(f"no {kind}")


def main():  # noqa: PLR0915 (one story)
    logging.getLogger("qm").addHandler(Listener())
    host, port = sys.argv[1], int(sys.argv[2])
    manager = QuantumMachinesManager(host, port)
    assert manager.get_controllers()[0].name == "con1"
    machine = manager.open_qm(CONFIG)
    assert manager.list_open_qms() == [machine.id]
    assert machine.id.startswith("qm-")
    # Ports are had by one machine, unless both share them. qualang_tools looks for these words.
    try:
        manager.open_qm(CONFIG, close_other_machines=False)
    except OpenQmException as error:
        assert "cannot be used because it isn't shareable in other QM." in str(error), error
    else:
        raise AssertionError("a machine has the ports of another")
    LOUD.clear()
    machine = manager.open_qm(shared(CONFIG))
    other = manager.open_qm(shared(CONFIG), close_other_machines=False)
    assert sorted(manager.list_open_qms()) == sorted([machine.id, other.id])
    assert other.close()
    machine = manager.open_qm(CONFIG)
    assert manager.list_open_qms() == [machine.id]
    assert manager.get_qm(machine.id).id == machine.id
    assert machine.get_config()["elements"]["qubit"]["intermediate_frequency"] == -50_000_000

    # Registers and pauses.
    job = machine.execute(programs.registers())
    wait_for(job.is_paused)
    machine.set_io_values(41, 0.5)
    job.resume()
    wait_for(lambda: len(job.result_handles.get("reals")) == 1)
    wait_for(job.is_paused)
    assert machine.get_io1_value()["int_value"] == 42
    assert machine.get_io2_value()["fixed_value"] == 0.25
    machine.io1 = True
    assert machine.get_io1_value()["boolean_value"] is True
    assert job.result_handles.get("ints").fetch_all()["value"].tolist() == [41]
    assert machine.get_running_job().id == job.id
    assert machine.get_job(job.id).id == job.id
    assert job.halt()
    assert machine.get_running_job() is None

    # The configuration changes where the client reads it back.
    machine.set_output_dc_offset_by_element("qubit", "I", 0.125)
    assert machine.get_output_dc_offset_by_element("qubit", "I") == 0.125
    machine.set_output_dc_offset_by_element("flux", "single", -0.25)
    assert machine.get_output_dc_offset_by_element("flux", "single") == -0.25
    machine.set_intermediate_frequency("qubit", -60e6)
    assert machine.get_config()["elements"]["qubit"]["intermediate_frequency"] == -60e6
    machine.set_intermediate_frequency("qubit", -50e6)
    machine.set_mixer_correction("mixer", -50_000_000, 5_000_000_000, (0.5, 0.0, 0.0, 0.5))
    job = machine.execute(programs.endless())
    assert job.get_element_correction("qubit") == (0.5, 0.0, 0.0, 0.5)
    job.halt()

    # A loop through the input streams.
    job = machine.execute(programs.echo())
    for value in range(20):
        job.push_to_input_stream("numbers", [value, -value])
        job.push_to_input_stream("angle", [value / 32])
        job.push_to_input_stream("flag", [value % 2 == 1])
    handles = job.result_handles
    handles.get("flag").wait_for_values(20, timeout=PATIENCE)
    assert np.array_equal(
        handles.get("numbers").fetch_all(flat_struct=True),
        np.stack([np.arange(20), -np.arange(20)], axis=1),
    )
    assert handles.get("angle").fetch_all()["value"].tolist() == [v / 32 for v in range(20)]
    job.halt()

    # Every pipeline; queue, compile, overrides.
    program_id = machine.compile(programs.pipelines())
    running = machine.execute(programs.endless())
    pending = machine.queue.add_compiled(program_id, overrides={"waveforms": {"constant": 0.1}})
    behind = machine.queue.add(programs.calculations())
    assert (pending.position_in_queue(), behind.position_in_queue()) == (1, 2)
    running.halt()
    job = pending.wait_for_execution(timeout=PATIENCE)
    handles = job.result_handles
    assert handles.wait_for_all_values(timeout=PATIENCE)
    fetched = {n: h.fetch_all() for n, h in handles.items() if "_never_last" not in n}
    assert len(fetched) > 100
    assert all(value is not None for value in fetched.values())
    assert behind.wait_for_execution(timeout=PATIENCE).result_handles.wait_for_all_values(
        timeout=PATIENCE
    )
    assert not job.execution_report().has_errors()
    assert manager.get_job_result_handles(job.id).get("int_last").fetch_all() == 11

    # A simulation of a program without pulses: offsets on every port.
    simulated = manager.simulate(CONFIG, programs.calculations(), SimulationConfig(duration=1000))
    samples = simulated.get_simulated_samples().con1
    assert len(samples.analog) == 3
    for port, trace in samples.analog.items():
        assert len(trace) == 4000
        # Offsets are held in steps of 2**-28 V.
        assert np.allclose(trace, 0.05 * int(port[-1]), rtol=0, atol=2**-28)
    assert not np.any(next(iter(samples.digital.values())))
    assert simulated.result_handles.wait_for_all_values(timeout=PATIENCE)
    assert simulated.status == "completed"
    refused(
        "InvalidOperationOnSimulatorJobError",
        lambda: simulated.push_to_input_stream("numbers", [1, 2]),
    )

    manager.clear_all_job_results()
    assert len(handles.get("int_all")) == 0
    manager.reset_data_processing()
    assert LOUD == [], LOUD
    refused("FailedToAddJobToQueueException", lambda: machine.execute(programs.wrong()))
    refused("CompilationException", lambda: machine.compile(programs.wrong()))
    assert any("bad type" in text and "programs.py" in text for text in LOUD), LOUD
    refused("QMRequestError", lambda: machine.set_mixer_correction("none", 1, 1, (1, 0, 0, 1)))
    assert machine.close()
    refused("QmFailedToCloseQuantumMachineError", machine.close)
    manager.close_all_qms()
    assert manager.list_open_qms() == []
    print("\nSESSION OK")


if __name__ == "__main__":
    main()
