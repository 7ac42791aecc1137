"""What ports play, against the manual's formulas computed in numpy."""

import numpy as np
import pytest
from qm.qua import (
    align,
    amp,
    assign,
    declare,
    fast_frame_rotation,
    fixed,
    for_,
    frame_rotation,
    frame_rotation_2pi,
    if_,
    infinite_loop_,
    play,
    program,
    ramp,
    ramp_to_zero,
    reset_frame,
    reset_if_phase,
    set_dc_offset,
    strict_timing_,
    update_correction,
    update_frequency,
    wait,
    while_,
)

from tests.emulator import rack
from tests.emulator.rack import GAUSS, RISE, C, close, cos, mixed, sin, spans

# The order of statements


def test_elements_play_at_once_unless_aligned(ports):
    # docs/protocol.md, "When things happen", example 1.
    def build():
        play("hold", "flux")
        play("hold", "sticky", duration=50)

    analog = ports(build)
    assert spans(analog[4]) == [(0, 100)]
    assert spans(analog[5])[0][0] == 0


def test_a_wait_without_elements_delays_all(ports):
    # Example 2: the element that waits plays after 400 ns.
    def build():
        play("hold", "flux")
        wait(100)
        play("hold", "tone", duration=50)
        play("hold", "flux")

    analog = ports(build)
    assert spans(analog[4]) == [(0, 100), (500, 600)]
    assert spans(analog[3])[0][0] == 400


def test_align_waits_for_the_latest(ports):
    # Example 3; flux takes no part.
    def build():
        play("hold", "iq")
        align("iq", "both")
        play("hold", "both")
        play("hold", "flux")

    analog = ports(build)
    assert spans(analog[7]) == [(100, 200)]
    assert spans(analog[4]) == [(0, 100)]


def test_plays_of_one_element_follow_each_other(ports):
    # Example 5, and docs/protocol.md, "When things happen" on strict timing.
    def build():
        with strict_timing_():
            play("hold", "flux")
            play("hold" * amp(2), "flux")
            play("short", "flux")

    analog = ports(build)
    close(analog[4][:100], 0.2)
    close(analog[4][100:200], 0.4)
    close(analog[4][200:216], 0.2)
    close(analog[4][216:], 0.0)


def test_blocks_align_their_elements(ports):
    # docs/protocol.md, "When things happen": before the block, and before each iteration.
    def build():
        n = declare(int)
        play("hold", "flux")
        with for_(n, 0, n < 2, n + 1):
            play("short", "flux")
            play("hold", "both")

    analog = ports(build)
    assert spans(analog[4]) == [(0, 116), (200, 216)]
    assert spans(analog[7]) == [(100, 300)]


def test_branches_align_the_elements_of_all_of_them(ports):
    def build():
        n = declare(int, value=1)
        play("hold", "flux")
        with if_(n > 5):
            play("hold", "flux")
        with if_(n > 5):
            play("short", "flux")
            play("short", "both")
        play("short", "both")

    analog = ports(build)
    assert spans(analog[7]) == [(100, 116)]


def test_elements_of_one_thread_play_one_after_the_other(ports):
    # docs/protocol.md, "What plays", Threads.
    def build():
        play("hold", "thread_a")
        play("hold", "thread_b")
        play("hold", "both")

    analog = ports(build)
    assert spans(analog[3]) == [(0, 100)]
    assert spans(analog[4]) == [(100, 200)]
    assert spans(analog[7]) == [(0, 100)]


def test_infinite_loops_run_beside_each_other(ports):
    def build():
        with infinite_loop_():
            play("hold", "flux")
            wait(25, "flux")
        with infinite_loop_():
            play("short", "both")
            wait(4, "both")

    analog = ports(build, cycles=100)
    assert spans(analog[4]) == [(0, 100), (200, 300)]
    assert spans(analog[7]) == [(32 * n, 32 * n + 16) for n in range(12)] + [(384, 400)]


def test_a_simulation_ends_with_its_duration(ports):
    # An average over many shots, of which few fit; the other element plays at its own start.
    def build():
        n = declare(int)
        with for_(n, 0, n < 1_000_000_000, n + 1):
            play("hold", "flux")

    assert spans(ports(build, cycles=100)[4]) == [(0, 400)]


# The output chain


