"""The command ``pulsewire run``: what a script sees of it is what ``python`` shows it."""

import json
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


SPAWNS = """
import multiprocessing, subprocess, sys
from configuration import *

def ask(kind):
    from qm import QuantumMachinesManager
    if kind == "install":
        import pulsewire
        pulsewire.install()
    # Nothing is at that address: a child that is not led to the emulator does not come back.
    qmm = QuantumMachinesManager("192.0.2.1", 9510, cluster_name="lab", timeout=5)
    return len(qmm.list_open_qms())

if __name__ == "__main__":
    from qm import QuantumMachinesManager
    qmm = QuantumMachinesManager("192.0.2.1", 9510, log_level="ERROR")
    machine = qmm.open_qm(config)
    for method in multiprocessing.get_all_start_methods():
        with multiprocessing.get_context(method).Pool(1) as pool:
            print(method, pool.apply(ask, [method]))
    line = "import spawns; print('subprocess', spawns.ask('install'))"
    run = subprocess.run([sys.executable, "-c", line], capture_output=True, text=True)
    print([word for word in run.stdout.split() if word in ("subprocess", "1")])
"""


def test_processes_that_a_script_starts_go_to_the_emulator(folder):
    (folder / "spawns.py").write_text(SPAWNS)
    done = call(
        command_of("1.4.1", "-m", "pulsewire", "run", "--emulator", "spawns.py"),
        cwd=folder,
        PYTHONPATH=os.pathsep.join([str(SCRIPTS), str(folder)]),
    )
    assert done.returncode == 0, done.stderr
    shown = [line for line in done.stdout.splitlines() if " - qm - " not in line]
    methods = [line for line in shown if not line.startswith("[")]
    assert {"spawn 1"} <= set(methods)
    assert all(line.endswith(" 1") for line in methods), shown
    assert "['subprocess', '1']" in shown


def test_what_a_script_sets_before_it_imports_the_vendor_holds(folder):
    (folder / "sets.py").write_text(
        "import os, sys\n"
        "print('qm' in sys.modules)\n"
        "os.environ['QM_DISABLE_STREAMOUTPUT'] = '1'\n"
        "import qm, pulsewire\n"
        "print(pulsewire.installed())\n"
    )
    done = call(command_of("1.4.1", "-m", "pulsewire", "run", "sets.py"), cwd=folder)
    assert done.stdout.splitlines() == ["False", "True"]


def test_a_first_double_dash_and_a_safe_path_are_the_scripts(folder):
    plain, run = both(folder, "sees.py", "--", "-x", "--")
    assert run.stdout == plain.stdout
    (folder / "path.py").write_text("import sys\nprint(sys.path[0])\n")
    shown = [
        call(command_of("1.4.1", *start, "path.py"), cwd=folder, PYTHONSAFEPATH="1").stdout
        for start in ((), ("-m", "pulsewire", "run", "--off"))
    ]
    assert shown[0] == shown[1]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")
def test_a_fork_that_exits_ends_nothing_of_its_parent(folder):
    (folder / "forks.py").write_text(
        "import os, sys\n"
        "from configuration import *\n"
        "from qm import QuantumMachinesManager\n"
        "qmm = QuantumMachinesManager(qop_ip, log_level='ERROR')\n"
        "if os.fork() == 0:\n"
        "    sys.exit(0)\n"
        "os.wait()\n"
        "print(len(qmm.list_open_qms()))\n"
    )
    command = command_of("1.4.1", "-m", "pulsewire", "run", "--emulator", "--report", "forks.py")
    done = call(command, cwd=folder, PYTHONPATH=str(SCRIPTS))
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "0"
    assert done.stderr.count("pulsewire serves qm-qua") == 1


def test_a_recording_has_options_refusals_and_goes_on_without_a_disk(folder):
    (folder / "records.py").write_text(
        "import shutil\n"
        "from configuration import *\n"
        "from qm import CompilerOptionArguments, QuantumMachinesManager, SimulationConfig\n"
        "from qm import LoopbackInterface\n"
        "from qm.qua import *\n"
        "qmm = QuantumMachinesManager(qop_ip, log_level='ERROR')\n"
        "qm = qmm.open_qm(config)\n"
        "with program() as good:\n"
        "    save(declare(int, value=1), 'n')\n"
        "with program() as bad:\n"
        "    play('nothing', 'qubit')\n"
        "options = CompilerOptionArguments(flags=['auto-element-thread'])\n"
        "qm.execute(good, compiler_options=options).result_handles.wait_for_all_values()\n"
        "try:\n"
        "    qm.execute(bad)\n"
        "except Exception as error:\n"
        "    print(type(error).__name__)\n"
        "qmm.simulate(config, good, SimulationConfig(\n"
        "    100, simulation_interface=LoopbackInterface([('con1', 1, 'con1', 1)])))\n"
        "shutil.copy('kept/runs.json', 'runs.json')\n"
        "shutil.rmtree('kept')\n"
        "qm.execute(good).result_handles.wait_for_all_values()\n"
        "print('goes on')\n"
    )
    command = command_of("1.4.1", "-m", "pulsewire", "run", "--emulator", "--record", "kept")
    done = call([*command, "records.py"], cwd=folder, PYTHONPATH=str(SCRIPTS))
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-2:] == ["FailedToAddJobToQueueException", "goes on"]
    runs = json.loads((folder / "runs.json").read_text())
    assert [run["what"] for run in runs] == ["open_qm", "add_to_queue", "add_to_queue", "simulate"]
    assert "auto-element-thread" in runs[1]["options"]
    assert runs[2]["refused"].startswith("FailedToAddJobToQueueException")
    assert "con1" in runs[3]["interface"]
    assert "is not recorded" in done.stderr
