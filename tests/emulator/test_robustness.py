"""Interrupts, forks, time-outs, hostile bytes, exits."""

import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

import pulsewire
from pulsewire import exceptions as errors
from tests import PATIENCE
from tests.emulator.conftest import CONFIG, exit_code_of, shared

INTERRUPTED = """
import pickle, sys, time
import pulsewire

client, job_id, machine, call = pickle.loads(bytes.fromhex(sys.argv[1]))
job = client.job(job_id, machine)
pending = client.get_qm(machine).queue.pending_jobs[0]
results = job.result_handles
calls = {
    "values": lambda: results.flag.wait_for_values(1),
    "all": lambda: results.wait_for_all_values(),
    "execution": lambda: pending.wait_for_execution(),
    "fetch_results": lambda: results.fetch_results(),
    "receive": lambda: job.closed_loop("flag", "flag").receive(),
    "stream": lambda: next(results.stream()),
    "connect": lambda: pulsewire.connect("127.0.0.1", int(sys.argv[2])),
}
print("ready", flush=True)
try:
    calls[call]()
except KeyboardInterrupt:
    at = time.monotonic()
    print(at, job.status, flush=True)
"""


@pytest.mark.skipif(os.name == "nt", reason="a process of its own gets no SIGINT on Windows")
@pytest.mark.parametrize(
    "call", ["values", "all", "execution", "fetch_results", "receive", "stream", "connect"]
)
def test_ctrl_c_ends_every_wait_within_100_ms(pulsewire_client, machine, echo, call):
    import pickle

    job = machine.execute(echo)
    machine.queue.add(echo)
    what = pickle.dumps((pulsewire_client, job.id, machine.id, call)).hex()
    took = []
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = str(silent.getsockname()[1])
        for _ in range(20):
            process = subprocess.Popen(
                [sys.executable, "-c", INTERRUPTED, what, port], stdout=subprocess.PIPE, text=True
            )
            assert process.stdout.readline() == "ready\n"
            time.sleep(0.2)
            asked = time.monotonic()
            process.send_signal(signal.SIGINT)
            at, status = process.stdout.readline().split()
            took.append(float(at) - asked)
            # The connection is still good: the status was asked for after the interrupt.
            assert status == "running"
            assert process.wait(PATIENCE) == 0
            process.stdout.close()
            # The machine may be busy with something else at some of them.
            if took[-1] < 0.1:
                break
    assert min(took) < 0.1
    job.halt()


@pytest.mark.skipif(os.name == "nt", reason="a process of its own gets no SIGINT on Windows")
def test_a_signal_handler_may_use_pulsewire(pulsewire_client, machine, echo):
    job = machine.execute(echo)
    before = signal.signal(signal.SIGALRM, lambda *_: job.halt())
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        assert not job.result_handles.wait_for_all_values(timeout=PATIENCE)
    finally:
        signal.signal(signal.SIGALRM, before)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_gets_a_connection_of_its_own(pulsewire_client, machine, counting):
    job = machine.execute(counting(7))
    handles = job.result_handles
    assert handles.wait_for_all_values(timeout=PATIENCE)
    child = os.fork()
    if child == 0:
        # No pytest in here: the answer is the exit status.
        try:
            ok = handles["values"].fetch_all(flat_struct=True).tolist() == list(range(7))
            os._exit(0 if ok and job.status == "completed" else 1)
        except BaseException:
            os._exit(2)
    assert exit_code_of(child) == 0
    assert job.status == "completed"


def test_other_threads_run_during_a_wait(pulsewire_client, machine, echo):
    job = machine.execute(echo)
    handle = job.result_handles.flag
    waiting = threading.Thread(target=lambda: handle.wait_for_values(1, timeout=PATIENCE))
    waiting.start()
    counted = 0
    ends = time.monotonic() + 0.2
    while time.monotonic() < ends:
        counted += 1
    assert waiting.is_alive()
    assert counted > 1000
    for name, value in [("numbers", [1, 2, 3]), ("angle", 0.5), ("flag", True)]:
        job.push_to_input_stream(name, value)
    waiting.join(PATIENCE)
    assert not waiting.is_alive()
    job.halt()


