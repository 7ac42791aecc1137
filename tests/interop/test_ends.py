"""A simulation beyond its time, and sessions over TLS: both real clients and pulsewire alike."""

import json

import pytest

import pulsewire
from tests import VERSIONS
from tests.proxy import TLS, Proxy


def outcomes(run_with, host, port, *arguments):
    """What came of it, by client."""
    found = {}
    for version in VERSIONS:
        for backend in ("qm", "pulsewire"):
            shown = run_with(version, "ends.py", backend, host, port, *arguments)
            line = next(line for line in shown.splitlines() if line.startswith("OUTCOME "))
            found[version, backend] = json.loads(line.removeprefix("OUTCOME "))
    return found


def test_a_simulation_past_its_watchdog_is_an_error_of_the_report(run_with):
    with pulsewire.Emulator(limits={"simulation_seconds": 1}) as emulator:
        found = outcomes(run_with, emulator.host, emulator.port, "watchdog")
    for one in found.values():
        assert one["has_errors"]
        ((message, severity),) = one["errors"]
        assert severity == "Error"
        assert "given up after 1 s" in message
        # The statement at which it stood, by chance the loop or the one within it.
        assert "at for_ [" in message or "at save [" in message
        # What was played until then is there, and samples of the whole time.
        assert one["pulses"] == 1
        assert one["samples"] == [400] * 10


@pytest.mark.parametrize("certificate", ["leaf", "own"])
def test_sessions_over_tls(run_with, certificate):
    with (
        pulsewire.Emulator() as emulator,
        Proxy((emulator.host, emulator.port), certificate=certificate) as proxy,
    ):
        found = outcomes(run_with, "127.0.0.1", proxy.port, "tls", TLS / "own.pem")
    assert list(found.values()) == [{"sum": 499_500, "dtype": "int64", "len": 1000}] * 4
