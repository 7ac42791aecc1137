"""Networks that swallow what is sent, and tell nobody."""

import time

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
