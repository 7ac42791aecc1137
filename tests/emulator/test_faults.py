"""Closed loops under faults, encrypted connections, what is told to logging, addresses."""

import contextlib
import http.server
import json
import logging
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

import pulsewire
from pulsewire import exceptions as errors
from pulsewire._address import addresses
from tests import PATIENCE
from tests.emulator.conftest import CONFIG, squaring
from tests.proxy import TLS, Proxy, now_and_then


def test_no_answer_of_a_loop_is_another_pushs(pulsewire_emulator, pulsewire_client, squares):
    # A link that is lost at random, in the middle of steps too: whatever is returned is the answer
    # to what was pushed in that very call.
    emulator = pulsewire_emulator
    machine = pulsewire_client.open_qm(CONFIG)
    job_id = machine.execute(squares).id
    right = lost = refused = 0
    with Proxy((emulator.host, emulator.port), cuts=now_and_then(0.03)) as proxy:
        client = None
        while client is None:
            try:
                client = pulsewire.connect("127.0.0.1", proxy.port, timeout=10)
            except errors.QmQuaException:
                continue
        loop = None
        for value in range(2, 400):
            try:
                if loop is None:
                    loop = client.job(job_id).closed_loop("tau", "answer")
                got = loop.exchange(value, timeout=2)
                assert got["value"] == value * value if got.dtype.names else got == value * value
                right += 1
            except errors.ClosedLoopError as error:
                refused += 1
                assert error.pushes == {"tau": loop.in_doubt}
                try:
                    if refused % 2:
                        loop.skip()
                    else:
                        loop.receive(timeout=0.05)
                except (errors.QmQuaException, TimeoutError):
                    loop = None
            except (errors.QmQuaException, TimeoutError):
                lost += 1
        client.close()
    assert right > 200
    assert lost > 0


INTERRUPTED = """
import pickle, sys
client, job_id = pickle.loads(bytes.fromhex(sys.argv[1]))
loop = client.job(job_id).closed_loop("flag", "flag")
print("ready", flush=True)
try:
    # Its entry is taken; the program waits for other streams first.
    loop.exchange(True)
except KeyboardInterrupt:
    print(loop.in_doubt, flush=True)
job = client.job(job_id)
job.push_to_input_stream("numbers", [1, 2, 3])
job.push_to_input_stream("angle", 0.5)
job.push_to_input_stream("numbers", [1, 2, 3])
job.push_to_input_stream("angle", 0.5)
print(loop.exchange(False, timeout=60), flush=True)
"""


@pytest.mark.skipif(os.name == "nt", reason="a process of its own gets no SIGINT on Windows")
def test_a_step_that_was_interrupted_does_not_shift_the_answers(pulsewire_client, echo):
    import pickle

    machine = pulsewire_client.open_qm(CONFIG)
    job = machine.execute(echo)
    what = pickle.dumps((pulsewire_client, job.id)).hex()
    process = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED, what], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "ready\n"
    # Its push takes a millisecond.
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    # The push was acknowledged before: nothing is in doubt, and its answer is left out.
    assert process.stdout.readline() == "0\n"
    assert process.stdout.readline() == "False\n"
    assert process.wait(PATIENCE) == 0
    process.stdout.close()
    job.halt()


def test_a_push_says_that_it_may_have_been_taken(pulsewire_emulator, pulsewire_client, squares):
    emulator = pulsewire_emulator
    job_id = pulsewire_client.open_qm(CONFIG).execute(squares).id
    cut = threading.Event()
    with Proxy((emulator.host, emulator.port), cuts=lambda _: cut.is_set()) as proxy:
        client = pulsewire.connect("127.0.0.1", proxy.port)
        job = client.job(job_id)
        job.push_to_input_stream("tau", 1)
        cut.set()
        with pytest.raises(errors.QMConnectionError, match="may have been taken") as caught:
            job.push_to_input_stream("tau", 2)
        assert caught.value.in_doubt
    # It was: the program answers both.
    results = pulsewire_client.job(job_id).result_handles
    results.answer.wait_for_values(2, timeout=PATIENCE)
    assert results.answer.fetch_all()["value"].tolist() == [1, 4]
    pulsewire_client.job(job_id).halt()


@pytest.mark.parametrize("certificate", ["own", "leaf"])
def test_encrypted_connections(pulsewire_emulator, certificate):
    target = pulsewire_emulator.host, pulsewire_emulator.port
    with Proxy(target, certificate=certificate) as proxy:
        for host in ("127.0.0.1", "localhost"):
            tls = {"ca": TLS / "own.pem"}
            with pulsewire.connect(host, proxy.port, tls=tls) as client:
                assert client.version
                # Large answers too, over a connection of their own.
                assert client.list_open_qms() == client.list_open_qms()


