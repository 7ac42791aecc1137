"""Every operation over links of some length (rows 11 to 14 of `make bench`).

    .venvs/qm-1.4.1/bin/python benches/python/links.py [MILLISECONDS ...] [PEER ...]

prints the operations alone. A proxy (`pulsewire-limits delay`) between a peer and the emulator
delays each direction by half of that. What is divided by the round trip is the median of some
times.
"""

import contextlib
import itertools
import json
import socket
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import peers
import programs
from peers import Served

# How often each operation is measured: of pulsewire, and of qm-qua, which takes long.
TIMES, THEIR_TIMES = 15, 3
# In round trips, at most.
OPERATIONS = {
    "connect": 2.2,
    "closed loop, one call": 1.15,
    "closed loop, three calls": 2.1,
    "fetch_all": 1.1,
    "ten results, first": 2.1,
    "ten results, again": 1.1,
    "execute": 2.1,
    "execute to a fetched result": 3.2,
    "simulate and samples": 2.2,
}
# Bytes a second of 10 Gbit/s.
TEN_GIGABIT = "1.25e9"


def median_of(call, count):
    """The median of the seconds that a call takes."""
    times = []
    for _ in range(count):
        began = time.perf_counter()
        call()
        times.append(time.perf_counter() - began)
    return statistics.median(times)


class Peer:
    """The operations of one client over one link."""

    def __init__(self, backend, host, port):
        self.ours = backend == "pulsewire"
        self.times = TIMES if self.ours else THEIR_TIMES
        if self.ours:
            import pulsewire

            # Clients of equal options share a link: each of these has one of its own.
            timeouts = itertools.count(100)
            self.connect = lambda: pulsewire.connect(host, port, timeout=next(timeouts))
        else:
            from qm import QuantumMachinesManager

            self.connect = lambda: QuantumMachinesManager(host, port, log_level="ERROR")
        self.client = self.connect()
        self.machine = self.client.open_qm(programs.CONFIG)

    def run(self, program):
        return self.machine.execute(program)

    def measured(self):
        """Seconds of each operation."""
        found = {"connect": median_of(self.connect, 5 if self.ours else 2)}
        found |= self.loops()
        found |= self.fetches()
        found |= self.executions()
        found["simulate and samples"] = self.simulated()
        return found

    def loops(self):
        job = self.run(programs.answering(0))
        handle, done, found = job.result_handles.get("answer"), 0, {}
        if self.ours:
            loop = job.closed_loop("value", "answer")

            def exchange():
                nonlocal done
                assert loop.exchange(done) == done
                done += 1

            median_of(exchange, 20)
            found["closed loop, one call"] = median_of(exchange, self.times)

        def step():
            nonlocal done
            job.push_to_input_stream("value", done)
            handle.wait_for_values(done + 1)
            assert handle.fetch(done)["value"][0] == done
            done += 1

        found["closed loop, three calls"] = median_of(step, self.times)
        job.halt()
        return found

    def handles(self, job):
        attach = self.client.result_handles if self.ours else self.client.get_job_result_handles
        return attach(job.id)

    def fetches(self):
        names = [f"r{index}" for index in range(10)]
        job = self.run(programs.counting(100, names))
        job.result_handles.wait_for_all_values()
        handle = self.handles(job).get("r0")

        def known():
            nonlocal handle
            handle = self.handles(job).get("r0")
            began = time.perf_counter()
            assert len(handle.fetch_all(flat_struct=True)) == 100
            return time.perf_counter() - began

        found = {"fetch_all": statistics.median(known() for _ in range(self.times))}

        def ten(handles):
            if self.ours:
                return handles.fetch_results()
            return {name: handle.fetch_all() for name, handle in handles}

        def first():
            handles = self.handles(job)
            handles.wait_for_all_values()
            assert len(ten(handles)) == 10

        found["ten results, first"] = median_of(first, self.times)
        handles = self.handles(job)
        ten(handles)
        found["ten results, again"] = median_of(lambda: ten(handles), self.times)
        return found

    def executions(self):
        long, short = programs.answering(0), programs.looping(0)
        times = []
        for _ in range(self.times):
            began = time.perf_counter()
            job = self.machine.execute(long)
            times.append(time.perf_counter() - began)
            job.halt()
        found = {"execute": statistics.median(times)}

        def whole():
            handles = self.machine.execute(short).result_handles
            handles.wait_for_all_values()
            assert handles.get("total").fetch_all() == 0

        found["execute to a fetched result"] = median_of(whole, self.times)
        return found

    def simulated(self):
        program = programs.looping(0)
        if self.ours:

            def simulate():
                self.client.simulate(programs.CONFIG, program, 1000).get_simulated_samples()
        else:
            from qm import SimulationConfig

            def simulate():
                job = self.client.simulate(programs.CONFIG, program, SimulationConfig(1000))
                job.get_simulated_samples()

        return median_of(simulate, self.times)


