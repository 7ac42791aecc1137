"""Closed loops whose steps do not depend on each other: ``exchange_many``."""

import time

import numpy as np
import pytest
from qm.qua import (
    advance_input_stream,
    assign,
    declare,
    declare_input_stream,
    declare_stream,
    fixed,
    for_,
    infinite_loop_,
    program,
    save,
    stream_processing,
    wait,
)

import pulsewire
from pulsewire.exceptions import QmQuaException, QmValueError
from tests.emulator.test_flights import CONFIG
from tests.proxy import Proxy, now_and_then


@pytest.fixture
def machine(pulsewire_emulator):
    with pulsewire.connect(pulsewire_emulator.host, pulsewire_emulator.port) as client:
        machine = client.open_qm(CONFIG, close_other_machines=True)
        yield machine
        machine.close()


def two_streams(steps=None):
    """a + b of each pair, and the pair as an array; for ever, or for some steps."""
    with program() as built:
        a = declare_input_stream(fixed, "a")
        b = declare_input_stream(fixed, "b")
        total, n = declare(fixed), declare(int)
        sums, pairs = declare_stream(), declare_stream()

        def step():
            advance_input_stream(a)
            advance_input_stream(b)
            assign(total, a + b)
            save(total, sums)
            save(a, pairs)
            save(b, pairs)

        if steps is None:
            with infinite_loop_():
                step()
        else:
            with for_(n, 0, n < steps, n + 1):
                step()
        with stream_processing():
            sums.save_all("sum")
            pairs.buffer(2).save_all("pair")
    return built


@pytest.mark.parametrize("ahead", [1, 3, 16, 1000])
def test_answers_are_in_the_order_of_the_values(machine, ahead):
    job = machine.execute(two_streams())
    loop = job.closed_loop(["a", "b"], ["sum", "pair"])
    rng = np.random.default_rng(5)
    # Multiples of 2**-10 are exact in a fixed.
    a, b = rng.integers(-2000, 2000, (2, 200)) / 1024
    sums, pairs = loop.exchange_many(a, b, ahead=ahead)
    assert np.array_equal(sums, a + b)
    assert np.array_equal(pairs, np.stack([a, b], axis=1))
    # The loop goes on behind it, step by step and in a batch.
    total, pair = loop.exchange(0.5, 0.25)
    assert (total, *pair) == (0.75, 0.5, 0.25)
    sums, _ = loop.exchange_many([1.0, 2.0], (0.5, -0.5))
    assert np.array_equal(sums, [1.5, 1.5])
    assert loop.positions == {"sum": 203, "pair": 203}
    empty, _ = loop.exchange_many([], [])
    assert len(empty) == 0
    job.halt()


def test_a_program_that_ends_early_leaves_what_it_answered(machine):
    job = machine.execute(two_streams(steps=5))
    loop = job.closed_loop(["a", "b"], "sum")
    # The emulator refuses pushes to a job that is over: either way it says what is wrong.
    with pytest.raises(QmQuaException) as failed:
        loop.exchange_many(np.arange(8) / 8, np.zeros(8), ahead=8)
    assert np.array_equal(failed.value.answers, np.arange(5) / 8)
    assert loop.positions == {"sum": 5}


def test_what_is_wrong_is_told_before_anything_is_sent(machine):
    job = machine.execute(two_streams())
    loop = job.closed_loop(["a", "b"], "sum")
    with pytest.raises(QmValueError, match="at least 1 step under way, not 0"):
        loop.exchange_many([1.0], [1.0], ahead=0)
    with pytest.raises(QmValueError, match="one has 2, another 3"):
        loop.exchange_many([1.0, 2.0], [1.0, 2.0, 3.0])
    with pytest.raises(QmValueError, match="for each of a, b, not 1"):
        loop.exchange_many([1.0])
    with pytest.raises(QmValueError, match=r"9\.0 \(value 0\) does not fit a fixed"):
        loop.exchange_many([1.0, 9.0], [1.0, 1.0])
    with pytest.raises(TypeError):
        loop.exchange_many([1.0], [1.0], ahead=1.5)
    # Nothing of these was taken.
    assert loop.exchange(1.0, 2.0) == 3.0
    job.halt()


