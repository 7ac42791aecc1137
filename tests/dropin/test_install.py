"""``install()`` and what belongs to it, in processes of their own, on both versions of qm-qua."""

import os
import subprocess
import textwrap
import threading
import time

import pytest

import pulsewire
from pulsewire.dropin.locks import Lock
from tests import PATIENCE, VERSIONS, interpreter
from tests.dropin.conftest import SCRIPTS, call, command_of

START = """
import sys, warnings
warnings.simplefilter("ignore")
import pulsewire
from configuration import config
HOST, PORT = sys.argv[1], int(sys.argv[2])

def manager():
    from qm import QuantumMachinesManager
    return QuantumMachinesManager(HOST, PORT, log_level="ERROR")

def counting(count=5):
    from qm.qua import declare, declare_stream, for_, program, save, stream_processing
    with program() as built:
        n, st = declare(int), declare_stream()
        with for_(n, 0, n < count, n + 1):
            save(n, st)
        with stream_processing():
            st.save_all("n")
    return built

def echo():
    from qm.qua import (advance_input_stream, declare_input_stream, declare_stream,
                        infinite_loop_, program, save, stream_processing)
    with program() as built:
        x, st = declare_input_stream(int, name="x"), declare_stream()
        with infinite_loop_():
            advance_input_stream(x)
            save(x, st)
        with stream_processing():
            st.save_all("x")
    return built
"""


@pytest.fixture(params=VERSIONS)
def version(request):
    return request.param


@pytest.fixture
def run(version, tmp_path):
    """Runs lines with qm-qua and an emulator; gives what they printed."""

    def run_lines(lines, status=0, **environment):
        script = tmp_path / "lines.py"
        script.write_text(START + textwrap.dedent(lines))
        with pulsewire.Emulator() as emulator:
            done = call(
                command_of(version, "-W", "ignore", script, emulator.host, emulator.port),
                PYTHONPATH=str(SCRIPTS),
                **environment,
            )
        assert done.returncode == status, done.stdout + done.stderr
        return [line for line in done.stdout.splitlines() if "Starting session" not in line]

    return run_lines


# Everything that a module or a class of qm-qua has, by identity.
STATE = """
def state():
    import types
    found = {}
    for name, module in sorted(sys.modules.items()):
        if name.split(".")[0] not in ("qm", "octave_sdk") or module is None:
            continue
        for key, value in vars(module).items():
            found[name, key] = id(value)
            if isinstance(value, type) and value.__module__ == name:
                for inner, one in vars(value).items():
                    if not inner.startswith("__") and inner != "_abc_impl":
                        found[name, key, inner] = id(one)
    return found
"""


def test_it_leaves_no_trace(run):
    shown = run(
        STATE
        + """
        """
        + """
pulsewire.install(); pulsewire.uninstall()  # whatever it imports is there now
before = state()
pulsewire.install()
during = state()
pulsewire.install()
again = state()
pulsewire.uninstall()
pulsewire.uninstall()
after = state()
print(len({key for key in before if during[key] != before[key]}) >= 15)
print(during == again, before == after, before.keys() == during.keys(), pulsewire.installed())
"""
    )
    assert shown == ["True", "True True True False"]


def test_once_is_enough_and_the_order_of_imports_is_free(run):
    shown = run("""
        from qm.jobs.base_job import QmBaseJob
        from qm._stream_results import StreamsManager
        push, wait = QmBaseJob.push_to_input_stream, StreamsManager.wait_for_all_values
        machine = manager().open_qm(config)
        before = machine.execute(counting())
        handles = before.result_handles
        pulsewire.install()
        pulsewire.install()
        print(QmBaseJob.push_to_input_stream is push, pulsewire.installed())
        print(handles.wait_for_all_values(), handles.n.fetch_all()["value"], before.status)
        print(pulsewire.report().calls["QmBaseJob.status"].served)
        pulsewire.uninstall()
        print(QmBaseJob.push_to_input_stream is push, StreamsManager.wait_for_all_values is wait)
        print(before.status, pulsewire.report().calls["QmBaseJob.status"].served)
    """)
    assert shown == ["False True", "True [0 1 2 3 4] completed", "1", "True True", "completed 1"]


