"""What plays and measures: configurations and programs of the benchmarks of simulated jobs."""

import numpy as np

PORTS, LONG, READOUT = 10, 100_000, 1000


def rendering_config():
    """Ten ports: five pairs at five intermediate frequencies, with shapes of 0.1 ms."""
    shape = 0.3 * np.exp(-0.5 * ((np.arange(LONG) - LONG / 2) / (LONG / 6)) ** 2)
    corrections = [
        {
            "intermediate_frequency": 50_000_000 + pair * 1_000_000,
            "lo_frequency": 5_000_000_000,
            "correction": (0.9, 0.1, 0.1, 1.0),
        }
        for pair in range(PORTS // 2)
    ]
    return {
        "controllers": {
            "con1": {"analog_outputs": {port: {"offset": 0.0} for port in range(1, PORTS + 1)}}
        },
        "elements": {
            f"pair{pair}": {
                "mixInputs": {
                    "I": ("con1", 2 * pair + 1),
                    "Q": ("con1", 2 * pair + 2),
                    "lo_frequency": 5_000_000_000,
                    "mixer": "mixer",
                },
                "intermediate_frequency": 50_000_000 + pair * 1_000_000,
                "operations": {"shape": "shape"},
            }
            for pair in range(PORTS // 2)
        },
        "pulses": {
            "shape": {
                "operation": "control",
                "length": LONG,
                "waveforms": {"I": "shape", "Q": "zero"},
            }
        },
        "waveforms": {
            "shape": {"type": "arbitrary", "samples": shape.tolist()},
            "zero": {"type": "constant", "sample": 0.0},
        },
        "mixers": {"mixer": corrections},
    }


def rendering():
    from qm.qua import declare, for_, play, program

    with program() as built:
        n = declare(int)
        with for_(n, 0, n < 1_000_000, n + 1):
            for pair in range(PORTS // 2):
                play("shape", f"pair{pair}")
    return built


def rabi_config():
    """A qubit and its resonator."""
    shape = (0.3 * np.exp(-0.5 * ((np.arange(40) - 19.5) / 8) ** 2)).tolist()

    def pair(first, frequency, operations, **more):
        return {
            "mixInputs": {
                "I": ("con1", first),
                "Q": ("con1", first + 1),
                "lo_frequency": 5_000_000_000,
                "mixer": "mixer",
            },
            "intermediate_frequency": frequency,
            "operations": operations,
            **more,
        }

    identity = [
        {
            "intermediate_frequency": frequency,
            "lo_frequency": 5_000_000_000,
            "correction": (1.0, 0.0, 0.0, 1.0),
        }
        for frequency in (50_000_000, 60_000_000)
    ]
    return {
        "controllers": {
            "con1": {
                "analog_outputs": {port: {"offset": 0.0} for port in range(1, 5)},
                "analog_inputs": {1: {"offset": 0.0}, 2: {"offset": 0.0}},
            }
        },
        "elements": {
            "qubit": pair(1, 50_000_000, {"x180": "x180"}),
            "resonator": pair(
                3,
                60_000_000,
                {"readout": "readout"},
                outputs={"out1": ("con1", 1), "out2": ("con1", 2)},
                time_of_flight=180,
                smearing=0,
            ),
        },
        "pulses": {
            "x180": {
                "operation": "control",
                "length": 40,
                "waveforms": {"I": "shape", "Q": "zero"},
            },
            "readout": {
                "operation": "measurement",
                "length": READOUT,
                "waveforms": {"I": "level", "Q": "zero"},
                "integration_weights": {name: name for name in ("cos", "sin", "minus_sin")},
                "digital_marker": "on",
            },
        },
        "waveforms": {
            "shape": {"type": "arbitrary", "samples": shape},
            "level": {"type": "constant", "sample": 0.1},
            "zero": {"type": "constant", "sample": 0.0},
        },
        "digital_waveforms": {"on": {"samples": [(1, 0)]}},
        "integration_weights": {
            "cos": {"cosine": [(1.0, READOUT)], "sine": [(0.0, READOUT)]},
            "sin": {"cosine": [(0.0, READOUT)], "sine": [(1.0, READOUT)]},
            "minus_sin": {"cosine": [(0.0, READOUT)], "sine": [(-1.0, READOUT)]},
        },
        "mixers": {"mixer": identity},
    }


def rabi(shots, points):
    from qm.qua import (
        align,
        amp,
        declare,
        declare_stream,
        dual_demod,
        fixed,
        for_,
        measure,
        play,
        program,
        save,
        stream_processing,
        wait,
    )

    step = 2.0 / points
    with program() as built:
        n, a, i, q = declare(int), declare(fixed), declare(fixed), declare(fixed)
        stream_i, stream_q = declare_stream(), declare_stream()
        with for_(n, 0, n < shots, n + 1), for_(a, 0.0, a < 2.0 - step / 2, a + step):
            play("x180" * amp(a), "qubit")
            align("qubit", "resonator")
            measure(
                "readout",
                "resonator",
                dual_demod.full("cos", "out1", "sin", "out2", i),
                dual_demod.full("minus_sin", "out1", "cos", "out2", q),
            )
            wait(1000, "resonator")
            save(i, stream_i)
            save(q, stream_q)
        with stream_processing():
            stream_i.buffer(points).average().save("i")
            stream_q.buffer(points).average().save("q")
    return built
