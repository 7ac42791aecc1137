"""Where simulations end, how long they compute, and what is told of what was cut."""

import re
import threading
import time

import numpy as np
import pytest
from qm.qua import (
    IO1,
    Math,
    align,
    amp,
    assign,
    case_,
    declare,
    declare_stream,
    demod,
    fixed,
    for_,
    for_each_,
    frame_rotation_2pi,
    if_,
    infinite_loop_,
    measure,
    pause,
    play,
    program,
    save,
    set_dc_offset,
    stream_processing,
    switch_,
    time_tagging,
    update_frequency,
    wait,
    while_,
)

import pulsewire
from tests import PATIENCE
from tests.emulator import rack
from tests.emulator.rack import close, spans

# The rule is a second and 100 million samples a second on an idle machine; these are 4 µs. What
# only a computation that does not end would take.
LONGEST = 20


@pytest.fixture
def simulate(pulsewire_client):
    """Simulates what a function builds; gives the job and what its report says."""

    def run(build, cycles=1000, **options):
        with program() as built:
            build()
        started = time.perf_counter()
        job = pulsewire_client.simulate(rack.config(), built, cycles, **options)
        assert time.perf_counter() - started < LONGEST
        return job, [error.message for error in job.execution_report().errors()]

    return run


def ports(job):
    return job.get_simulated_samples().con1.analog


@pytest.mark.parametrize("condition", ["False", "n == 2.5", "n == n + 1"])
def test_loops_that_are_never_entered_are_passed(simulate, condition):
    def build():
        n = declare(int, value=0)
        with while_(False if condition == "False" else eval(condition)):
            assign(n, n + 1)
        with for_(n, 0, n == 2.5, n + 1):
            play("short", "both")
        play("short", "flux")

    job, told = simulate(build)
    assert spans(ports(job)[4]) == [(0, 16)]
    assert not ports(job)[7].any()
    assert told == []


def test_a_loop_that_waits_for_a_value_that_never_comes_ends(simulate):
    def build():
        n, i = declare(int), declare(fixed)
        with for_(n, 0, n < 100, n + 1):
            assign(i, 0)
            with while_(i > -0.1):
                measure("readout", "ro", demod.full("cos", i, "out1"))

    job, _ = simulate(build)
    # Each is known 200 + 400 ns behind its beginning, which the next one waits for; up to the end.
    played = job.get_simulated_waveform_report().analog_waveforms
    assert [one.timestamp for one in played] == list(range(0, 4000, 600))


def test_a_register_that_is_polled_for_ever(simulate):
    def build():
        n = declare(int)
        play("short", "flux")
        with infinite_loop_():
            assign(n, IO1)
            with if_(n == 1):
                play("short", "flux")

    job, told = simulate(build)
    assert spans(ports(job)[4]) == [(0, 16)]
    (message,) = told
    assert "computes for very long while no time passes" in message
    assert not job.execution_report().has_errors()


@pytest.mark.parametrize("kind", ["lone", "nested", "beside", "if"])
def test_endless_loops_without_time(simulate, kind):
    def build():
        n = declare(int, value=0)
        play("short", "flux")
        if kind == "lone":
            with while_(True):
                assign(n, n + 1)
        elif kind == "nested":
            with while_(n > -1), while_(n > -2):
                assign(n, 1)
        elif kind == "beside":
            with infinite_loop_(), while_(n == 0):
                assign(n, 0)
            with infinite_loop_():
                play("short", "both")
        else:
            with while_(True), if_(n < 0):
                play("short", "flux")

    job, _ = simulate(build)
    assert spans(ports(job)[4]) == [(0, 16)]
    # What runs beside it goes on to the end.
    assert spans(ports(job)[7]) == ([(0, 4000)] if kind == "beside" else [])


def test_rounds_behind_the_end_are_cut(simulate):
    def build():
        n, m = declare(int), declare(int)
        with for_(n, 0, n < 1_000_000_000, n + 1):
            play("hold", "flux")
        with for_(n, 0, n < 1_000_000_000, n + 1), for_(m, 0, m < 1000, m + 1):
            play("short", "both")
            align("both", "tone")
            play("short", "tone")

    job, told = simulate(build)
    assert spans(ports(job)[4]) == [(0, 4000)]
    # The later elements begin at their own time: 16 ns each, in turns.
    assert spans(ports(job)[7])[:2] == [(0, 16), (32, 48)]
    assert told == []


