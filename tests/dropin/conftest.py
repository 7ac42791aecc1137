"""Scripts on qm-qua, run as users run them: plain, and by ``pulsewire run``."""

import json
import os
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

import pulsewire
from tests import PATIENCE, VERSIONS, interpreter

SCRIPTS = Path(__file__).parent / "scripts"
READOUT = SCRIPTS / "readout.json"
SEED = 3
NAMES = sorted(path.stem for path in SCRIPTS.glob("*.py") if path.stem != "configuration")
# A router tells of them, and there is none.
ONLY_EMULATED = {"octaves_of_cluster"}
MODES = ("plain", "run", "shadow", "emulator")


@dataclass(frozen=True)
class Ended:
    """How a script ended, without what is another each time."""

    status: int
    output: str
    errors: str
    report: str = ""


def settled(text):
    """Text without times, ids and what counts them."""
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d+", "<time>", text)
    text = re.sub(r"session: [0-9a-f-]{36}", "session: <id>", text)
    text = re.sub(r"\bjob-[0-9a-f-]+", "<job>", text)
    text = re.sub(r"\bqm-[0-9a-f-]+(?![.\w])", "<machine>", text)
    return re.sub(r"in \d+\.\d+s", "in <time>", text)


def ended(done):
    errors, _, report = done.stderr.partition("pulsewire serves qm-qua")
    return Ended(done.returncode, settled(done.stdout), settled(errors), report)


def command_of(version, *arguments):
    return [str(interpreter(version)), *map(str, arguments)]


def call(command, cwd=SCRIPTS, **environment):
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=PATIENCE * 3,
        cwd=cwd,
        env={**os.environ, **environment},
    )


def run_script(version, name, mode, folder=SCRIPTS):
    """A script in one of the modes; each has an emulator of its own."""
    paths = {"PYTHONPATH": str(SCRIPTS)}
    script = f"{name}.py"
    start = ("-m", "pulsewire", "run", "--report")
    if mode == "emulator":
        emulated = ("--emulator", "--readout", READOUT, "--seed", SEED)
        return ended(call(command_of(version, *start, *emulated, script), folder, **paths))
    before = {"plain": (), "run": start, "shadow": (*start, "--shadow")}[mode]
    with pulsewire.Emulator(readout=json.loads(READOUT.read_text()), seed=SEED) as emulator:
        address = {"QOP_IP": emulator.host, "QOP_PORT": str(emulator.port)}
        return ended(call(command_of(version, *before, script), folder, **address, **paths))


@pytest.fixture(scope="session")
def runs():
    """Every script in every mode on both versions; two at a time."""
    with ThreadPoolExecutor(2) as pool:
        started = {
            (version, name, mode): pool.submit(run_script, version, name, mode)
            for version in VERSIONS
            for name in NAMES
            for mode in MODES
            if mode == "emulator" or name not in ONLY_EMULATED
        }
        yield started
