"""One script for every client: prints what each call returned or raised, as JSON.

    python scenario.py qm|drop-in|pulsewire HOST PORT

Run by test_parity.py in the virtual environment of each qm-qua version, once with the real
client and once with pulsewire, which uses that version's DSL only.
"""

import json
import logging
import sys
import warnings
from pathlib import Path

import numpy as np

warnings.simplefilter("ignore")

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

from tests import PATIENCE  # noqa: E402
from tests.emulator.conftest import CONFIG  # noqa: E402
from tests.interop import programs  # noqa: E402


class Messages(logging.Handler):
    """Levels of what the clients log."""

    def __init__(self):
        super().__init__(logging.WARNING)
        self.levels = []

    def emit(self, record):
        self.levels.append(record.levelname)


class Vendor:
    """The real client."""

    def __init__(self, host, port):
        from qm import QuantumMachinesManager

        self.manager = QuantumMachinesManager(host, port)
        self.machine = self.manager.open_qm(CONFIG)
        self.queue = self.machine.queue

    def execute(self, program):
        return self.machine.execute(program)

    def compile(self, program):
        return self.machine.compile(program)

    def results(self, job_id):
        return self.manager.get_job_result_handles(job_id)

    def close(self):
        return self.machine.close()


class DropIn(Vendor):
    """The real client, its jobs served by pulsewire."""

    def __init__(self, host, port):
        import pulsewire

        pulsewire.install()
        super().__init__(host, port)


class Ours:
    """pulsewire."""

    def __init__(self, host, port):
        import pulsewire

        self.client = pulsewire.connect(host, port)
        self.machine = self.client.open_qm(CONFIG)
        self.queue = self.machine.queue

    def execute(self, program):
        return self.machine.execute(program)

    def compile(self, program):
        return self.machine.compile(program)

    def results(self, job_id):
        return self.client.result_handles(job_id)

    def close(self):
        return self.machine.close()


def plain(value):
    """A value as JSON: its type, dtype, shape and bytes where it is numpy's."""
    if isinstance(value, (np.ndarray, np.generic)):
        array = np.asarray(value)
        # Padding and names included: the dtype as numpy spells it.
        return {
            "type": type(value).__name__,
            "dtype": str(array.dtype.descr) if array.dtype.names else str(array.dtype),
            "shape": list(array.shape),
            "data": array.tobytes().hex(),
        }
    if isinstance(value, (tuple, list)):
        return {"type": type(value).__name__, "items": [plain(item) for item in value]}
    if isinstance(value, dict):
        return {"type": "dict", "items": {key: plain(item) for key, item in value.items()}}
    if value is None or isinstance(value, (bool, int, float, str)):
        return {"type": type(value).__name__, "value": value}
    return {"type": type(value).__name__}


class Record:
    def __init__(self):
        self.entries = {}
        self.messages = Messages()
        for name in ("qm", "pulsewire"):
            logging.getLogger(name).addHandler(self.messages)

    def __call__(self, name, call):
        """What a call returns or raises, and how loudly it logs."""
        self.messages.levels.clear()
        try:
            entry = {"returns": plain(call())}
        except BaseException as error:
            entry = {"raises": type(error).__name__, "code": getattr(error, "code", None)}
            for attribute in ("element_name", "correction"):
                if hasattr(error, attribute):
                    entry[attribute] = plain(getattr(error, attribute))
        entry["logs"] = sorted(set(self.messages.levels))
        assert name not in self.entries, name
        self.entries[name] = entry