def measure(peer, address):
    """The seconds of each operation of a peer, in a process of its own."""
    backend, version = peers.PEERS[peer]
    command = [peers.python_of(f"qm-{version}"), "-W", "ignore", __file__, "--child", backend]
    shown = subprocess.run([*command, *address], capture_output=True, text=True, check=True)
    return json.loads(shown.stdout.splitlines()[-1])


@contextlib.contextmanager
def link(port, milliseconds, *rate):
    """The port of a link to a port whose round trip is so long; of no link, without one."""
    if not milliseconds:
        yield port
        return
    proxy = Served(peers.LIMITS, "delay", port, str(int(milliseconds * 500)), *rate)
    try:
        yield proxy.address
    finally:
        proxy.close()


def large(port, job, values, raw_port, milliseconds, rate, count):
    """Medians of the seconds of a fetch and of a raw socket, in turn, over links of their own."""
    import pulsewire

    size = values * 8
    with (
        link(port, milliseconds, *rate) as near,
        link(raw_port, milliseconds, *rate) as raw,
        pulsewire.connect("127.0.0.1", int(near)) as client,
        socket.create_connection(("127.0.0.1", int(raw))) as connection,
    ):
        handle = client.result_handles(job).get("values")
        handle.wait_for_all_values()
        out, memory = np.ones(values, dtype=np.int64), memoryview(np.ones(size, dtype=np.uint8))
        connection.sendall(b"b" + size.to_bytes(8, "little"))

        def receive():
            connection.sendall(b"x")
            at = 0
            while at < size:
                at += connection.recv_into(memory[at:])

        def fetch():
            handle.fetch_all(flat_struct=True, out=out)

        times = {fetch: [], receive: []}
        for turn in range(count + 1):
            for call, taken in times.items():
                began = time.perf_counter()
                call()
                if turn:
                    taken.append(time.perf_counter() - began)
        assert out[-1] == values - 1
        return [statistics.median(taken) for taken in times.values()]


def steps(host, port, job, milliseconds):
    """A program's time for a step, a round trip, and a step of a closed loop.

    Medians in seconds; the program's as a loop in Rust measures it, without the link.
    """
    import pulsewire

    shown = subprocess.run(
        [peers.LIMITS, "step", port, job, "60"], capture_output=True, text=True, check=True
    )
    program = statistics.median(int(each) * 1e-9 for each in shown.stdout.split())
    with (
        link(port, milliseconds) as near,
        # Of equal options it would share the link of another.
        pulsewire.connect(host, int(near), timeout=100 + milliseconds) as client,
    ):
        running = client.job(job)
        trip = median_of(lambda: running.status, 50)
        loop = running.closed_loop("value", "answer")
        # It learns what the program takes.
        median_of(lambda: loop.exchange(1), 40)
        return program, trip, median_of(lambda: loop.exchange(1), 150)


def depth(host, port, milliseconds):
    """Entries a second: by push and push_many, and steps of a loop, alone and 16 ahead."""
    import pulsewire

    with (
        link(port, milliseconds) as near,
        pulsewire.connect(host, int(near), timeout=99) as client,
    ):
        machine = client.open_qm(programs.CONFIG)
        stream = machine.execute(programs.sink()).input_stream("value")
        one = 1 / median_of(lambda: stream.push(1), 15)
        many = 2000 / median_of(lambda: stream.push_many(np.arange(2000)), 3)
        job = machine.execute(programs.answering(0))
        loop = job.closed_loop("value", "answer")
        median_of(lambda: loop.exchange(1), 20)
        alone = 1 / median_of(lambda: loop.exchange(1), 15)
        ahead = 256 / median_of(lambda: loop.exchange_many(np.arange(256), ahead=16), 3)
        job.halt()
        return one, many, alone, ahead


def main(milliseconds, names):
    """Prints a table in Markdown."""
    server, (host, port) = peers.emulator()
    print("| round trip, ms | operation | " + " | ".join(names) + " |")
    print("|---|---|" + "---|" * len(names))
    try:
        for length in milliseconds:
            with link(port, length) as near:
                found = {name: measure(name, (host, near)) for name in names}
            for operation in OPERATIONS:
                cells = []
                for name in names:
                    seconds = found[name].get(operation)
                    cells.append("–" if seconds is None else f"{seconds / length * 1e3:.2f}")
                print(f"| {length:g} | {operation} | " + " | ".join(cells) + " |", flush=True)
    finally:
        server.close()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        sys.path.insert(0, str(Path(__file__).parents[2] / "python"))
        print("\n" + json.dumps(Peer(*sys.argv[2:5]).measured()))
    else:
        given = sys.argv[1:]
        wanted = [name for name in peers.PEERS if name in given] or list(peers.PEERS)
        main([float(value) for value in given if value not in peers.PEERS] or [40.0], wanted)