def test_mixed_inputs_are_rotated_and_corrected(ports):
    def build():
        wait(10, "iq")
        play("pi", "iq")
        play("hold" * amp(0.5), "iq")

    analog = ports(build)
    n = np.arange(40, 140)
    i, q = mixed(np.array(GAUSS), 0.0, 50e6, n, correction=C)
    close(analog[1][40:140], i)
    close(analog[2][40:140], q)
    n = np.arange(140, 240)
    i, q = mixed(0.1, 0.05, 50e6, n, correction=C)
    close(analog[1][140:240], i)
    close(analog[2][140:240], q)
    close(analog[1][240:], 0.0)


def test_an_amp_matrix_acts_before_the_modulation(ports):
    # docs/protocol.md, "What plays": [[v0, v1], [v2, v3]].
    def build():
        play("hold" * amp(0.5, -0.25, 0.75, 1.5), "iq")

    analog = ports(build)
    n = np.arange(100)
    i, q = mixed(0.5 * 0.2 - 0.25 * 0.1, 0.75 * 0.2 + 1.5 * 0.1, 50e6, n, correction=C)
    close(analog[1][:100], i)
    close(analog[2][:100], q)


def test_single_inputs_are_multiplied_by_a_cosine(ports):
    def build():
        a = declare(fixed, value=0.3)
        play("rise" * amp(a), "tone")
        play("rise", "flux")

    analog = ports(build)
    n = np.arange(100)
    close(analog[3][:100], rack.fixed(0.3) * np.array(RISE) * cos(10e6, n))
    close(analog[4][:100], RISE)


def test_offsets_are_added_last_and_ports_rest_on_them(ports):
    def build():
        play("hold", "flux")
        wait(25, "flux")
        set_dc_offset("flux", "single", -0.125)
        wait(25, "flux")
        play("hold", "flux")

    analog = ports(build, p4={"offset": 0.0625})
    close(analog[4][:100], 0.2625)
    close(analog[4][100:200], 0.0625)
    close(analog[4][200:300], -0.125)
    close(analog[4][300:400], 0.075)


def test_offsets_of_a_pair_are_set_one_by_one(ports):
    def build():
        set_dc_offset("iq", "I", 0.25)
        set_dc_offset("iq", "Q", -0.25)

    analog = ports(build)
    close(analog[1], 0.25)
    close(analog[2], -0.25)


def test_elements_on_one_port_add_up(ports):
    def build():
        play("hold", "tone")
        play("rise", "twin")

    close(ports(build)[3][:100], (0.2 + np.array(RISE)) * cos(10e6, np.arange(100)))


def test_beyond_the_range_ports_clip_and_the_report_says_so(ports):
    # docs/v0.7/error: clipped; [-0.5, 0.5 - 2**-16].
    def build():
        play("hold" * amp(1.75), "flux")
        play("hold" * amp(-1.75), "flux")

    analog = ports(build, p4={"offset": 0.25})
    close(analog[4][:100], 0.5 - 2**-16)
    close(analog[4][100:200], -0.1)
    errors = ports.job.execution_report().errors()
    assert len(errors) == 1
    assert "4" in errors[0].message
    assert "overflow" in errors[0].message


def test_an_execution_reports_what_it_clips(pulsewire_client):
    with program() as built:
        play("hold" * amp(1.75), "flux")
        play("hold" * amp(1.99), "flux")
    machine = pulsewire_client.open_qm(rack.config(p4={"offset": 0.125}))
    job = machine.execute(built)
    job.result_handles.wait_for_all_values()
    errors = job.execution_report().errors()
    assert len(errors) == 1
    assert "amp(1.99)" in errors[0].message


def test_crosstalk_adds_what_other_ports_play(ports):
    # docs/protocol.md, "Filters and crosstalk": the manual's example; 32 ns later, no offset.
    def build():
        play("hold" * amp(0.5), "flux")

    crosstalk = {"p5": {"crosstalk": {4: 0.2}}, "p6": {"crosstalk": {4: -0.1}}}
    analog = ports(build, p4={"offset": 0.25}, **crosstalk)
    close(analog[4][32:132], 0.35)
    close(analog[5], np.where((np.arange(800) >= 32) & (np.arange(800) < 132), 0.02, 0.0))
    close(analog[6][32:132], -0.01)
    assert spans(ports(build)[4]) == [(0, 100)]


