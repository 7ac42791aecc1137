"""When things happen, beside test_pulses.py: waits, blocks, lengths, timestamps."""

import numpy as np
import pytest
from qm.qua import (
    Cast,
    align,
    amp,
    assign,
    case_,
    declare,
    declare_stream,
    default_,
    elif_,
    else_,
    fixed,
    for_,
    for_each_,
    frame_rotation_2pi,
    if_,
    infinite_loop_,
    measure,
    play,
    program,
    ramp_to_zero,
    reset_if_phase,
    save,
    stream_processing,
    strict_timing_,
    switch_,
    update_frequency,
    wait,
    wait_for_trigger,
    while_,
)

from pulsewire.exceptions import FailedToExecuteJobException
from tests.emulator import rack
from tests.emulator.rack import RISE, close, cos, sin, spans


def starts(samples):
    return [start for start, _ in spans(samples)]


def test_short_waits_take_four_cycles(ports):
    def build():
        t = declare(int, value=-7)
        play("short", "flux")
        wait(2, "flux")
        play("short", "flux")
        wait(t, "flux")
        play("short", "flux")

    assert starts(ports(build)[4]) == [0, 32, 64]


def test_a_long_wait_keeps_the_phase(ports, pulsewire_client):
    # 2³¹ - 1 cycles are 8.6 s: the phase behind them is still exact.
    with program() as built:
        wait(2**31 - 1, "tone")
        play("hold", "tone", timestamp_stream="first")
        wait(2**31 - 1, "tone")
        play("hold", "tone", timestamp_stream="second")
    machine = pulsewire_client.open_qm(rack.config())
    handles = machine.execute(built).result_handles
    assert handles.wait_for_all_values()
    assert handles.first.fetch_all()["value"].tolist() == [2**31 - 1]
    # More than an int of QUA holds.
    assert handles.second.fetch_all()["value"].tolist() == [2 * (2**31 - 1) + 25]


def test_short_plays_take_four_cycles(ports):
    def build():
        t = declare(int)
        with for_(t, -1, t < 6, t + 3):
            play("hold", "flux", duration=t)
            wait(5, "flux")
        play("rise", "flux", truncate=t - 7)

    # -1, 2 and 5 cycles; then a truncation to -1.
    assert spans(ports(build)[4]) == [(0, 16), (36, 52), (72, 92), (113, 128)]


def test_a_truncation_beyond_the_pulse_changes_nothing(ports):
    def build():
        t = declare(int, value=70)
        play("hold", "flux", truncate=t)
        play("hold", "both")

    analog = ports(build)
    assert spans(analog[4]) == [(0, 100)]


def test_named_elements_wait_each_for_itself(ports):
    def build():
        play("hold", "flux")
        wait(10, "flux", "both")
        play("short", "flux")
        play("short", "both")

    analog = ports(build)
    assert starts(analog[4]) == [0, 140]
    assert starts(analog[7]) == [40]


def test_align_without_names_is_for_all_that_the_program_names(ports):
    def build():
        play("hold", "flux")
        align()
        play("short", "both")
        align()
        # Named for the first time here, and aligned all the same.
        play("short", "tone")

    analog = ports(build)
    assert starts(analog[7]) == [100]
    assert starts(analog[3]) == [116]


def block(kind):
    """Two elements in a block of some kind; before it, one of them plays for 100 ns."""
    n, x = declare(int, value=0), declare(fixed)
    play("hold", "flux")

    def body():
        play("short", "both")
        play("short", "flux")

    if kind == "for":
        with for_(n, 0, n < 1, n + 1):
            body()
    elif kind == "while":
        with while_(n < 1):
            body()
            assign(n, n + 1)
    elif kind == "for_each":
        with for_each_(x, [0.5]):
            body()
    elif kind == "if":
        with if_(n == 0):
            body()
    elif kind == "elif":
        with if_(n == 1):
            wait(4, "flux")
        with elif_(n == 0):
            body()
    elif kind == "else":
        with if_(n == 1):
            wait(4, "flux")
        with else_():
            body()
    elif kind == "case":
        with switch_(n), case_(0):
            body()
    elif kind == "default":
        with switch_(n):
            with case_(1):
                wait(4, "flux")
            with default_():
                body()
    elif kind == "nested":
        with for_(n, 0, n < 1, n + 1), if_(n == 0):
            body()
    elif kind == "infinite":
        with infinite_loop_():
            body()


KINDS = "for while for_each if elif else case default nested".split()  # noqa: SIM905


@pytest.mark.parametrize("kind", KINDS)
def test_the_elements_of_every_block_are_aligned(ports, kind):
    analog = ports(lambda: block(kind))
    assert starts(analog[7]) == [100]
    assert spans(analog[4]) == [(0, 116)]


