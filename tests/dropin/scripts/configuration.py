"""The configuration of a lab with two qubits and a flux line."""

import copy
import os

import numpy as np

qop_ip = os.environ.get("QOP_IP", "192.168.88.10")
qop_port = int(os.environ["QOP_PORT"]) if "QOP_PORT" in os.environ else None
cluster_name = "lab"

qubit_IF, qubit_LO = 50e6, 4.9e9
resonator_IF, resonator_LO = 30e6, 6.1e9
pi_len, readout_len, time_of_flight = 40, 400, 180
u = 1e-9

gauss = 0.2 * np.exp(-0.5 * ((np.arange(pi_len) - pi_len / 2) / (pi_len / 5)) ** 2)


def qubit(number, frequency):
    first = 2 * number + 1
    return {
        "mixInputs": {
            "I": ("con1", first),
            "Q": ("con1", first + 1),
            "lo_frequency": qubit_LO,
            "mixer": f"mixer_q{number}",
        },
        "intermediate_frequency": frequency,
        "operations": {"cw": "const_pulse", "pi": "pi_pulse", "pi_half": "pi_half_pulse"},
    }


config = {
    "version": 1,
    "controllers": {
        "con1": {
            "analog_outputs": {port: {"offset": 0.0} for port in range(1, 9)},
            "digital_outputs": {1: {}},
            "analog_inputs": {1: {"offset": 0.0, "gain_db": 0}, 2: {"offset": 0.0, "gain_db": 0}},
        }
    },
    "elements": {
        "qubit": qubit(0, qubit_IF),
        "qubit2": qubit(1, -qubit_IF),
        "resonator": {
            "mixInputs": {
                "I": ("con1", 5),
                "Q": ("con1", 6),
                "lo_frequency": resonator_LO,
                "mixer": "mixer_res",
            },
            "intermediate_frequency": resonator_IF,
            "operations": {"cw": "const_pulse", "readout": "readout_pulse"},
            "outputs": {"out1": ("con1", 1), "out2": ("con1", 2)},
            "time_of_flight": time_of_flight,
            "smearing": 0,
        },
        "flux": {
            "singleInput": {"port": ("con1", 7)},
            "operations": {"bias": "flux_pulse"},
            "digitalInputs": {"marker": {"port": ("con1", 1), "delay": 0, "buffer": 0}},
        },
    },
    "pulses": {
        "const_pulse": {
            "operation": "control",
            "length": 100,
            "waveforms": {"I": "const_wf", "Q": "zero_wf"},
        },
        "pi_pulse": {
            "operation": "control",
            "length": pi_len,
            "waveforms": {"I": "pi_wf", "Q": "zero_wf"},
        },
        "pi_half_pulse": {
            "operation": "control",
            "length": pi_len,
            "waveforms": {"I": "pi_half_wf", "Q": "zero_wf"},
        },
        "flux_pulse": {
            "operation": "control",
            "length": 200,
            "waveforms": {"single": "flux_wf"},
            "digital_marker": "ON",
        },
        "readout_pulse": {
            "operation": "measurement",
            "length": readout_len,
            "waveforms": {"I": "readout_wf", "Q": "zero_wf"},
            "integration_weights": {
                "cos": "cosine_weights",
                "sin": "sine_weights",
                "minus_sin": "minus_sine_weights",
            },
            "digital_marker": "ON",
        },
    },
    "waveforms": {
        "const_wf": {"type": "constant", "sample": 0.2},
        "zero_wf": {"type": "constant", "sample": 0.0},
        "readout_wf": {"type": "constant", "sample": 0.1},
        "flux_wf": {"type": "constant", "sample": 0.3},
        "pi_wf": {"type": "arbitrary", "samples": gauss.tolist(), "is_overridable": True},
        "pi_half_wf": {"type": "arbitrary", "samples": (gauss / 2).tolist()},
    },
    "digital_waveforms": {"ON": {"samples": [(1, 0)]}},
    "integration_weights": {
        "cosine_weights": {"cosine": [(1.0, readout_len)], "sine": [(0.0, readout_len)]},
        "sine_weights": {"cosine": [(0.0, readout_len)], "sine": [(1.0, readout_len)]},
        "minus_sine_weights": {"cosine": [(0.0, readout_len)], "sine": [(-1.0, readout_len)]},
    },
    "mixers": {
        "mixer_q0": [
            {
                "intermediate_frequency": qubit_IF,
                "lo_frequency": qubit_LO,
                "correction": (1.0, 0.02, -0.02, 0.98),
            }
        ],
        "mixer_q1": [
            {
                "intermediate_frequency": -qubit_IF,
                "lo_frequency": qubit_LO,
                "correction": (1.0, 0.0, 0.0, 1.0),
            }
        ],
        "mixer_res": [
            {
                "intermediate_frequency": resonator_IF,
                "lo_frequency": resonator_LO,
                "correction": (1.0, 0.0, 0.0, 1.0),
            }
        ],
    },
}

# The same lab with its qubits behind an octave.
with_octave = copy.deepcopy(config)
with_octave["elements"] = {
    "qubit": {
        "RF_inputs": {"port": ("octave1", 1)},
        "intermediate_frequency": qubit_IF,
        "operations": {"cw": "const_pulse", "pi": "pi_pulse"},
    },
    "resonator": {
        "RF_inputs": {"port": ("octave1", 2)},
        "RF_outputs": {"port": ("octave1", 1)},
        "intermediate_frequency": resonator_IF,
        "operations": {"readout": "readout_pulse"},
        "time_of_flight": time_of_flight,
        "smearing": 0,
    },
}
with_octave["mixers"] = {}
with_octave["octaves"] = {
    "octave1": {
        "RF_outputs": {
            1: {
                "LO_frequency": 4.9e9,
                "LO_source": "internal",
                "output_mode": "always_on",
                "gain": 0,
            },
            2: {
                "LO_frequency": 6.1e9,
                "LO_source": "internal",
                "output_mode": "always_on",
                "gain": -5,
            },
        },
        "RF_inputs": {1: {"RF_source": "RF_in", "LO_frequency": 4.9e9, "LO_source": "internal"}},
        "connectivity": "con1",
    }
}