def test_a_gateway_that_never_answers_is_a_timeout():
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        started = time.perf_counter()
        with pytest.raises(errors.QmServerDetectionError, match=r"within 0\.2 s"):
            pulsewire.connect("127.0.0.1", silent.getsockname()[1], timeout=0.2)
        # Bounded, whatever else the machine does.
        assert time.perf_counter() - started < 30


def test_a_gateway_that_dies_is_a_connection_error(counting):
    emulator = pulsewire.Emulator()
    client = pulsewire.connect(emulator.host, emulator.port, timeout=5)
    job = client.open_qm(CONFIG).execute(counting(1))
    emulator.stop()
    emulator.stop()
    with pytest.raises(errors.QMConnectionError, match=job.id):
        _ = job.status
    client.close()


def test_hostile_bytes_do_no_harm(pulsewire_emulator, pulsewire_client, machine, demo_files):
    noise = random.Random(1)
    address = (pulsewire_emulator.host, pulsewire_emulator.port)
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    for prefix in (b"", preface, preface + b"\0\0\0\4\0\0\0\0\0", b"GET / HTTP/1.1\r\n\r\n"):
        with socket.create_connection(address, timeout=PATIENCE) as raw:
            raw.sendall(prefix + noise.randbytes(2000))
    # Programs with bits flipped: refused, or run, but never the end of the emulator.
    program = demo_files["bulk.program.bin"]
    for _ in range(300):
        broken = bytearray(program)
        for _ in range(noise.randint(1, 4)):
            broken[noise.randrange(len(broken))] ^= 1 << noise.randrange(8)
        try:
            machine.queue.add(bytes(broken)).cancel()
            running = machine.get_running_job()
            if running is not None:
                running.halt()
        except (errors.QmQuaException, errors.GatewayNotImplementedError):
            pass
    # As deep as a message may be nested, and deeper.
    for depth in (20, 40, 2000):
        nested = b""
        for _ in range(depth):
            nested = _field(1, _field(7, _field(4, nested)))
        with pytest.raises(errors.QmQuaException):
            machine.execute(_field(5, _field(10, nested)))
    assert pulsewire_client.list_open_qms() == [machine.id]


def _field(number, payload):
    """A length-delimited protobuf field."""

    def varint(value):
        out = bytearray()
        while value > 127:
            out.append(value & 127 | 128)
            value >>= 7
        out.append(value)
        return bytes(out)

    return varint(number << 3 | 2) + varint(len(payload)) + payload


def test_limits_refuse_what_is_too_much(counting, endless):
    limits = {"pending_jobs": 1, "machines": 1, "ended_jobs": 2, "input_bytes": 0}
    with (
        pulsewire.Emulator(limits=limits) as emulator,
        pulsewire.connect(emulator.host, emulator.port) as client,
    ):
        machine = client.open_qm(CONFIG)
        elsewhere = {"controllers": {"con2": CONFIG["controllers"]["con1"]}}
        with pytest.raises(errors.OpenQmException, match="open already"):
            client.open_qm(elsewhere, close_other_machines=False)
        # Nobody is closed for a machine that is not opened.
        with pytest.raises(errors.OpenQmException, match="open already"):
            client.open_qm(elsewhere)
        assert client.list_open_qms() == [machine.id]
        first = machine.execute(endless)
        machine.queue.add(endless)
        with pytest.raises(errors.FailedToAddJobToQueueException, match="remove some first"):
            machine.queue.add(endless)
        for _ in range(3):
            machine.execute(endless)
        assert first.status == "unknown"
    with pytest.raises(TypeError, match="no limit 'speed'"):
        pulsewire.Emulator(limits={"speed": 1})
    with pytest.raises(OSError, match="cannot listen on 300.0.0.1"):
        pulsewire.Emulator(host="300.0.0.1")


