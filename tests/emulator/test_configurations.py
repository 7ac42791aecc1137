"""What is wrong with a configuration is told by path and rule when it is opened."""

import copy

import pytest
from qm.qua import play, program

from pulsewire.exceptions import FailedToExecuteJobException, OpenQmException
from tests.emulator.rack import CONFIG


def port(number, **settings):
    def change(config):
        outputs = config["controllers"]["con1"]["analog_outputs"]
        outputs.setdefault(number, {"offset": 0.0}).update(settings)

    return change


def listening(number, **settings):
    def change(config):
        inputs = config["controllers"]["con1"]["analog_inputs"]
        inputs.setdefault(number, {"offset": 0.0}).update(settings)

    return change


def element(name, **settings):
    return lambda config: config["elements"][name].update(settings)


def pulse(name, **settings):
    return lambda config: config["pulses"][name].update(settings)


def operation(name, pulse):
    return lambda config: config["elements"][name]["operations"].update(new=pulse)


def part(section, name, value):
    return lambda config: config[section].update({name: value})


def correction(value):
    def change(config):
        config["mixers"]["plain"][0]["correction"] = (value, 0.0, 0.0, 1.0)

    return change


# What is changed, the path, the group, and a piece of the message.
WRONG = [
    (operation("flux", "none"), "elements.flux", "elements.allPulsesExist", "'none'"),
    (operation("flux", "pi_iq"), "elements.flux", "elements.allPulsesExist", "I, Q"),
    (operation("iq", "hold_single"), "elements.iq", "elements.allPulsesExist", "single"),
    (
        element("flux", singleInput={"port": ("con1", 11)}),
        "elements.flux",
        "elements.allPortsExist",
        "11 of 'con1'",
    ),
    (
        element("ro", outputs={"out1": ("con9", 1)}),
        "elements.ro",
        "elements.allPortsExist",
        "'con9'",
    ),
    (
        element("lamp", digitalInputs={"x": {"port": ("con1", 9), "delay": 0, "buffer": 0}}),
        "elements.lamp",
        "elements.allPortsExist",
        "digital output 9",
    ),
    (
        element("shared_a", oscillator="nowhere"),
        "elements.shared_a",
        "elements.allPortsExist",
        "'nowhere'",
    ),
    (element("ro", time_of_flight=20, smearing=0), "elements.ro", "elements.timeOfFlight", "24"),
    (element("ro", smearing=196), "elements.ro", "elements.smearing", "192"),
    (pulse("hold_single", length=98), "pulses.hold_single", "pulses.length", "98"),
    (pulse("rise_single", length=104), "pulses.rise_single", "pulses.waveformLengths", "104"),
    (
        pulse("hold_single", waveforms={"single": "none"}),
        "pulses.hold_single",
        "pulses.allWaveformsExist",
        "'none'",
    ),
    (
        pulse("hold_single", digital_marker="none"),
        "pulses.hold_single",
        "pulses.allDigitalWaveformsExist",
        "'none'",
    ),
    (
        pulse("readout_iq", integration_weights={"cos": "none"}),
        "pulses.readout_iq",
        "pulses.allIntegrationWeightsExist",
        "'none'",
    ),
    (
        part("waveforms", "level", {"type": "constant", "sample": 0.6}),
        "waveforms.level",
        "waveforms.range",
        "0.6",
    ),
    (
        part("integration_weights", "cos", {"cosine": [(1.0, 398)], "sine": [(0.0, 400)]}),
        "integration_weights.cos",
        "integrationWeights.lengths",
        "398",
    ),
    (correction(2.5), "mixers.plain", "mixers.correction", "2.5"),
    (port(11), "controllers.con1.analog_outputs.11", "controllers.portsExist", "11"),
    (port(4, offset=0.5), "controllers.con1.analog_outputs.4", "controllers.offsets", "0.5"),
    (port(4, delay=16_001), "controllers", "controllers.outputs", "16001"),
    (
        port(4, filter={"feedforward": [2.5], "feedback": []}),
        "controllers",
        "controllers.outputs",
        "2.5",
    ),
    (listening(3), "controllers.con1.analog_inputs.3", "controllers.portsExist", "3"),
    (listening(1, gain_db=21), "controllers.con1.analog_inputs.1", "controllers.gains", "21"),
]


def changed(change):
    config = copy.deepcopy(CONFIG)
    change(config)
    return config


@pytest.mark.parametrize(("change", "path", "group", "says"), WRONG, ids=lambda one: str(one)[:40])
def test_what_is_wrong_is_told_by_path_and_rule(pulsewire_client, change, path, group, says):
    config = changed(change)
    with pytest.raises(OpenQmException) as caught:
        pulsewire_client.open_qm(config)
    lines = str(caught.value).splitlines()
    (line,) = [line for line in lines if path in line and group in line]
    assert says in line
    # A simulation says the same.
    with program() as built:
        play("hold", "tone")
    with pytest.raises(FailedToExecuteJobException) as caught:
        pulsewire_client.simulate(config, built, 100)
    assert any(path in error and group in error and says in error for error in caught.value.errors)


def test_everything_that_is_wrong_is_told_at_once(pulsewire_client):
    config = changed(operation("flux", "none"))
    pulse("hold_single", length=98)(config)
    listening(1, gain_db=-13)(config)
    with pytest.raises(OpenQmException) as caught:
        pulsewire_client.open_qm(config)
    for path in ("elements.flux", "pulses.hold_single", "controllers.con1.analog_inputs.1"):
        assert path in str(caught.value)
    # And none was opened.
    assert pulsewire_client.list_open_qms() == []


def test_the_vendors_client_reads_the_findings(pulsewire_emulator):
    from qm import QuantumMachinesManager
    from qm.exceptions import OpenQmException as Theirs

    manager = QuantumMachinesManager(pulsewire_emulator.host, pulsewire_emulator.port)
    config = changed(operation("flux", "none"))
    pulse("hold_single", length=98)(config)
    with pytest.raises(Theirs) as caught:
        manager.open_qm(config)
    logical, physical = (
        caught.value.config_validation_formatted_errors,
        caught.value.physical_validation_formatted_errors,
    )
    assert 'CONFIG ERROR in key "elements.flux" [elements.allPulsesExist]' in logical[0]
    assert 'PHYSICAL CONFIG ERROR in key "pulses.hold_single" [pulses.length]' in physical[0]
