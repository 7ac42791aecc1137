"""The suite of programs by both real clients and pulsewire: the same samples, reports, results."""

import json

import pytest

import pulsewire
from tests import VERSIONS

PROGRAMS = 120
# 1.2.6 writes "sqrt" for Math.inv_sqrt (docs/protocol.md, "The program on the wire").
DIFFERENT = {"functions_of_numbers", "shapes_of_functions"}


@pytest.fixture(scope="module")
def outcomes():
    return {}


def outcome(run_with, outcomes, version, backend):
    key = version, backend
    if key not in outcomes:
        which = "read" if key == ("1.2.6", "qm") else "all"
        with pulsewire.Emulator() as emulator:
            host, port = emulator.host, emulator.port
            shown = run_with(version, "simulations.py", backend, host, port, which)
        line = next(line for line in shown.splitlines() if line.startswith("OUTCOME "))
        outcomes[key] = json.loads(line.removeprefix("OUTCOME "))
    return outcomes[key]


@pytest.mark.parametrize("version", VERSIONS)
def test_pulsewire_gives_what_the_real_client_gives(run_with, outcomes, version):
    theirs = outcome(run_with, outcomes, version, "qm")
    ours = outcome(run_with, outcomes, version, "pulsewire")
    assert len(ours) >= PROGRAMS
    assert len(theirs) >= (PROGRAMS if version == "1.4.1" else 20)
    for name in theirs:
        assert ours[name] == theirs[name], name


def test_both_clients_write_the_same_programs(run_with, outcomes):
    # Every program and configuration as 1.2.6 writes it, and what 1.4.1 makes of all of them.
    first = outcome(run_with, outcomes, "1.2.6", "pulsewire")
    second = outcome(run_with, outcomes, "1.4.1", "qm")
    assert set(first) == set(second)
    assert {name for name in first if first[name] != second[name]} == DIFFERENT


def test_what_is_executed_is_what_is_simulated(run_with, outcomes):
    found = outcome(run_with, outcomes, VERSIONS[-1], "qm")
    played = 0
    for name, one in found.items():
        # Nobody talks to a simulation: it ends where somebody would have to.
        if one["alone"]:
            assert one["executed"] == one["plain"]["results"], name
        played += bool(one["plain"]["report"]["analog_waveforms"])
        # Only the program that is there to be clipped is; those that wait for somebody say so.
        told = [text for text in one["plain"]["errors"] if "reaches no simulation" not in str(text)]
        assert one["alone"] <= (told == one["plain"]["errors"]), one["plain"]["errors"]
        assert bool(told) == (name == "clipped"), told
    assert played >= 50
    # With a loopback, what measures sees something else.
    differ = [name for name, one in found.items() if one["looped"] != one["executed"]]
    assert len(differ) >= 10, differ
