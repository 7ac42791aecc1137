"""The virtual environments of the qm-qua versions, and scripts run in them."""

import subprocess
from pathlib import Path

import pytest

from tests import interpreter


@pytest.fixture
def run_with():
    """Runs a script of this folder with a qm-qua version's interpreter; gives what it printed."""

    def run(version, script, *arguments):
        done = subprocess.run(
            [str(interpreter(version)), str(Path(__file__).parent / script), *map(str, arguments)],
            capture_output=True,
            text=True,
            # What only a hang meets: the longest takes half a minute on two idle cores.
            timeout=500,
        )
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
        return done.stdout

    return run
