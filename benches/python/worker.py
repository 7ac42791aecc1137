"""One peer of a benchmark: takes commands as JSON lines, answers with seconds.

python worker.py qm|pulsewire HOST PORT
"""

import json
import os
import sys
import tempfile
import threading
import time
import warnings
from pathlib import Path

import numpy as np
import programs
import pulses

warnings.simplefilter("ignore")


def timed(call, count):
    times = []
    for _ in range(count):
        started = time.perf_counter()
        call()
        times.append(time.perf_counter() - started)
    return times


def resident(key):
    """Bytes of this process: VmRSS now, or VmHWM at most since the last reset."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(key):
            return int(line.split()[1]) * 1024
    raise RuntimeError("this system tells no sizes of processes")


def reset_peak():
    Path("/proc/self/clear_refs").write_text("5")


class Peer:
    def __init__(self, backend, host, port):
        self.ours = backend == "pulsewire"
        if backend == "qm":
            from qm import QuantumMachinesManager

            self.client = QuantumMachinesManager(host, port)
            machine = self.client.open_qm(programs.CONFIG, close_other_machines=False)
            self.execute = machine.execute
            self.attach = self.client.get_job_result_handles
        else:
            import pulsewire

            self.client = pulsewire.connect(host, port)
            machine = self.client.open_qm(programs.CONFIG, close_other_machines=False)
            self.execute = lambda program: machine.execute(program)
            self.attach = self.client.result_handles
        self.job = None

    def run(self, program, *arguments):
        """Halts what runs, and executes a program; gives the job's id."""
        if self.job is not None:
            self.job.halt()
        self.job = self.execute(getattr(programs, program)(*arguments))
        self.done = 0
        return self.job.id

    def use(self, job, name):
        """The result of a job that is done."""
        self.handle = self.attach(job).get(name)
        assert self.handle.wait_for_all_values(timeout=300)

    def push(self, count):
        return timed(lambda: self.job.push_to_input_stream("value", 5), count)

    def push_array(self, count, size, kind, form):
        entry = np.arange(size) if kind == "int" else np.linspace(-1, 1, size)
        if form == "list":
            entry = entry.tolist()
        elif form == "tolist":
            # qm-qua takes no arrays: its users turn them into lists first.
            return timed(lambda: self.job.push_to_input_stream("value", entry.tolist()), count)
        elif form != "numpy":
            # Numbers that fit every kind.
            entry = entry % 100 if kind == "int" else entry
            entry = np.repeat(entry, 2)[::2] if form == "strided" else entry.astype(form)
        return timed(lambda: self.job.push_to_input_stream("value", entry), count)

    def push_many(self, count):
        stream = self.job.input_stream("value")
        entries = np.arange(count)
        started = time.perf_counter()
        assert stream.push_many(entries) == count
        return [(time.perf_counter() - started) / count]

    def writer(self, count):
        with self.job.input_stream("value").writer(max_pending=count) as writer:
            times = timed(lambda: writer.push(5), count)
            assert writer.close() == count
        return times

    def loop(self, count):
        handle = self.job.result_handles.get("answer")

        def step():
            self.job.push_to_input_stream("value", self.done)
            handle.wait_for_values(self.done + 1)
            answer = handle.fetch(self.done)
            assert answer["value"][0] == self.done
            self.done += 1

        return timed(step, count)

    def exchange(self, count):
        loop = self.job.closed_loop("value", "answer")

        def step():
            assert loop.exchange(self.done) == self.done
            self.done += 1

        return timed(step, count)

    def simulate(self, cycles, count):
        """Simulates ten modulated ports; seconds of each simulation, without its samples."""
        if self.ours:
            from pulsewire._vendor import config_bytes

            # The dict is converted once: what is measured is the simulation.
            config = config_bytes(pulses.rendering_config(), self.client.capabilities)
            program = pulses.rendering()

            def simulate():
                self.simulated = self.client.simulate(config, program, cycles)
        else:
            from qm import SimulationConfig

            config, program = pulses.rendering_config(), pulses.rendering()

            def simulate():
                self.simulated = self.client.simulate(config, program, SimulationConfig(cycles))

        return timed(simulate, count)

    def pull(self, count):
        """Pulls the samples of the last simulation; the first, into new memory, left out."""

        def pull():
            samples = self.simulated.get_simulated_samples()
            assert len(samples.con1.analog) == pulses.PORTS

        return timed(pull, count + 1)[1:]

    def pull_memory(self):
        """Bytes above those before, at most, and bytes of the samples."""
        before = resident("VmRSS")
        reset_peak()
        samples = self.simulated.get_simulated_samples()
        size = sum(array.nbytes for array in samples.con1.analog.values())
        return [resident("VmHWM") - before, size]

    def modelled(self, shots, points, count):
        """Executes a Rabi experiment on an emulator with a readout model, start to averages."""
        import pulsewire

        qubit = pulsewire.Qubit("qubit", "x180", t1=1e-5)
        model = pulsewire.Readout((0.01, 0.0), (0.0, 0.02), noise=0.05, qubit=qubit)
        with (
            pulsewire.Emulator(readout={"resonator": model}) as emulator,
            pulsewire.connect(emulator.host, emulator.port) as client,
        ):
            machine = client.open_qm(pulses.rabi_config())
            program = pulses.rabi(shots, points)

            def experiment():
                handles = machine.execute(program).result_handles
                assert handles.wait_for_all_values(timeout=60)
                assert handles.i.fetch_all().shape == (points,)

            return timed(experiment, count)

    def fetch(self, size, count):
        """Whole arrays of ``size`` values; the first, into memory new to the machine, left out."""
        times = []
        for _ in range(count + 1):
            started = time.perf_counter()
            data = self.handle.fetch_all(flat_struct=True)
            times.append(time.perf_counter() - started)
            assert data.shape == (size,)
            assert data[-1] == size - 1
            assert np.array_equal(data[:100], np.arange(100))
            del data
        return times[1:]

    def fetch_out(self, size, count):
        """The same into an array that is there."""
        out = np.ones(size, dtype=np.int64)

        def fetch():
            assert len(self.handle.fetch_all(flat_struct=True, out=out)) == size

        times = timed(fetch, count + 1)
        assert out[-1] == size - 1
        return times[1:]

    def fetch_small(self, job, size, count):
        """The same for a handle that knows the result's type (as all do) and nothing else."""
        times = []
        for _ in range(count):
            handle = self.attach(job).get("values")
            started = time.perf_counter()
            data = handle.fetch_all(flat_struct=True)
            times.append(time.perf_counter() - started)
            assert data.shape == (size,)
        return times

    def fetch_results(self, job, count, fresh):
        """All results of a job, with handles of their own each time or the same again."""
        times = []
        results = self.attach(job)
        results.fetch_results()
        for _ in range(count):
            if fresh:
                results = self.attach(job)
            started = time.perf_counter()
            fetched = results.fetch_results()
            times.append(time.perf_counter() - started)
            assert len(fetched) == 10
        return times

    def fetch_memory(self, size):
        """The peak of memory over what the process had before, as a part of the result."""
        reset_peak()
        before = resident("VmRSS")
        data = self.handle.fetch_all(flat_struct=True)
        assert data.shape == (size,)
        return (resident("VmHWM") - before) / data.nbytes

    def fetch_to_memory(self, size):
        """The peak of memory over what the process had before, in bytes; and the seconds."""
        folder = tempfile.mkdtemp(dir=os.environ.get("BENCH_TMP"))
        path = Path(folder, "values.npy")
        try:
            reset_peak()
            before = resident("VmRSS")
            started = time.perf_counter()
            assert self.handle.fetch_to(path, flat_struct=True) == size
            took = time.perf_counter() - started
            peak = resident("VmHWM") - before
            data = np.load(path, mmap_mode="r")
            assert data.shape == (size,)
            assert data[-1] == size - 1
            return [peak, took]
        finally:
            path.unlink(missing_ok=True)
            Path(folder).rmdir()

    def live(self, job, size):
        """Reads a growing result; gives the number of arrays."""
        seen = arrays = 0
        for data in self.client.result_handles(job).get("values").stream(flat_struct=True):
            assert data[0] == seen
            seen += len(data)
            arrays += 1
        assert seen == size
        return arrays

    def push_while_fetching(self, size):
        """Times of pushes while another thread fetches."""

        def fetch():
            data = self.handle.fetch_all(flat_struct=True)
            assert data.shape == (size,)

        thread = threading.Thread(target=fetch)
        times = []
        thread.start()
        while thread.is_alive():
            times += timed(lambda: self.job.push_to_input_stream("value", 5), 1)
        thread.join()
        return times

    def statements(self, count):
        """Statements a second of a counted loop with one assignment."""
        program = programs.looping(count)
        started = time.perf_counter()
        results = self.execute(program).result_handles
        assert results.wait_for_all_values(timeout=120)
        took = time.perf_counter() - started
        assert results.get("total").fetch_all() is not None
        return count / took

    def first_result(self, count):
        program = programs.looping(0)

        def run():
            handle = self.execute(program).result_handles.get("total")
            handle.wait_for_values(1)
            assert handle.fetch_all() == 0

        return timed(run, count)


def main():
    backend, host, port = sys.argv[1:]
    peer = Peer(backend, host, int(port))
    print("\nANSWER []", flush=True)
    for line in sys.stdin:
        command, arguments = json.loads(line)
        print("\nANSWER " + json.dumps(getattr(peer, command)(*arguments)), flush=True)


if __name__ == "__main__":
    main()