def test_calculations_behind_the_end_are_cut(simulate):
    def build():
        n = declare(int)
        with for_(n, 0, n < 100, n + 1):
            play("hold", "flux")
        with for_(n, 0, n < 2_000_000_000, n + 1):
            assign(n, n + 0)

    job, told = simulate(build)
    assert spans(ports(job)[4]) == [(0, 4000)]
    assert told == []


def test_calculations_before_the_end_are_done(simulate):
    # Three hundred thousand rounds: what an honest table takes.
    def build():
        n, x = declare(int), declare(fixed, value=0.0)
        with for_(n, 0, n < 300_000, n + 1):
            assign(x, x + 2**-20)
        play("hold" * amp(x), "flux")

    job, told = simulate(build)
    close(ports(job)[4][:100], 0.2 * 300_000 * 2**-20)
    assert told == []


def statements_below(kind):
    n, a, b = declare(int), declare(fixed, value=0.0), declare(fixed, value=0.5)
    s = declare_stream()
    with for_(n, 0, n < 100, n + 1):
        play("hold", "flux")
        frame_rotation_2pi(0.0025, "shared_a")
        if kind == "oscillator":
            update_frequency("shared_a", 1000 * n)
        assign(a, a + 0.005)
    if kind == "play":
        play("hold" * amp(a), "both")
    elif kind == "assigned":
        assign(b, a + 0.25)
        play("hold" * amp(b), "both")
    elif kind == "wait":
        wait(n, "both")
    elif kind == "if":
        with if_(a > 0.4):
            play("hold", "both")
    elif kind == "controlled":
        with if_(a > 0.4):
            assign(b, 0.25)
        play("hold" * amp(b), "both")
    elif kind == "controlled, not taken":
        # It would be taken if all rounds were.
        with if_(a > 0.4):
            assign(b, 0.25)
        with while_(a > 0.45):
            assign(a, 0.0)
            assign(b, 0.125)
        play("hold" * amp(b), "both")
    elif kind == "controlled, taken":
        # And here it would not: what it leaves as it is depends on the loop all the same.
        with if_(a < 0.4):
            assign(b, 0.25)
        play("hold" * amp(b), "both")
    elif kind == "oscillator":
        # The elements share it: what one of them does, the other one plays with.
        play("hold", "shared_b")
    elif kind == "switch":
        with switch_(n), case_(100):
            play("hold", "both")
    elif kind == "loop":
        with while_(a < 0.6):
            assign(a, a + 0.1)
    elif kind == "save":
        save(a, s)
    elif kind == "anew":
        # The counter begins anew, and what is written below is whole.
        assign(a, 0.25)
        with for_(n, 0, n < 2, n + 1):
            play("hold" * amp(a), "both")
        play("hold" * amp(b), "both")
    elif kind == "each":
        x = declare(fixed)
        with for_each_(x, [0.25, 0.5]):
            play("hold" * amp(x), "both")
    # Still to come at the start of the program, whatever is behind the end before it.
    play("short", "tone")
    with stream_processing():
        s.save_all("s")


@pytest.mark.parametrize(
    ("kind", "tells"),
    [
        ("play", ["play"]),
        ("assigned", ["play"]),
        ("wait", ["wait"]),
        ("if", ["if_"]),
        ("controlled", ["if_", "play"]),
        ("controlled, not taken", ["if_", "while_", "play"]),
        ("controlled, taken", ["if_", "play"]),
        ("oscillator", ["play"]),
        ("switch", ["switch_"]),
        ("loop", ["while_"]),
        ("save", ["save"]),
        ("anew", []),
        ("each", []),
    ],
)
def test_what_depends_on_a_loop_that_was_left_is_told(pulsewire_client, kind, tells):
    with program() as built:
        statements_below(kind)
    for cycles, expected in ((150, tells), (3000, [])):
        job = pulsewire_client.simulate(rack.config(), built, cycles)
        told = [error.message for error in job.execution_report().errors()]
        assert [message.split(":")[0] for message in told] == expected
        assert all("behind the end of the simulation" in message for message in told)
        # while_ carries no place on the wire.
        assert all("test_ends.py" in message for message in told if message[:6] != "while_")
        assert not job.execution_report().has_errors()


