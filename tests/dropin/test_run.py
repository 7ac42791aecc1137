"""The command ``pulsewire run``: what a script sees of it is what ``python`` shows it."""

import os
import signal
import subprocess
import sys
import time

import pytest

from tests import PATIENCE
from tests.dropin.conftest import SCRIPTS, call, command_of

SEES = """
import sys, os
print(__name__, os.path.basename(__file__), sys.argv, os.path.basename(sys.path[0]))
print(sorted(name for name in globals() if not name.startswith("__")))
import helper
print(helper.word, sys.modules["__main__"].__dict__ is globals())
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "sees.py").write_text(SEES)
    (tmp_path / "helper.py").write_text("word = 'helped'\n")
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "__init__.py").write_text("")
    (tmp_path / "package" / "__main__.py").write_text(
        "import sys\nprint(sys.argv[1:], __package__)\n"
    )
    return tmp_path


def both(folder, *arguments):
    """What python prints, and what pulsewire run does."""
    plain = call(command_of("1.4.1", *arguments), cwd=folder)
    run = call(command_of("1.4.1", "-m", "pulsewire", "run", "--off", *arguments), cwd=folder)
    return plain, run


@pytest.mark.parametrize(
    "arguments",
    [
        ("sees.py",),
        ("sees.py", "--report", "-m", "x"),
        ("-m", "package", "a", "--emulator"),
        ("-m", "helper"),
    ],
)
def test_a_script_sees_what_python_shows_it(folder, arguments):
    plain, run = both(folder, *arguments)
    assert plain.returncode == run.returncode == 0, run.stderr
    assert run.stdout == plain.stdout


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("import sys; sys.exit('not today')", 1),
        ("import sys; sys.exit(7)", 7),
        ("raise SystemExit", 0),
        ("raise ValueError('no')", 1),
        ("def f(:", 1),
        ("import nothing_of_that_name", 1),
        ("print(1); 1 / 0", 1),
    ],
)
def test_it_ends_as_python_ends_it(folder, line, status):
    (folder / "ends.py").write_text(line + "\n")
    plain, run = both(folder, str(folder / "ends.py"))
    assert plain.returncode == run.returncode == status
    assert (run.stdout, run.stderr) == (plain.stdout, plain.stderr)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nowhere.py"], "can't open 'nowhere.py'"),
        (["--readout", "x.json", "sees.py"], "add --emulator"),
        (["--emulator", "--readout", "x.json", "sees.py"], "x.json"),
        (["--emulator", "--readout", "bad.json", "sees.py"], "the readout of 'resonator'"),
        (["--emulator", "--seed", "-1", "sees.py"], "seed"),
        (["--strict", "--shadow", "sees.py"], "not allowed with"),
        ([], "required"),
    ],
)
def test_what_cannot_be_is_said(folder, arguments, says):
    (folder / "bad.json").write_text('{"resonator": {"grund": 1}}')
    done = call(command_of("1.4.1", "-m", "pulsewire", "run", *arguments), cwd=folder)
    assert done.returncode in (1, 2)
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_off_leaves_the_vendor_alone_on_the_emulator(folder):
    (folder / "off.py").write_text(
        "import pulsewire\n"
        "from qm.jobs.base_job import QmBaseJob\n"
        "print(pulsewire.installed(), hasattr(QmBaseJob.push_to_input_stream, '__wrapped__'))\n"
        "from qm import QuantumMachinesManager\n"
        "qmm = QuantumMachinesManager('10.255.255.1', 9510, cluster_name='x')\n"
        "print(qmm.version().gateway != '')\n"
    )
    command = command_of("1.4.1", "-m", "pulsewire", "run", "--off", "--emulator", "off.py")
    done = call(command, cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "False False" in done.stdout
    assert "True" in done.stdout.splitlines()[-1]


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_ctrl_c_ends_an_endless_script():
    script = (
        "from configuration import *\n"
        "from qm import QuantumMachinesManager\n"
        "from qm.qua import *\n"
        "qm = QuantumMachinesManager(qop_ip).open_qm(config)\n"
        "with program() as endless:\n"
        "    n = declare(int)\n"
        "    with infinite_loop_():\n"
        "        save(n, 'n')\n"
        "        pause()\n"
        "job = qm.execute(endless)\n"
        "job.result_handles.n.wait_for_values(1)\n"
        "print('waits', flush=True)\n"
        "job.result_handles.n.wait_for_values(2)\n"
    )
    path = SCRIPTS.parent / "endless_for_a_test.py"
    path.write_text(script)
    try:
        run = subprocess.Popen(
            command_of("1.4.1", "-m", "pulsewire", "run", "--emulator", "--report", path),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(SCRIPTS)},
        )
        ends = time.monotonic() + PATIENCE
        while "waits" not in run.stdout.readline():
            assert time.monotonic() < ends
        run.send_signal(signal.SIGINT)
        _, errors = run.communicate(timeout=PATIENCE)
        assert "KeyboardInterrupt" in errors
        # As Python ends on it, and not before the report.
        assert run.returncode == -signal.SIGINT
        assert "pulsewire serves qm-qua 1.4.1" in errors
    finally:
        path.unlink()


def test_the_module_is_the_command():
    done = subprocess.run(
        [sys.executable, "-m", "pulsewire", "run", "--help"],
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE,
    )
    for option in ("--emulator", "--readout", "--seed", "--record", "--report", "--strict"):
        assert option in done.stdout
