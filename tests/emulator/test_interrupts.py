"""Ctrl-C, signal handlers and logging handlers in the middle of calls."""

import contextlib
import logging
import signal
import threading
import time

import pytest

import pulsewire
from pulsewire import exceptions as errors
from tests.emulator.conftest import CONFIG
from tests.proxy import TLS, Proxy

pytestmark = pytest.mark.skipif(
    not hasattr(signal, "setitimer"), reason="there are no timers of signals on this system"
)


@contextlib.contextmanager
def after(seconds, handler=signal.default_int_handler):
    """A signal to this thread after a while; by default what Ctrl-C does."""
    before = signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.fixture
def job(pulsewire_client, squares):
    job = pulsewire_client.open_qm(CONFIG).execute(squares)
    yield job
    job.halt()


@contextlib.contextmanager
def held_back(emulator, job):
    """The job through a link whose answers stay out, and what lets them pass again."""
    held = threading.Event()
    held.set()
    silent = threading.Event()

    def hold(_):
        if silent.is_set():
            held.wait(30)
        return False

    with (
        Proxy((emulator.host, emulator.port), cuts=hold) as proxy,
        pulsewire.connect("127.0.0.1", proxy.port, timeout=30) as client,
    ):
        through = client.job(job.id)
        through.push_to_input_stream("tau", 1)
        held.clear()
        silent.set()
        try:
            yield through
        finally:
            held.set()


def test_an_interrupted_push_says_that_it_may_have_been_taken(pulsewire_emulator, job):
    with held_back(pulsewire_emulator, job) as through:
        for push in (
            lambda: through.push_to_input_stream("tau", 2),
            lambda: through.input_stream("tau").push_many([3, 4]),
        ):
            with after(0.2), pytest.raises(KeyboardInterrupt) as raised:
                push()
            assert raised.value.in_doubt is True
            if hasattr(raised.value, "__notes__"):
                assert "may have been taken" in raised.value.__notes__[0]
        assert raised.value.acknowledged == 0
    # One that was not sent is not in doubt.
    with pytest.raises(errors.QmValueError) as refused:
        job.push_to_input_stream("tau", 2**40)
    assert refused.value.in_doubt is False


def test_ctrl_c_is_heard_while_values_are_read(job):
    started = time.perf_counter()
    with after(0.2), pytest.raises(KeyboardInterrupt):
        job.push_to_input_stream("tau", range(10**8))
    assert time.perf_counter() - started < 5
    # What no message holds is refused at once.
    for many in (range(10**9), range(10**30)):
        with pytest.raises(errors.QmValueError, match="more values than"):
            job.push_to_input_stream("tau", many)


def late(job):
    """A loop whose last answer is owed: the next step tells the logger so."""
    loop = job.closed_loop("tau", "answer")
    with contextlib.suppress(TimeoutError):
        for _ in range(100_000):
            loop.exchange(5, timeout=0)
    return loop


@contextlib.contextmanager
def told_to(emit):
    handler = logging.Handler()
    handler.emit = emit
    logging.getLogger("pulsewire").addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger("pulsewire").removeHandler(handler)


def test_ctrl_c_within_a_logging_handler_is_raised(job):
    loop = late(job)

    def emit(_record):
        raise KeyboardInterrupt

    with told_to(emit), pytest.raises(KeyboardInterrupt):
        loop.exchange(7, timeout=5)
    assert loop.exchange(8, timeout=5) == 64


def test_a_logging_handler_may_look_at_the_loop(job):
    loop, seen = late(job), []
    with told_to(lambda _record: seen.append((loop.in_doubt, loop.positions["answer"] > 0))):
        assert loop.exchange(7, timeout=5) == 49
    assert seen == [(0, True)]


def test_a_signal_handler_calls_while_a_connection_is_made(pulsewire_emulator):
    # Both wait for the same new connection, and get it.
    emulator, seen = pulsewire_emulator, []
    with (
        Proxy((emulator.host, emulator.port), certificate="own") as proxy,
        pulsewire.connect(
            "127.0.0.1", proxy.port, tls={"ca": TLS / "own.pem"}, timeout=20
        ) as client,
    ):
        known = client.list_open_qms()
        proxy.stall = 1.0
        proxy.cut()
        time.sleep(0.1)
        started = time.perf_counter()
        with after(0.3, lambda *_: seen.append(client.list_open_qms())):
            assert client.list_open_qms() == known
        assert seen == [known]
        assert time.perf_counter() - started < 15