def results(record, side):
    for source in (programs.pipelines, programs.calculations):
        job = side.execute(source())
        handles = job.result_handles
        record(
            f"{source.__name__}: wait", lambda h=handles: h.wait_for_all_values(timeout=PATIENCE)
        )
        record(f"{source.__name__}: names", lambda h=handles: list(h.keys()))
        for name, handle in handles.items():
            record(f"{name}: class", lambda h=handle: h)
            record(f"{name}: dtype", lambda h=handle: h.numpy_dtype)
            record(f"{name}: expected", lambda h=handle: h.expected_count)
            record(f"{name}: count", lambda h=handle: (h.count_so_far(), len(h)))
            record(f"{name}: all", lambda h=handle: h.fetch_all())
            record(f"{name}: flat", lambda h=handle: h.fetch_all(flat_struct=True))
            record(f"{name}: strict", lambda h=handle: h.strict_fetch(0))
            for item in (0, 2, 99, slice(1, 3), slice(2, 1), slice(-2, None), slice(0, 1)):
                record(f"{name}: fetch({item})", lambda h=handle, i=item: h.fetch(i))
                record(
                    f"{name}: flat fetch({item})",
                    lambda h=handle, i=item: h.fetch(i, flat_struct=True),
                )
    record("fetch_results", lambda: handles.fetch_results(timeout=PATIENCE))
    record("fetch_results: item", lambda: handles.fetch_results(stream_names=["ints"], item=3))
    record("fetch_results: dict", lambda: handles.fetch_results(stream_names={"ints": slice(2)}))
    record("fetch_results: both", lambda: handles.fetch_results(stream_names={"ints": 1}, item=1))
    record("fetch_results: unknown", lambda: handles.fetch_results(stream_names=["nothing"]))
    record("by job id", lambda: side.results(job.id).get("ints").fetch_all())
    record("contains", lambda: ("ints" in handles, "nothing" in handles, 5 in handles))
    record("unknown", lambda: (handles["nothing"], handles.get("nothing")))
    record("unknown attribute", lambda: handles.nothing)
    record("get with a default", lambda: handles.get("nothing", 5))
    handle = handles.get("ints")
    record("processing", lambda: (handle.is_processing(), handles.is_processing()))
    record("data loss", handle.has_dataloss)
    record("wait for values", lambda: handle.wait_for_values(3, timeout=PATIENCE))
    record("wait for no values", lambda: handle.wait_for_values(0, timeout=PATIENCE))
    record("wait for all", lambda: handle.wait_for_all_values(timeout=PATIENCE))
    record("wait for all, no time", lambda: handle.wait_for_all_values(timeout=0))
    record("fetch(slice(0, -1))", lambda: handle.fetch(slice(0, -1)))
    record("fetch(-1)", lambda: handle.fetch(-1))
    record("fetch(step)", lambda: handle.fetch(slice(0, 4, 2)))
    record("fetch(float)", lambda: handle.fetch(1.0))
    record("fetch(numpy)", lambda: handle.fetch(np.int64(1)))
    record("report", lambda: repr(job.execution_report()).replace(job.id, "ID"))
    record("report: errors", lambda: job.execution_report().has_errors())


