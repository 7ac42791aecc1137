"""What pulsewire has beyond qm-qua: writers, closed loops, streams, snapshots, files, out=."""

import gc
import logging
import os
import threading
import time
from types import SimpleNamespace

import numpy as np
import pytest

import pulsewire
from pulsewire import exceptions as errors
from tests import PATIENCE
from tests.emulator.conftest import CONFIG, exit_code_of


@pytest.fixture
def job(pulsewire_client, machine, echo):
    job = machine.execute(echo)
    yield job
    job.halt()


@pytest.fixture
def done(pulsewire_client, machine, counting):
    """A function that runs a program which saves 0 … count - 1, to its end."""

    def make(count):
        job = machine.execute(counting(count))
        assert job.result_handles.wait_for_all_values(timeout=PATIENCE)
        return job

    return make


@pytest.fixture
def pair():
    """Saves each entry to ``a``, then a second number to ``b`` after another entry came."""
    from qm.qua import (
        advance_input_stream,
        declare_input_stream,
        declare_stream,
        infinite_loop_,
        program,
        save,
        stream_processing,
    )

    with program() as built:
        first = declare_input_stream(int, "first")
        second = declare_input_stream(int, "second")
        a, b = declare_stream(), declare_stream()
        with infinite_loop_():
            advance_input_stream(first)
            save(first, a)
            advance_input_stream(second)
            save(second, b)
        with stream_processing():
            a.save_all("a")
            b.with_timestamps().save_all("b")
            b.save("last")
    return built


class TestWriter:
    def test_entries_arrive_in_their_order(self, pulsewire_client, machine, pair):
        job = machine.execute(pair)
        count = 500
        with (
            job.input_stream("first").writer() as first,
            job.input_stream("second").writer(max_pending=10) as second,
        ):
            for value in range(count):
                first.push(value)
                second.push(-value)
            assert first.flush() == count
        assert (second.acknowledged, second.pending) == (count, 0)
        results = job.result_handles
        results.b.wait_for_values(count, timeout=PATIENCE)
        assert results.a.fetch_all(flat_struct=True).tolist() == list(range(count))
        assert results.b.fetch_all()["value"].tolist() == [-value for value in range(count)]
        job.halt()

    def test_it_takes_what_a_push_takes_and_refuses_the_rest(self, job):
        with job.input_stream("numbers").writer() as writer:
            writer.push(np.arange(3))
            writer.push([4, 5, 6])
            with pytest.raises(errors.QmValueError, match="numbers"):
                writer.push([1, 2, 2**31])
            with pytest.raises(errors.QmValueError, match="numbers"):
                writer.push("text")
        assert writer.acknowledged == 2

    def test_a_failure_is_raised_by_every_later_call(self, job):
        writer = job.input_stream("numbers").writer()
        writer.push([1, 2, 3])
        writer.push([1, 2])
        with pytest.raises(errors.UnspecifiedError, match="3 values an entry, not 2") as caught:
            writer.flush(timeout=PATIENCE)
        assert caught.value.acknowledged == 1
        for call in (lambda: writer.push([1, 2, 3]), writer.flush, writer.close):
            with pytest.raises(errors.UnspecifiedError) as caught:
                call()
            assert caught.value.acknowledged == 1
        assert writer.pending == 0

    def test_leaving_the_block_raises_the_failure_but_hides_no_other(self, job):
        with (
            pytest.raises(errors.UnspecifiedError),
            job.input_stream("numbers").writer() as writer,
        ):
            writer.push([1, 2])
        with pytest.raises(ZeroDivisionError), job.input_stream("numbers").writer() as writer:  # noqa: PT012
            writer.push([1, 2])
            raise ZeroDivisionError

    def test_a_full_one_waits_and_a_closed_one_takes_nothing(self, job):
        writer = job.input_stream("numbers").writer(max_pending=1)
        for value in range(20):
            writer.push([value] * 3)
        assert writer.close(timeout=PATIENCE) == 20
        assert writer.close() == 20
        with pytest.raises(errors.QmValueError, match="closed"):
            writer.push([1, 2, 3])
        for wrong in (0, -1):
            with pytest.raises(errors.QmValueError, match="at least 1 entry"):
                job.input_stream("numbers").writer(max_pending=wrong)

    def test_a_job_that_ends_fails_it(self, pulsewire_client, machine, echo):
        job = machine.execute(echo)
        writer = job.input_stream("numbers").writer()
        job.halt()
        writer.push([1, 2, 3])
        with pytest.raises(errors.InvalidJobExecutionStatusError, match=job.id) as caught:
            writer.flush(timeout=PATIENCE)
        assert caught.value.acknowledged == 0

    def test_it_goes_on_while_python_calculates(self, job):
        writer = job.input_stream("numbers").writer()
        for value in range(100):
            writer.push([value] * 3)
        ends = time.monotonic() + PATIENCE
        while writer.pending:
            assert time.monotonic() < ends
        assert writer.acknowledged == 100
        writer.close()


