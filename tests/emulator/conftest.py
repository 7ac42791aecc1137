"""Programs for the tests against the emulator, in the vendor's DSL (qm-qua 1.4.1)."""

import copy
import os
import time

import pytest

import pulsewire
from tests import PATIENCE

CONFIG = {
    "controllers": {
        "con1": {
            "type": "opx1",
            "analog_outputs": {port: {"offset": 0.05 * port} for port in (1, 2, 3)},
            "analog_inputs": {1: {"offset": 0.0}},
            "digital_outputs": {1: {}},
        }
    },
    "elements": {
        "qubit": {
            "mixInputs": {
                "I": ("con1", 1),
                "Q": ("con1", 2),
                "lo_frequency": 5_000_000_000,
                "mixer": "mixer",
            },
            "intermediate_frequency": -50_000_000,
            "operations": {"pi": "pi_pulse"},
        },
        "flux": {
            "singleInput": {"port": ("con1", 3)},
            "intermediate_frequency": 1_000_000,
            "operations": {"bias": "bias_pulse"},
        },
        "bare": {"mixInputs": {"I": ("con1", 1), "Q": ("con1", 2)}, "operations": {}},
    },
    "pulses": {
        "pi_pulse": {
            "operation": "control",
            "length": 40,
            "waveforms": {"I": "constant", "Q": "zero"},
        },
        "bias_pulse": {"operation": "control", "length": 40, "waveforms": {"single": "shape"}},
    },
    "waveforms": {
        "constant": {"type": "constant", "sample": 0.2},
        "zero": {"type": "constant", "sample": 0.0},
        "shape": {"type": "arbitrary", "samples": [0.1] * 40, "is_overridable": True},
        "fixed_shape": {"type": "arbitrary", "samples": [0.1] * 40},
    },
    "mixers": {
        "mixer": [
            {
                "intermediate_frequency": -50_000_000,
                "lo_frequency": 5_000_000_000,
                "correction": (1.0, 0.25, -0.25, 0.5),
            }
        ]
    },
}


def shared(config):
    """A configuration whose ports other machines may have too."""
    config = copy.deepcopy(config)
    for controller in config["controllers"].values():
        for kind in ("analog_outputs", "analog_inputs", "digital_outputs", "digital_inputs"):
            for port in controller.get(kind, {}).values():
                port["shareable"] = True
    return config


@pytest.fixture(scope="session")
def pulsewire_emulator():
    """Without what the real system adds to a program's own time: the formulas are the manual's."""
    with pulsewire.Emulator(timing="ideal") as emulator:
        yield emulator


def exit_code_of(child):
    """How a forked child ended; it must not hang."""
    ends = time.monotonic() + PATIENCE
    while True:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status)
        assert time.monotonic() < ends, "the child hangs"
        time.sleep(0.01)


@pytest.fixture
def machine(pulsewire_client):
    return pulsewire_client.open_qm(CONFIG)


@pytest.fixture
def endless():
    """Runs until it is halted; saves nothing."""
    from qm.qua import assign, declare, infinite_loop_, program

    with program() as built:
        value = declare(int)
        with infinite_loop_():
            assign(value, value + 1)
    return built


@pytest.fixture
def echo():
    """Takes entries of every kind and saves them."""
    from qm.qua import (
        advance_input_stream,
        declare,
        declare_input_stream,
        declare_stream,
        fixed,
        for_,
        infinite_loop_,
        program,
        save,
        stream_processing,
    )

    with program() as built:
        index = declare(int)
        numbers = declare_input_stream(int, "numbers", size=3)
        angle = declare_input_stream(fixed, "angle")
        flag = declare_input_stream(bool, "flag")
        number_stream, angle_stream, flag_stream = (declare_stream() for _ in range(3))
        with infinite_loop_():
            advance_input_stream(numbers)
            advance_input_stream(angle)
            advance_input_stream(flag)
            with for_(index, 0, index < 3, index + 1):
                save(numbers[index], number_stream)
            save(angle, angle_stream)
            save(flag, flag_stream)
        with stream_processing():
            number_stream.buffer(3).save_all("numbers")
            angle_stream.save_all("angle")
            flag_stream.save_all("flag")
            angle_stream.save("last_angle")
    return built


@pytest.fixture
def counting():
    """A function that makes a program which saves 0 … count - 1."""
    from qm.qua import declare, declare_stream, for_, pause, program, save, stream_processing

    def make(count, *, pausing=False):
        with program() as built:
            value = declare(int)
            stream = declare_stream()
            with for_(value, 0, value < count, value + 1):
                save(value, stream)
            if pausing:
                pause()
            with stream_processing():
                stream.save_all("values")
                stream.save("last")
        return built

    return make


@pytest.fixture
def ports(pulsewire_client):
    """Simulates what a function builds on the rack; gives a function from a port to its volts."""
    from qm.qua import program

    from tests.emulator import rack

    def simulate(build, cycles=200, flags=(), config=None, **outputs):
        with program() as built:
            build()
        config = config or rack.config(**outputs)
        job = pulsewire_client.simulate(config, built, cycles, flags=flags)
        samples = job.get_simulated_samples().con1
        simulate.job, simulate.digital = job, samples.digital
        assert len(samples.analog[1]) == 4 * cycles
        return samples.analog

    return simulate


def squaring(cycles=0):
    """A program that answers each int with its square, after so many clock cycles."""
    from qm.qua import (
        advance_input_stream,
        align,
        assign,
        declare,
        declare_input_stream,
        declare_stream,
        infinite_loop_,
        program,
        save,
        stream_processing,
        wait,
    )

    with program() as built:
        tau = declare_input_stream(int, "tau")
        answer, stream = declare(int), declare_stream()
        with infinite_loop_():
            advance_input_stream(tau)
            if cycles:
                wait(cycles, "flux")
                align()
            assign(answer, tau * tau)
            save(answer, stream)
        with stream_processing():
            stream.save_all("answer")
    return built


@pytest.fixture
def squares():
    return squaring()
