"""The virtual environments of the qm-qua versions, and scripts run in them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

VERSIONS = ("1.2.6", "1.4.1")


@pytest.fixture
def run_with(repository):
    """Runs a script of this folder with a qm-qua version's interpreter; gives what it printed."""

    def run(version, script, *arguments):
        scripts = "Scripts" if os.name == "nt" else "bin"
        python = repository / ".venvs" / f"qm-{version}" / scripts / Path(sys.executable).name
        done = subprocess.run(
            [str(python), str(Path(__file__).parent / script), *map(str, arguments)],
            capture_output=True,
            text=True,
            # What only a hang meets: the longest takes half a minute on two idle cores.
            timeout=500,
        )
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
        return done.stdout

    return run