def test_the_environment_wins(run):
    shown = run(
        """
        from qm.jobs.base_job import QmBaseJob
        before = QmBaseJob.push_to_input_stream
        pulsewire.install()
        print(pulsewire.installed(), QmBaseJob.push_to_input_stream is before)
        print(pulsewire.report())
        """,
        PULSEWIRE_DISABLE="1",
    )
    assert shown == ["False True", "pulsewire was not installed into qm-qua"]


def test_uninstalling_while_a_wait_runs(run):
    shown = run("""
        import threading, time
        pulsewire.install()
        job = manager().open_qm(config).execute(echo())
        ends = []
        def wait():
            job.result_handles.x.wait_for_values(1, timeout=60)
            ends.append(job.result_handles.x.fetch_all()["value"].tolist())
        threads = [threading.Thread(target=wait) for _ in range(3)]
        [thread.start() for thread in threads]
        time.sleep(0.3)
        ours = pulsewire.attach(job)
        pulsewire.uninstall()
        job.push_to_input_stream("x", [7])
        [thread.join(60) for thread in threads]
        print(ends, pulsewire.installed())
        ours.push_to_input_stream("x", 8)
        ours.result_handles.x.wait_for_values(2)
        print(job.result_handles.x.fetch_all()["value"].tolist())
        job.halt()
    """)
    assert shown == ["[[7], [7], [7]] False", "[7, 8]"]


def test_attached_jobs_have_what_pulsewire_has(run):
    shown = run("""
        machine = manager().open_qm(config)
        job = machine.execute(echo())
        ours = pulsewire.attach(job)
        print(ours.id == job.id, ours is pulsewire.attach(job), type(ours).__name__)
        loop = ours.closed_loop("x", "x")
        print([int(loop.exchange(value)) for value in (3, 4, 5)])
        print(ours.result_handles.snapshot()["x"]["value"].tolist())
        with ours.input_stream("x").writer() as writer:
            writer.push(6)
        stream = ours.result_handles.x.stream(flat_struct=True, max_items=2)
        print(next(stream).tolist(), next(stream).tolist())
        pending = machine.queue.add(counting())
        print(type(pulsewire.attach(pending)).__name__)
        job.halt()
        try:
            pulsewire.attach("job-1")
        except TypeError as error:
            print(error)
    """)
    assert shown[:5] == [
        "True True QmJob",
        "[3, 4, 5]",
        "[3, 4, 5]",
        "[3, 4] [5, 6]",
        "QmPendingJob",
    ]
    assert "attach() takes a job of qm-qua on QOP 2" in shown[5]


def test_errors_are_of_the_vendors_classes_with_our_words(run):
    shown = run("""
        from qm.exceptions import QmQuaException, QmValueError
        from qm._QmJobErrors import UnknownInputStreamError, MissingElementError
        pulsewire.install()
        job = manager().open_qm(config).execute(echo())
        try:
            job.push_to_input_stream("y", 1)
        except UnknownInputStreamError as error:
            print(error.code, "y" in str(error), job.id in str(error), error.message == str(error))
        try:
            job.push_to_input_stream("x", [2**40])
        except QmValueError as error:
            print(isinstance(error, ValueError), "32" in str(error) or "int" in str(error))
        job.halt()
        try:
            job.result_handles.x.wait_for_values(10, timeout=20)
        except TimeoutError as error:
            print(type(error).__name__, isinstance(error, QmQuaException),
                  isinstance(error, pulsewire.exceptions.ResultEndedError), error.got, error.wanted)
    """)
    assert shown == ["1006 True True True", "True True", "ResultEndedError True True 0 10"]


