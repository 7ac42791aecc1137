"""Connecting: redirection, headers, names of failures."""

import socket
import subprocess
import sys
import threading

import pytest

import pulsewire
from pulsewire import exceptions as errors
from tests import PATIENCE


class Router:
    """A router in front of a cluster: answers the first HTTP/2 request with a status."""

    def __init__(self, status, location=None):
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._answer = (status, location)
        self.received = b""
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    @property
    def port(self):
        return self._listener.getsockname()[1]

    def _serve(self):
        connection, _ = self._listener.accept()
        with connection:
            connection.settimeout(PATIENCE)
            connection.sendall(frame(4, 0, 0, b""))
            # The request is there when its HEADERS frame is (type 1 on stream 1).
            while b"\x00\x00\x00\x01" not in self.received.partition(b"SM\r\n\r\n")[2]:
                self.received += connection.recv(65536)
            status, location = self._answer
            # HPACK literals: names by their index in the static table.
            block = b"\x08\x03" + status
            if location is not None:
                block += b"\x0f\x1f" + bytes([len(location)]) + location
            connection.sendall(frame(4, 1, 0, b"") + frame(1, 5, 1, block))
            try:
                while connection.recv(65536):
                    pass
            except OSError:
                pass

    def close(self):
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()
        self._listener.close()


def frame(kind, flags, stream, payload):
    return (
        len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload
    )


@pytest.fixture
def router():
    made = []

    def make(*arguments):
        made.append(Router(*arguments))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_a_router_sends_the_client_elsewhere(pulsewire_emulator, router):
    address = pulsewire_emulator.address
    port = router(b"302", address.encode()).port
    with pulsewire.connect("127.0.0.1", port, timeout=PATIENCE) as client:
        assert client.address == address
        assert client.list_open_qms() == []


def test_a_redirection_without_an_address_is_named(router):
    port = router(b"302", b"http://elsewhere:80").port
    with pytest.raises(errors.QmLocationParsingError, match="'http://elsewhere:80'"):
        pulsewire.connect("127.0.0.1", port, timeout=PATIENCE)


def test_a_router_that_refuses_is_named(router):
    with pytest.raises(errors.QmServerDetectionError, match="refuses"):
        pulsewire.connect("127.0.0.1", router(b"400").port, timeout=PATIENCE)


def test_the_probe_can_be_left_out(pulsewire_emulator):
    with pulsewire.connect(
        pulsewire_emulator.host,
        pulsewire_emulator.port,
        follow_redirects=False,
        cluster_name="fridge",
        token="secret",
        headers={"x-user-id": "alice"},
    ) as client:
        assert client.version == "2.70-a0974ba"
        assert len(client.capabilities) == 15


def test_headers_reach_the_gateway(pulsewire_emulator, machine, endless):
    with pulsewire.connect(
        pulsewire_emulator.host, pulsewire_emulator.port, headers={"x-user-id": "alice"}
    ) as client:
        machine = client.get_qm(machine.id)
        job = machine.execute(endless)
        assert job.user_added == "alice"
        waiting = machine.queue.add(endless)
        assert [j.id for j in machine.queue.get_by_user_id("alice")] == [waiting.id]
        assert machine.queue.remove_by_user_id("alice") == 1
        job.halt()


def test_importing_pulls_in_nothing_heavy():
    code = (
        "import sys, pulsewire; "
        "print([m for m in ('qm', 'matplotlib', 'grpc', 'pandas') if m in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


def test_a_silent_gateway_does_not_hold_a_client():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        for options in ({}, {"tls": True}, {"follow_redirects": False}):
            with pytest.raises(errors.QmServerDetectionError, match=r"within 0\.2 s"):
                pulsewire.connect("127.0.0.1", silent.getsockname()[1], timeout=0.2, **options)
