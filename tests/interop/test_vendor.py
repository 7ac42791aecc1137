"""Unmodified qm-qua against the emulator as a process of its own."""

import os
import signal
import subprocess
import sys

import pytest

from tests import PATIENCE, VERSIONS


@pytest.fixture
def served():
    """`python -m pulsewire emulator` on a free port: host and port."""
    process = subprocess.Popen(
        [sys.executable, "-m", "pulsewire", "emulator", "--port", "0"],
        stdout=subprocess.PIPE,
        text=True,
    )
    host, port = process.stdout.readline().split()[-1].rsplit(":", 1)
    yield host, int(port)
    process.send_signal(signal.SIGTERM if os.name != "nt" else signal.CTRL_BREAK_EVENT)
    assert process.wait(PATIENCE) == 0
    process.stdout.close()


@pytest.mark.parametrize("version", VERSIONS)
def test_a_whole_session_without_a_warning(run_with, served, version):
    assert "SESSION OK" in run_with(version, "session.py", *served)


def test_the_rust_example_closes_a_loop(repository, served):
    name = "closed_loop" + (".exe" if os.name == "nt" else "")
    demo = repository / "python" / "pulsewire" / "_demo"
    example = repository / "target" / "release" / "examples" / name
    config, program = demo / "config.bin", demo / "closed_loop.program.bin"
    shown = subprocess.run(
        [example, *map(str, served), config, program],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=True,
    ).stdout
    assert shown.count("signal") == 10
    assert "guess 0.0: signal 0.9" in shown
    assert "halted: true" in shown
