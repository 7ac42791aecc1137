"""One connection in a process for equal options: counted, and closed by each of its clients."""

import gc
import os
import pickle
import threading

import pytest

import pulsewire
from pulsewire import exceptions as errors
from tests import PATIENCE
from tests.emulator.conftest import exit_code_of
from tests.proxy import Proxy


@pytest.fixture
def proxy(pulsewire_emulator):
    """Counts connections on their way to the emulator."""
    with Proxy((pulsewire_emulator.host, pulsewire_emulator.port)) as proxy:
        yield proxy


def test_equal_options_share_a_connection(proxy):
    clients = [pulsewire.connect("127.0.0.1", proxy.port) for _ in range(3)]
    assert proxy.accepted == 2  # the probe for a redirection, and the link
    again = pickle.loads(pickle.dumps([clients[0].job(f"job-{n}") for n in range(20)]))
    assert {job.status for job in again} == {"unknown"}
    assert proxy.accepted == 2
    # What differs in anything has its own.
    with (
        pulsewire.connect("127.0.0.1", proxy.port, token="secret"),
        pulsewire.connect("127.0.0.1", proxy.port, headers={"x-user-id": "alice"}),
        pulsewire.connect("127.0.0.1", proxy.port, timeout=7),
    ):
        assert proxy.accepted == 2 + 2 * 3
    for client in clients:
        client.close()


def test_a_closed_client_stays_closed_and_the_last_shuts_the_link(proxy, machine, endless):
    first = pulsewire.connect("127.0.0.1", proxy.port)
    second = pulsewire.connect("127.0.0.1", proxy.port)
    job = first.get_qm(machine.id).execute(endless)
    first.close()
    first.close()
    for call in (first.list_open_qms, lambda: job.status, first.get_qm(machine.id).get_io_values):
        with pytest.raises(errors.QMConnectionError, match="closed"):
            call()
    # The other one, and what is made of it, go on.
    assert second.job(job.id).status == "running"
    assert second.job(job.id).halt()
    assert proxy.open_now() > 0
    second.close()
    proxy.wait_until_none_is_open(PATIENCE)
    with pytest.raises(errors.QMConnectionError, match="closed"):
        second.list_open_qms()
    with pulsewire.connect("127.0.0.1", proxy.port) as third:
        assert machine.id in third.list_open_qms()


def test_a_client_that_is_forgotten_lets_go(proxy):
    kept = pulsewire.connect("127.0.0.1", proxy.port)
    forgotten = pulsewire.connect("127.0.0.1", proxy.port)
    job = forgotten.job("job-1")
    del forgotten
    gc.collect()
    assert job.status == "unknown"
    kept.close()
    # The job's client is the last one.
    assert job.status == "unknown"
    del job
    gc.collect()
    proxy.wait_until_none_is_open(PATIENCE)


def test_connect_asks_for_health_every_time():
    emulator = pulsewire.Emulator()
    port = emulator.port
    client = pulsewire.connect(emulator.host, port, timeout=5)
    emulator.stop()
    with pytest.raises(errors.QmServerDetectionError, match=str(port)):
        pulsewire.connect("127.0.0.1", port, timeout=5)
    # Another one at the same address: new clients get it.
    with (
        pulsewire.Emulator(port=port) as other,
        pulsewire.connect(other.host, port, timeout=5) as again,
    ):
        assert again.list_open_qms() == []
    client.close()


def test_threads_that_connect_at_once_share_as_well(proxy):
    clients, ready = [], threading.Barrier(8)

    def connect():
        ready.wait(PATIENCE)
        clients.append(pulsewire.connect("127.0.0.1", proxy.port))

    threads = [threading.Thread(target=connect) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert len(clients) == 8
    assert len({id(client._connection._link) for client in clients}) == 1
    for client in clients:
        client.close()
    proxy.wait_until_none_is_open(PATIENCE)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")
def test_a_child_closes_only_its_own(pulsewire_client, machine):
    child = os.fork()
    if child == 0:
        try:
            same = pulsewire_client.list_open_qms() == [machine.id]
            pulsewire_client.close()
            os._exit(0 if same else 2)
        finally:
            os._exit(3)
    assert exit_code_of(child) == 0
    assert pulsewire_client.list_open_qms() == [machine.id]


def test_the_results_of_a_job_are_asked_for_once(proxy, machine, squares):
    with pulsewire.connect("127.0.0.1", proxy.port) as client:
        job = client.get_qm(machine.id).execute(squares)
        assert job.result_handles is job.result_handles
        handles = job.result_handles
        before = proxy.sent
        for _ in range(10):
            assert job.result_handles["answer"] is handles["answer"]
        assert proxy.sent == before
        job.halt()