def test_crosstalk_delays_others_unless_told_not_to(ports):
    def build():
        play("hold", "flux")
        play("hold", "both")

    crosstalk = {"p5": {"crosstalk": {4: 0.2}}}
    assert spans(ports(build, **crosstalk)[7]) == [(32, 132)]
    flags = ["disable-crosstalk-matrix-ports-alignment"]
    analog = ports(build, flags=flags, **crosstalk)
    assert spans(analog[7]) == [(0, 100)]
    assert spans(analog[4]) == [(32, 132)]


def test_filters_are_a_feedforward_and_single_poles(ports):
    # docs/protocol.md, "Filters and crosstalk": taps of feedback by convolution; 60 ns of two.
    def build():
        play("rise", "flux")

    forward, poles = [0.5, 0.25, -0.125], [0.5, -0.3]
    analog = ports(build, p4={"filter": {"feedforward": forward, "feedback": poles}})
    played = np.zeros(800)
    played[:100] = RISE
    expected = np.convolve(played, forward)[:800]
    a1, a2 = poles[0] + poles[1], -poles[0] * poles[1]
    out = np.zeros(800)
    for n in range(800):
        past = [out[n - 1] if n > 0 else 0.0, out[n - 2] if n > 1 else 0.0]
        out[n] = expected[n] + a1 * past[0] + a2 * past[1]
    close(analog[4], np.concatenate([np.zeros(60), out[:-60]]))


@pytest.mark.parametrize(
    ("taps", "delay"), [(([1.0], []), 44), (([1.0], [0.1]), 48), (([], [0.1, 0.2, 0.1]), 72)]
)
def test_filters_delay_all_ports(ports, taps, delay):
    def build():
        play("hold", "flux")
        play("pi", "iq")

    def start(**outputs):
        analog = ports(build, **outputs)
        return spans(analog[4])[0][0], spans(ports.digital[1])[0][0]

    shape = {"p7": {"filter": {"feedforward": taps[0], "feedback": taps[1]}}}
    plain = start()
    assert start(**shape) == (plain[0] + delay, plain[1] + delay)


def test_what_a_filter_cannot_have_is_refused(pulsewire_client):
    from pulsewire.exceptions import FailedToExecuteJobException

    with program() as built:
        play("hold", "flux")
    for shape in (
        {"feedforward": [0.1] * 45, "feedback": []},
        {"feedforward": [0.1] * 38, "feedback": [0.5]},
        {"feedforward": [], "feedback": [0.1, 0.1, 0.1, 0.1]},
        {"feedforward": [2.5], "feedback": []},
        {"feedforward": [], "feedback": [1.0]},
    ):
        with pytest.raises(FailedToExecuteJobException, match="filter of the output 4"):
            pulsewire_client.simulate(rack.config(p4={"filter": shape}), built, 10)


def test_a_port_delays_what_it_plays(ports):
    def build():
        play("hold", "flux")
        play("hold", "both")

    analog = ports(build, p7={"delay": 110}, p8={"delay": 21})
    assert spans(analog[4]) == [(0, 100)]
    assert (spans(analog[7]), spans(analog[8])) == ([(110, 210)], [(21, 121)])


def test_multiple_inputs_play_the_same(ports):
    def build():
        play("rise", "both")

    analog = ports(build)
    close(analog[7][:100], RISE)
    close(analog[8], analog[7])


def test_a_target_chooses_the_input(ports):
    def build():
        play("hold", "either", target="b")
        play("hold", "either", target="a")

    analog = ports(build)
    close(analog[8][:100], 0.2 * cos(4e6, np.arange(100)))
    close(analog[7][100:200], 0.2 * cos(4e6, np.arange(100, 200)))
    assert spans(analog[8])[-1][1] <= 100


# Phase and frame


def test_frames_turn_what_follows(ports):
    # docs/protocol.md, "Phase and frame"; a frame has 16 bits.
    def build():
        play("hold", "tone")
        frame_rotation_2pi(0.125, "tone")
        play("hold", "tone")
        frame_rotation(np.pi / 2, "tone")
        play("hold", "tone")
        reset_frame("tone")
        play("hold", "tone")

    analog = ports(build)
    quarter = np.round(rack.fixed(rack.fixed(np.pi / 2 * 0.15915494309189535)) * 65536) / 65536
    for index, turns in enumerate((0.0, 0.125, 0.125 + quarter, 0.0)):
        n = np.arange(100 * index, 100 * index + 100)
        close(analog[3][n], 0.2 * cos(10e6, n, turns))


