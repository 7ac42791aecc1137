"""The README's example, as a user would paste it, and the demo on a user's screen."""

import re
import subprocess
import sys

from tests import PATIENCE


def test_the_example_runs(repository, tmp_path, capsys):
    page = (repository / "README.md").read_text(encoding="utf-8")
    # In a file, as qm-qua looks up the source line of each statement.
    script = tmp_path / "example.py"
    script.write_text(re.search(r"```python\n(.*?)```", page, re.DOTALL)[1], encoding="utf-8")
    exec(compile(script.read_text(encoding="utf-8"), script, "exec"), {"__name__": "__main__"})
    # qm-qua greets on standard output.
    shown = [line for line in capsys.readouterr().out.splitlines() if line.startswith("[")]
    assert shown == ["[0]", "[1]", "[4]", "[9]", "[16]"]


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