class TestClosedLoop:
    def test_a_step_gives_its_own_answer(self, job):
        loop = job.closed_loop(("numbers", "angle", "flag"), ("numbers", "angle", "flag"))
        for step in range(20):
            numbers, angle, flag = loop.exchange([step, -step, 7], step / 4 - 2, step % 2 == 0)
            assert numbers.tolist() == [step, -step, 7]
            assert (angle, flag) == (step / 4 - 2, step % 2 == 0)
            assert (type(angle), type(flag)) == (np.float64, np.bool_)
        assert loop.positions == {"numbers": 20, "angle": 20, "flag": 20}
        assert "numbers, angle, flag" in repr(loop)

    def test_timestamps_and_a_start_in_the_middle(self, pulsewire_client, machine, pair):
        job = machine.execute(pair)
        job.push_to_input_stream("first", 1)
        job.push_to_input_stream("second", 2)
        job.result_handles.b.wait_for_values(1, timeout=PATIENCE)
        loop = job.closed_loop(["first", "second"], "b")
        answer = loop.exchange(3, 4)
        assert (answer["value"], answer["timestamp"] >= 0) == (4, True)
        job.halt()

    def test_an_answer_that_is_late_is_received_later(self, pulsewire_client, machine, pair):
        job = machine.execute(pair)
        loop = job.closed_loop("first", ["a", "b"])
        with pytest.raises(TimeoutError, match=r"the item 0 of the result 'b' of the job") as late:
            loop.exchange(5, timeout=0.1)
        assert "'a'" not in str(late.value)
        job.push_to_input_stream("second", 6)
        a, b = loop.receive(timeout=PATIENCE)
        assert (a, b["value"]) == (5, 6)
        job.push_to_input_stream("first", 7)
        job.push_to_input_stream("second", 8)
        job.result_handles.b.wait_for_values(2, timeout=PATIENCE)
        loop.skip()
        assert loop.positions == {"a": 2, "b": 2}
        with pytest.raises(TimeoutError):
            loop.receive(timeout=0)
        job.halt()

    def test_a_job_that_ends_ends_it(self, pulsewire_client, machine, pair):
        job = machine.execute(pair)
        loop = job.closed_loop("first", "b")
        threading.Timer(0.1, job.halt).start()
        with pytest.raises(errors.ResultEndedError, match="0 of 1"):
            loop.exchange(1, timeout=PATIENCE)
        with pytest.raises(errors.InvalidJobExecutionStatusError):
            loop.exchange(1, timeout=PATIENCE)

    def test_what_it_cannot_be_made_of(self, pulsewire_client, machine, pair):
        job = machine.execute(pair)
        for streams, results, says in (
            ("first", "last", "save_all"),
            ("first", "nothing", "no such result"),
            ("first", [], "at least one"),
            ([], "a", "at least one"),
            (["first", "first"], "a", "different"),
        ):
            with pytest.raises(errors.QmValueError, match=says):
                job.closed_loop(streams, results)
        loop = job.closed_loop(["first", "second"], "a")
        with pytest.raises(errors.QmValueError, match="a value for each of first, second, not 1"):
            loop.exchange(1)
        # Both are looked at before one is sent.
        with pytest.raises(errors.QmValueError, match="second"):
            loop.exchange(1, 2**31)
        assert loop.positions == {"a": 0}
        with pytest.raises(errors.UnknownInputStreamError, match="third"):
            job.closed_loop("third", "a").exchange(1)
        job.halt()


