"""Quantum machines as objects: what is set through them, read back by the vendor's client too."""

import pickle

import numpy as np
import pytest
from qm import QuantumMachinesManager
from qm.qua import IO1, IO2, assign, declare, declare_stream, fixed, play, program, save
from qm.qua import stream_processing as streams

import pulsewire
from pulsewire import exceptions as errors
from pulsewire.jobs import QmJob, QmPendingJob
from tests import PATIENCE
from tests.emulator.conftest import CONFIG


@pytest.fixture
def theirs(pulsewire_emulator, machine):
    """The same machine, by the vendor's client."""
    manager = QuantumMachinesManager(pulsewire_emulator.host, pulsewire_emulator.port)
    return manager.get_qm(machine.id)


def registers(kind):
    """What a program reads in both IO registers."""
    with program() as built:
        value, first, second = declare(kind), declare_stream(), declare_stream()
        assign(value, IO1)
        save(value, first)
        assign(value, IO2)
        save(value, second)
        with streams():
            first.save("first")
            second.save("second")
    return built


@pytest.mark.parametrize(
    ("kind", "values"), [(int, (-7, 2**31 - 1)), (fixed, (0.25, -7.5)), (bool, (True, False))]
)
def test_registers_have_the_type_of_their_value(machine, theirs, kind, values):
    machine.set_io_values(*values)
    results = machine.execute(registers(kind)).result_handles.fetch_results(timeout=PATIENCE)
    assert (results["first"], results["second"]) == values
    for ours, given in zip(machine.get_io_values(), theirs.get_io_values()):
        # qm-qua shows the 32 bits of a negative int without their sign.
        assert ours | {"int_value": ours["int_value"] % 2**32} == given
    field = {int: "int_value", fixed: "fixed_value", bool: "boolean_value"}[kind]
    assert (machine.get_io1_value()[field], machine.get_io2_value()[field]) == values
    assert [read["io_number"] for read in machine.get_io_values()] == [1, 2]


def test_one_register_is_set_and_the_other_stays(machine):
    machine.set_io_values(1, 2)
    machine.set_io2_value(np.int32(5))
    machine.set_io1_value(np.float64(0.5))
    assert machine.get_io1_value()["fixed_value"] == 0.5
    assert machine.get_io2_value()["int_value"] == 5
    machine.set_io_values()
    assert machine.get_io2_value()["int_value"] == 5
    for bad in ("1", 2**31, None.__class__, 1j):
        with pytest.raises(errors.QmValueError, match="IO1"):
            machine.set_io1_value(bad)
    assert machine.get_io1_value()["fixed_value"] == 0.5


def test_elements_are_set_and_read_as_with_the_vendors_client(machine, theirs):
    machine.set_intermediate_frequency("qubit", -60e6)
    assert machine.get_intermediate_frequency("qubit") == -60e6
    config = theirs.get_config()
    assert config["elements"]["qubit"]["intermediate_frequency"] == -60e6
    assert machine.get_intermediate_frequency("bare") is None
    machine.set_output_dc_offset_by_element("qubit", ("I", "Q"), (0.125, -0.25))
    machine.set_output_dc_offset_by_element("flux", "single", 0.0625)
    for element, name, volts in (("qubit", "I", 0.125), ("qubit", "Q", -0.25)):
        assert machine.get_output_dc_offset_by_element(element, name) == volts
        assert theirs.get_output_dc_offset_by_element(element, name) == volts
    assert theirs.get_output_dc_offset_by_element("flux", "single") == 0.0625
    theirs.set_output_dc_offset_by_element("flux", "single", -0.5)
    assert machine.get_output_dc_offset_by_element("flux", "single") == -0.5
    machine.set_output_filter_by_element("flux", "single", [0.5, 0.25], None)
    output = theirs.get_config()["controllers"]["con1"]["analog_outputs"][3]
    assert output["filter"]["feedforward"] == [0.5, 0.25]
    machine.set_output_filter_by_element("flux", "single", None, None)
    assert (machine.get_time_of_flight("flux"), machine.get_smearing("flux")) == (0, 0)