@pytest.mark.parametrize(
    ("certificate", "tls", "says"),
    [
        ("own", {"ca": TLS / "other.pem"}, "not the one given as ca|that very one|signed it as ca"),
        ("own", True, "signed the server's as ca|CA:TRUE"),
        ("own", {"ca": TLS / "own.pem", "domain": "qop.lab"}, "as domain"),
        ("named", {"ca": TLS / "named.pem"}, "subjectAltName"),
        ("leaf", {"ca": TLS / "other.pem"}, "signed the server's as ca|BadSignature"),
    ],
)
def test_certificates_that_do_not_fit_say_what_to_do(pulsewire_emulator, certificate, tls, says):
    target = pulsewire_emulator.host, pulsewire_emulator.port
    with (
        Proxy(target, certificate=certificate) as proxy,
        pytest.raises(errors.QmServerDetectionError, match=says),
    ):
        pulsewire.connect("127.0.0.1", proxy.port, tls=tls, timeout=10)


ENCRYPTED = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n-----END ENCRYPTED PRIVATE KEY-----\n"
OLDER = (
    "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nMIIB\n"
    "-----END RSA PRIVATE KEY-----\n"
)


@pytest.mark.parametrize(
    ("text", "says"),
    [(ENCRYPTED, "openssl pkey"), (OLDER, "openssl pkey"), ("", "there is none in the text")],
)
def test_a_key_that_cannot_be_used_is_told(tmp_path, text, says):
    key = tmp_path / "lab.key"
    key.write_text(text)
    tls = {"ca": TLS / "own.pem", "certificate": TLS / "own.pem", "key": key}
    with pytest.raises(errors.QmValueError, match=f"the client's key: .*{says}"):
        pulsewire.connect("127.0.0.1", 1, tls=tls)


def test_plain_against_tls_and_the_reverse_say_so(pulsewire_emulator):
    target = pulsewire_emulator.host, pulsewire_emulator.port
    with (
        Proxy(target, certificate="leaf") as proxy,
        pytest.raises(errors.QmServerDetectionError, match="if it is encrypted, give tls"),
    ):
        pulsewire.connect("127.0.0.1", proxy.port, timeout=10)
    with pytest.raises(errors.QmServerDetectionError, match="or without tls"):
        pulsewire.connect(*target, tls={"ca": TLS / "own.pem"}, timeout=10)
    path = str(TLS / "own.pem")
    with pytest.raises(TypeError, match=re.escape(f"write tls={{'ca': {path!r}}}")):
        pulsewire.connect(*target, tls=path)


def test_a_web_server_is_told_from_a_gateway():
    class Quiet(http.server.BaseHTTPRequestHandler):
        def log_message(self, *_):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Quiet) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        try:
            with pytest.raises(errors.QmServerDetectionError, match="no HTTP/2 .*another port"):
                pulsewire.connect("127.0.0.1", server.server_port, timeout=10)
        finally:
            server.shutdown()
            serving.join()


def test_an_address_of_the_sixth_version():
    try:
        emulator = pulsewire.Emulator(host="::1")
    except OSError:
        pytest.skip("this machine has no IPv6")
    with emulator:
        for given in (
            ("[::1]", emulator.port),
            ("::1", emulator.port),
            (f"[::1]:{emulator.port}",),
        ):
            with pulsewire.connect(*given) as client:
                assert client.version


def test_an_emulator_that_is_full_says_so(counting):
    def connect(emulator, name):
        # With equal options they would share a connection.
        return pulsewire.connect(emulator.host, emulator.port, headers={"x-name": name}, timeout=20)

    with pulsewire.Emulator(limits={"clients": 2}) as emulator:
        first, second = connect(emulator, "first"), connect(emulator, "second")
        started = time.monotonic()
        with pytest.raises(errors.QmQuaException, match=r"the emulator is full: 2 .*'clients'"):
            connect(emulator, "third")
        assert time.monotonic() - started < 5
        # A large result takes a connection of its own, which is no other client.
        job = first.open_qm(CONFIG).execute(counting(100_000))
        assert job.result_handles.wait_for_all_values(timeout=PATIENCE)
        for client in (first, second):
            values = client.job(job.id).result_handles["values"].fetch_all(flat_struct=True)
            assert np.array_equal(values, np.arange(100_000))
        second.close()
        ends = time.monotonic() + PATIENCE
        while True:
            try:
                third = connect(emulator, "third")
                break
            except errors.QmQuaException:
                # The connection ends a moment after it was closed.
                assert time.monotonic() < ends
        assert third.version
        first.close()
        third.close()


