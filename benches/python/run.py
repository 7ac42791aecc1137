"""All benchmarks in one run: interleaved rounds, medians, ratios; see benches/README.md.

make bench
"""

import datetime
import json
import os
import platform
import socket
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
RELEASE = ROOT / "target" / "release"
SCRIPTS = "Scripts" if os.name == "nt" else "bin"
EXE = ".exe" if os.name == "nt" else ""
RESULTS = ROOT / "benches" / "results"
BULK_BYTES = (8 << 20) * 8
# What a push of one int sends and gets, counted by a proxy between pulsewire and the emulator
# over 1,000 pushes: HTTP/2 and gRPC framing included.
PUSH_BYTES = ("136", "66")
ROUNDS = 5

PEERS = {
    "pulsewire": ("pulsewire", "1.4.1"),
    "qm-qua 1.4.1": ("qm", "1.4.1"),
    "qm-qua 1.2.6": ("qm", "1.2.6"),
}


class Worker:
    def __init__(self, peer, address):
        backend, version = PEERS[peer]
        python = ROOT / ".venvs" / f"qm-{version}" / SCRIPTS / ("python" + EXE)
        script = Path(__file__).parent / "worker.py"
        self.process = subprocess.Popen(
            [python, "-W", "ignore", script, backend, *address],
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
        raise RuntimeError("a worker ended")

    def __call__(self, command, *arguments):
        self.process.stdin.write(json.dumps([command, arguments]) + "\n")
        self.process.stdin.flush()
        return self._answer()

    def close(self):
        self.process.stdin.close()
        self.process.wait(20)


class Served:
    """A server process that prints its address first and ends with its standard input."""

    def __init__(self, *command):
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.address = self.process.stdout.readline().split()[-1]

    def close(self):
        self.process.terminate()
        self.process.wait(20)


def emulator(*options):
    served = Served(RELEASE / ("pulsewire-emulator" + EXE), "--port", "0", *options)
    return served, served.address.rsplit(":", 1)


def ping(port, count):
    shown = subprocess.run(
        [RELEASE / ("pulsewire-raw" + EXE), "ping", port, *PUSH_BYTES, str(count)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return [int(line) * 1e-9 for line in shown.split()]


def receive(port):
    buffer = bytearray(BULK_BYTES)
    with socket.create_connection(("127.0.0.1", int(port))) as connection:
        connection.sendall(b"b" + BULK_BYTES.to_bytes(8, "little"))
        started = time.perf_counter()
        connection.sendall(b"x")
        view, at = memoryview(buffer), 0
        while at < BULK_BYTES:
            at += connection.recv_into(view[at:])
        return [time.perf_counter() - started]


def measure(workers, prepare, command, counts, limit=None):
    """Rounds of each peer in turn; all times of all rounds by peer."""
    for worker in workers.values():
        worker(*prepare)
    times = {name: [] for name in workers}
    if limit is not None:
        times["raw socket"] = []
    for _ in range(ROUNDS):
        for name, worker in workers.items():
            arguments = [counts[name]] if counts else []
            times[name] += worker(command, *arguments)
        if limit is not None:
            times["raw socket"] += limit()
    return times


def row(title, times, *, bulk=False):
    medians = {name: statistics.median(values) for name, values in times.items()}
    ours = medians["pulsewire"]
    cells = [title]
    for name in (*PEERS, "raw socket"):
        if name not in medians:
            cells.append("")
        elif bulk:
            rate = BULK_BYTES / medians[name] / 1e6
            cells.append(f"{rate:,.0f} MB/s")
        else:
            cells.append(f"{medians[name] * 1e6:,.0f} µs")
    for name in ("qm-qua 1.4.1", "qm-qua 1.2.6"):
        cells.append(f"{medians[name] / ours:.1f} ×")
    raw = medians.get("raw socket")
    cells.append(f"{ours / raw:.1f} ×" if raw else "")
    return cells


def main():
    fast, fast_address = emulator()
    slow, slow_address = emulator("--realtime")
    raw = Served(RELEASE / ("pulsewire-raw" + EXE), "serve")
    workers = {name: Worker(name, fast_address) for name in PEERS}
    slow_workers = {name: Worker(name, slow_address) for name in PEERS}
    many = dict.fromkeys(PEERS, 400)
    few = {"pulsewire": 100, "qm-qua 1.4.1": 6, "qm-qua 1.2.6": 6}
    rows = [
        row(
            "push of one int, p50",
            measure(workers, ("prepare", "sink"), "push", many, lambda: ping(raw.address, 2000)),
        ),
        row(
            "closed loop, the program answers at once, p50",
            measure(workers, ("prepare", "answering", 0), "loop", few),
        ),
        row(
            "closed loop, the program answers after 5 ms, p50",
            measure(
                slow_workers,
                ("prepare", "answering", 1_250_000),
                "loop",
                {**few, "pulsewire": 20},
            ),
        ),
        row(
            "fetch of 64 MiB",
            measure(workers, ("prepare", "bulk"), "fetch", None, lambda: receive(raw.address)),
            bulk=True,
        ),
    ]
    for worker in (*workers.values(), *slow_workers.values()):
        worker.close()
    for server in (fast, slow, raw):
        server.close()

    head = ["", *PEERS, "raw socket", "1.4.1 / pulsewire", "1.2.6 / pulsewire", "pulsewire / raw"]
    table = [head, ["---"] * len(head), *rows]
    lines = ["| " + " | ".join(cells) + " |" for cells in table]
    text = "\n".join(lines)
    print(text)
    when = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    RESULTS.mkdir(exist_ok=True)
    python = f"CPython {platform.python_version()}"
    (RESULTS / "latest.md").write_text(f"{when}, {machine}, {python}\n\n{text}\n")


if __name__ == "__main__":
    sys.exit(main())
