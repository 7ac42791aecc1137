"""Every block of docs/drop-in.md, as a user would paste it."""

import re
import shlex
import shutil

import pytest

import pulsewire
from pulsewire.dropin.seams import SEAMS
from tests import VERSIONS
from tests.dropin.conftest import SCRIPTS, call, command_of


@pytest.fixture
def page(repository):
    return (repository / "docs" / "drop-in.md").read_text(encoding="utf-8")


@pytest.fixture
def folder(tmp_path):
    shutil.copy(SCRIPTS / "configuration.py", tmp_path)
    shutil.copy(SCRIPTS / "hello_qua.py", tmp_path / "script.py")
    return tmp_path


@pytest.mark.parametrize("version", VERSIONS)
def test_blocks_of_python_run(page, folder, version):
    blocks = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert len(blocks) >= 5
    shown = []
    for number, block in enumerate(blocks):
        (folder / f"block{number}.py").write_text(block, encoding="utf-8")
        with pulsewire.Emulator() as emulator:
            address = {"QOP_IP": emulator.host, "QOP_PORT": str(emulator.port)}
            done = call(command_of(version, f"block{number}.py"), cwd=folder, **address)
        assert done.returncode == 0, block + done.stderr
        shown.append(done.stdout)
    assert "[0 1 2 3 4]" in shown[0]
    assert "StreamsManager.wait_for_all_values" in shown[0]
    assert "[0, 1, 2, 3, 4]" in shown[2]
    assert "[(0, True), (1, True)]" in shown[3]


def test_blocks_of_the_shell_run(page, folder):
    commands = re.findall(r"```sh\n(.*?)```", page, re.DOTALL)
    lines = [line for block in commands for line in block.splitlines()]
    assert len(lines) >= 4
    for line in lines:
        program, *arguments = shlex.split(line)
        assert program == "pulsewire"
        with pulsewire.Emulator() as emulator:
            address = {"QOP_IP": emulator.host, "QOP_PORT": str(emulator.port)}
            if "--emulator" in arguments:
                address = {}
            command = command_of("1.4.1", "-m", "pulsewire", *arguments)
            done = call(command, cwd=folder, **address)
        assert done.returncode == 0, line + done.stderr
        assert "[0 1 2 3 4 5 6 7 8 9]" in done.stdout
    kept = {path.name for path in (folder / "kept").iterdir()}
    assert {"000-config.bin", "001-program.bin", "runs.json"} < kept


def test_what_was_recorded_runs_again(folder):
    import json

    import numpy as np

    call(
        command_of(
            "1.4.1", "-m", "pulsewire", "run", "--emulator", "--record", "kept", "script.py"
        ),
        cwd=folder,
    )
    kept = folder / "kept"
    command = command_of("1.4.1", "-m", "pulsewire", "run", "--emulator", "--record", "kept")
    again = call([*command, "script.py"], cwd=folder)
    assert again.returncode == 1
    assert "there is a recording already" in again.stderr
    runs = json.loads((kept / "runs.json").read_text())
    assert [run["what"] for run in runs] == ["open_qm", "add_to_queue"]
    job_id = runs[1]["id"]
    assert np.load(kept / job_id / "n.npy")["value"].tolist() == list(range(10))
    with (
        pulsewire.Emulator() as emulator,
        pulsewire.connect(emulator.host, emulator.port) as client,
    ):
        machine = client.open_qm((kept / runs[0]["config"]).read_bytes())
        job = machine.execute((kept / runs[1]["program"]).read_bytes())
        job.result_handles.wait_for_all_values()
        assert job.result_handles.n.fetch_all()["value"].tolist() == list(range(10))


def test_every_seam_is_told_of(page):
    for seam in SEAMS:
        assert f"`{seam.place}`" in page, seam.place