def jobs(record, side):  # noqa: PLR0915 (one story)
    job = side.execute(programs.endless())
    record("job: class", lambda: job)
    record("job: running", lambda: job.status)
    record("job: id", lambda: isinstance(job.id, str) and len(job.id) > 0)
    record("job: user", lambda: job.user_added)
    record("job: time", lambda: (type(job.time_added).__name__, str(job.time_added.tzinfo)))
    record("job: is_paused", job.is_paused)
    record("job: _is_job_running", job._is_job_running)
    record("job: _is_data_acquiring", lambda: job._is_data_acquiring().name)
    record("job: resume when not paused", job.resume)
    record("job: no results", lambda: (len(job.result_handles), list(job.result_handles.keys())))
    record("job: wait without results", job.result_handles.wait_for_all_values)
    record("job: is_processing without results", job.result_handles.is_processing)
    record("job: get correction", lambda: job.get_element_correction("qubit"))
    wanted = (1.1, 0.123456, -0.2, 1.999)
    record("job: set correction", lambda: job.set_element_correction("qubit", wanted))
    record("job: get it back", lambda: job.get_element_correction("qubit"))
    for element in ("flux", "bare", "nothing"):
        record(f"job: get of {element}", lambda e=element: job.get_element_correction(e))
        record(f"job: set of {element}", lambda e=element: job.set_element_correction(e, wanted))
    bad = (2.5, 0.0, 0.0, 1.0)
    record("job: bad correction", lambda: job.set_element_correction("qubit", bad))
    record("job: manager", lambda: job.manager)

    pending = side.queue.add(programs.endless())
    first = side.queue.add_to_start(programs.endless())
    record("pending: class", lambda: pending)
    record("pending: status", lambda: pending.status)
    record("pending: user", lambda: pending.user_added)
    record("pending: positions", lambda: (first.position_in_queue(), pending.position_in_queue()))
    record("queue: count", lambda: (side.queue.count, len(side.queue)))
    record(
        "queue: pending_jobs",
        lambda: [j.id for j in side.queue.pending_jobs] == [pending.id, first.id],
    )
    record("queue: pending_jobs type", lambda: side.queue.pending_jobs)
    record("queue: get", lambda: side.queue.get(pending.id).id == pending.id)
    record("queue: get_at", lambda: side.queue.get_at(1).id == first.id)
    record("queue: item", lambda: side.queue[2].id == pending.id)
    record("queue: get nothing", lambda: side.queue.get("nothing"))
    record("queue: get_at nothing", lambda: side.queue.get_at(9))
    record("queue: get_by_user_id", lambda: len(side.queue.get_by_user_id("pulsewire")))
    record("queue: get_by_user_id nobody", lambda: side.queue.get_by_user_id("nobody"))
    record("queue: remove_by_id of nothing", lambda: side.queue.remove_by_id("nothing"))
    record("queue: remove_by_id empty", lambda: side.queue.remove_by_id(""))
    record("queue: remove_by_position 0", lambda: side.queue.remove_by_position(0))
    record("queue: remove_by_user_id nobody", lambda: side.queue.remove_by_user_id("nobody"))
    record("pending: wait in vain", lambda: pending.wait_for_execution(timeout=0.05))
    record("pending: wait, no time", lambda: pending.wait_for_execution(timeout=0))
    record("pending: wait, negative time", lambda: pending.wait_for_execution(timeout=-1))
    record("pending: cancel", pending.cancel)
    record("pending: cancel again", pending.cancel)
    record("pending: position after", pending.position_in_queue)
    record("pending: status after", lambda: pending.status)
    record("pending: wait after", lambda: pending.wait_for_execution(timeout=1))
    record("queue: remove_by_position", lambda: side.queue.remove_by_position(1))
    record("queue: clear", side.queue.clear)
    record("job: halt", job.halt)
    record("job: halt again", job.halt)
    record("job: cancel after", job.cancel)
    record("job: completed", lambda: job.status)
    record("job: correction after", lambda: job.get_element_correction("qubit"))
    record("job: push after", lambda: job.push_to_input_stream("numbers", [1, 2]))

    compiled = side.compile(programs.endless())
    record("compile", lambda: isinstance(compiled, str) and len(compiled) > 0)
    overrides = {"waveforms": {"constant": 0.1, "shape": [0.2] * 40}}
    again = side.queue.add_compiled(compiled, overrides=overrides)
    record("add_compiled", lambda: again)
    started = again.wait_for_execution(timeout=PATIENCE)
    record("wait_for_execution", lambda: started)
    record("add_compiled: status", lambda: started.status)
    record("add_compiled: halt", started.halt)
    record("add_compiled: unknown", lambda: side.queue.add_compiled("nothing"))
    short = {"waveforms": {"shape": [0.2]}}
    record("add_compiled: bad override", lambda: side.queue.add_compiled(compiled, overrides=short))
    empty = {"waveforms": {"shape": []}}
    record("add_compiled: no samples", lambda: side.queue.add_compiled(compiled, overrides=empty))
    record("execute: mistakes", lambda: side.execute(programs.wrong()))
    record("compile: mistakes", lambda: side.compile(programs.wrong()))
    record("queue: mistakes", lambda: side.queue.add(programs.wrong()))

    faulty = side.execute(programs.faulty())
    faulty.result_handles.wait_for_all_values(timeout=PATIENCE)
    report = faulty.execution_report()
    record("faulty: count", lambda: len(report.errors()))
    record("faulty: has_errors", report.has_errors)
    record("faulty: severity", lambda: report.errors()[0].severity.name)
    record("faulty: code", lambda: report.errors()[0].error_code)
    record("faulty: message", lambda: report.errors()[0].message)
    record("faulty: last line", lambda: repr(report).splitlines()[-1])
    record("faulty: first line", lambda: repr(report).splitlines()[0].replace(faulty.id, "ID"))
    record("faulty: fetch logs", lambda: faulty.result_handles.get("cell").fetch_all())
    record(
        "faulty: fetch without check",
        lambda: faulty.result_handles.get("cell").fetch_all(check_for_errors=False),
    )


