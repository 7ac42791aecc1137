"""The README's example, as a user would paste it."""

import re

from tests.emulator.conftest import CONFIG


def test_the_example_runs(repository, tmp_path, capsys):
    page = (repository / "README.md").read_text(encoding="utf-8")
    # In a file, as qm-qua looks up the source line of each statement.
    script = tmp_path / "example.py"
    script.write_text(re.search(r"```python\n(.*?)```", page, re.DOTALL)[1], encoding="utf-8")
    exec(compile(script.read_text(encoding="utf-8"), script, "exec"), {"config": CONFIG})
    # qm-qua greets on standard output.
    shown = [line for line in capsys.readouterr().out.splitlines() if line.startswith("[")]
    assert shown == ["[0]", "[1]", "[4]", "[9]", "[16]"]
