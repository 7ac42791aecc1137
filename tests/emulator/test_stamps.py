"""Timestamps of saved values: when a value is known, and time that goes on between rounds.

The rule is that of docs/emulator.md, Time; public programs tell events apart by it.
"""

import itertools
import time

import pytest
from qm.qua import (
    advance_input_stream,
    amp,
    assign,
    declare,
    declare_input_stream,
    declare_stream,
    demod,
    fixed,
    for_,
    for_each_,
    if_,
    measure,
    pause,
    play,
    program,
    save,
    stream_processing,
    wait,
    while_,
)

import pulsewire
from tests import PATIENCE
from tests.emulator import rack


@pytest.fixture
def stamped(pulsewire_client):
    """Runs a program; gives the times at which its stream's values were saved, in nanoseconds."""

    def run(build, pushes=(), pauses=0, client=None):
        client = client or pulsewire_client
        with program() as built:
            stream = declare_stream()
            build(stream)
            with stream_processing():
                stream.timestamps().save_all("when")
        job = client.open_qm(rack.config()).execute(built)
        for name, value in pushes:
            job.push_to_input_stream(name, value)
        for _ in range(pauses):
            ends = time.monotonic() + PATIENCE
            while not job.is_paused():
                assert time.monotonic() < ends, "it does not pause"
                time.sleep(0.001)
            job.resume()
        assert job.result_handles.wait_for_all_values(timeout=PATIENCE)
        return job.result_handles.when.fetch_all()["value"].tolist()

    return run


# The readout "ro": a pulse of 400 ns, time of flight 200: known at 600.
KNOWN = 600


def measured():
    i = declare(fixed)
    measure("readout", "ro", demod.full("cos", i, "out1"))
    return i


def test_a_measured_value_is_stamped_when_it_is_known(stamped):
    assert stamped(lambda s: save(measured(), s)) == [KNOWN]


def test_what_is_computed_of_it_and_what_stands_below_too(stamped):
    def build(s):
        i, a, n = measured(), declare(fixed), declare(fixed, value=1.0)
        save(n, s)
        assign(a, 2 * i)
        save(a, s)
        # Saved behind it, in the same round: no sooner, and no later.
        save(n, s)

    assert stamped(build) == [400, KNOWN, KNOWN]


def test_what_is_saved_because_of_it_too(stamped):
    def build(s):
        i, n = measured(), declare(int, value=7)
        with if_(i < 1):
            save(n, s)

    assert stamped(build) == [KNOWN]


def test_a_statement_that_waited_moves_the_time_on(stamped):
    def build(s):
        i, n = measured(), declare(int, value=1)
        with if_(i < 1):
            play("short", "flux")
        # The pulse began when the value was known, and is 16 ns long.
        save(n, s)

    assert stamped(build) == [KNOWN + 16]


@pytest.mark.parametrize("taken", [True, False])
def test_what_a_measured_value_leaves_as_it_is_is_known_no_sooner(stamped, taken):
    # Whether the branch is taken is known with the value, and so is what it would have changed.
    def chosen(s):
        i, n = measured(), declare(int, value=7)
        with if_((i < 1) if taken else (i > 1)):
            assign(n, 8)
        save(n, s)

    assert stamped(chosen) == [KNOWN]

    def looped(s):
        i, n = measured(), declare(int, value=0)
        with while_(((i < 1) & (n < 1)) if taken else (i > 1)):
            assign(n, n + 1)
        save(n, s)

    assert stamped(looped) == [KNOWN]


@pytest.mark.parametrize("taken", [True, False])
def test_what_it_steers_plays_no_sooner(pulsewire_client, taken):
    with program() as built:
        i, a = measured(), declare(fixed, value=0.5)
        with if_((i < 1) if taken else (i > 1)):
            assign(a, 1.0)
        play("short" * amp(a), "flux")
    job = pulsewire_client.simulate(rack.config(), built, 500)
    found = rack.spans(job.get_simulated_samples().con1.analog[4])
    assert found == [(KNOWN, KNOWN + 16)]


def test_time_goes_on_in_a_pause(stamped):
    def build(s):
        n = declare(int)
        with for_(n, 0, n < 4, n + 1):
            save(n, s)
            pause()

    assert stamped(build, pauses=4) == [0, 4, 8, 12]


def test_time_goes_on_in_rounds_of_every_kind(stamped):
    def build(s):
        n, x = declare(int, value=0), declare(int)
        with while_(n < 2):
            save(n, s)
            assign(n, n + 1)
        with for_each_(x, [1, 2]):
            save(x, s)
            # Twice in one round: at one time.
            save(x, s)

    assert stamped(build) == [0, 4, 8, 8, 12, 12]


def test_time_goes_on_in_a_wait_for_an_input_stream(stamped):
    def build(s):
        tau = declare_input_stream(int, "tau")
        for _ in range(3):
            advance_input_stream(tau)
            save(tau, s)

    pushes = [("tau", value) for value in (5, 6, 7)]
    assert stamped(build, pushes=pushes) == [0, 4, 8]


def test_rounds_that_take_time_are_stamped_by_it(stamped):
    def build(s):
        n = declare(int)
        with for_(n, 0, n < 3, n + 1):
            wait(25, "flux")
            save(n, s)

    assert stamped(build) == [100, 200, 300]


def test_two_streams_share_the_time(stamped, pulsewire_client):
    with program() as built:
        n = declare(int)
        one, other = declare_stream(), declare_stream()
        with for_(n, 0, n < 3, n + 1):
            save(n, one)
            save(n, other)
        with stream_processing():
            one.timestamps().save_all("one")
            other.timestamps().save_all("other")
    job = pulsewire_client.open_qm(rack.config()).execute(built)
    assert job.result_handles.wait_for_all_values(timeout=PATIENCE)
    results = job.result_handles.fetch_results()
    assert results["one"]["value"].tolist() == [0, 4, 8]
    assert results["other"]["value"].tolist() == [0, 4, 8]


def test_in_real_time_it_is_the_clock(stamped):
    def build(s):
        n = declare(int)
        with for_(n, 0, n < 3, n + 1):
            save(n, s)
            pause()

    with (
        pulsewire.Emulator(realtime=True) as emulator,
        pulsewire.connect(emulator.host, emulator.port) as client,
    ):
        started = time.perf_counter()
        times = stamped(build, pauses=3, client=client)
        passed = 1e9 * (time.perf_counter() - started)
    assert times == sorted(set(times))
    # Each pause lasts at least as long as it takes to see it and to resume it.
    assert all(later - sooner > 10_000 for sooner, later in itertools.pairwise(times))
    assert times[-1] < passed