def test_inputs_and_markers_are_set_and_read(pulsewire_emulator, pulsewire_client):
    config = {
        "controllers": {
            "con1": {
                "type": "opx1",
                "analog_outputs": {1: {"offset": 0.0}},
                "analog_inputs": {1: {"offset": 0.0}},
                "digital_outputs": {1: {}},
                "digital_inputs": {1: {"polarity": "RISING", "deadtime": 4, "threshold": 0.5}},
            }
        },
        "elements": {
            "ro": {
                "singleInput": {"port": ("con1", 1)},
                "outputs": {"out1": ("con1", 1)},
                "time_of_flight": 200,
                "smearing": 20,
                "intermediate_frequency": 1e6,
                "digitalInputs": {"gate": {"port": ("con1", 1), "delay": 40, "buffer": 8}},
                "operations": {},
            }
        },
    }
    port = ("con1", 1)
    with pulsewire_client.open_qm(config) as machine:
        manager = QuantumMachinesManager(pulsewire_emulator.host, pulsewire_emulator.port)
        theirs = manager.get_qm(machine.id)
        assert (machine.get_time_of_flight("ro"), machine.get_smearing("ro")) == (200, 20)
        assert machine.get_digital_delay("ro", "gate") == 40
        assert machine.get_digital_buffer("ro", "gate") == 8
        machine.set_digital_delay("ro", "gate", 60)
        machine.set_digital_buffer("ro", "gate", 4)
        assert theirs.get_config()["elements"]["ro"]["digitalInputs"]["gate"]["delay"] == 60
        assert theirs.get_config()["elements"]["ro"]["digitalInputs"]["gate"]["buffer"] == 4
        machine.set_input_dc_offset_by_element("ro", "out1", 0.125)
        assert machine.get_input_dc_offset_by_element("ro", "out1") == 0.125
        assert theirs.get_input_dc_offset_by_element("ro", "out1") == 0.125
        machine.set_digital_input_threshold(port, 1.25)
        machine.set_digital_input_deadtime(port, 8)
        machine.set_digital_input_polarity(port, "FALLING")
        assert machine.get_digital_input_threshold(port) == 1.25
        assert theirs.get_digital_input_threshold(port) == 1.25
        assert machine.get_digital_input_deadtime(("con1", 1, 1)) == 8
        assert theirs.get_digital_input_deadtime(port) == 8
        assert machine.get_digital_input_polarity(port) == "FALLING"
        assert theirs.get_digital_input_polarity(port) == "FALLING"
        with pytest.raises(errors.QMRequestError, match="deadtime") as raised:
            machine.set_digital_input_deadtime(port, 3)
        assert raised.value.errors
        with pytest.raises(errors.QmValueError, match="no digital input"):
            machine.get_digital_input_threshold(("con1", 2))
        with pytest.raises(errors.QmValueError, match="'RISING' or 'FALLING'"):
            machine.set_digital_input_polarity(port, "UP")
        for wrong in (("con1",), "con1"):
            with pytest.raises(errors.QmValueError, match="controller, port"):
                machine.get_digital_input_threshold(wrong)
    # The block closed it.
    assert machine.id not in pulsewire_client.list_open_qms()


def test_a_mixers_correction_is_rounded_and_holds_for_jobs_to_come(machine, endless):
    held = machine.set_mixer_correction("mixer", -50_000_000, 5e9, (0.5, 1e-6, 0.1, 1))
    # Steps of 2⁻¹⁶.
    assert held == (0.5, 0.0, round(0.1 * 65536) / 65536, 1.0)
    job = machine.execute(endless)
    assert job.get_element_correction("qubit") == held
    job.halt()
    with pytest.raises(errors.QmValueError, match=r"mixer 'mixer'.*v01"):
        machine.set_mixer_correction("mixer", -50_000_000, 5e9, (0.5, 2.0, 0, 1))
    with pytest.raises(errors.QmValueError, match="four values"):
        machine.set_mixer_correction("mixer", -50_000_000, 5e9, (1, 2))
    with pytest.raises(errors.QMRequestError, match="mixer"):
        machine.set_mixer_correction("none", -50_000_000, 5e9, (1, 0, 0, 1))


