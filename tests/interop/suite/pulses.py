"""What plays, how large, how long, and where."""

# ruff: noqa: F403, F405
from qm.qua import *

from tests.interop.suite.registry import suite


@suite
def a_play():
    play("pi", "iq")


@suite
def plays_of_all_kinds():
    play("hold", "iq")
    play("rise", "tone")
    play("hold", "flux")
    play("hold", "sticky")
    play("hold", "both")
    play("hold", "either", target="b")
    play("on", "lamp")


@suite
def amplitudes():
    a = declare(fixed)
    with for_(a, 0.0, a < 0.95, a + 0.1):
        play("hold" * amp(a), "tone")


@suite
def amplitudes_of_pairs():
    a = declare(fixed, value=0.25)
    play("hold" * amp(0.5, 0, 0, 0.5), "iq")
    play("pi" * amp(a, -a, a, a), "iq")


@suite
def negative_amplitudes():
    a = declare(fixed, value=[-1.5, -0.5, 0.0, 0.5, 1.5])
    v = declare(fixed)
    with for_each_(v, a):
        play("rise" * amp(v), "flux")


@suite
def durations():
    d = declare(int)
    with for_(d, 4, d < 60, d + 11):
        play("hold", "flux", duration=d)
        play("rise", "tone", duration=d + 25)


@suite
def truncated():
    t = declare(int)
    with for_(t, 4, t < 25, t + 5):
        play("rise", "flux", truncate=t)
    play("pi", "iq", duration=50, truncate=30)


@suite
def conditional():
    n = declare(int)
    with for_(n, 0, n < 6, n + 1):
        play("marked", "flux", condition=(n & 1) == 1)
        play("pi", "iq", condition=n > 3)


@suite
def chirped():
    rate = declare(int, value=50_000)
    play("hold", "tone", chirp=(rate, "Hz/nsec"))
    play("hold", "tone", duration=100, chirp=(-25_000_000, "mHz/nsec"))
    play("pi", "iq", chirp=(1_000, "KHz/sec"))


@suite
def chirped_in_sections():
    rates = declare(int, value=[100_000, 0, -200_000, 50_000])
    play("hold", "tone", duration=200, chirp=(rates, "Hz/nsec"))
    play("hold", "iq", duration=200, chirp=([1000, -1000], [0, 120], "Hz/nsec"))


@suite
def chirps_that_go_on():
    play("hold", "tone", chirp=(50_000, "Hz/nsec"), continue_chirp=True)
    wait(50, "tone")
    play("hold", "tone")
    play("hold", "tone", chirp=(-50_000, "Hz/nsec"))
    play("hold", "tone")


@suite
def a_chirp_of_what_is_held():
    play("hold", "stuck", chirp=(20_000, "Hz/nsec"), continue_chirp=True)
    wait(100, "stuck")
    play("hold" * amp(-1), "stuck")


@suite
def ramps():
    s = declare(fixed, value=0.0002)
    play(ramp(s), "sticky", duration=100)
    play(ramp(-0.0004), "sticky", duration=25)
    play(ramp(0.0005), "flux", duration=50)


@suite
def sticky_levels():
    n = declare(int)
    with for_(n, 0, n < 4, n + 1):
        play("hold" * amp(0.25), "sticky")
        wait(20, "sticky")
    ramp_to_zero("sticky", 40)
    play("marked", "sticky")
    ramp_to_zero("sticky")


@suite
def sticky_tones():
    play("hold" * amp(0.5), "stuck")
    frame_rotation_2pi(0.2, "stuck")
    wait(60, "stuck")
    update_frequency("stuck", 5_000_000, keep_phase=True)
    wait(60, "stuck")
    ramp_to_zero("stuck", 50)


@suite
def targets():
    n = declare(int)
    with for_(n, 0, n < 3, n + 1):
        play("hold", "either", target="a")
        play("rise", "either", target="b")


@suite
def clipped():
    play("hold" * amp(1.9), "tone")
    play("hold" * amp(1.9), "twin")


@suite
def markers():
    play("stutter", "lamp")
    play("on", "lamp", duration=30)
    play("pi", "iq")
    play("marked", "sticky")


@suite
def offsets():
    v = declare(fixed, value=0.1)
    set_dc_offset("flux", "single", v)
    wait(25, "flux")
    set_dc_offset("flux", "single", -v)
    play("hold", "flux")
    set_dc_offset("iq", "I", 0.05)
    set_dc_offset("iq", "Q", -0.05)
    set_dc_offset("both", "a", 0.125)


@suite
def a_matrix_of_a_loop():
    """A rotation by a matrix of amplitudes, as a virtual phase is made by hand."""
    n, c, s = declare(int), declare(fixed), declare(fixed)
    with for_(n, 0, n < 4, n + 1):
        assign(c, Math.cos2pi(Cast.mul_fixed_by_int(0.125, n)))
        assign(s, Math.sin2pi(Cast.mul_fixed_by_int(0.125, n)))
        play("pi" * amp(c, -s, s, c), "iq")


@suite
def chirps_by_time_and_unit():
    play("hold", "tone", duration=100, chirp=([20_000, -20_000], [0, 40], "Hz/nsec"))
    play("hold", "iq", duration=100, chirp=([5_000_000, 1], [0, 10], "uHz/nsec"))
    play("hold", "tone", chirp=(3_000, "GHz/sec"))
    play("hold", "tone", chirp=(7_000_000, "mHz/nsec"))
    play("hold", "tone", chirp=(2_000_000_000, "uHz/nsec"))
    play("hold", "tone", chirp=(9_000, "Hz/sec"), duration=500)
    play("hold", "tone", chirp=(9_000_000, "mHz/sec"), duration=500)


@suite
def chirps_of_slow_rates():
    rate = declare(int, value=1_000_000_000)
    play("hold", "tone", chirp=(rate, "uHz/nsec"), duration=200)
    play("hold", "tone", chirp=(rate, "Hz/sec"), duration=200)
    play("hold", "tone", chirp=(rate, "mHz/sec"), duration=200)
    play("hold", "tone", chirp=(400, "MHz/sec"), duration=200)


@suite
def ramps_and_truncations():
    n = declare(int)
    with for_(n, 1, n < 4, n + 1):
        play(ramp(Cast.mul_fixed_by_int(0.0001, n)), "sticky", duration=40)
        play("rise", "flux", truncate=4 * n)
    ramp_to_zero("sticky", 20)