def pushes(record, side):
    job = side.execute(programs.echo())
    good = [("numbers", [1, -2]), ("numbers", [3, 4]), ("angle", 0.5), ("angle", [-8.0])]
    for name, data in [*good, ("flag", True), ("flag", [False])]:
        record(f"push {name} {data}", lambda n=name, d=data: job.push_to_input_stream(n, d))
    record("insert_input_stream", lambda: job.insert_input_stream("numbers", [5, 6]))
    handles = job.result_handles
    handles.get("flag").wait_for_values(2, timeout=PATIENCE)
    for name in ("numbers", "angle", "flag"):
        record(f"echo of {name}", lambda n=name: handles.get(n).fetch_all())
    bad = {
        "mixed": ("numbers", [1, 2.0]),
        "bool and int": ("numbers", [True, 2]),
        "text": ("numbers", "ab"),
        "tuple": ("numbers", (1, 2)),
        "numpy array": ("numbers", np.array([1, 2])),
        "numpy scalars": ("numbers", [np.int64(1), np.int64(2)]),
        "too large": ("numbers", [2**31, 0]),
        "nan": ("angle", float("nan")),
        "out of range": ("angle", 8.0),
        "unknown": ("nothing", 1),
        "too short": ("numbers", [1]),
        "empty": ("numbers", []),
        "wrong type": ("numbers", [1.0, 2.0]),
    }
    for what, (name, data) in bad.items():
        record(f"push {what}", lambda n=name, d=data: job.push_to_input_stream(n, d))
    record("wait, no time", lambda: handles.get("flag").wait_for_values(99, timeout=0))
    record("wait, negative time", lambda: handles.get("flag").wait_for_values(99, timeout=-1))
    record("wait in vain", lambda: handles.get("flag").wait_for_values(99, timeout=0.05))
    record("wait for all in vain", lambda: handles.get("flag").wait_for_all_values(timeout=0.05))
    record("manager waits in vain", lambda: handles.wait_for_all_values(timeout=0.05))
    record("manager waits, negative", lambda: handles.wait_for_all_values(timeout=-1))
    record("fetch_results in vain", lambda: handles.fetch_results(timeout=0.05))
    job.halt()
    record("halted: wait", lambda: handles.wait_for_all_values(timeout=PATIENCE))
    record("halted: wait of one", lambda: handles.get("flag").wait_for_all_values(timeout=PATIENCE))
    record("halted: still there", lambda: len(handles.get("angle")))


def main():
    backend, host, port = sys.argv[1:]
    record = Record()
    side = {"qm": Vendor, "drop-in": DropIn, "pulsewire": Ours}[backend](host, int(port))
    results(record, side)
    jobs(record, side)
    pushes(record, side)
    record("close", side.close)
    # Behind everything that the clients print.
    print("\nRECORD " + json.dumps(record.entries))


if __name__ == "__main__":
    main()
