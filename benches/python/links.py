"""Every operation over links of some length: its time as a number of round trips.

    .venvs/qm-1.4.1/bin/python benches/python/links.py [MILLISECONDS ...]

A proxy (`pulsewire-limits delay`) between a peer and the emulator delays each direction by half of
that. What is divided by the round trip is the median of some times.
"""

import itertools
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

import peers
import programs
from peers import Served

# How often each operation is measured.
TIMES = 15
OPERATIONS = (
    "connect",
    "closed loop, one call",
    "closed loop, three calls",
    "fetch_all",
    "ten results, first",
    "ten results, again",
    "execute",
    "execute to a fetched result",
    "simulate and samples",
)


def median_of(call, count=TIMES):
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
        self.address = host, port
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
        found = {"connect": median_of(self.connect, 5)}
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
            found["closed loop, one call"] = median_of(exchange)

        def step():
            nonlocal done
            job.push_to_input_stream("value", done)
            handle.wait_for_values(done + 1)
            assert handle.fetch(done)["value"][0] == done
            done += 1

        found["closed loop, three calls"] = median_of(step)
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

        found = {"fetch_all": statistics.median(known() for _ in range(TIMES))}

        def ten(handles):
            if self.ours:
                return handles.fetch_results()
            return {name: handle.fetch_all() for name, handle in handles}

        def first():
            handles = self.handles(job)
            handles.wait_for_all_values()
            assert len(ten(handles)) == 10

        found["ten results, first"] = median_of(first)
        handles = self.handles(job)
        ten(handles)
        found["ten results, again"] = median_of(lambda: ten(handles))
        return found

    def executions(self):
        long, short = programs.answering(0), programs.looping(0)
        times = []
        for _ in range(TIMES):
            began = time.perf_counter()
            job = self.machine.execute(long)
            times.append(time.perf_counter() - began)
            job.halt()
        found = {"execute": statistics.median(times)}

        def whole():
            handles = self.machine.execute(short).result_handles
            handles.wait_for_all_values()
            assert handles.get("total").fetch_all() == 0

        found["execute to a fetched result"] = median_of(whole)
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

        return median_of(simulate)


def measure(peer, address):
    """The seconds of each operation of a peer, in a process of its own."""
    backend, version = peers.PEERS[peer]
    command = [peers.python_of(f"qm-{version}"), "-W", "ignore", __file__, "--child", backend]
    shown = subprocess.run([*command, *address], capture_output=True, text=True, check=True)
    return json.loads(shown.stdout.splitlines()[-1])


def main(milliseconds, names):
    """Prints a table in Markdown."""
    server, (host, port) = peers.emulator()
    print("| round trip, ms | operation | " + " | ".join(names) + " |")
    print("|---|---|" + "---|" * len(names))
    try:
        for link in milliseconds:
            proxy = Served(peers.LIMITS, "delay", port, str(int(link * 500)))
            found = {name: measure(name, (host, proxy.address)) for name in names}
            for operation in OPERATIONS:
                cells = []
                for name in names:
                    seconds = found[name].get(operation)
                    cells.append("–" if seconds is None else f"{seconds / link * 1e3:.2f}")
                print(f"| {link:g} | {operation} | " + " | ".join(cells) + " |", flush=True)
            proxy.close()
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
