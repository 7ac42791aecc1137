"""Unchanged scripts: what they print and how they end is the same by qm-qua and by pulsewire."""

import json
import re

import numpy as np
import pytest

from tests import VERSIONS
from tests.dropin.conftest import NAMES, ONLY_EMULATED


def test_there_are_scripts_of_many_kinds():
    assert len(NAMES) >= 40


@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("version", VERSIONS)
def test_a_script_does_the_same(runs, version, name):
    if name in ONLY_EMULATED:
        return
    plain = runs[version, name, "plain"].result()
    assert plain.status == {"exit_code": 3, "uncaught": 1}.get(name, 0), plain
    # Beside qm-qua's greeting; two say it by how they end.
    assert plain.output.count("\n") > 1 or name in ("uncaught", "own_tests")
    for mode in ("run", "shadow", "emulator"):
        other = runs[version, name, mode].result()
        assert (other.status, other.output) == (plain.status, plain.output), mode
        assert other.errors == plain.errors, mode
        # One has no job, one asks for a report only, whose structures 1.2.6 has unpacked itself.
        served = int(re.search(r": (\d+) calls", other.report)[1])
        assert served > 0 or name in ("mistakes", "simulate_report"), mode
        if "made both ways" in other.report:
            assert ", 0 differed" in other.report


@pytest.mark.parametrize("version", VERSIONS)
def test_octaves_that_only_a_cluster_knows_of(runs, version):
    emulated = runs[version, "octaves_of_cluster", "emulator"].result()
    named = runs[version, "octaves", "plain"].result()
    assert (emulated.status, emulated.output) == (named.status, named.output)


# What the scripts print is what their programs mean, not what two clients agree on.
EXPECTED = {
    "hello_qua": ["completed", "[0 1 2 3 4 5 6 7 8 9]"],
    "input_stream_loop": [f"{sum(range(25)) * 1_000_000} completed"],
    "two_qubit_rb": ["True"],
    "legacy_save": ["[0 1 2 3 4 5 6 7] [0.    0.125 0.25  0.375 0.5   0.625 0.75  0.875]"],
    "pause_and_io": ["[14, 6, 200] [  7   3 100   0]"],
    "thread_pool": [str([499500 * (number + 1) for number in range(4)])],
    "asyncio_reader": ["[1225, 1225, 1225]"],
    "save_to_disk": ["(30, 20) int64 True"],
    "demod_modes": ["True", "\n0.0"],
    "many_simulations": ["[0.25 0.5  1.  ]"],
    "exit_code": ["measured 4"],
    # Steps of 2^-16.
    "corrections": [
        str(tuple(round(entry * 65536) / 65536 for entry in (1.03, 0.0421, -0.0377, 0.98))),
        "MissingElementError 4001",
    ],
    "typed_input_streams": ["UnknownInputStreamError True 1006", "array([ 0.5 , -0.25,  1.75])"],
}


@pytest.mark.parametrize("version", VERSIONS)
def test_scripts_print_what_their_programs_mean(runs, version):
    for name, said in EXPECTED.items():
        output = runs[version, name, "run"].result().output
        for words in said:
            assert words in output, (name, output)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_readout_model_is_seen(runs, version):
    # The ground state's 0.02 V and the excited one's -0.03 V, turned from one to the other by π.
    output = runs[version, "rabi_live", "emulator"].result().output
    lists = [line for line in output.splitlines() if line.startswith("[")]
    real, imaginary = (np.array(json.loads(line)) for line in lists)
    assert abs(real[0] - 0.02) < 0.002
    assert abs(imaginary[0] - 0.01) < 0.002
    assert real.argmin() == 5