def test_frames_turn_pairs(ports):
    def build():
        frame_rotation_2pi(-0.25, "iq")
        play("hold", "iq")
        fast_frame_rotation(0.0, 1.0, "iq")
        play("hold", "iq")

    analog = ports(build)
    for start, turns in ((0, -0.25), (100, 0.0)):
        n = np.arange(start, start + 100)
        i, q = mixed(0.2, 0.1, 50e6, n, turns, C)
        close(analog[1][n], i)
        close(analog[2][n], q)


def test_a_phase_is_reset_at_the_next_play(ports):
    # docs/protocol.md, "Phase and frame": not by the wait; the frame stays.
    def build():
        play("hold", "tone")
        frame_rotation_2pi(0.25, "tone")
        reset_if_phase("tone")
        wait(7, "tone")
        play("hold", "tone")

    analog = ports(build)
    n = np.arange(128, 228)
    close(analog[3][n], 0.2 * cos(10e6, n - 128, 0.25))


def test_a_phase_is_reset_by_an_align(ports):
    def build():
        play("hold", "tone")
        reset_if_phase("tone")
        align("tone", "flux")
        wait(7, "tone")
        play("hold", "tone")

    n = np.arange(128, 228)
    close(ports(build)[3][n], 0.2 * cos(10e6, n - 100))


def test_frequencies_are_taken_from_the_start_of_the_program(ports):
    # docs/protocol.md, "Phase and frame": ω₂(t₀ + Δt), also after an update that kept the phase.
    def build():
        play("hold", "tone")
        update_frequency("tone", 30_000_000)
        play("hold", "tone")
        update_frequency("tone", 70_000_000, keep_phase=True)
        play("hold", "tone")
        update_frequency("tone", 70_000_000)
        play("hold", "tone")

    analog = ports(build)
    n = np.arange(100, 200)
    close(analog[3][n], 0.2 * cos(30e6, n))
    n = np.arange(200, 300)
    close(analog[3][n], 0.2 * cos(70e6, n - 200, 30e6 * 200e-9))
    n = np.arange(300, 400)
    close(analog[3][n], 0.2 * cos(70e6, n))


def test_a_reset_holds_for_later_frequencies(ports):
    # φ = ωt - ω₀t₀ with the frequency at the reset.
    def build():
        play("hold", "tone")
        reset_if_phase("tone")
        play("hold", "tone")
        update_frequency("tone", 25_000_000)
        play("hold", "tone")

    analog = ports(build)
    n = np.arange(200, 300)
    close(analog[3][n], 0.2 * cos(25e6, n, -10e6 * 100e-9))


@pytest.mark.parametrize(
    ("value", "units", "hertz"),
    [
        (100.7, "Hz", 100.0),
        (12_345_678_9, "mHz", 123456.789),
        (-2_000_000_000, "uHz", -2000.0),
        (2_000_000_000, "nHz", 2.0),
    ],
)
def test_frequencies_have_units_and_are_whole(ports, value, units, hertz):
    def build():
        wait(5_000, "tone")
        update_frequency("tone", value, units=units)
        play("hold", "tone")

    analog = ports(build, cycles=5_100)
    n = np.arange(20_000, 20_100)
    close(analog[3][n], 0.2 * cos(hertz, n))


def test_a_correction_can_be_set_by_the_program(ports):
    # docs/protocol.md, "Phase and frame": for the next pulses, and the frame is reset.
    def build():
        frame_rotation_2pi(0.25, "iq")
        update_correction("iq", 1.0, 0.5, 0.5, 1.0)
        play("hold", "iq")

    analog = ports(build)
    n = np.arange(100)
    i, q = mixed(0.2, 0.1, 50e6, n, 0.0, (1, 0.5, 0.5, 1))
    close(analog[1][n], i)
    close(analog[2][n], q)