def test_a_late_answer_ends_the_batch_and_is_left_out_next(pulsewire_emulator):
    with program() as built:
        value = declare_input_stream(int, "value")
        stream = declare_stream()
        with infinite_loop_():
            advance_input_stream(value)
            # 0.4 s in real time.
            with for_(n := declare(int), 0, n < value, n + 1):
                wait(100_000_000, "element")
            save(value, stream)
        with stream_processing():
            stream.save_all("answer")
    with (
        pulsewire.Emulator(realtime=True) as emulator,
        pulsewire.connect(emulator.host, emulator.port) as client,
    ):
        job = client.open_qm(CONFIG).execute(built)
        loop = job.closed_loop("value", "answer")
        with pytest.raises(TimeoutError) as failed:
            loop.exchange_many([0, 0, 1, 0], ahead=4, timeout=0.15)
        assert np.array_equal(failed.value.answers, [0, 0])
        assert loop.in_doubt == 0
        # Both that were owed are left out.
        assert loop.exchange(0, timeout=10) == 0
        assert loop.positions == {"answer": 5}
        job.halt()


def test_pushes_that_are_cut_off_are_taken_once_and_in_their_order(pulsewire_emulator):
    """Wherever the link breaks below `push_many`: what was taken was taken once, without gaps."""
    with program() as built:
        value = declare_input_stream(int, "value")
        stream = declare_stream()
        with infinite_loop_():
            advance_input_stream(value)
            save(value, stream)
        with stream_processing():
            stream.save_all("seen")
    address = (pulsewire_emulator.host, pulsewire_emulator.port)
    with pulsewire.connect(*address) as direct:
        machine = direct.open_qm(CONFIG, close_other_machines=True)
        cut = 0
        for seed in range(25):
            job = machine.execute(built)
            with Proxy(address, cuts=now_and_then(0.03, seed)) as proxy:
                try:
                    with pulsewire.connect("127.0.0.1", proxy.port) as client:
                        taken = client.job(job.id).input_stream("value").push_many(np.arange(300))
                    in_doubt = False
                except QmQuaException as error:
                    taken = getattr(error, "acknowledged", None) or 0
                    in_doubt = getattr(error, "in_doubt", False)
                    cut += 1
            handle = job.result_handles.get("seen")
            if taken:
                handle.wait_for_values(taken, timeout=20)
            # Whatever was on its way has arrived.
            time.sleep(0.02)
            seen = handle.fetch_all(flat_struct=True)
            assert np.array_equal(seen, np.arange(len(seen)))
            assert len(seen) >= taken
            assert len(seen) == taken or in_doubt, (len(seen), taken)
            assert len(seen) <= taken + 64
            job.halt()
        machine.close()
    assert cut > 5


def batches(job):
    """Some batches of a job of ``two_streams``: how many came whole, and how many did not."""
    whole = broken = 0
    try:
        loop = job.closed_loop(["a", "b"], "sum")
    except QmQuaException:
        return 0, 0
    for turn in range(4):
        a = np.arange(40) / 64 + turn / 4
        try:
            sums = loop.exchange_many(a, a / 2, ahead=8, timeout=5)
            assert np.array_equal(sums, a + a / 2)
            whole += 1
        except (QmQuaException, TimeoutError) as error:
            # A step that refuses to begin has none.
            answers = getattr(error, "answers", np.empty(0))
            assert np.array_equal(answers, (a + a / 2)[: len(answers)])
            broken += 1
    return whole, broken


def test_batches_that_are_cut_off_answer_in_step(pulsewire_emulator):
    """What `exchange_many` gives under faults are answers to its values, as far as they came."""
    address = (pulsewire_emulator.host, pulsewire_emulator.port)
    with pulsewire.connect(*address) as direct:
        machine = direct.open_qm(CONFIG, close_other_machines=True)
        whole = broken = 0
        for seed in range(25):
            job = machine.execute(two_streams())
            with Proxy(address, cuts=now_and_then(0.01, seed)) as proxy:
                try:
                    client = pulsewire.connect("127.0.0.1", proxy.port)
                except QmQuaException:
                    continue
                with client:
                    done, failed = batches(client.job(job.id))
                whole, broken = whole + done, broken + failed
            job.halt()
        machine.close()
    assert whole > 10
    assert broken > 5
