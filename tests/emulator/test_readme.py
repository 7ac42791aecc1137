"""The README's example, as a user would paste it, and the demo on a user's screen."""

import os
import re
import subprocess
import sys

from tests import PATIENCE, interpreter


def test_the_example_runs(repository, tmp_path):
    page = (repository / "README.md").read_text(encoding="utf-8")
    # In a file, as qm-qua looks up the source line of each statement; run by an interpreter of
    # its own, which has no name but those of the example.
    script = tmp_path / "example.py"
    script.write_text(re.search(r"```python\n(.*?)```", page, re.DOTALL)[1], encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-W", "ignore", script],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    # qm-qua greets on standard output.
    shown = [line for line in done.stdout.splitlines() if line.startswith("[")]
    assert shown == ["[0]", "[1]", "[4]", "[9]", "[16]"]


def test_the_example_type_checks(repository, tmp_path):
    page = (repository / "README.md").read_text(encoding="utf-8")
    script = tmp_path / "example.py"
    script.write_text(re.search(r"```python\n(.*?)```", page, re.DOTALL)[1], encoding="utf-8")
    # mypy is in the environment of the checks, as in `make lint`; qm-qua, which is not there,
    # counts as untyped.
    done = subprocess.run(
        [
            *(interpreter(".venv"), "-m", "mypy", "--strict", script),
            *("--ignore-missing-imports", "--cache-dir", tmp_path / "cache"),
        ],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        cwd=tmp_path,
        env={**os.environ, "MYPYPATH": str(repository / "python")},
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_demo_shows_no_warnings(repository, tmp_path):
    command = [sys.executable, "-W", "ignore", "-m", "pulsewire", "demo"]
    shown = subprocess.run(
        [*command, "--output", str(tmp_path / "demo.png")],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=True,
        cwd=repository,
    )
    assert "Warning" not in shown.stdout + shown.stderr
    assert (tmp_path / "demo.png").stat().st_size > 10_000
