"""Phases, frames and modifiers of pulses, against the manual's formulas computed in numpy."""

import numpy as np
import pytest
from qm.qua import (
    align,
    amp,
    declare,
    fast_frame_rotation,
    fixed,
    frame_rotation,
    frame_rotation_2pi,
    play,
    program,
    ramp,
    ramp_to_zero,
    reset_frame,
    reset_if_phase,
    update_correction,
    update_frequency,
    wait,
)

from tests.emulator import rack
from tests.emulator.rack import GAUSS, RISE, C, close, cos, mixed, spans

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
