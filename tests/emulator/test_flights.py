"""How many round trips each operation takes one after the other: counted, not timed.

The goals are those of benches/README.md, "Links". A request belongs to the flight behind the one
whose answers were there when it left; `tests.flights` counts them on a slow link.
"""

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
)

import pulsewire
from tests.flights import Link

CONFIG = {
    "version": 1,
    "controllers": {"con1": {"type": "opx1", "analog_outputs": {1: {"offset": 0.0}}}},
    "elements": {"element": {"singleInput": {"port": ("con1", 1)}, "operations": {}}},
    "pulses": {},
    "waveforms": {},
}
NAMES = [f"r{index}" for index in range(10)]
# How often what depends on the program's time is tried.
TRIES = 7


@pytest.fixture(scope="module")
def link(pulsewire_emulator):
    with Link((pulsewire_emulator.host, pulsewire_emulator.port)) as link:
        yield link


@pytest.fixture
def client(link):
    with pulsewire.connect("127.0.0.1", link.port) as client:
        yield client


@pytest.fixture
def machine(client):
    machine = client.open_qm(CONFIG, close_other_machines=True)
    yield machine
    machine.close()


def answering():
    """Answers each value with twice of it."""
    with program() as built:
        value = declare_input_stream(int, "value")
        stream, twice = declare_stream(), declare(int)
        with infinite_loop_():
            advance_input_stream(value)
            assign(twice, value + value)
            save(twice, stream)
        with stream_processing():
            stream.save_all("answer")
    return built


def counting(count, names):
    with program() as built:
        value = declare(int)
        stream = declare_stream()
        with for_(value, 0, value < count, value + 1):
            save(value, stream)
        with stream_processing():
            for name in names:
                stream.save_all(name)
            stream.buffer(count).save("last")
    return built


def finished(client, machine, names):
    """The id of a job that is over."""
    job = machine.execute(counting(100, names))
    assert job.result_handles.wait_for_all_values(timeout=20)
    return job.id


def test_a_connection_is_one_flight(link):
    flights, client = link.flights(lambda: pulsewire.connect("127.0.0.1", link.port))
    assert len(flights) == 1
    client.close()


def test_an_execution_is_two_flights(link, machine):
    for _ in range(2):
        flights, job = link.flights(lambda: machine.execute(answering()))
        assert [set(flight) for flight in flights[:2]] == [
            {"RemovePendingJobs", "GetRunningJob"},
            {"AddToQueue", "GetRunningJob"},
        ]
        # What is asked behind them is not waited for.
        assert job.status == "running"
        assert {name for flight in flights[2:] for name in flight} <= {
            "GetJobResultSchema",
            "GetJobState",
            "GetJobNamedResultHeader",
            "GetJobNamedResult",
        }
        job.halt()


def test_a_short_execution_to_its_result_is_three_flights(link, machine):
    def run():
        handles = machine.execute(counting(100, ["all"])).result_handles
        assert handles.wait_for_all_values(timeout=20)
        return handles.get("all").fetch_all(flat_struct=False), handles.get("last").fetch_all()

    seen = []
    for _ in range(TRIES):
        flights, (values, last) = link.flights(run)
        assert np.array_equal(values["value"], np.arange(100))
        assert np.array_equal(last, np.arange(100))
        seen.append(len(flights))
    # One more where the program was not over when it was asked for.
    assert min(seen) == 3, seen


def test_a_fetch_is_one_flight(link, client, machine):
    job = finished(client, machine, ["all"])
    for _ in range(2):
        for selection, wanted in ((slice(0, None), range(100)), (slice(10, 20), range(10, 20))):
            handle = client.result_handles(job).get("all")
            flights, values = link.flights(lambda h=handle, s=selection: h.fetch(s))
            assert np.array_equal(values["value"], wanted)
            assert len(flights) == 1, flights


def test_ten_results_are_two_flights_and_then_one(link, client, machine):
    job = finished(client, machine, NAMES)

    def first():
        handles = client.result_handles(job)
        assert handles.wait_for_all_values(timeout=20)
        return handles, handles.fetch_results()

    flights, (handles, results) = link.flights(first)
    assert len(flights) == 2, flights
    assert all(np.array_equal(results[name]["value"], np.arange(100)) for name in NAMES)
    flights, results = link.flights(handles.fetch_results)
    assert len(flights) == 1, flights
    assert set(results) == {*NAMES, "last"}


