"""A qubit, its resonator and an NV centre, as a lab would configure them; and what they do."""

import numpy as np

import pulsewire

LENGTH = 1000
QUBIT_IF, RESONATOR_IF = 50_000_000, 60_000_000
# Volts of a π pulse's peak: doubled, it is still within the range of the output.
PI = 0.2
_ENVELOPE = np.exp(-0.5 * ((np.arange(40) - 19.5) / 8) ** 2)
_DERIVATIVE = -(np.arange(40) - 19.5) / 64 * _ENVELOPE


def _pulse(amplitude, degrees):
    turn = np.exp(1j * np.pi * degrees / 180)
    shape = amplitude * (_ENVELOPE + 0.5j * _DERIVATIVE) * turn
    return shape.real.tolist(), shape.imag.tolist()


_GATES = {
    "x180": (PI, 0),
    "x90": (PI / 2, 0),
    "minus_x90": (-PI / 2, 0),
    "y180": (PI, 90),
    "y90": (PI / 2, 90),
    "minus_y90": (-PI / 2, 90),
}

CONFIG = {
    "controllers": {
        "con1": {
            "type": "opx1",
            "analog_outputs": {port: {"offset": 0.0} for port in range(1, 6)},
            "analog_inputs": {1: {"offset": 0.0}, 2: {"offset": 0.0}},
            "digital_outputs": {1: {}},
        }
    },
    "elements": {
        "qubit": {
            "mixInputs": {
                "I": ("con1", 1),
                "Q": ("con1", 2),
                "lo_frequency": 5_000_000_000,
                "mixer": "mixer_qubit",
            },
            "intermediate_frequency": QUBIT_IF,
            "operations": {"saturation": "saturation", "cw": "cw", **{g: g for g in _GATES}},
        },
        "resonator": {
            "mixInputs": {
                "I": ("con1", 3),
                "Q": ("con1", 4),
                "lo_frequency": 7_000_000_000,
                "mixer": "mixer_resonator",
            },
            "intermediate_frequency": RESONATOR_IF,
            "operations": {"readout": "readout"},
            "outputs": {"out1": ("con1", 1), "out2": ("con1", 2)},
            "digitalInputs": {"switch": {"port": ("con1", 1), "delay": 20, "buffer": 10}},
            "time_of_flight": 180,
            "smearing": 0,
        },
        "spcm": {
            "singleInput": {"port": ("con1", 5)},
            "operations": {"readout": "count"},
            "outputs": {"out1": ("con1", 1)},
            "time_of_flight": 36,
            "smearing": 0,
            "outputPulseParameters": {
                "signalThreshold": -500,
                "signalPolarity": "Below",
                "derivativeThreshold": -10000,
                "derivativePolarity": "Above",
            },
        },
    },
    "pulses": {
        "saturation": {
            "operation": "control",
            "length": 2000,
            "waveforms": {"I": "weak", "Q": "zero"},
        },
        "cw": {"operation": "control", "length": 100, "waveforms": {"I": "cw", "Q": "zero"}},
        **{
            gate: {
                "operation": "control",
                "length": 40,
                "waveforms": {"I": f"{gate}_i", "Q": f"{gate}_q"},
            }
            for gate in _GATES
        },
        "readout": {
            "operation": "measurement",
            "length": LENGTH,
            "waveforms": {"I": "cw", "Q": "zero"},
            "integration_weights": {name: name for name in ("cos", "sin", "minus_sin")},
            "digital_marker": "on",
        },
        "count": {
            "operation": "measurement",
            "length": LENGTH,
            "waveforms": {"single": "zero"},
            "digital_marker": "on",
        },
    },
    "waveforms": {
        "zero": {"type": "constant", "sample": 0.0},
        "weak": {"type": "constant", "sample": PI * _ENVELOPE.sum() / 2000},
        "cw": {"type": "constant", "sample": 0.1},
        **{
            f"{gate}_{part}": {"type": "arbitrary", "samples": samples}
            for gate, shape in _GATES.items()
            for part, samples in zip("iq", _pulse(*shape), strict=True)
        },
    },
    "digital_waveforms": {"on": {"samples": [(1, 0)]}},
    "integration_weights": {
        "cos": {"cosine": [(1.0, LENGTH)], "sine": [(0.0, LENGTH)]},
        "sin": {"cosine": [(0.0, LENGTH)], "sine": [(1.0, LENGTH)]},
        "minus_sin": {"cosine": [(0.0, LENGTH)], "sine": [(-1.0, LENGTH)]},
    },
    "mixers": {
        "mixer_qubit": [
            {
                "intermediate_frequency": QUBIT_IF,
                "lo_frequency": 5_000_000_000,
                "correction": (1.0, 0.0, 0.0, 1.0),
            }
        ],
        "mixer_resonator": [
            {
                "intermediate_frequency": RESONATOR_IF,
                "lo_frequency": 7_000_000_000,
                "correction": (1.0, 0.0, 0.0, 1.0),
            }
        ],
    },
}

# The π pulse of the continuous drive: its area over that of x180, in nanoseconds of cw.
PI_NS = PI * _ENVELOPE.sum() / 0.1
GROUND, EXCITED, NOISE = (0.02, 0.0), (0.0, 0.03), 0.05
# The noise of an integrated value, in volts.
SHOT_NOISE = NOISE / np.sqrt(LENGTH)


def readout(t1=np.inf, t2=np.inf, t2_star=np.inf, qubit_frequency=None, **more):
    """The model, by element."""
    qubit = pulsewire.Qubit("qubit", "x180", qubit_frequency, t1, t2, t2_star)
    return {
        "resonator": pulsewire.Readout(
            ground=GROUND, excited=EXCITED, noise=NOISE, qubit=qubit, **more
        )
    }


def volts(value):
    """Volts of a dual demodulation."""
    return np.asarray(value) * 4096 / LENGTH
