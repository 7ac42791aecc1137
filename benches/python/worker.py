"""One peer of a benchmark: takes commands as JSON lines, answers with seconds.

python worker.py qm|pulsewire HOST PORT
"""

import json
import sys
import time
import warnings

import numpy as np

warnings.simplefilter("ignore")

CONFIG = {
    "controllers": {"con1": {"type": "opx1", "analog_outputs": {1: {"offset": 0.0}}}},
    "elements": {"element": {"singleInput": {"port": ("con1", 1)}, "operations": {}}},
    "pulses": {},
    "waveforms": {},
}
BULK = 8 << 20


def sink():
    """Takes entries and does nothing with them."""
    from qm.qua import advance_input_stream, declare_input_stream, infinite_loop_, program

    with program() as built:
        value = declare_input_stream(int, "value")
        with infinite_loop_():
            advance_input_stream(value)
    return built


def answering(cycles):
    """Answers each entry after some clock cycles."""
    from qm.qua import (
        advance_input_stream,
        declare_input_stream,
        declare_stream,
        infinite_loop_,
        program,
        save,
        stream_processing,
        wait,
    )

    with program() as built:
        value = declare_input_stream(int, "value")
        stream = declare_stream()
        with infinite_loop_():
            advance_input_stream(value)
            if cycles:
                wait(cycles, "element")
            save(value, stream)
        with stream_processing():
            stream.save_all("answer")
    return built


def bulk():
    """Saves 8 Mi ints: 64 MiB."""
    from qm.qua import declare, declare_stream, for_, program, save, stream_processing

    with program() as built:
        value = declare(int)
        stream = declare_stream()
        with for_(value, 0, value < BULK, value + 1):
            save(value, stream)
        with stream_processing():
            stream.save_all("values")
    return built


class Peer:
    def __init__(self, backend, host, port):
        if backend == "qm":
            from qm import QuantumMachinesManager

            manager = QuantumMachinesManager(host, port)
            machine = manager.open_qm(CONFIG, close_other_machines=False)
            self.execute = machine.execute
        else:
            import pulsewire

            client = pulsewire.connect(host, port)
            machine = client.open_qm(CONFIG, close_other_machines=False)
            self.execute = lambda program: client.execute(machine, program)
        self.job = None

    def prepare(self, what, cycles=0):
        if self.job is not None:
            self.job.halt()
        program = {"sink": sink, "bulk": bulk, "answering": lambda: answering(cycles)}[what]()
        self.job = self.execute(program)
        self.done = 0
        if what != "sink":
            name = "values" if what == "bulk" else "answer"
            self.handle = self.job.result_handles.get(name)
        if what == "bulk":
            assert self.handle.wait_for_all_values(timeout=60)
        return []

    def push(self, count):
        times = []
        for index in range(count):
            started = time.perf_counter()
            self.job.push_to_input_stream("value", index)
            times.append(time.perf_counter() - started)
        return times

    def loop(self, count):
        times = []
        for _ in range(count):
            started = time.perf_counter()
            self.job.push_to_input_stream("value", self.done)
            self.handle.wait_for_values(self.done + 1)
            answer = self.handle.fetch(self.done)
            times.append(time.perf_counter() - started)
            assert answer["value"][0] == self.done
            self.done += 1
        return times

    def fetch(self):
        started = time.perf_counter()
        data = self.handle.fetch_all(flat_struct=True)
        took = time.perf_counter() - started
        assert data.shape == (BULK,)
        assert data[-1] == BULK - 1
        assert np.array_equal(data[:1000], np.arange(1000))
        return [took]


def main():
    backend, host, port = sys.argv[1:]
    peer = Peer(backend, host, int(port))
    print("\nANSWER []", flush=True)
    for line in sys.stdin:
        command, arguments = json.loads(line)
        print("\nANSWER " + json.dumps(getattr(peer, command)(*arguments)), flush=True)


if __name__ == "__main__":
    main()