def test_what_is_wrong_with_a_change_says_where(machine):
    for change, says in (
        (lambda: machine.set_intermediate_frequency("nobody", 1e6), "nobody"),
        (lambda: machine.set_output_dc_offset_by_element("qubit", "single", 0.1), "single"),
        (lambda: machine.set_output_dc_offset_by_element("qubit", "I", 0.7), "qubit"),
        (lambda: machine.set_input_dc_offset_by_element("qubit", "out1", 0.1), "out1"),
        (lambda: machine.set_digital_delay("qubit", "gate", 4), "gate"),
    ):
        with pytest.raises(errors.QMRequestError, match=says) as raised:
            change()
        assert machine.id in str(raised.value)
    for change, says in (
        (lambda: machine.set_intermediate_frequency("qubit", "fast"), "a number"),
        (lambda: machine.set_output_dc_offset_by_element("qubit", ("I", "Q"), 0.1), "1 offsets"),
        (lambda: machine.set_digital_delay("qubit", "gate", -4), "nanoseconds"),
        (lambda: machine.get_intermediate_frequency("nobody"), "no element 'nobody'.*qubit"),
        (lambda: machine.get_output_dc_offset_by_element("qubit", "X"), "'X'.*I, Q"),
    ):
        with pytest.raises(errors.QmValueError, match=says):
            change()


def test_a_simulation_uses_what_is_set(machine):
    with program() as built:
        play("bias", "flux")
    machine.set_intermediate_frequency("flux", 20e6)
    job = machine.simulate(built, 20)
    samples = job.get_simulated_samples().con1.analog["3"]
    t = np.arange(40) * 1e-9
    played = 0.1 * np.cos(2 * np.pi * 20e6 * t) + 0.15
    assert np.abs(samples[:40] - played).max() < 1e-6


def test_jobs_are_found_by_their_machine(machine, endless):
    assert machine.get_running_job() is None
    running = machine.execute(endless)
    waiting = machine.queue.add(endless)
    assert machine.get_running_job().id == running.id
    assert type(machine.get_job(running.id)) is QmJob
    assert type(machine.get_job(waiting.id)) is QmPendingJob
    assert waiting.cancel()
    with pytest.raises(errors.ErrorJobStateError, match="canceled"):
        machine.get_job(waiting.id)
    with pytest.raises(errors.ErrorJobStateError, match="unknown"):
        machine.get_job("job-77")
    running.halt()


def test_machines_and_queues_pickle(pulsewire_client, machine, endless):
    again, queue = pickle.loads(pickle.dumps((machine, machine.queue)))
    assert again.id == machine.id == repr(machine).split("'")[1]
    job = again.execute(endless)
    queue.add(endless)
    assert [waiting.status for waiting in machine.queue.pending_jobs] == ["pending"]
    assert machine.queue.clear() == 1
    assert job.halt()
    assert pulsewire_client.get_qm(machine.id).close() is True
    with pytest.raises(errors.QMRequestDataError, match=machine.id):
        machine.get_io_values()
    with pytest.raises(errors.QMRequestError, match=machine.id):
        machine.set_io1_value(1)


def test_what_users_meet_is_at_the_top():
    assert pulsewire.QmJob is QmJob
    assert pulsewire.QuantumMachine.__name__ == "QuantumMachine"
    assert issubclass(pulsewire.SimulatedJob, pulsewire.jobs.RunningQmJob)
    assert CONFIG["elements"].keys() == {"qubit", "flux", "bare"}