def test_what_computes_beyond_its_time_is_an_error_of_the_report():
    with (
        pulsewire.Emulator(limits={"simulation_seconds": 1}) as emulator,
        pulsewire.connect(emulator.host, emulator.port) as client,
    ):
        with program() as built:
            n, s = declare(int), declare_stream()
            play("short", "flux")
            with for_(n, 0, n < 1_000_000, n + 1):
                save(n, s)
            play("short", "flux")
            with stream_processing():
                # Each value that is saved moves a window of very many.
                s.buffer_and_skip(20_000, 1).average().save("slow")
        started = time.perf_counter()
        job = client.simulate(rack.config(), built, 100)
        assert 0.9 < time.perf_counter() - started < LONGEST
        report = job.execution_report()
        assert report.has_errors()
        (error,) = report.errors()
        assert "given up after 1 s" in error.message
        assert "simulation_seconds" in error.message
        # The statement at which it stood.
        assert re.search(r"at (for_|save) \[", error.message)
        assert "test_ends.py" in error.message
        # The next one is simulated as ever.
        with program() as quick:
            play("short", "flux")
        assert not client.simulate(rack.config(), quick, 100).execution_report().has_errors()


def test_a_loopback_that_does_not_come_to_rest_is_an_error(simulate):
    # What is played is not what is heard: each run is the opposite of the one before.
    def build():
        i = declare(fixed)
        measure("readout", "ro", demod.full("cos", i, "out1"))
        with if_(i < 0.0001):
            play("hold", "both", duration=100)

    job, told = simulate(build, interface=pulsewire.Loopback([("con1", 7, "con1", 1)], latency=0))
    settled = any("still changes what it plays" in message for message in told)
    # The pulse comes behind the window here, so that nothing of it is heard: it is at rest.
    assert not settled

    def oscillates():
        i = declare(fixed)
        measure("readout", "ro", demod.full("cos", i, "out1"))
        align()
        # Back in the program: an element at an earlier time.
        with if_(i == 0.0):
            wait(4, "flux")
        play("hold" * amp(i), "tone")

    job, told = simulate(oscillates, interface=pulsewire.Loopback([("con1", 3, "con1", 1)]))
    assert not any("still changes" in message for message in told)
    assert not job.execution_report().has_errors()


def test_trials_of_a_loopback_end_with_the_emulator():
    emulator = pulsewire.Emulator()
    failed = []

    def work():
        with program() as built:
            n, i, s = declare(int), declare(fixed), declare_stream()
            with for_(n, 0, n < 1_000_000, n + 1):
                save(n, s)
            measure("readout", "ro", demod.full("cos", i, "out1"))
            with stream_processing():
                s.buffer_and_skip(20_000, 1).average().save("slow")
        try:
            with pulsewire.connect(emulator.host, emulator.port) as client:
                client.simulate(
                    rack.config(),
                    built,
                    100,
                    interface=pulsewire.Loopback([("con1", 9, "con1", 1)]),
                )
        except pulsewire.exceptions.QmQuaException as error:
            failed.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    time.sleep(1)
    emulator.stop()
    thread.join(PATIENCE)
    assert not thread.is_alive()
    # Nothing of it is left to compute.
    for _ in range(20):
        before = time.process_time()
        time.sleep(0.3)
        if time.process_time() - before < 0.1:
            break
    else:
        raise AssertionError("the trial goes on")


LONG = 1 << 23  # nanoseconds of a readout of 8 ms


@pytest.fixture
def long_readouts():
    """An emulator with a readout of 8 ms, modelled and not, and its machine."""
    config = rack.config()
    for element in ("ro", "counter"):
        config["elements"][element]["operations"]["long"] = "long_readout"
    config["pulses"]["long_readout"] = {
        "operation": "measurement",
        "length": LONG,
        "waveforms": {"single": "level"},
        "integration_weights": {"long": "long"},
        "digital_marker": "on",
    }
    config["integration_weights"]["long"] = {"cosine": [(1.0, LONG)], "sine": [(0.0, LONG)]}
    model = {"ro": pulsewire.Readout(ground=(0.1, 0.0), noise=0.05)}
    with (
        pulsewire.Emulator(readout=model, timing="ideal") as emulator,
        pulsewire.connect(emulator.host, emulator.port) as client,
    ):
        yield client.open_qm(config)


def raw():
    trace = declare_stream(adc_trace=True)
    with infinite_loop_():
        measure("long", "ro", adc_stream=trace)
    with stream_processing():
        trace.input1().average().save("trace")


def demodulated_with_samples():
    i, trace = declare(fixed), declare_stream(adc_trace=True)
    processes = [demod.full("long", i, "out1") for _ in range(20)]
    with infinite_loop_():
        measure("long", "ro", *processes, adc_stream=trace)
    with stream_processing():
        trace.input1().average().save("trace")


def tagged():
    times, count = declare(int, size=10), declare(int)
    # What an element without a model hears of one that has one; as long as an int can say.
    measure("long", "ro", adc_stream=declare_stream(adc_trace=True))
    with infinite_loop_():
        measure("readout", "counter", time_tagging.analog(times, 2**31 - 1, count))