def test_silent_sockets_keep_nobody_out():
    with pulsewire.Emulator(limits={"clients": 20}) as emulator, contextlib.ExitStack() as silent:
        address = emulator.host, emulator.port
        sockets = [silent.enter_context(socket.create_connection(address)) for _ in range(100)]
        started = time.monotonic()
        with pulsewire.connect(*address, timeout=20) as client:
            assert client.version
            assert time.monotonic() - started < 4
        for one in sockets:
            one.settimeout(PATIENCE)
            assert one.recv(1) == b""


def test_results_that_are_not_made_yet_can_be_looked_at():
    assert "not yet made" in repr(object.__new__(pulsewire.results.StreamsManager))


def test_a_certificate_that_is_no_text_is_named(tmp_path):
    der = tmp_path / "ca.der"
    der.write_bytes(bytes(range(128, 256)))
    with pytest.raises(errors.QmValueError, match="no PEM text"):
        pulsewire.connect("127.0.0.1", 1, tls={"ca": der})


def test_addresses_in_every_form(pulsewire_emulator, monkeypatch, tmp_path):
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path))
    host, port = pulsewire_emulator.host, pulsewire_emulator.port
    for given in [
        (host, port),
        (host, str(port)),
        (host, np.int32(port)),
        (f"{host}:{port}", None),
        (f"http://{host}:{port}/", None),
        (f"http://{host}", port),
    ]:
        with pulsewire.connect(*given) as client:
            assert client.address == f"{host}:{port}"
    for bad, says in [
        ((host, True), "not True"),
        ((host, 80.0), "not 80.0"),
        ((host, "http"), "not 'http'"),
        ((host, 0), "not 0"),
        ((f"https://{host}", None), "tls=True"),
        ((f"{host}:1", 2), "besides"),
        ((f"ftp://{host}", 2), "no host"),
        ((f"{host}/x", 2), "path"),
        ((None, 1), "no host"),
    ]:
        with pytest.raises(errors.QmValueError, match=says):
            pulsewire.connect(*bad)
    assert addresses("h", None) == [("h", 80)]
    assert addresses("::1", 9) == [("::1", 9)]
    assert addresses("[::1]:9", None) == [("::1", 9)]
    (tmp_path / ".qm").mkdir()
    file = tmp_path / ".qm" / "config.json"
    file.write_text(
        json.dumps(
            {"quantumMachinesManager_host": host, "quantumMachinesManager_port": port, "other": 1}
        )
    )
    for given in [(host, None), (None, None), ()]:
        with pulsewire.connect(*given) as client:
            assert client.address == f"{host}:{port}"
    file.write_text("{")
    with pytest.raises(errors.QmValueError, match="cannot be read"):
        pulsewire.connect()


def until_late(loop):
    """Exchanges with no time to wait, until an answer is not there at once."""
    for _ in range(100_000):
        loop.exchange(5, timeout=0)


def test_what_the_rust_side_tells_is_logged(pulsewire_client, squares, caplog):
    # A step that failed after its push: the next one leaves its answer out, and says so.
    machine = pulsewire_client.open_qm(CONFIG)
    job = machine.execute(squares)
    loop = job.closed_loop("tau", "answer")
    job.input_stream("tau")
    seen = []

    class Asking(logging.Handler):
        def emit(self, record):
            # A handler may call pulsewire itself.
            seen.append((record.levelname, record.getMessage(), pulsewire_client.list_open_qms()))

    handler = Asking()
    logging.getLogger("pulsewire").addHandler(handler)
    try:
        # Its time is over before the answer can be there.
        slow = pulsewire_client.job(job.id).closed_loop("tau", "answer")
        with pytest.raises(TimeoutError):
            until_late(slow)
        assert slow.exchange(7) == 49
        loop.skip()
    finally:
        logging.getLogger("pulsewire").removeHandler(handler)
    assert [level for level, *_ in seen] == ["WARNING"]
    assert "leaves out the answers to 1 earlier" in seen[0][1]
    assert seen[0][2] == [machine.id]
    job.halt()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_client_that_was_closed_stays_closed(pulsewire_emulator):
    # A forked child connects anew on its first call; it is closed meanwhile, by another thread.
    client = pulsewire.connect(pulsewire_emulator.host, pulsewire_emulator.port)
    child = os.fork()
    if child == 0:
        try:
            failed = []

            def call():
                try:
                    while True:
                        client.list_open_qms()
                except errors.QMConnectionError as error:
                    failed.append("closed" in str(error))

            threads = [threading.Thread(target=call) for _ in range(3)]
            for thread in threads:
                thread.start()
            client.close()
            for thread in threads:
                thread.join(PATIENCE)
            os._exit(0 if failed == [True] * 3 else 1)
        except BaseException:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    client.close()


