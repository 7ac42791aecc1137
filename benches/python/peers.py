"""The processes that a benchmark measures with."""

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parent.parent.parent
RELEASE = ROOT / "target" / "release"
SCRIPTS = "Scripts" if os.name == "nt" else "bin"
EXE = ".exe" if os.name == "nt" else ""
LIMITS = RELEASE / ("pulsewire-limits" + EXE)

# What a push of one int sends and gets, counted by a proxy between pulsewire and the emulator
# over 1,000 pushes: HTTP/2 and gRPC framing included.
PUSH_BYTES = ("135", "66")

PEERS = {
    "pulsewire": ("pulsewire", "1.4.1"),
    "qm-qua 1.4.1": ("qm", "1.4.1"),
    "qm-qua 1.2.6": ("qm", "1.2.6"),
}


def python_of(venv):
    return ROOT / ".venvs" / venv / SCRIPTS / ("python" + EXE)


class Worker:
    """A peer in a process of its own."""

    def __init__(self, peer, address):
        backend, version = PEERS[peer]
        script = Path(__file__).parent / "worker.py"
        self.process = subprocess.Popen(
            [python_of(f"qm-{version}"), "-W", "ignore", script, backend, *address],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=sys.stderr if "-v" in sys.argv else subprocess.DEVNULL,
            text=True,
            env={**os.environ, "no_proxy": "*"},
        )
        self._answer()

    def _answer(self):
        for line in self.process.stdout:
            if line.startswith("ANSWER "):
                return json.loads(line.removeprefix("ANSWER "))
        raise RuntimeError("a worker ended; -v shows why")

    def __call__(self, command, *arguments):
        self.process.stdin.write(json.dumps([command, arguments]) + "\n")
        self.process.stdin.flush()
        return self._answer()

    def close(self):
        self.process.stdin.close()
        self.process.wait(20)


class Served:
    """A server process that prints its address first."""

    def __init__(self, *command):
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.address = self.process.stdout.readline().split()[-1]

    def ask(self):
        """A line for a line."""
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return self.process.stdout.readline()

    def close(self):
        self.process.terminate()
        self.process.wait(20)


def emulator(*options):
    served = Served(RELEASE / ("pulsewire-emulator" + EXE), "--port", "0", *options)
    return served, served.address.rsplit(":", 1)


def _times(*command):
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return shown.split()


def ping(port, count):
    """Round trips of raw messages of a push's size."""
    return [int(t) * 1e-9 for t in _times(LIMITS, "ping", port, *PUSH_BYTES, str(count))]


def unary(port, job, count, runtime):
    """Bare tonic calls that push one int."""
    return [int(t) * 1e-9 for t in _times(LIMITS, "unary", port, job, str(count), runtime)]


def receive(port, size, new):
    """A raw socket's ``recv_into``: into a new array, or into one that was written to before.

    Of two, the second: the first may get memory that is new to the machine.
    """
    return [_receive(port, size, new) for _ in range(2)][1:]


def _receive(port, size, new):
    with socket.create_connection(("127.0.0.1", int(port))) as connection:
        connection.sendall(b"b" + size.to_bytes(8, "little"))
        buffer = None if new else np.ones(size, dtype=np.uint8)
        started = time.perf_counter()
        if buffer is None:
            buffer = np.empty(size, dtype=np.uint8)
        connection.sendall(b"x")
        view, at = memoryview(buffer), 0
        while at < size:
            at += connection.recv_into(view[at:])
        return time.perf_counter() - started


def page_faults(address, job, values):
    """Of a fetch into a new array, and of touching a new array.

    In a process that has imported pulsewire alone.
    """
    code = (
        "import resource, sys, numpy as np, pulsewire\n"
        "host, port, job, values = sys.argv[1:]\n"
        "faults = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_minflt\n"
        "handle = pulsewire.connect(host, port).result_handles(job).get('values')\n"
        "handle.wait_for_all_values()\n"
        "for _ in range(4):\n"
        "    before = faults(); data = handle.fetch_all(flat_struct=True)\n"
        "    fetched = faults() - before; del data\n"
        "    before = faults(); own = np.empty(int(values), np.int64); own[::512] = 1\n"
        "    touched = faults() - before; del own\n"
        "print(fetched, touched)"
    )
    shown = _times(sys.executable, "-c", code, *address, job, str(values))
    return int(shown[-2]), int(shown[-1])


def flight_server(values):
    script = Path(__file__).parent / "flight.py"
    return Served(python_of("flight"), script, "serve", str(values))


def flight(port, count):
    """Arrow Flight's ``read_all``, in a process of its own."""
    script = Path(__file__).parent / "flight.py"
    times = [float(t) for t in _times(python_of("flight"), script, "fetch", port, str(count + 1))]
    # The first one warms it up.
    return times[1:]


def import_time():
    """Seconds of ``import pulsewire`` where numpy is imported already."""
    code = (
        "import numpy, time; t = time.perf_counter(); import pulsewire; "
        "print(time.perf_counter() - t)"
    )
    return float(_times(sys.executable, "-c", code)[-1])