# As much as needs the connection of its own, and less.
@pytest.mark.parametrize("count", [3, 100_000])
class TestOut:
    def test_items_go_into_the_callers_array(self, done, count):
        handle = done(count).result_handles["values"]
        out = np.full(count + 2, -1)
        filled = handle.fetch_all(flat_struct=True, out=out)
        assert filled.base is out
        assert np.array_equal(out, [*range(count), -1, -1])
        assert np.array_equal(filled, np.arange(count))
        record = np.zeros(count, dtype=[("value", "<i8")])
        assert handle.strict_fetch(slice(1, None), out=record).shape == (count - 1,)
        assert record["value"][count - 2] == count - 1

    def test_what_does_not_fit_is_refused(self, done, count):
        handle = done(count).result_handles["values"]
        frozen = np.zeros(count, dtype="i8")
        frozen.flags.writeable = False
        for out, says in (
            (np.zeros(count - 1, dtype="i8"), "shape"),
            (np.zeros((count, 1), dtype="i8"), "shape"),
            (np.zeros((), dtype="i8"), "shape"),
            (np.zeros(count), "dtype is float64"),
            (np.zeros(2 * count, dtype="i8")[::2], "C-contiguous"),
            (frozen, "writeable"),
            ([0] * count, "list is no numpy array"),
        ):
            before = np.array(out)
            with pytest.raises(errors.QmValueError, match=says):
                handle.fetch_all(flat_struct=True, out=out)
            assert np.array_equal(before, out)


class TestFiles:
    @pytest.mark.parametrize("count", [0, 1, 5, 300_000])
    def test_a_file_holds_what_a_fetch_gives(self, done, tmp_path, count):
        handle = done(count).result_handles["values"]
        for flat in (False, True):
            path = tmp_path / "values.npy"
            assert handle.fetch_to(path, flat_struct=flat) == count
            loaded = np.load(path)
            fetched = handle.strict_fetch(slice(0, None), flat_struct=flat)
            assert (loaded.dtype, loaded.shape) == (fetched.dtype, fetched.shape)
            assert np.array_equal(loaded, fetched)
        assert os.listdir(tmp_path) == ["values.npy"]

    def test_a_part_and_a_single_value(self, done, tmp_path):
        results = done(10).result_handles
        path = tmp_path / "part.npy"
        assert results["values"].fetch_to(str(path), slice(2, 5), flat_struct=True) == 3
        assert np.load(path).tolist() == [2, 3, 4]
        assert results["last"].fetch_to(path, flat_struct=True) == 1
        assert np.load(path).tolist() == [9]

    def test_a_failure_leaves_the_file_that_was_there(
        self, pulsewire_emulator, pulsewire_client, done, tmp_path
    ):
        handle = done(10).result_handles["values"]
        path = tmp_path / "values.npy"
        path.write_bytes(b"before")
        with pytest.raises(OSError, match="nowhere"):
            handle.fetch_to(tmp_path / "nowhere" / "values.npy")
        # The data is gone between the header and the fetch of it.
        plan = handle._native.plan
        native = handle._native

        class Late:
            def __getattr__(self, name):
                return getattr(native, name)

            def plan(self, *arguments):
                planned = plan(*arguments)
                fields = [name for name in dir(planned) if not name.startswith("_")]
                given = {name: getattr(planned, name) for name in fields}
                return SimpleNamespace(**{**given, "count": planned.count + 1})

        handle._native = Late()
        with pytest.raises(errors.DataFetchingError, match="10 items"):
            handle.fetch_to(path)
        assert path.read_bytes() == b"before"
        assert os.listdir(tmp_path) == ["values.npy"]