def test_infinite_loops_align_without_a_gap(ports):
    analog = ports(lambda: block("infinite"), cycles=50)
    assert spans(analog[7]) == [(100, 200)]
    assert spans(analog[4]) == [(0, 200)]


def test_a_wait_of_all_aligns_all(ports):
    def build():
        n = declare(int)
        play("hold", "flux")
        with for_(n, 0, n < 2, n + 1):
            wait(10)
            play("short", "both")

    # Aligned at 100; the wait takes 40; aligned again at 156.
    assert starts(ports(build)[7]) == [140, 196]


def test_an_align_of_all_within_a_loop(ports):
    def build():
        n = declare(int)
        play("hold", "flux")
        with for_(n, 0, n < 2, n + 1):
            play("short", "both")
            align()

    assert spans(ports(build)[7]) == [(100, 132)]


def test_a_loop_without_passes_takes_no_time(ports):
    def build():
        n = declare(int)
        with for_(n, 0, n < 0, n + 1):
            play("hold", "flux")
            play("hold", "both")
        with switch_(n), case_(7):
            play("hold", "flux")
        play("short", "flux")

    assert spans(ports(build)[4]) == [(0, 16)]


def test_an_align_whose_time_is_not_known_before_has_no_gap(ports):
    def build():
        t = declare(int, value=13)
        play("hold", "flux", duration=t)
        align("flux", "both")
        play("short", "both")

    assert starts(ports(build)[7]) == [52]


def test_strict_timing_has_no_gaps(ports):
    def build():
        n = declare(int)
        with strict_timing_(), for_(n, 0, n < 4, n + 1):
            play("short", "flux")

    assert spans(ports(build)[4]) == [(0, 64)]


def test_a_trigger_takes_no_time(ports):
    def build():
        play("short", "flux")
        wait_for_trigger("flux")
        play("short", "flux")

    assert spans(ports(build)[4]) == [(0, 32)]


def test_elements_of_a_thread_wait_for_each_other(ports):
    def build():
        play("short", "thread_a")
        play("short", "thread_b")
        play("short", "thread_a")

    analog = ports(build)
    assert spans(analog[3]) == [(0, 16), (32, 48)]
    assert spans(analog[4]) == [(16, 32)]


def test_a_wait_of_no_element_takes_time_all_the_same(pulsewire_client):
    with program() as built:
        n, s = declare(int, value=0), declare_stream()
        with infinite_loop_():
            wait(25)
            save(n, s)
            assign(n, n + 1)
        with stream_processing():
            s.save_all("n")
    job = pulsewire_client.simulate(rack.config(), built, 1000)
    assert job.result_handles.n.count_so_far() in (39, 40)


def test_loops_that_count_before_they_play_have_their_turns(ports):
    def build():
        counts = declare(int, value=0), declare(int, value=0)
        for n, element in zip(counts, ("flux", "both"), strict=True):
            with infinite_loop_():
                assign(n, n + 1)
                with if_(n > 400):
                    play("short", element)

    analog = ports(build, cycles=200)
    assert spans(analog[4]) == spans(analog[7]) == [(0, 800)]


def test_quotients_of_ints_are_compared_as_ints(pulsewire_client):
    with program() as built:
        x, b, s = declare(int), declare(bool), declare_stream()
        with for_each_(x, [-3, -2, 2, 3]):
            for comparison in (x * 100 / 4 < 20.5, x * 4 / 1 < 8.5, x * 100 > -250.5):
                assign(b, comparison)
                save(b, s)
        with stream_processing():
            s.boolean_to_int().buffer(3).save_all("flags")
    handles = pulsewire_client.open_qm(rack.config()).execute(built).result_handles
    assert handles.wait_for_all_values()
    x = np.array([-3, -2, 2, 3])
    expected = np.array([x * 25 < 20.5, x * 4 < 8.5, x * 100 > -250.5]).T.astype(int)
    assert handles.flags.fetch_all()["value"].tolist() == expected.tolist()


def test_idle_loops_end_with_the_others(ports):
    def build():
        n = declare(int)
        with infinite_loop_():
            assign(n, n + 1)
        with infinite_loop_():
            play("short", "both")

    assert spans(ports(build, cycles=50)[7]) == [(0, 200)]


def test_timestamps_of_all_that_plays(pulsewire_client):
    with program() as built:
        first, second = declare_stream(), declare_stream()
        wait(10, "ro")
        play("hold", "flux", condition=declare(bool, value=False), timestamp_stream="silent")
        play("hold", "flux", timestamp_stream=first)
        measure("readout", "ro", timestamp_stream="measured")
        measure("readout", "ro", timestamp_stream=second)
        with stream_processing():
            (second - first).save("difference")
    machine = pulsewire_client.open_qm(rack.config())
    handles = machine.execute(built).result_handles
    assert handles.wait_for_all_values()
    assert handles.silent.fetch_all()["value"].tolist() == [0]
    assert handles.measured.fetch_all()["value"].tolist() == [10]
    # docs/protocol.md, "When things happen": the difference of two timestamps. 110 - 25.
    assert handles.difference.fetch_all() == 85


