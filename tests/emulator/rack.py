"""A configuration with an element of every kind, and what its ports should play, in numpy."""

import copy

import numpy as np

GAUSS = (0.3 * np.exp(-0.5 * ((np.arange(100) - 49.5) / 18) ** 2)).tolist()
RISE = np.linspace(0.0, 0.2, 100).tolist()
CORRECTION = (0.9, 0.125, -0.0625, 1.05)
# The step of a correction is 2**-16.
C = np.round(np.array(CORRECTION) * 65536) / 65536

_SINGLE = {
    "hold": "hold_single",
    "rise": "rise_single",
    "short": "short_single",
    "marked": "marked_single",
}


def _single(port, **more):
    return {"singleInput": {"port": ("con1", port)}, "operations": dict(_SINGLE), **more}


CONFIG = {
    "controllers": {
        "con1": {
            "type": "opx1",
            "analog_outputs": {port: {"offset": 0.0} for port in range(1, 11)},
            "analog_inputs": {1: {"offset": 0.0}, 2: {"offset": 0.0}},
            "digital_outputs": {port: {} for port in range(1, 5)},
        }
    },
    "elements": {
        "iq": {
            "mixInputs": {
                "I": ("con1", 1),
                "Q": ("con1", 2),
                "lo_frequency": 5_000_000_000,
                "mixer": "mixer",
            },
            "intermediate_frequency": 50_000_000,
            "operations": {"pi": "pi_iq", "hold": "hold_iq"},
            "digitalInputs": {"switch": {"port": ("con1", 1), "delay": 20, "buffer": 6}},
        },
        "tone": _single(3, intermediate_frequency=10_000_000),
        "twin": _single(3, intermediate_frequency=10_000_000),
        "flux": _single(4),
        "sticky": _single(5, sticky={"analog": True, "digital": True, "duration": 400})
        | {"digitalInputs": {"gate": {"port": ("con1", 2), "delay": 0, "buffer": 0}}},
        "stuck": _single(6, intermediate_frequency=2_000_000, sticky={"analog": True}),
        "both": {
            "multipleInputs": {"inputs": {"a": ("con1", 7), "b": ("con1", 8)}},
            "operations": dict(_SINGLE),
        },
        "either": {
            "singleInputCollection": {"inputs": {"a": ("con1", 7), "b": ("con1", 8)}},
            "intermediate_frequency": 4_000_000,
            "operations": dict(_SINGLE),
        },
        "ro": {
            "singleInput": {"port": ("con1", 9)},
            "intermediate_frequency": 20_000_000,
            "operations": {"readout": "readout_single", "blink": "blink_single"},
            "outputs": {"out1": ("con1", 1)},
            "time_of_flight": 200,
            "smearing": 8,
            "digitalInputs": {"window": {"port": ("con1", 3), "delay": 0, "buffer": 0}},
        },
        "rr": {
            "mixInputs": {
                "I": ("con1", 9),
                "Q": ("con1", 10),
                "lo_frequency": 7_000_000_000,
                "mixer": "plain",
            },
            "intermediate_frequency": 20_000_000,
            "operations": {"readout": "readout_iq"},
            "outputs": {"out1": ("con1", 1), "out2": ("con1", 2)},
            "time_of_flight": 24,
            "smearing": 0,
        },
        "counter": {
            "singleInput": {"port": ("con1", 9)},
            "operations": {"readout": "readout_single"},
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
        "shared_a": _single(3, oscillator="shared"),
        "shared_b": _single(4, oscillator="shared"),
        "thread_a": _single(3, thread="one"),
        "thread_b": _single(4, thread="one"),
        "lamp": {
            "digitalInputs": {"lamp": {"port": ("con1", 4), "delay": 0, "buffer": 0}},
            "operations": {"on": "on_pulse", "stutter": "stutter_pulse"},
        },
    },
    "oscillators": {"shared": {"intermediate_frequency": 5_000_000}},
    "pulses": {
        "pi_iq": {
            "operation": "control",
            "length": 100,
            "waveforms": {"I": "gauss", "Q": "zero"},
            "digital_marker": "on",
        },
        "hold_iq": {
            "operation": "control",
            "length": 100,
            "waveforms": {"I": "level", "Q": "half"},
        },
        "hold_single": {"operation": "control", "length": 100, "waveforms": {"single": "level"}},
        "rise_single": {"operation": "control", "length": 100, "waveforms": {"single": "rise"}},
        "short_single": {"operation": "control", "length": 16, "waveforms": {"single": "level"}},
        "marked_single": {
            "operation": "control",
            "length": 100,
            "waveforms": {"single": "level"},
            "digital_marker": "on",
        },
        "on_pulse": {"operation": "control", "length": 40, "digital_marker": "on"},
        "stutter_pulse": {"operation": "control", "length": 400, "digital_marker": "stutter"},
        **{
            name: {
                "operation": "measurement",
                "length": 400,
                "waveforms": waveforms,
                "integration_weights": {
                    name: name for name in ("cos", "sin", "minus_sin", "ramp", "short")
                },
                "digital_marker": marker,
            }
            for name, waveforms, marker in (
                ("readout_single", {"single": "level"}, "on"),
                ("readout_iq", {"I": "level", "Q": "zero"}, "on"),
                ("blink_single", {"single": "level"}, "blink"),
            )
        },
    },
    "waveforms": {
        "level": {"type": "constant", "sample": 0.2},
        "half": {"type": "constant", "sample": 0.1},
        "zero": {"type": "constant", "sample": 0.0},
        "gauss": {"type": "arbitrary", "samples": GAUSS},
        "rise": {"type": "arbitrary", "samples": RISE, "is_overridable": True},
    },
    "digital_waveforms": {
        "on": {"samples": [(1, 0)]},
        "stutter": {"samples": [(1, 100), (0, 200), (1, 76), (0, 10), (1, 0)]},
        "blink": {"samples": [(1, 8), (0, 8), (1, 8), (0, 0)]},
    },
    "integration_weights": {
        "cos": {"cosine": [(1.0, 400)], "sine": [(0.0, 400)]},
        "sin": {"cosine": [(0.0, 400)], "sine": [(1.0, 400)]},
        "minus_sin": {"cosine": [(0.0, 400)], "sine": [(-1.0, 400)]},
        "ramp": {"cosine": np.linspace(0, 1, 100).tolist(), "sine": np.ones(100).tolist()},
        "short": {"cosine": [(1.0, 80), (0.5, 80)], "sine": [(0.25, 160)]},
    },
    "mixers": {
        "mixer": [
            {
                "intermediate_frequency": 50_000_000,
                "lo_frequency": 5_000_000_000,
                "correction": CORRECTION,
            }
        ],
        "plain": [
            {
                "intermediate_frequency": 20_000_000,
                "lo_frequency": 7_000_000_000,
                "correction": (1.0, 0.0, 0.0, 1.0),
            }
        ],
    },
}


def config(**outputs):
    """The configuration, with further settings of analog outputs: ``p1={"offset": 0.1}``."""
    changed = copy.deepcopy(CONFIG)
    for name, settings in outputs.items():
        changed["controllers"]["con1"]["analog_outputs"][int(name[1:])].update(settings)
    return changed


def fixed(value):
    """A number as a ``fixed`` holds it: the nearest 2**-28."""
    return np.round(np.asarray(value) * 2**28) / 2**28


def cos(hertz, times, turns=0.0):
    return np.cos(2 * np.pi * (hertz * 1e-9 * np.asarray(times) + turns))


def sin(hertz, times, turns=0.0):
    return np.sin(2 * np.pi * (hertz * 1e-9 * np.asarray(times) + turns))


def mixed(i, q, hertz, times, turns=0.0, correction=(1, 0, 0, 1)):
    """C · R(ωt + φ) · (I, Q) (docs/protocol.md, "What plays")."""
    c, s = cos(hertz, times, turns), sin(hertz, times, turns)
    x, y = i * c - q * s, i * s + q * c
    c00, c01, c10, c11 = correction
    return c00 * x + c01 * y, c10 * x + c11 * y


def close(got, expected):
    """To 1e-9 V."""
    got, expected = np.asarray(got), np.broadcast_to(expected, np.shape(got))
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-9)


def spans(samples):
    """Where a trace is not zero: (start, end) pairs, in nanoseconds."""
    high = np.concatenate([[0], np.asarray(samples) != 0, [0]]).astype(int)
    edges = np.flatnonzero(np.diff(high))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]