class TestStreams:
    def test_every_item_comes_once(self, pulsewire_client, machine, counting):
        job = machine.execute(counting(2_000_000))
        parts = list(job.result_handles["values"].stream(flat_struct=True, timeout=PATIENCE))
        assert np.array_equal(np.concatenate(parts), np.arange(2_000_000))
        later = job.result_handles["values"].stream(start=1_999_990, max_items=4, flat_struct=True)
        assert [part.tolist() for part in later] == [
            list(range(1_999_990, 1_999_994)),
            list(range(1_999_994, 1_999_998)),
            [1_999_998, 1_999_999],
        ]

    def test_it_yields_what_is_there_while_the_program_waits(self, pulsewire_client, machine, pair):
        job = machine.execute(pair)
        stream = job.result_handles.b.stream(timeout=PATIENCE)
        for value in range(3):
            job.push_to_input_stream("first", 0)
            job.push_to_input_stream("second", value)
            part = next(stream)
            assert (part["value"].tolist(), part.shape) == ([value], (1,))
        with pytest.raises(TimeoutError, match="the value 4 of the result 'b'"):
            next(job.result_handles.b.stream(start=3, timeout=0.1))
        job.halt()

    def test_a_halted_job_ends_it_with_a_warning(self, pulsewire_client, machine, pair, caplog):
        job = machine.execute(pair)
        threading.Timer(0.1, job.halt).start()
        with caplog.at_level(logging.WARNING, "pulsewire"):
            assert list(job.result_handles.b.stream(timeout=PATIENCE)) == []
            assert list(job.result_handles.stream(timeout=PATIENCE)) == []
        assert [record.message for record in caplog.records] == [
            f"the job {job.id} was halted or failed: not all of its data is there"
        ] * 2

    def test_several_at_one_length(self, pulsewire_client, machine, pair):
        job = machine.execute(pair)
        results = job.result_handles
        steps = results.stream(["a", "b"], timeout=PATIENCE, max_items=2)
        for value in range(3):
            job.push_to_input_stream("first", value)
            job.push_to_input_stream("second", -value)
        job.push_to_input_stream("first", 3)
        results.a.wait_for_values(4, timeout=PATIENCE)
        results.b.wait_for_values(3, timeout=PATIENCE)
        snapshot = results.snapshot()
        assert snapshot["a"]["value"].tolist() == [0, 1, 2]
        assert snapshot["b"]["value"].tolist() == [0, -1, -2]
        assert snapshot["last"] == -2
        assert list(results.snapshot(["a"])) == ["a"]
        assert len(results.snapshot(["a"])["a"]) == 4
        first, second = next(steps), next(steps)
        assert first["a"]["value"].tolist() == [0, 1]
        assert first["b"]["value"].tolist() == [0, -1]
        assert second["a"]["value"].tolist() == [2]
        assert second["b"]["value"].tolist() == [-2]
        job.halt()
        assert list(steps) == []

    def test_an_empty_snapshot(self, pulsewire_client, machine, pair):
        job = machine.execute(pair)
        snapshot = job.result_handles.snapshot(flat_struct=True)
        assert {name: getattr(value, "shape", None) for name, value in snapshot.items()} == {
            "a": (0,),
            "b": (0,),
            "last": None,
        }
        job.halt()

    def test_what_is_no_stream(self, done):
        results = done(3).result_handles
        with pytest.raises(errors.QmValueError, match="save_all"):
            results["last"].stream()
        with pytest.raises(errors.QmValueError, match="save_all"):
            results.stream(["values", "last"])
        with pytest.raises(errors.QmValueError, match="at least"):
            results.stream([])
        with pytest.raises(errors.QmValueError, match="at least 1"):
            results["values"].stream(max_items=0)
        with pytest.raises(errors.QmValueError, match="0 on"):
            results["values"].stream(start=-1)
        for call in (results.stream, results.snapshot):
            with pytest.raises(errors.QmQuaException, match="'nothing'"):
                call(["nothing"])


def test_pushes_go_on_while_a_large_result_is_fetched(pulsewire_client, done, echo):
    handle = done(8_000_000).result_handles["values"]
    # The machine's own job is over; its results stay.
    other = pulsewire_client.open_qm(CONFIG)
    job = other.execute(echo)
    fetched = []

    def fetch():
        fetched.extend(handle.fetch_all(flat_struct=True)[-1] for _ in range(5))

    thread = threading.Thread(target=fetch)
    thread.start()
    pushed = 0
    while thread.is_alive():
        job.push_to_input_stream("numbers", [1, 2, 3])
        pushed += 1
    thread.join()
    assert fetched == [7_999_999] * 5
    assert pushed > 5
    job.halt()