def test_strict_says_what_is_left(run):
    shown = run("""
        pulsewire.install(strict=True)
        job = manager().open_qm(config).execute(counting())
        job.result_handles.wait_for_all_values()
        print(job.result_handles.n.fetch(1)["value"])
        try:
            job.result_handles.n.fetch(-1)
        except pulsewire.dropin.NotServedError as error:
            print(error)
        pulsewire.install()
        job.result_handles.n.fetch(-1)
        print(pulsewire.report().left, pulsewire.report())
    """)
    assert shown[0] == "[1]"
    assert "strict_fetch is left to qm-qua: an item that is not an int from 0 on" in shown[1]
    assert any("left 2: an item that is not" in line for line in shown)


def test_debug_data_stay_with_the_vendor(run):
    shown = run("""
        from qm import QuantumMachinesManager
        pulsewire.install()
        qmm = QuantumMachinesManager(HOST, PORT, log_level="ERROR", add_debug_data=True)
        job = qmm.open_qm(config).execute(counting())
        job.result_handles.wait_for_all_values()
        print(job.result_handles.n.fetch_all()["value"], pulsewire.report().served)
        print(set(pulsewire.report().calls["StreamsManager.wait_for_all_values"].left))
        try:
            pulsewire.attach(job)
        except pulsewire.dropin.NotServedError as error:
            print("debug data" in str(error))
    """)
    assert shown == [
        "[0 1 2 3 4] 0",
        '{"debug data, which only qm-qua\'s own calls collect"}',
        "True",
    ]


def test_shadow_warns_of_any_difference(run):
    shown = run("""
        import logging
        said = []
        class Listener(logging.Handler):
            def emit(self, record):
                said.append(record.getMessage())
        logging.getLogger("pulsewire").addHandler(Listener())
        pulsewire.install(shadow=True)
        job = manager().open_qm(config).execute(counting())
        job.result_handles.wait_for_all_values()
        job.result_handles.n.fetch_all(); job.status; job.result_handles.n.count_so_far()
        report = pulsewire.report()
        print(report.differences, said, report.calls["QmBaseJob.status"].compared > 0)
        # A vendor that answers otherwise.
        from qm.jobs.base_job import QmBaseJob
        from qm._stream_results._single_stream_fetchers import _base_single_stream_fetcher as b
        pulsewire.uninstall()
        kept = b.BaseSingleStreamFetcher._fetch_results
        b.BaseSingleStreamFetcher._fetch_results = lambda *args: kept(*args)[:-1]
        pulsewire.install(shadow=True)
        print(len(job.result_handles.n.fetch_all()), pulsewire.report().differences)
        print(len(said), "strict_fetch: pulsewire gave" in said[0], "please report it" in said[0])
    """)
    assert shown == ["0 [] True", "5 1", "1 True True"]


def test_seams_that_do_not_fit_are_left_with_one_warning(run):
    shown = run("""
        import qm.jobs.base_job, qm.jobs.pending_job, qm.version
        def push_to_input_stream(self, name, data, priority=0):
            return "theirs"
        qm.jobs.base_job.QmBaseJob.push_to_input_stream = push_to_input_stream
        del qm.jobs.pending_job.QmPendingJob.cancel
        qm.version.__version__ = "1.9.0"
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            pulsewire.install()
        print(len([w for w in caught if w.category is RuntimeWarning]))
        print(caught[-1].message)
        job = manager().open_qm(config).execute(echo())
        print(job.push_to_input_stream("x", 1), job.status)
        print(sorted(pulsewire.report().unfit))
    """)
    assert shown[0] == "1"
    assert "qm-qua 1.9.0" in shown[1]
    assert "takes other than (self, name, data)" in shown[1]
    assert shown[2:] == [
        "theirs running",
        "['QmBaseJob.push_to_input_stream', 'QmPendingJob.cancel']",
    ]