@pytest.mark.parametrize("cycles", [3, (1 << 24) + 1])
def test_ramps_that_cannot_be_are_refused(ports, cycles):
    with pytest.raises(FailedToExecuteJobException) as caught:
        ports(lambda: ramp_to_zero("sticky", cycles))
    assert f"not {cycles}" in caught.value.errors[0]


def test_a_ramp_lasts_as_configured(ports):
    # "stuck" has the default of 4 ns; "sticky" 400.
    def build():
        play("hold", "sticky")
        ramp_to_zero("sticky")
        play("short", "sticky")
        play("hold", "stuck")
        ramp_to_zero("stuck")
        wait(10, "stuck")

    analog = ports(build)
    assert spans(analog[5])[0] == (0, 499)
    close(analog[5][500:516], 0.2)
    close(analog[6][104:144], 0)


def test_a_sticky_element_ramps_down_at_its_own_end(ports):
    def build():
        n = declare(int)
        play("hold", "sticky")
        with for_(n, 0, n < 10, n + 1):
            play("hold", "flux")

    # docs/protocol.md, "What plays": when the element reaches its last instruction.
    level = np.round(0.2 * 65536) / 65536
    whole = np.concatenate([np.full(100, 0.2), level * (1 - (np.arange(400) + 1) / 400)])
    for cycles in (60, 200, 400):
        analog = ports(build, cycles=cycles)
        samples = min(4 * cycles, 500)
        close(analog[5][:samples], whole[:samples])


def test_a_sticky_element_holds_while_it_may_still_play(ports):
    def build():
        play("hold", "sticky")
        with infinite_loop_():
            wait(50, "sticky")
            play("hold", "flux")

    close(ports(build, cycles=100)[5][100:400], np.round(0.2 * 65536) / 65536)


def test_stretched_chirped_turned_and_cut_off(ports):
    # All at once: Lagrange's shape, the chirp's phase, the frame, and the first samples of it.
    def build():
        frame_rotation_2pi(0.25, "tone")
        play("rise", "tone", duration=50, truncate=20, chirp=(100_000, "Hz/nsec"))

    t = np.arange(80)
    # A straight line is its own interpolation.
    shape = RISE[0] + (RISE[-1] - RISE[0]) * t / 199
    turns = 0.25 + 1e-9 * (10e6 * t + 1e5 * (t + 1) * t / 2)
    close(ports(build)[3][:80], shape * np.cos(2 * np.pi * turns))


def test_a_truncation_leaves_the_sections_of_a_chirp(ports):
    def build():
        play("hold", "tone", chirp=([0, 2_000_000], "Hz/nsec"))

    def cut():
        play("hold", "tone", truncate=20, chirp=([0, 2_000_000], "Hz/nsec"))

    close(ports(cut)[3][:80], ports(build)[3][:80])


def test_sections_of_a_chirp_go_on_at_their_times(ports):
    def build():
        play(
            "hold",
            "tone",
            chirp=([100_000, -300_000], [0, 50], "Hz/nsec"),
            continue_chirp=True,
        )
        wait(4, "tone")
        play("hold", "tone")

    t = np.arange(216)
    hz = 10e6 + np.concatenate([[0], np.cumsum(np.where(t < 200, 1e5, -3e5))])[:-1]
    # The manual's sum: f₀t + a(t + 1)t/2, continued in each section.
    sums = np.where(
        t < 200,
        10e6 * t + 1e5 * (t + 1) * t / 2,
        10e6 * 200
        + 1e5 * 201 * 200 / 2
        + (10e6 + 1e5 * 200) * (t - 200)
        - 3e5 * (t - 199) * (t - 200) / 2,
    )
    expected = 0.2 * np.cos(2 * np.pi * 1e-9 * sums)
    expected[100:116] = 0
    assert hz[200] == 30e6
    close(ports(build)[3][:216], expected)


@pytest.mark.parametrize(
    ("rate", "unit", "hertz"),
    [
        (-50_000, "Hz/nsec", -50_000),
        (7_000_000, "mHz/nsec", 7_000),
        (2_000_000_000, "uHz/nsec", 2_000),
        (3_000, "GHz/sec", 3_000),
        (400_000, "MHz/sec", 400),
        (40_000_000, "KHz/sec", 40),
        (2_000_000_000, "Hz/sec", 2),
        (2_000_000_000, "mHz/sec", 0.002),
    ],
)
def test_rates_have_units(ports, rate, unit, hertz):
    def build():
        play("hold", "tone", duration=200, chirp=(rate, unit))

    t = np.arange(800)
    turns = 1e-9 * (10e6 * t + hertz * (t + 1) * t / 2)
    close(ports(build)[3][:800], 0.2 * np.cos(2 * np.pi * turns))


