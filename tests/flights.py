"""A link that delays each direction, and tells in how many flights an operation was made.

A flight is what is sent without waiting for an answer: a request belongs to the flight behind the
one whose answers were there when it left.
"""

import contextlib
import queue
import socket
import struct
import threading
import time

import hpack

# One way, seconds: much longer than what a client takes between an answer and its next request.
DELAY = 0.03
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
HEADERS, CONTINUATION, DATA = 1, 9, 0
END_STREAM = 1
FLAG_PADDED, FLAG_PRIORITY = 8, 32


class Frames:
    """Cuts a stream of bytes into frames: kind, flags, number of the HTTP/2 stream, payload."""

    def __init__(self, preface):
        self._preface = len(preface)
        self._bytes = b""

    def take(self, data):
        self._bytes += data
        if self._preface:
            skipped = min(self._preface, len(self._bytes))
            self._bytes = self._bytes[skipped:]
            self._preface -= skipped
        while len(self._bytes) >= 9:
            length = int.from_bytes(self._bytes[:3], "big")
            if len(self._bytes) < 9 + length:
                return
            kind, flags = self._bytes[3], self._bytes[4]
            (stream,) = struct.unpack(">I", self._bytes[5:9])
            payload = self._bytes[9 : 9 + length]
            self._bytes = self._bytes[9 + length :]
            yield kind, flags, stream & 0x7FFFFFFF, payload


class Link:
    """A link to a gateway; a context manager.

    Attributes:
        requests: The paths of all requests, with the flight of each, in their order.
    """

    def __init__(self, target, delay=DELAY):
        self._target, self._delay = target, delay
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._lock = threading.Lock()
        self._threads, self._sockets = [], [self._listener]
        # The flight of each request under way, and the last one that was answered.
        self._under_way, self._answered = {}, 0
        self.requests = []
        self._start(self._accept)

    @property
    def port(self):
        return self._listener.getsockname()[1]

    def flights(self, operation):
        """How many flights an operation takes, and the methods that it asks for in each."""
        with self._lock:
            self.requests, self._answered, self._under_way = [], 0, {}
        result = operation()
        with self._lock:
            found = {}
            for flight, path in self.requests:
                found.setdefault(flight, []).append(path.rsplit("/", 1)[-1])
        return [found[flight] for flight in sorted(found)], result

    def _start(self, run, *arguments):
        thread = threading.Thread(target=run, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._target)
                for end in (client, server):
                    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._sockets += [client, server]
                decoder = hpack.Decoder()
                key = id(client)

                def sent(frame, key=key, decoder=decoder):
                    self._sent(key, decoder, *frame)

                def arrived(frame, key=key):
                    self._arrived(key, *frame)

                self._way(client, server, Frames(PREFACE), sent, None)
                self._way(server, client, Frames(b""), None, arrived)

    def _way(self, near, far, frames, on_read, on_write):
        """One direction: what is read now is written a delay later."""
        pieces = queue.Queue()

        def read():
            with contextlib.suppress(OSError):
                while data := near.recv(1 << 16):
                    if on_read:
                        for frame in frames.take(data):
                            on_read(frame)
                    pieces.put((time.monotonic() + self._delay, data))
            pieces.put(None)

        def write():
            with contextlib.suppress(OSError):
                while piece := pieces.get():
                    due, data = piece
                    time.sleep(max(0.0, due - time.monotonic()))
                    if on_write:
                        for frame in frames.take(data):
                            on_write(frame)
                    far.sendall(data)
            with contextlib.suppress(OSError):
                far.shutdown(socket.SHUT_RDWR)

        self._start(read)
        self._start(write)

    def _sent(self, key, decoder, kind, flags, stream, payload):
        if kind != HEADERS:
            return
        if flags & FLAG_PRIORITY:
            payload = payload[5:]
        headers = dict(decoder.decode(payload))
        with self._lock:
            flight = self._answered + 1
            self._under_way[key, stream] = flight
            self.requests.append((flight, headers[":path"]))

    def _arrived(self, key, kind, flags, stream, _payload):
        if kind in (HEADERS, DATA) and flags & END_STREAM:
            with self._lock:
                flight = self._under_way.pop((key, stream), 0)
                self._answered = max(self._answered, flight)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for end in self._sockets:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        for thread in self._threads:
            thread.join(5)