@pytest.mark.parametrize("build", [raw, demodulated_with_samples, tagged])
def test_long_measurements_are_halted(long_readouts, build):
    machine = long_readouts
    with program() as built:
        build()
    job = machine.execute(built)
    time.sleep(0.3)
    assert job.status == "running"
    assert job.halt()
    assert job.status == "completed"


def test_long_windows_give_what_short_ones_do(long_readouts):
    # The mean of 8 million samples, cut into pieces on the way: 0.1 V and its carrier, demodulated.
    machine = long_readouts
    with program() as built:
        i, trace = declare(fixed), declare_stream(adc_trace=True)
        s = declare_stream()
        measure("long", "ro", demod.full("long", i, "out1"), adc_stream=trace)
        save(i, s)
        with stream_processing():
            s.save("i")
            trace.input1().save("trace")
    handles = machine.execute(built).result_handles
    assert handles.wait_for_all_values(timeout=PATIENCE)
    trace = handles.trace.fetch_all()
    assert len(trace) == LONG + 16
    t = np.arange(LONG)
    carrier = np.cos(2 * np.pi * 0.02 * (t + 200 - 24))
    # Σ counts · carrier / 2²⁴, of the samples of the window itself, as the manual's formula has it.
    by_hand = (trace[8:-8] * carrier).sum() / 2**24
    # Beyond what a fixed holds it wraps.
    wrapped = (by_hand + 8) % 16 - 8
    assert handles.i.fetch_all() == pytest.approx(wrapped, abs=1e-6)
    assert np.std(trace[8:-8] / 4096 - 0.1 * carrier) == pytest.approx(0.05, rel=1e-2)


def test_wide_tables_are_weighed(simulate):
    # A sum of very many cells counts as many statements.
    def build():
        _n, x = declare(int), declare(int)
        many = declare(int, size=4_000_000)
        with while_(True):
            assign(x, Math.sum(many))
            with if_(x > 0):
                play("short", "flux")

    _, told = simulate(build)
    assert len(told) == 1


@pytest.mark.parametrize("kind", ["pause", "sum", "saves"])
def test_what_runs_beside_a_loop_that_stands_still_goes_on(simulate, kind):
    def build():
        x, s = declare(int, value=0), declare_stream()
        many = declare(int, size=16_000)
        with infinite_loop_():
            if kind == "pause":
                play("short", "flux")
                pause()
            elif kind == "sum":
                assign(x, Math.sum(many))
            else:
                for _ in range(50):
                    save(x, s)
        with infinite_loop_():
            play("short", "both")
            wait(21, "both")
        with stream_processing():
            s.buffer(10).average().save("s")

    job, told = simulate(build)
    # 16 ns of each 100, to the end.
    assert spans(ports(job)[7]) == [(100 * n, 100 * n + 16) for n in range(40)]
    # Nothing that would play is lost where a loop plays nothing.
    assert [message.split(":")[0] for message in told] == (["pause"] if kind == "pause" else [])


def test_a_pause_is_where_a_simulation_ends(simulate):
    def build():
        play("short", "flux")
        pause()
        play("hold", "both")

    job, told = simulate(build)
    assert spans(ports(job)[4]) == [(0, 16)]
    assert not ports(job)[7].any()
    (message,) = told
    assert message.startswith("pause: waits for what reaches no simulation")
    assert "test_ends.py" in message


def test_offsets_that_change_without_time_are_the_last_one(simulate):
    def build():
        n, x = declare(int), declare(fixed, value=0.0)
        with for_(n, 0, n < 100_000, n + 1):
            set_dc_offset("flux", "single", x)
            assign(x, 0.25 - x)
        set_dc_offset("flux", "single", 0.125)
        wait(100)

    job, told = simulate(build)
    assert told == []
    assert (ports(job)[4][1:] == 0.125).all()


def test_a_marker_that_blinks_for_long_is_halted():
    samples = 1 << 22
    config = rack.config()
    config["elements"]["ro"]["operations"]["long"] = "long_readout"
    config["pulses"]["long_readout"] = {
        "operation": "measurement",
        "length": samples,
        "waveforms": {"single": "level"},
        "integration_weights": {},
        "digital_marker": "blinks",
    }
    config["digital_waveforms"]["blinks"] = {"samples": [(1, 8), (0, 8)] * (samples // 16)}
    with (
        pulsewire.Emulator(timing="ideal") as emulator,
        pulsewire.connect(emulator.host, emulator.port) as client,
    ):
        with program() as built:
            raw()
        job = client.open_qm(config).execute(built)
        time.sleep(0.3)
        assert job.halt()
        assert job.status == "completed"
