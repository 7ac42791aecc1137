"""Networks that swallow what is sent and tell nobody, and gateways that are away for a while."""

import logging
import sys
import threading
import time

import numpy as np
import pytest

import pulsewire
from pulsewire import exceptions as errors
from tests import PATIENCE
from tests.emulator.conftest import CONFIG
from tests.proxy import Proxy

# Seconds that a call may take here.
TIMEOUT = 2.0
# Seconds in which a PING decides whether a connection leads anywhere, and some for a slow machine.
DECIDED = 1 + 0.8


@pytest.fixture
def proxy(pulsewire_emulator):
    with Proxy((pulsewire_emulator.host, pulsewire_emulator.port)) as proxy:
        yield proxy


@pytest.fixture
def distant(proxy, pulsewire_client, counting):
    """A job that runs, by a client behind a proxy."""
    job = pulsewire_client.open_qm(CONFIG).execute(counting(100, pausing=True))
    with pulsewire.connect("127.0.0.1", proxy.port, timeout=TIMEOUT) as client:
        yield client.job(job.id)
    job.halt()


def test_a_stalled_connection_costs_one_timeout(proxy, distant):
    accepted = proxy.accepted
    proxy.swallow()
    with pytest.raises(errors.QMTimeoutError):
        distant.is_paused()
    # Before anything else is sent, a PING decides; then a new connection is made.
    started = time.monotonic()
    distant.is_paused()
    assert time.monotonic() - started < DECIDED
    assert proxy.accepted == accepted + 1
    for _ in range(10):
        distant.is_paused()
    assert proxy.accepted == accepted + 1


def test_a_wait_that_heard_nothing_leaves_no_dead_connection(proxy, distant):
    handle = distant.result_handles.get("values")
    handle.wait_for_values(100, timeout=PATIENCE)
    accepted = proxy.accepted
    proxy.swallow()
    with pytest.raises(TimeoutError):
        handle.wait_for_values(101, timeout=1.2)
    assert handle.fetch_all(flat_struct=True).tolist() == list(range(100))
    assert proxy.accepted > accepted


def test_a_call_that_takes_long_keeps_its_connection(proxy, distant):
    accepted = proxy.accepted
    values = distant.result_handles.get("values")
    # Longer than the silence that raises a doubt: the gateway answers each look and the PING.
    with pytest.raises(TimeoutError):
        values.wait_for_values(101, timeout=2.5)
    assert values.fetch_all(flat_struct=True).size == 100
    assert proxy.accepted == accepted


@pytest.mark.parametrize("lasts", [0.1, 1.0, 5.0])
def test_waits_outlive_an_outage(proxy, distant, pulsewire_client, caplog, lasts):
    handles = distant.result_handles
    there = threading.Event()

    def wait():
        assert handles.get("values").wait_for_all_values(timeout=PATIENCE)
        there.set()

    waiting = threading.Thread(target=wait)
    with caplog.at_level(logging.WARNING, "pulsewire"):
        waiting.start()
        time.sleep(0.1)
        proxy.away()
        time.sleep(lasts)
        assert not there.is_set()
        # It comes to its end while nobody can be asked.
        pulsewire_client.job(distant.id).resume()
        proxy.come_back()
        waiting.join(PATIENCE)
    assert there.is_set()
    assert handles.get("values").fetch_all(flat_struct=True).tolist() == list(range(100))
    told = [record.getMessage() for record in caplog.records]
    told = [text for text in told if "answer" in text]
    # Once that nobody answers, and what was asked; once that it is over.
    assert len(told) == 2, told
    assert f"nobody answers at 127.0.0.1:{proxy.port}" in told[0]
    assert distant.id in told[0]
    assert "answers again, after" in told[1]


WAITS = {
    "values": lambda job: job.result_handles.get("values").wait_for_values(101, timeout=1.5),
    "all values": lambda job: job.result_handles.get("values").wait_for_all_values(timeout=1.5),
    "all results": lambda job: job.result_handles.wait_for_all_values(timeout=1.5),
}


@pytest.mark.parametrize("wait", WAITS.values(), ids=WAITS)
@pytest.mark.parametrize("away", ["away", "swallow"])
def test_a_wait_that_ends_in_silence_does_not_speak_for_the_job(proxy, distant, away, wait):
    distant.result_handles.get("values").wait_for_values(100, timeout=PATIENCE)
    getattr(proxy, away)()
    started = time.monotonic()
    with pytest.raises(TimeoutError) as raised:
        wait(distant)
    assert 1.4 < time.monotonic() - started < 3.5
    message = str(raised.value)
    assert distant.id in message
    assert f"nobody answered at 127.0.0.1:{proxy.port} for the last 1." in message
    assert "the job goes on" not in message
    if away == "away":
        proxy.come_back()
    assert distant.result_handles.get("values").count_so_far() == 100


