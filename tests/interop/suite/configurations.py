"""Configurations of the suite: the rack, and the rack with what only some programs need."""

import copy

from tests.emulator import rack

LO = 6_000_000_000


def _changed(change):
    config = copy.deepcopy(rack.CONFIG)
    change(config, config["controllers"]["con1"])
    return config


def _wired(config, controller):
    """Offsets, delays, filters and crosstalk of analog outputs; shared and inverted ports."""
    ports = controller["analog_outputs"]
    ports[1].update(crosstalk={2: 0.125, 3: -0.0625})
    ports[3].update(offset=0.05, filter={"feedforward": [0.75, 0.25], "feedback": []})
    ports[4].update(offset=-0.1, delay=31, filter={"feedforward": [1.0, -0.5], "feedback": [0.5]})
    ports[5].update(delay=7, shareable=True)
    controller["digital_outputs"][1] = {"inverted": True}
    controller["digital_outputs"][4] = {"inverted": True, "shareable": True}


def _received(config, controller):
    """Gains and offsets of analog inputs; readouts with other windows and delays."""
    controller["analog_inputs"] = {
        1: {"offset": 0.02, "gain_db": 6},
        2: {"offset": -0.01, "gain_db": -3, "shareable": True},
    }
    config["elements"]["late"] = copy.deepcopy(config["elements"]["ro"])
    config["elements"]["late"].update(time_of_flight=236, smearing=20)
    config["elements"]["late"]["digitalInputs"] = {
        "window": {"port": ("con1", 3), "delay": 40, "buffer": 8}
    }
    config["elements"]["rising"] = copy.deepcopy(config["elements"]["counter"])
    config["elements"]["rising"]["outputPulseParameters"] = {
        "signalThreshold": 300,
        "signalPolarity": "Above",
        "derivativeThreshold": 50,
        "derivativePolarity": "Above",
    }


def _shaped(config, controller):
    """Waveforms and weights written in every way; frequencies of every sign; old names."""
    config["waveforms"].update(
        {
            "slow": {
                "type": "arbitrary",
                "samples": [0.0, 0.1, 0.2, 0.1] * 5,
                "sampling_rate": 0.2e9,
            },
            "rough": {
                "type": "arbitrary",
                "samples": [0.1] * 50 + [0.2] * 50,
                "max_allowed_error": 1e-3,
            },
        }
    )
    for name in ("slow", "rough"):
        config["pulses"][name] = {
            "operation": "control",
            "length": 100,
            "waveforms": {"single": name},
        }
        for element in ("flux", "tone"):
            config["elements"][element]["operations"][name] = name
    config["integration_weights"]["pairs"] = {
        "cosine": [(1.0, 120), (0.5, 80), (-1.0, 200)],
        "sine": [(0.25, 400)],
    }
    config["pulses"]["readout_single"]["integration_weights"]["pairs"] = "pairs"
    config["elements"]["still"] = rack._single(4, intermediate_frequency=0)
    config["elements"]["below"] = copy.deepcopy(config["elements"]["iq"])
    config["elements"]["below"]["intermediate_frequency"] = -30_000_000
    config["mixers"]["mixer"].append(
        {
            "intermediate_frequency": -30_000_000,
            "lo_frequency": 5_000_000_000,
            "correction": (1.0, -0.0625, 0.125, 0.95),
        }
    )
    config["elements"]["old"] = rack._single(5, hold_offset={"duration": 25})
    config["elements"]["cored"] = rack._single(6, core="two")
    config["elements"]["cored_too"] = rack._single(7, core="two")
    config["elements"]["marked"] = rack._single(8, sticky={"analog": False, "digital": True}) | {
        "digitalInputs": {"gate": {"port": ("con1", 2), "delay": 4, "buffer": 2}}
    }


def _octave(config, controller):
    """An octave on the first controller: up-conversion for drives, both ways for a readout."""
    config["octaves"] = {
        "oct1": {
            "RF_outputs": {
                # Elements of the rack are on the ports of the first and the last.
                port: {
                    "LO_frequency": frequency,
                    "LO_source": "internal",
                    "output_mode": "always_on",
                    "gain": 0,
                }
                for port, frequency in ((1, 5e9), (2, LO), (5, 7e9))
            },
            "RF_inputs": {
                1: {
                    "RF_source": "RF_in",
                    "LO_frequency": 7e9,
                    "LO_source": "internal",
                    "IF_mode_I": "direct",
                    "IF_mode_Q": "direct",
                }
            },
            "connectivity": "con1",
        }
    }
    config["elements"]["driven"] = {
        "RF_inputs": {"port": ("oct1", 2)},
        "intermediate_frequency": 30_000_000,
        "operations": {"hold": "hold_iq", "pi": "pi_iq"},
        "digitalInputs": {"switch": {"port": ("con1", 2), "delay": 57, "buffer": 18}},
    }
    config["elements"]["answered"] = {
        "RF_inputs": {"port": ("oct1", 5)},
        "RF_outputs": {"port": ("oct1", 1)},
        "intermediate_frequency": 20_000_000,
        "operations": {"readout": "readout_iq"},
        "time_of_flight": 24,
        "smearing": 0,
    }


def _two(config, controller):
    """Two controllers, with elements on the second."""
    config["controllers"]["con2"] = {
        "type": "opx1",
        "analog_outputs": {1: {"offset": 0.01}, 2: {"offset": 0.0}, 3: {"offset": 0.0}},
        "analog_inputs": {1: {"offset": 0.0}},
        "digital_outputs": {1: {}},
    }
    config["elements"]["far"] = rack._single(3) | {"singleInput": {"port": ("con2", 3)}}
    config["elements"]["far_iq"] = {
        "mixInputs": {
            "I": ("con2", 1),
            "Q": ("con2", 2),
            "lo_frequency": LO,
            "mixer": "mixer",
        },
        "intermediate_frequency": 25_000_000,
        "operations": {"hold": "hold_iq", "pi": "pi_iq"},
        "digitalInputs": {"switch": {"port": ("con2", 1), "delay": 136, "buffer": 0}},
    }


CONFIGS = {
    "rack": rack.CONFIG,
    **{
        change.__name__.lstrip("_"): _changed(change)
        for change in (_wired, _received, _shaped, _octave, _two)
    },
}