def test_a_step_of_a_loop_is_one_flight(link, machine):
    job = machine.execute(answering())
    loop = job.closed_loop("value", "answer")
    seen = []
    for value in range(TRIES):
        flights, answer = link.flights(lambda v=value: loop.exchange(v))
        assert answer == 2 * value
        assert sum(flight.count("InsertInputStream") for flight in flights) == 1
        # Looks do not wait for each other, and are few.
        assert flights[0].count("GetJobNamedResultHeader") <= 16
        seen.append(len(flights))
    # One more where the program was late, on a machine that is busy.
    assert sorted(seen)[TRIES // 2] == 1, seen
    handle = job.result_handles.get("answer")

    def three(value):
        job.push_to_input_stream("value", value)
        handle.wait_for_values(value + 1)
        return handle.fetch(value)["value"][0]

    seen = []
    for value in range(TRIES, 2 * TRIES):
        flights, answer = link.flights(lambda v=value: three(v))
        assert answer == 2 * value
        seen.append(len(flights))
    assert sorted(seen)[TRIES // 2] == 2, seen
    job.halt()


def test_steps_ahead_share_their_flights(link, machine):
    job = machine.execute(answering())
    loop = job.closed_loop("value", "answer")
    flights, answers = link.flights(lambda: loop.exchange_many(np.arange(16), ahead=16))
    assert np.array_equal(answers, 2 * np.arange(16))
    assert len(flights) <= 3, flights
    assert flights[0].count("InsertInputStream") == 16
    flights, answers = link.flights(lambda: loop.exchange_many(np.arange(4), ahead=1))
    assert np.array_equal(answers, 2 * np.arange(4))
    assert [flight.count("InsertInputStream") for flight in flights].count(1) == 4
    job.halt()


def test_pushes_share_their_flights_and_keep_their_order(link, machine):
    job = machine.execute(answering())
    stream = job.input_stream("value")
    flights, taken = link.flights(lambda: stream.push_many(np.arange(64)))
    assert taken == 64
    assert len(flights) == 1, flights
    handle = job.result_handles.get("answer")
    handle.wait_for_values(64, timeout=20)
    assert np.array_equal(handle.fetch_all()["value"], 2 * np.arange(64))
    job.halt()


def test_in_doubt_of_the_order_pushes_go_one_at_a_time(link):
    with pulsewire.connect("127.0.0.1", link.port, in_order=False) as client:
        machine = client.open_qm(CONFIG, close_other_machines=True)
        job = machine.execute(answering())
        stream = job.input_stream("value")
        flights, taken = link.flights(lambda: stream.push_many(np.arange(5)))
        assert (len(flights), taken) == (5, 5)
        job.halt()
        machine.close()


def test_a_long_entry_is_not_overtaken(pulsewire_emulator):
    """Entries of different lengths over one connection arrive in their order."""
    with program() as built:
        long = declare_input_stream(fixed, "value", size=50_000)
        stream = declare_stream()
        with infinite_loop_():
            advance_input_stream(long)
            save(long[0], stream)
        with stream_processing():
            stream.save_all("first")
    with pulsewire.connect(pulsewire_emulator.host, pulsewire_emulator.port) as client:
        job = client.open_qm(CONFIG, close_other_machines=True).execute(built)
        rows = np.zeros((40, 50_000))
        rows[:, 0] = np.arange(40) / 8
        assert job.input_stream("value").push_many(rows) == 40
        handle = job.result_handles.get("first")
        handle.wait_for_values(40, timeout=20)
        assert np.array_equal(handle.fetch_all()["value"], rows[:, 0])
        job.halt()


def test_a_simulation_with_its_samples_is_two_flights(link, client):
    def simulate():
        return client.simulate(CONFIG, counting(4, ["all"]), 1000).get_simulated_samples()

    flights, samples = link.flights(simulate)
    assert len(flights) == 2, flights
    assert len(samples.con1.analog["1"]) == 4000
