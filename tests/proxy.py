"""A proxy on loopback between a client and the emulator: terminates TLS, or cuts connections."""

import contextlib
import random
import socket
import ssl
import threading
import time
from pathlib import Path

TLS = Path(__file__).parent / "tls"


class Proxy:
    """Copies bytes both ways until it is closed; a context manager.

    Args:
        target: Where to connect to, (host, port).
        certificate: The name of a certificate of ``tests/tls`` to terminate TLS with.
        cuts: Called with whatever comes back from the target; True cuts the connection there.

    Attributes:
        port: Where it listens.
        stall: Seconds that pass before a new connection is served.
        accepted: Connections so far.
        sent: Bytes on their way to the target so far.
    """

    def __init__(self, target, certificate=None, cuts=None):
        self._target, self._cuts = target, cuts
        self.stall = 0.0
        self.accepted = self.sent = self._serving = 0
        self._counting = threading.Condition()
        self._context = None
        if certificate is not None:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(TLS / f"{certificate}.pem", TLS / f"{certificate}.key")
            self._context.set_alpn_protocols(["h2"])
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._open = []
        self._swallowed = set()
        self._threads = []
        self._listen()

    def open_now(self):
        """How many connections are served."""
        return self._serving

    def wait_until_none_is_open(self, timeout):
        """Waits until the clients have ended their connections."""
        with self._counting:
            assert self._counting.wait_for(lambda: not self._serving, timeout), self._serving

    def cut(self):
        """Ends all connections that there are."""
        for end in self._open:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def swallow(self):
        """Lets nothing pass any more on the connections that there are, which stay open."""
        self._swallowed.update(self._open)

    def away(self):
        """Nobody listens any more, as where a gateway is started anew; what was open is cut."""
        self._close_listener()
        self.cut()

    def come_back(self):
        """Listens again, at the same port."""
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self._listen()

    def _listen(self):
        thread = threading.Thread(target=self._accept)
        self._threads.append(thread)
        thread.start()

    def _close_listener(self):
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self):
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            with self._counting:
                self.accepted += 1
                self._serving += 1
            thread = threading.Thread(target=self._serve, args=(near,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, near):
        with contextlib.suppress(OSError):
            time.sleep(self.stall)
            if self._context is not None:
                near = self._context.wrap_socket(near, server_side=True)
            far = socket.create_connection(self._target)
            self._open += [near, far]
            thread = threading.Thread(target=self._copy, args=(near, far, self._count))
            thread.start()
            self._copy(far, near, self._cuts)
            thread.join()
        near.close()
        with self._counting:
            self._serving -= 1
            self._counting.notify_all()

    def _count(self, data):
        self.sent += len(data)

    def _copy(self, source, sink, cuts):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if source in self._swallowed:
                    continue
                if cuts is not None and cuts(data):
                    break
                sink.sendall(data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._close_listener()
        self.cut()
        for thread in self._threads:
            thread.join()
        for end in self._open:
            end.close()


def now_and_then(share, seed=1):
    """Cuts at random: so many of what comes back, by a seed."""
    numbers = random.Random(seed)
    return lambda _: numbers.random() < share