def test_limits_of_every_size(counting):
    names = [
        "clients", "message_bytes", "machines", "pending_jobs", "ended_jobs", "compiled_programs",
        "program_memory", "result_bytes", "buffered_values", "input_bytes", "simulated_samples",
        "simulation_seconds",
    ]  # fmt: skip
    for most in (sys.maxsize, 2**70):
        with (
            pulsewire.Emulator(limits=dict.fromkeys(names, most)) as emulator,
            pulsewire.connect(emulator.host, emulator.port, timeout=60) as client,
        ):
            job = client.open_qm(CONFIG).execute(counting(10))
            assert job.result_handles.wait_for_all_values(timeout=PATIENCE)
            assert len(client.simulate(CONFIG, counting(10), 100).get_simulated_samples()) == 1
    for bad in ({"clients": 0}, {"clients": "5"}, {"machines": 5.0}, {"machines": True}):
        with pytest.raises(ValueError, match="limit"):
            pulsewire.Emulator(limits=bad)


def test_a_job_that_was_cleared_is_missing():
    from qm.qua import declare, declare_stream, program, save, stream_processing

    with program() as built:
        stream, value = declare_stream(), declare(int)
        save(value, stream)
        with stream_processing():
            stream.save_all("v")
    with (
        pulsewire.Emulator(limits={"ended_jobs": 1}) as emulator,
        pulsewire.connect(emulator.host, emulator.port) as client,
    ):
        machine = client.open_qm(CONFIG)
        results = machine.execute(built).result_handles
        for _ in range(3):
            assert machine.execute(built).result_handles.wait_for_all_values(PATIENCE)
        for call in (
            results.v.get_job_state,
            results.is_processing,
            lambda: results.wait_for_all_values(timeout=PATIENCE),
            lambda: results.v.wait_for_all_values(timeout=PATIENCE),
            lambda: results.v.wait_for_values(1, timeout=PATIENCE),
            lambda: len(results.v),
            results.v.fetch_all,
            lambda: results.fetch_results(timeout=PATIENCE),
            lambda: next(results.v.stream(timeout=PATIENCE)),
        ):
            with pytest.raises(errors.MissingJobError, match="it may have been cleared"):
                call()


def test_a_new_loop_knows_of_a_step_that_ran_out_of_time():
    # 50 ms a step, in real time: the answer of the first one comes when the second one waits.
    with (
        pulsewire.Emulator(realtime=True) as emulator,
        pulsewire.connect(emulator.host, emulator.port) as client,
    ):
        job = client.open_qm(CONFIG).execute(squaring(12_500_000))
        with pytest.raises(TimeoutError):
            job.closed_loop("tau", "answer").exchange(2, timeout=0)
        loop = job.closed_loop("tau", "answer")
        assert loop.exchange(5, timeout=PATIENCE) == 25
        assert loop.exchange(6, timeout=PATIENCE) == 36
        job.halt()


def test_names_that_are_not_there_are_told_with_those_that_are(pulsewire_client, squares):
    job = pulsewire_client.open_qm(CONFIG).execute(squares)
    with pytest.raises(errors.QmValueError, match="'typo'.*it has: answer"):
        job.closed_loop("tau", "typo")
    job.halt()


@pytest.mark.parametrize(
    "wrong",
    [
        lambda client: pulsewire.connect("127.0.0.1", "9" * 5000),
        lambda client: pulsewire.connect("127.0.0.1", 80, tls="ca.pem"),
        lambda client: client.job("j").set_element_correction("q", (10**400, 0, 0, 1)),
        lambda client: client.get_qm("m").queue[True],
        lambda client: client.get_qm("m").queue.remove_by_position(np.True_),
    ],
)
def test_arguments_that_are_none(pulsewire_client, wrong):
    with pytest.raises((errors.QmValueError, TypeError)) as raised:
        wrong(pulsewire_client)
    assert len(str(raised.value)) < 500
    assert "sequence element" not in str(raised.value)