@pytest.mark.skipif("not hasattr(__import__('os'), 'fork')")
def test_a_forked_child_goes_on(run):
    shown = run("""
        import os
        pulsewire.install()
        job = manager().open_qm(config).execute(echo())
        ours = pulsewire.attach(job)
        job.push_to_input_stream("x", 1)
        if os.fork() == 0:
            ours.push_to_input_stream("x", 2)
            job.push_to_input_stream("x", 3)
            pulsewire.uninstall()
            ours.push_to_input_stream("x", 4)
            os._exit(0)
        print(os.waitstatus_to_exitcode(os.wait()[1]))
        job.push_to_input_stream("x", 5)
        job.result_handles.x.wait_for_values(5)
        print(job.result_handles.x.fetch_all()["value"].tolist())
        job.halt()
    """)
    assert shown == ["0", "[1, 2, 3, 4, 5]"]


def test_a_closed_manager_is_closed(run, version):
    if version == "1.2.6":
        pytest.skip("managers of 1.2.6 have no close()")
    shown = run("""
        from qm.exceptions import QMConnectionError
        pulsewire.install()
        qmm = manager()
        job = qmm.open_qm(config).execute(echo())
        ours = pulsewire.attach(job)
        job.push_to_input_stream("x", 1)
        qmm.close()
        for call in (lambda: job.push_to_input_stream("x", 1), lambda: job.status):
            try:
                call()
            except QMConnectionError as error:
                print("has been closed" in str(error))
    """)
    assert shown == ["True", "True"]


def test_spawned_workers_call_install(run):
    shown = run("""
        from concurrent.futures import ProcessPoolExecutor
        import multiprocessing
        def worker(job_id):
            pulsewire.install()
            handles = manager().get_job_result_handles(job_id)
            return len(handles.n.fetch_all()), pulsewire.report().served
        if __name__ == "__main__":
            pulsewire.install()
            job = manager().open_qm(config).execute(counting())
            job.result_handles.wait_for_all_values()
            spawn = multiprocessing.get_context("spawn")
            with ProcessPoolExecutor(2, mp_context=spawn, initializer=pulsewire.install) as pool:
                print(list(pool.map(worker, [job.id] * 2)))
    """)
    assert len(shown) == 1
    assert all(count == 5 and served >= 1 for count, served in eval(shown[0]))


def test_without_the_vendor_it_says_what_to_do():
    done = call(
        [
            str(interpreter(".venv")),
            "-c",
            "import pulsewire; pulsewire.install()",
        ]
    )
    assert done.returncode == 1
    assert "pip install qm-qua" in done.stderr


def test_a_wait_ends_when_its_manager_is_closed(run, version):
    if version == "1.2.6":
        pytest.skip("managers of 1.2.6 have no close()")
    shown = run("""
        import threading, time
        pulsewire.install()
        qmm = manager()
        job = qmm.open_qm(config).execute(echo())
        handles = job.result_handles
        ends = []
        def wait(call):
            try:
                call()
            except Exception as error:
                ends.append(type(error).__name__)
        calls = [handles.wait_for_all_values, lambda: handles.x.wait_for_values(1)]
        threads = [threading.Thread(target=wait, args=[call]) for call in calls]
        [thread.start() for thread in threads]
        time.sleep(0.3)
        qmm.close()
        [thread.join(20) for thread in threads]
        print(ends, [thread.is_alive() for thread in threads])
    """)
    assert shown == ["['QMConnectionError', 'QMConnectionError'] [False, False]"]