def test_a_shared_oscillator_is_shared(ports):
    # docs/protocol.md, "What plays", Oscillators.
    def build():
        update_frequency("shared_a", 20_000_000)
        frame_rotation_2pi(0.5, "shared_a")
        play("hold", "shared_b")

    close(ports(build)[4][:100], 0.2 * cos(20e6, np.arange(100), 0.5))


# Modifiers


def test_constants_last_as_long_as_they_are_told(ports):
    def build():
        d = declare(int, value=60)
        play("hold", "flux", duration=10)
        wait(10, "flux")
        play("hold", "flux", duration=d + 5)

    assert spans(ports(build)[4]) == [(0, 40), (80, 340)]


def test_shapes_are_stretched_by_lagranges_formula(ports):
    # docs/protocol.md, "What plays": of the third order on four points; a line stays a line.
    def build():
        play("rise", "flux", duration=100)
        play("pi", "iq", duration=50)

    analog = ports(build)
    close(analog[4][:400], np.linspace(0.0, 0.2, 400))
    places = np.linspace(0, 99, 200)
    first = np.clip(np.floor(places).astype(int) - 1, 0, 96)
    shape = np.zeros(200)
    for i in range(4):
        weight = np.ones(200)
        for j in range(4):
            if j != i:
                weight *= (places - first - j) / (i - j)
        shape += weight * np.array(GAUSS)[first + i]
    i, q = mixed(shape, 0.0, 50e6, np.arange(200), correction=C)
    close(analog[1][:200], i)
    close(analog[2][:200], q)


def test_truncation_comes_after_stretching(ports):
    def build():
        play("rise", "flux", truncate=10)
        wait(10, "flux")
        play("rise", "flux", duration=100, truncate=10)

    analog = ports(build)
    close(analog[4][:40], RISE[:40])
    close(analog[4][80:120], np.linspace(0.0, 0.2, 400)[:40])
    close(analog[4][120:], 0.0)


def test_a_false_condition_plays_nothing_for_as_long(ports):
    def build():
        yes = declare(bool, value=True)
        play("marked", "flux", condition=~yes)
        play("hold", "flux", condition=yes)

    assert spans(ports(build)[4]) == [(100, 200)]


def test_a_chirp_has_the_manuals_phase(ports):
    # docs/protocol.md, "What plays": 2π(f₀t + a(t + 1)t/2).
    def build():
        rate = declare(int, value=250_000)
        wait(5, "tone")
        play("hold", "tone", chirp=(rate, "Hz/nsec"))

    analog = ports(build)
    t = np.arange(100)
    turns = 10e6 * 20e-9 + 1e-9 * (10e6 * t + 250e3 * (t + 1) * t / 2)
    close(analog[3][20:120], 0.2 * np.cos(2 * np.pi * turns))


def test_chirps_in_sections(ports):
    rates = [250_000, 0, -500_000, 100_000]

    def build():
        play("hold", "tone", chirp=(rates, "Hz/nsec"))
        wait(25, "tone")
        update_frequency("tone", 10_000_000)
        reset_if_phase("tone")
        play("hold", "tone", chirp=(rates, [0, 2, 10, 20], "Hz/nsec"))

    analog = ports(build)

    def phase(starts):
        turns, f, phase = [], 10e6, 0.0
        edges = [*starts[1:], 100]
        for rate, start, end in zip(rates, starts, edges, strict=True):
            t = np.arange(end - start)
            turns += list(phase + 1e-9 * (f * t + rate * (t + 1) * t / 2))
            n = end - start
            phase += 1e-9 * (f * n + rate * (n + 1) * n / 2)
            f += rate * n
        return np.array(turns)

    close(analog[3][:100], 0.2 * np.cos(2 * np.pi * phase([0, 25, 50, 75])))
    close(analog[3][200:300], 0.2 * np.cos(2 * np.pi * phase([0, 8, 40, 80])))


def test_the_frequency_stays_where_a_chirp_led(ports):
    # docs/protocol.md, "What plays", the figure of a chirp up and down.
    def build():
        play("hold", "tone", chirp=(100_000, "Hz/nsec"))
        play("hold", "tone")

    analog = ports(build)
    turns = 1e-9 * (10e6 * 100 + 100e3 * 101 * 100 / 2)
    t = np.arange(100)
    close(analog[3][100:200], 0.2 * np.cos(2 * np.pi * (turns + 20e6 * 1e-9 * t)))