def test_a_wait_whose_gateway_answers_says_that_the_job_goes_on(distant):
    with pytest.raises(TimeoutError, match="the job goes on"):
        distant.result_handles.get("values").wait_for_values(101, timeout=1.5)


def test_a_wait_for_a_pending_job_outlives_an_outage(proxy, pulsewire_client, counting):
    with pulsewire.connect("127.0.0.1", proxy.port, timeout=TIMEOUT) as client:
        machine = client.open_qm(CONFIG)
        first = machine.execute(counting(100, pausing=True))
        pending = machine.queue.add(counting(10))
        timer = threading.Timer(1.0, proxy.come_back)
        proxy.away()
        timer.start()
        # By a connection that stands.
        pulsewire_client.job(first.id).halt()
        assert pending.wait_for_execution(timeout=PATIENCE).id == pending.id
        timer.join()


def test_reads_outlive_an_outage(proxy, distant):
    values = distant.result_handles.get("values")
    values.wait_for_values(100, timeout=PATIENCE)
    timer = threading.Timer(1.0, proxy.come_back)
    proxy.away()
    timer.start()
    assert values.fetch_all(flat_struct=True).tolist() == list(range(100))
    timer.join()


def test_a_read_that_nobody_answers_ends_within_its_time(proxy, distant):
    distant.is_paused()
    proxy.away()
    started = time.monotonic()
    with pytest.raises(errors.QMConnectionError, match="is it started"):
        distant.is_paused()
    assert time.monotonic() - started < TIMEOUT + 0.5


@pytest.mark.parametrize("reads", ["array", "out", "file"])
def test_a_saved_item_cut_in_the_middle_is_fetched_anew(
    pulsewire_emulator, pulsewire_client, reads, tmp_path
):
    from qm.qua import declare, declare_stream, for_, program, save, stream_processing

    size = 500_000
    with program() as imaging:
        value, image = declare(int), declare_stream()
        with for_(value, 0, value < size, value + 1):
            save(value, image)
        with stream_processing():
            image.buffer(size).save("image")
    job = pulsewire_client.open_qm(CONFIG).execute(imaging)
    job.result_handles.wait_for_all_values(timeout=PATIENCE)
    # Each of the first two connections that carry much is cut in the middle of the 4 MB.
    passed, cuts = [0], []

    def cut(data):
        passed[0] += len(data)
        if passed[0] > 1_500_000 and len(cuts) < 2:
            passed[0] = 0
            cuts.append(True)
            return True
        return False

    with (
        Proxy((pulsewire_emulator.host, pulsewire_emulator.port), cuts=cut) as proxy,
        pulsewire.connect("127.0.0.1", proxy.port) as client,
    ):
        handle = client.job(job.id).result_handles.get("image")
        if reads == "array":
            got = handle.fetch_all(flat_struct=True)
        elif reads == "out":
            got = np.zeros((1, size), np.int64)
            handle.fetch_all(flat_struct=True, out=got)
        else:
            handle.fetch_to(tmp_path / "image.npy", flat_struct=True)
            got = np.load(tmp_path / "image.npy")
    assert len(cuts) == 2
    assert np.array_equal(got.ravel(), np.arange(size))


def keepalives_of(port):
    """Of the connections to a port, the seconds until TCP asks, where it does."""
    with open("/proc/net/tcp") as table:
        rows = [line.split() for line in table][1:]
    timers = [row[5].split(":") for row in rows if int(row[2].split(":")[1], 16) == port]
    # The timer 02 is keepalive's; it counts hundredths of a second.
    return [int(left, 16) / 100 for kind, left in timers if kind == "02"]


@pytest.mark.skipif(sys.platform != "linux", reason="reads Linux's table of connections")
@pytest.mark.parametrize(
    ("options", "most"), [({}, 30), ({"keepalive": 7}, 7), ({"keepalive": None}, None)]
)
def test_connections_are_kept_alive(proxy, options, most):
    with pulsewire.connect("127.0.0.1", proxy.port, **options) as client:
        assert client.version
        if most is None:
            # What was sent is acknowledged first, by a timer of another kind.
            time.sleep(0.5)
            assert not keepalives_of(proxy.port)
            return
        ends = time.monotonic() + PATIENCE
        while not (left := keepalives_of(proxy.port)):
            assert time.monotonic() < ends
        assert most - 5 < left[0] <= most + 0.1


@pytest.mark.parametrize("wrong", [0, -1, 0.5, float("nan"), float("inf"), 40_000])
def test_a_keepalive_that_cannot_be_is_refused(proxy, wrong):
    with pytest.raises(errors.QmValueError, match="keepalive"):
        pulsewire.connect("127.0.0.1", proxy.port, keepalive=wrong)