def test_a_connection_that_cannot_be_made_is_left_to_the_vendor(version, tmp_path):
    script = tmp_path / "lines.py"
    script.write_text(
        START
        + textwrap.dedent("""
        if sys.argv[3] == "ours":
            pulsewire.install()
        job = manager().open_qm(config).execute(echo()) if sys.argv[3] == "plain" else None
        if job is None:
            pulsewire.uninstall()
            job = manager().open_qm(config).execute(echo())
            pulsewire.install()
        print("stop", flush=True)
        input()
        for call in (lambda: job.status, lambda: job.push_to_input_stream("x", 1)):
            try:
                call()
            except Exception as error:
                print(type(error).__name__, type(error.__context__).__name__ == "Left")
        """)
    )
    said = []
    for kind in ("plain", "ours"):
        with pulsewire.Emulator() as emulator:
            run = subprocess.Popen(
                command_of(version, "-W", "ignore", script, emulator.host, emulator.port, kind),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env={**os.environ, "PYTHONPATH": str(SCRIPTS)},
            )
            while run.stdout.readline().strip() != "stop":
                assert run.poll() is None, run.stderr.read()
        # Nobody is there any more.
        said.append(run.communicate("\n", timeout=PATIENCE)[0].splitlines())
    assert said[0] == said[1]
    assert len(said[0]) == 2


def test_errors_pickle_and_show_nothing_of_ours(run):
    shown = run("""
        import pickle, traceback
        pulsewire.install()
        job = manager().open_qm(config).execute(counting())
        job.result_handles.wait_for_all_values()
        try:
            job.result_handles.n.wait_for_values(10, timeout=20)
        except TimeoutError as error:
            again = pickle.loads(pickle.dumps(error))
            print(type(again) is type(error), again.got, again.wanted, str(again) == str(error))
        try:
            job.result_handles.n.fetch(slice(0, 4, 2))
        except Exception as error:
            print("Left" in "".join(traceback.format_exception(error)), error.__context__)
    """)
    assert shown == ["True 5 10 True", "False None"]


def test_what_others_put_back_behind_uninstall_serves_no_more(run):
    shown = run("""
        from unittest import mock
        from qm.jobs.base_job import QmBaseJob
        job = manager().open_qm(config).execute(counting())
        pulsewire.install()
        patch = mock.patch.object(QmBaseJob, "push_to_input_stream", lambda *_: "mocked")
        patch.start()
        pulsewire.uninstall()
        patch.stop()
        calls = pulsewire.report().calls["QmBaseJob.push_to_input_stream"]
        try:
            job.push_to_input_stream("x", 1)
        except Exception as error:
            print(type(error).__name__, calls.served, dict(calls.failed))
    """)
    assert shown == ["InvalidJobExecutionStatusError 0 {}"] or shown == [
        "UnknownInputStreamError 0 {}"
    ]


def test_many_threads_use_a_new_manager_at_once(run):
    shown = run("""
        import threading
        pulsewire.install()
        job = manager().open_qm(config).execute(counting())
        job.result_handles.wait_for_all_values()
        from pulsewire.dropin import connections
        clients, gate = [], threading.Barrier(8)
        qmm = manager()
        details = qmm._server_details.connection_details
        def first():
            gate.wait()
            clients.append(connections.client_of(details))
        threads = [threading.Thread(target=first) for _ in range(8)]
        [thread.start() for thread in threads]
        [thread.join(20) for thread in threads]
        print(len(clients), len(set(map(id, clients))))
        before = connections.client_of(details)
        details.headers["authorization"] = "Bearer renewed"
        print(connections.client_of(details) is before)
    """)
    assert shown == ["8 1", "False"]


@pytest.mark.skipif("not hasattr(__import__('os'), 'fork')")
def test_a_lock_held_at_a_fork_is_free_in_the_child():
    lock = Lock()
    held, done = threading.Event(), threading.Event()

    def hold():
        with lock:
            held.set()
            done.wait(PATIENCE)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(PATIENCE)
    child = os.fork()
    if child == 0:
        with lock, lock:
            os._exit(7)
    ends = time.monotonic() + PATIENCE
    while (ended := os.waitpid(child, os.WNOHANG))[0] == 0:
        assert time.monotonic() < ends, "the child hangs"
        time.sleep(0.01)
    assert os.waitstatus_to_exitcode(ended[1]) == 7
    done.set()
    thread.join(PATIENCE)
