"""Tests of pulsewire."""

import os
import signal
import sys
from pathlib import Path

# Behind a shell's `&` Ctrl-C is ignored, and by every child too; some tests interrupt theirs.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Seconds that a test waits for what comes: only a hang meets them, also beside other work.
PATIENCE = 120

ROOT = Path(__file__).parents[1]
VERSIONS = ("1.2.6", "1.4.1")


def interpreter(environment):
    """Python of a virtual environment: of a version of qm-qua, or by its folder's name."""
    folder = f"qm-{environment}" if environment[0].isdigit() else environment
    place = ROOT / folder if folder == ".venv" else ROOT / ".venvs" / folder
    return place / ("Scripts" if os.name == "nt" else "bin") / Path(sys.executable).name