def test_large_results_of_several_threads_and_streams_are_whole(pulsewire_client, machine):
    from qm.qua import assign, declare, declare_stream, for_, program, save, stream_processing

    names = ("a", "b", "c")
    with program() as built:
        value, shifted = declare(int), declare(int)
        streams = [declare_stream() for _ in names]
        with for_(value, 0, value < 300_000, value + 1):
            for place, stream in enumerate(streams):
                assign(shifted, value + place)
                save(shifted, stream)
        with stream_processing():
            for name, stream in zip(names, streams):
                stream.save_all(name)
    job = machine.execute(built)
    results = job.result_handles
    assert results.wait_for_all_values(timeout=PATIENCE)
    wrong = []

    def fetch():
        for _ in range(3):
            fetched = results.fetch_results()
            for place, name in enumerate(names):
                if not np.array_equal(fetched[name]["value"], np.arange(300_000) + place):
                    wrong.append(name)

    threads = [threading.Thread(target=fetch) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="no sizes of processes here")
def test_a_fetch_into_a_file_keeps_the_memory_small(done, tmp_path):
    handle = done(16_000_000).result_handles["values"]
    handle.fetch_to(tmp_path / "warm.npy", slice(0, 100_000))
    gc.collect()

    def peak():
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024

    with open("/proc/self/clear_refs", "w") as refs:
        refs.write("5")
    before = peak()
    assert handle.fetch_to(tmp_path / "values.npy", flat_struct=True) == 16_000_000
    # 122 MiB arrived.
    assert peak() - before < 64


def test_a_closed_client_ends_what_was_made_of_it(pulsewire_emulator, pulsewire_client, echo):
    host, port = pulsewire_emulator.host, pulsewire_emulator.port
    client = pulsewire.connect(host, port)
    machine = client.open_qm(CONFIG)
    job = machine.execute(echo)
    stream = job.input_stream("flag")
    stream.push(True)
    loop = job.closed_loop("flag", "flag")
    writer = stream.writer()
    client.close()
    for call in (lambda: stream.push(True), lambda: loop.exchange(True), loop.receive):
        with pytest.raises(errors.QMConnectionError, match="closed"):
            call()
    writer.push(True)
    with pytest.raises(errors.QMConnectionError, match="closed"):
        writer.flush(timeout=PATIENCE)
    pulsewire_client.job(job.id, machine.id).halt()


def test_one_step_of_a_loop_at_a_time(pulsewire_client, machine, pair):
    job = machine.execute(pair)
    loop = job.closed_loop("first", "b")
    ended = []

    def step():
        with pytest.raises(errors.ResultEndedError):
            loop.exchange(1)
        ended.append(True)

    thread = threading.Thread(target=step)
    thread.start()
    job.result_handles.a.wait_for_values(1, timeout=PATIENCE)
    # Another loop over the same input stream is the same in this.
    with pytest.raises(RuntimeError, match="under way"):
        job.closed_loop("first", "b")
    for call in (loop.receive, loop.skip):
        with pytest.raises(RuntimeError, match="under way"):
            call()
    assert loop.positions == {"b": 0}
    job.halt()
    thread.join()
    assert ended == [True]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_leaves_the_parents_writers_alone(pulsewire_client, machine, echo):
    job = machine.execute(echo)
    stream = job.input_stream("numbers")
    writer = stream.writer()
    loop = job.closed_loop("flag", "flag")
    for value in range(50):
        writer.push([value] * 3)
    child = os.fork()
    if child == 0:
        # No pytest in here: the answer is the exit status.
        try:
            refused = 0
            for call in (lambda: writer.push([1, 2, 3]), writer.flush, loop.receive):
                try:
                    call()
                except RuntimeError:
                    refused += 1
            del writer, loop
            gc.collect()
            with stream.writer() as mine:
                mine.push([7, 7, 7])
            os._exit(0 if refused == 3 and mine.acknowledged == 1 else 1)
        except BaseException:
            os._exit(2)
    assert exit_code_of(child) == 0
    assert writer.close(timeout=PATIENCE) == 50
    job.halt()