def test_a_chirp_can_go_on(ports):
    # docs/protocol.md, "What plays": through waits, and until the end of the next play.
    def build():
        play("hold", "tone", chirp=(100_000, "Hz/nsec"), continue_chirp=True)
        wait(25, "tone")
        play("hold", "tone")
        play("hold", "tone")

    analog = ports(build)

    def sweep(f, t):
        return 1e-9 * (f * t + 100e3 * (t + 1) * t / 2)

    t = np.arange(100)
    second = sweep(10e6, 100) + sweep(20e6, 100) + sweep(30e6, t)
    close(analog[3][200:300], 0.2 * np.cos(2 * np.pi * second))
    third = sweep(10e6, 100) + sweep(20e6, 100) + sweep(30e6, 100) + 1e-9 * 40e6 * t
    close(analog[3][300:400], 0.2 * np.cos(2 * np.pi * third))


@pytest.mark.parametrize(("units", "scale"), [("mHz/nsec", 1e-3), ("MHz/sec", 1e-3)])
def test_rates_of_chirps_have_units(ports, units, scale):
    def build():
        play("hold", "tone", chirp=(2_000_000_000, units))

    t = np.arange(100)
    turns = 1e-9 * (10e6 * t + 2e9 * scale * (t + 1) * t / 2)
    close(ports(build)[3][:100], 0.2 * np.cos(2 * np.pi * turns))


def test_sticky_elements_hold_and_ramp_down(ports):
    # docs/protocol.md, "What plays": the manual's example, shorter.
    def build():
        play("rise", "sticky")
        wait(25, "sticky")
        play("hold", "sticky")

    analog = ports(build, cycles=300)
    held = np.round(RISE[-1] * 65536) / 65536
    close(analog[5][:100], RISE)
    close(analog[5][100:200], held)
    close(analog[5][200:300], held + 0.2)
    level = np.round((held + 0.2) * 65536) / 65536
    close(analog[5][300:700], level * (1 - (np.arange(400) + 1) / 400))
    close(analog[5][700:], 0.0)


def test_ramp_to_zero_takes_the_time_it_is_given(ports):
    def build():
        play("hold", "sticky")
        ramp_to_zero("sticky", 25)
        play("hold", "sticky")
        ramp_to_zero("sticky")
        play("short", "sticky")

    analog = ports(build, cycles=400)
    level = np.round(0.2 * 65536) / 65536
    close(analog[5][100:200], level * (1 - (np.arange(100) + 1) / 100))
    close(analog[5][200:300], 0.2)
    close(analog[5][300:700], level * (1 - (np.arange(400) + 1) / 400))
    close(analog[5][700:716], 0.2)


def test_what_is_held_is_modulated(ports):
    def build():
        play("hold", "stuck")
        wait(50, "stuck")
        frame_rotation_2pi(0.25, "stuck")
        wait(25, "stuck")
        play("hold" * amp(-0.5), "stuck")

    analog = ports(build)
    level = np.round(0.2 * 65536) / 65536
    n = np.arange(100, 300)
    close(analog[6][n], level * cos(2e6, n))
    n = np.arange(300, 400)
    close(analog[6][n], level * cos(2e6, n, 0.25))
    n = np.arange(400, 500)
    close(analog[6][n], (level - 0.1) * cos(2e6, n, 0.25))


def test_ramps_rise_from_what_is_held(ports):
    # docs/protocol.md, "What plays": volts a nanosecond.
    def build():
        s = declare(fixed, value=0.0005)
        play(ramp(s), "sticky", duration=50)
        play(ramp(-s), "sticky", duration=25)
        wait(25, "sticky")
        play(ramp(0.001), "flux", duration=25)

    analog = ports(build)
    slope = rack.fixed(0.0005)
    close(analog[5][:200], slope * (np.arange(200) + 1))
    top = np.round(slope * 200 * 65536) / 65536
    close(analog[5][200:300], top - slope * (np.arange(100) + 1))
    close(analog[5][300:400], np.round((top - slope * 100) * 65536) / 65536)
    close(analog[4][:100], rack.fixed(0.001) * (np.arange(100) + 1))