def test_a_phase_is_reset_by_the_align_of_a_block(ports):
    def build():
        n = declare(int)
        wait(13, "tone")
        reset_if_phase("tone")
        with for_(n, 0, n < 1, n + 1):
            wait(7, "both")
            wait(9, "tone")
            play("hold", "tone")

    # The block begins at 52 ns, and so does the phase.
    close(ports(build)[3][88:188], 0.2 * cos(10e6, np.arange(36, 136)))


def test_a_reset_and_a_frequency_that_keeps_its_phase(ports):
    def build():
        play("hold", "tone")
        reset_if_phase("tone")
        update_frequency("tone", 30_000_000, keep_phase=True)
        wait(25, "tone")
        play("hold", "tone")

    # The reset waits for the play at 200 ns.
    close(ports(build)[3][200:300], 0.2 * cos(30e6, np.arange(100)))


def test_an_amplitude_beyond_its_range_is_told(pulsewire_client):
    with program() as built:
        a = declare(fixed, value=3.0)
        play("hold" * amp(a), "flux")
    machine = pulsewire_client.open_qm(rack.config())
    job = machine.execute(built)
    assert job.result_handles.wait_for_all_values()
    assert any(
        "amp() is beyond [-2, 2]" in error.message for error in job.execution_report().errors()
    )


def test_a_global_reset_is_a_statement_of_its_own(ports):
    from qm.qua import reset_global_phase

    def build():
        play("hold", "tone")
        reset_global_phase()
        wait(7, "tone")
        play("hold", "tone")
        play("hold", "iq")

    analog = ports(build)
    # At 100 ns for all, not at the next play of each.
    close(analog[3][128:228], 0.2 * cos(10e6, np.arange(28, 128)))
    t = np.arange(100) - 100
    i, q = rack.mixed(0.2, 0.1, 50e6, t, correction=rack.C)
    close(analog[1][:100], i)
    close(analog[2][:100], q)
    assert sin(50e6, -100) == pytest.approx(0, abs=1e-9)


def test_ints_are_compared_with_numbers_that_are_not_whole(pulsewire_client):
    # As loops over log-spaced ints are written: `t < 16 · √2`.
    with program() as built:
        n, t, s, b = declare(int), declare(int), declare_stream(), declare(bool)
        flags = declare_stream()
        with for_(t, 4, t < 22.63, Cast.mul_int_by_fixed(t, 2.0)):
            save(t, s)
        with for_(n, -3, n <= 3, n + 1):
            for comparison in (n < 1.5, n <= -1.5, n > 1.5, n >= -1.5, n == 1.5):
                assign(b, comparison)
                save(b, flags)
        with stream_processing():
            s.save_all("loop")
            flags.boolean_to_int().buffer(5).save_all("flags")
    handles = pulsewire_client.open_qm(rack.config()).execute(built).result_handles
    assert handles.wait_for_all_values()
    assert handles.loop.fetch_all()["value"].tolist() == [4, 8, 16]
    n = np.arange(-3, 4)
    expected = np.array([n < 1.5, n <= -1.5, n > 1.5, n >= -1.5, n == 1.5]).T.astype(int)
    assert handles.flags.fetch_all()["value"].tolist() == expected.tolist()


def test_a_shape_that_is_pressed_together_is_told(pulsewire_client):
    # docs/protocol.md, "What plays": arbitrary waveforms can only be stretched.
    with program() as built:
        t = declare(int)
        with for_(t, 10, t < 40, t + 10):
            play("rise", "flux", duration=t)
        play("hold", "flux", duration=10)
    job = pulsewire_client.open_qm(rack.config()).execute(built)
    assert job.result_handles.wait_for_all_values()
    (error,) = job.execution_report().errors()
    assert error.severity.name == "Warn"
    assert "played for less than its length" in error.message


def test_shapes_are_stretched_for_67_milliseconds_at_most(ports):
    # docs/protocol.md, "When things happen": 2²⁴ - 1 clock cycles; constant waveforms have no end.
    ports(lambda: play("rise", "flux", duration=(1 << 24) - 1))
    ports(lambda: play("hold", "flux", duration=1 << 24))
    with pytest.raises(FailedToExecuteJobException) as caught:
        ports(lambda: play("rise", "flux", duration=1 << 24))
    assert "2**24 - 1 clock cycles" in caught.value.errors[0]