def test_realtime_waits_last(pulsewire_client):
    from qm.qua import declare_stream, program, save, stream_processing, wait

    with program() as slow:
        stream = declare_stream()
        wait(12_500_000, "qubit")
        save(1, stream)
        with stream_processing():
            stream.with_timestamps().save_all("when")
    with (
        pulsewire.Emulator(realtime=True) as emulator,
        pulsewire.connect(emulator.host, emulator.port) as client,
    ):
        machine = client.open_qm(CONFIG)
        started = time.perf_counter()
        job = machine.execute(slow)
        handle = job.result_handles.when
        handle.wait_for_values(1, timeout=PATIENCE)
        assert time.perf_counter() - started > 0.045
        # The clock's time: not before the wait is over.
        ((value, when),) = handle.fetch_all().tolist()
        assert value == 1
        assert 50_000_000 <= when < 1e9 * (time.perf_counter() - started)
        # A program in a wait is halted at once.
        with program() as slower:
            wait(2**31 - 1, "qubit")
        assert machine.execute(slower).halt()


@pytest.mark.skipif(os.name == "nt", reason="Windows knows no SIGTERM for a child")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_serves_until_it_is_told_to_stop(number):
    process = subprocess.Popen(
        [sys.executable, "-m", "pulsewire", "emulator", "--port", "0"],
        stdout=subprocess.PIPE,
        text=True,
    )
    address = process.stdout.readline().split()[-1]
    host, port = address.rsplit(":", 1)
    with pulsewire.connect(host, int(port)) as client:
        assert client.version == "2.70-a0974ba"
    process.send_signal(number)
    assert process.wait(PATIENCE) == 0
    process.stdout.close()


def test_an_exit_during_a_call_is_quick(pulsewire_client, machine, echo):
    import pickle

    job = machine.execute(echo)
    what = pickle.dumps((pulsewire_client, job.id)).hex()
    code = """
import pickle, sys, threading, time
client, job_id = pickle.loads(bytes.fromhex(sys.argv[1]))
handle = client.job(job_id).result_handles.flag
threading.Thread(target=handle.wait_for_values, daemon=True).start()
time.sleep(0.2)
"""
    for _ in range(5):
        ended = subprocess.run([sys.executable, "-c", code, what], timeout=PATIENCE)
        assert ended.returncode == 0
    job.halt()


def test_an_emulator_stops_whatever_goes_on(endless):
    for _ in range(5):
        emulator = pulsewire.Emulator()
        host, port = emulator.host, emulator.port

        def work(host=host, port=port):
            try:
                with pulsewire.connect(host, port, timeout=5) as client:
                    while True:
                        machine = client.open_qm(shared(CONFIG), close_other_machines=False)
                        machine.queue.add(endless)
            except errors.QmQuaException:
                pass

        threads = [threading.Thread(target=work) for _ in range(3)]
        for thread in threads:
            thread.start()
        time.sleep(0.05)
        emulator.stop()
        for thread in threads:
            thread.join(PATIENCE)
            assert not thread.is_alive()
    # No job's thread is left behind to burn the processor.
    for _ in range(20):
        before = time.process_time()
        time.sleep(0.3)
        # Other threads of this process may be at work in some of the windows, and not in all.
        if time.process_time() - before < 0.1:
            break
    else:
        raise AssertionError("a thread burns the processor")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_leaves_the_emulator_alone():
    with pulsewire.Emulator() as emulator:
        child = os.fork()
        if child == 0:
            try:
                emulator.stop()
                del emulator
                os._exit(0)
            except BaseException:
                os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        with pulsewire.connect(emulator.host, emulator.port) as client:
            assert client.list_open_qms() == []
