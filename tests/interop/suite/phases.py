"""Frames, phases, frequencies and corrections."""

# ruff: noqa: F403, F405
from qm.qua import *

from tests.interop.suite.registry import suite


@suite
def frames():
    n = declare(int)
    with for_(n, 0, n < 4, n + 1):
        frame_rotation_2pi(0.25, "iq")
        play("hold", "iq")
        frame_rotation(0.3, "tone")
        play("hold", "tone")
    reset_frame("iq", "tone")
    play("hold", "iq")
    play("hold", "tone")


@suite
def fast_frames():
    c, s = declare(fixed, value=0.0), declare(fixed, value=1.0)
    fast_frame_rotation(c, s, "iq")
    play("hold", "iq")
    fast_frame_rotation(0.8, 0.6, "tone")
    play("hold", "tone")


@suite
def phases():
    play("hold", "tone")
    reset_if_phase("tone")
    wait(13, "tone")
    play("hold", "tone")
    reset_if_phase("iq")
    align("iq", "tone")
    play("hold", "iq")


@suite
def global_phases():
    wait(33)
    play("hold", "tone")
    reset_if_phase("tone")
    reset_if_phase("iq")
    play("hold", "tone")
    play("hold", "iq")


@suite
def frequencies():
    f = declare(int)
    with for_(f, 1_000_000, f < 60_000_000, f + 13_000_000):
        update_frequency("tone", f)
        play("hold", "tone")
        update_frequency("iq", -f, keep_phase=True)
        play("hold", "iq")


@suite
def fine_frequencies():
    update_frequency("tone", 100_755, units="mHz")
    play("hold", "tone", duration=500)
    update_frequency("tone", 2_000_000_000, units="uHz")
    play("hold", "tone", duration=500)
    update_frequency("tone", 4e6)
    play("hold", "tone")


@suite
def shared_oscillators():
    update_frequency("shared_a", 12_000_000)
    play("hold", "shared_b")
    frame_rotation_2pi(0.5, "shared_b")
    align("shared_a", "shared_b")
    play("hold", "shared_a")


@suite
def corrections():
    c = declare(fixed, value=0.5)
    update_correction("iq", 1.0, c, -c, 1.0)
    play("hold", "iq")
    update_correction("iq", 1.0, 0.0, 0.0, 1.0)
    play("pi", "iq")


@suite
def all_phases_at_once():
    play("hold", "tone")
    wait(7, "iq")
    reset_global_phase()
    align("tone", "iq")
    play("hold", "iq")
    play("hold", "tone")


@suite
def all_phases_in_a_loop():
    n = declare(int)
    with for_(n, 0, n < 3, n + 1):
        reset_global_phase()
        play("hold", "tone")
        wait(5 + n, "tone")
        fast_frame_rotation(0.6, 0.8, "tone")
        play("short", "tone")
    reset_frame("tone")
    play("short", "tone")


@suite
def frequencies_of_all_units():
    f = declare(int, value=1_500_000_000)
    for units in ("mHz", "uHz", "nHz", "pHz"):
        update_frequency("tone", f, units=units)
        play("hold", "tone", duration=50)
    update_frequency("tone", 3_000_000, units="Hz", keep_phase=True)
    play("hold", "tone")


@suite
def frequencies_of_small_units():
    n = declare(int)
    with for_(n, 0, n < 3, n + 1):
        update_frequency("tone", 2_000_000_000, units="nHz")
        play("short", "tone")
        update_frequency("tone", 2_000_000_000, units="pHz")
        play("short", "tone")
        update_frequency("tone", 20_000_000, keep_phase=True)
        play("short", "tone")


@suite
def corrections_in_a_loop():
    n, c = declare(int), declare(fixed)
    with for_(n, 0, n < 4, n + 1):
        assign(c, Cast.mul_fixed_by_int(0.25, n))
        update_correction("iq", 1.0, c, c, 1.0)
        play("hold", "iq")
        set_dc_offset("iq", "I", c * 0.1)


@suite
def a_shared_oscillator_swept():
    f = declare(int)
    with for_(f, 1_000_000, f < 20_000_000, f + 6_000_000):
        update_frequency("shared_b", f)
        play("short", "shared_a")
        align("shared_a", "shared_b")
        play("short", "shared_b")
    reset_if_phase("shared_a")
    play("hold", "shared_a")