def test_waveforms_with_fewer_samples_are_interpolated(pulsewire_client):
    config = rack.config()
    half = np.linspace(0.0, 0.2, 50).tolist()
    config["waveforms"]["rise"] = {"type": "arbitrary", "samples": half, "sampling_rate": 0.5e9}
    with program() as built:
        play("rise", "flux")
    samples = pulsewire_client.simulate(config, built, 50).get_simulated_samples()
    close(samples.con1.analog[4][:100], np.linspace(0.0, 0.2, 100))


# Digital outputs


def test_markers_are_delayed_and_widened(ports):
    # docs/protocol.md, "Digital outputs": by the delay, and the buffer on either side; simulated
    # samples show them aligned with the analog ones.
    def build():
        wait(25, "iq")
        play("pi", "iq")

    ports(build)
    assert spans(ports.digital[1]) == [(100 + 20 - 6, 200 + 20 + 6)]


def test_markers_are_lists_of_levels(ports):
    def build():
        play("stutter", "lamp")
        play("on", "lamp")
        wait(10, "lamp")
        play("stutter", "lamp", duration=130)

    ports(build, cycles=400)
    first = [(0, 100), (300, 376), (386, 440)]
    second = [(480, 580), (780, 856), (866, 1000)]
    assert spans(ports.digital[4]) == first + second


def test_an_inverted_output_is_low_for_a_pulse(pulsewire_client):
    config = rack.config()
    config["controllers"]["con1"]["digital_outputs"][4] = {"inverted": True}
    with program() as built:
        wait(10, "lamp")
        play("on", "lamp")
    levels = pulsewire_client.simulate(config, built, 30).get_simulated_samples().con1.digital[4]
    assert spans(~levels) == [(40, 80)]


def test_a_sticky_marker_is_held_until_the_ramp(ports):
    def build():
        play("marked", "sticky")
        wait(50, "sticky")
        play("marked", "sticky")

    ports(build, cycles=300)
    assert spans(ports.digital[2]) == [(0, 400)]


def test_timestamps_count_cycles(pulsewire_client):
    with program() as built:
        n = declare(int)
        with for_(n, 0, n < 3, n + 1):
            play("hold", "flux", timestamp_stream="played")
            wait(25, "flux")
    machine = pulsewire_client.open_qm(rack.config())
    job = machine.execute(built)
    assert job.result_handles.wait_for_all_values()
    assert job.result_handles.played.fetch_all()["value"].tolist() == [0, 50, 100]


def test_while_loops_play_what_they_count(ports):
    def build():
        n = declare(int, value=1)
        with while_(n < 4):
            play("hold" * amp(1.0), "flux", duration=10 * n)
            wait(4, "flux")
            assign(n, n + 1)

    assert spans(ports(build)[4]) == [(0, 40), (56, 136), (152, 272)]


def test_the_documented_figure_of_a_phase(ports):
    # docs/protocol.md, "Phase and frame": a pulse begins as a sine with a frame of -1/4.
    def build():
        wait(13, "tone")
        reset_if_phase("tone")
        frame_rotation_2pi(-0.25, "tone")
        play("hold", "tone")

    close(ports(build)[3][52:152], 0.2 * sin(10e6, np.arange(100)))


def test_a_loop_that_takes_no_time_starves_no_other(ports):
    def build():
        flag = declare(bool, value=False)
        with infinite_loop_(), if_(flag):
            play("hold", "flux")
        with infinite_loop_():
            play("short", "both")

    assert spans(ports(build, cycles=50)[7]) == [(0, 200)]


def test_elements_of_one_oscillator_may_be_at_different_times(ports):
    def build():
        play("hold", "shared_a", chirp=(10_000, "Hz/nsec"), continue_chirp=True)
        play("hold", "shared_b")

    analog = ports(build)
    assert np.abs(analog[4]).max() <= 0.2


def test_a_marker_alone_leaves_what_is_held(pulsewire_client):
    config = rack.config()
    config["elements"]["sticky"]["operations"]["mark"] = "on_pulse"
    with program() as built:
        play("hold", "sticky")
        play("mark", "sticky")
        wait(10, "sticky")
    held = pulsewire_client.simulate(config, built, 40).get_simulated_samples().con1.analog[5]
    close(held[100:160], np.round(0.2 * 65536) / 65536)
