"""What plays when: flow control, aligns, waits, triggers, timestamps."""

# ruff: noqa: F403, F405
from qm.qua import *

from tests.interop.suite.registry import kept, suite


@suite
def waits():
    t = declare(int)
    with for_(t, 4, t < 40, t + 9):
        play("short", "flux")
        wait(t, "flux")
        wait(2 * t, "both", "tone")
        play("short", "both")
    wait(10)
    play("short", "tone")


@suite
def aligns():
    play("hold", "iq")
    align("iq", "flux")
    play("short", "flux")
    align()
    play("short", "both")
    play("short", "tone")


@suite
def loops_that_are_never_entered():
    n = declare(int, value=3)
    with while_(False):
        play("hold", "flux")
    with for_(n, 0, n == 2.5, n + 1):
        play("hold", "both")
    with while_(n > 5):
        play("hold", "tone")
    play("short", "flux")
    play("short", "both")
    kept(n=n)


@suite
def loops_within_loops():
    i, j = declare(int), declare(int)
    with for_(i, 0, i < 3, i + 1):
        with for_(j, 0, j < i + 1, j + 1):
            play("short" * amp(0.5), "flux")
            play("short", "tone")
        wait(10, "tone")


@suite
def while_loops():
    n, a = declare(int, value=0), declare(fixed, value=0.9)
    with while_(a > 0.1):
        play("hold" * amp(a), "flux")
        assign(a, a * a)
        assign(n, n + 1)
    kept(n=n, a=a)


@suite
def branches():
    n, total = declare(int), declare(int, value=0)
    with for_(n, 0, n < 8, n + 1):
        with if_(n < 2):
            play("short", "flux")
        with elif_(n < 5):
            play("short" * amp(0.5), "flux")
            play("short", "both")
            assign(total, total + n)
        with else_():
            play("hold", "tone")
    kept(total=total)


@suite
def switches():
    n = declare(int)
    with for_(n, 0, n < 5, n + 1), switch_(n):
        with case_(0):
            play("short", "flux")
        with case_(1):
            play("hold", "tone")
        with case_(2):
            play("pi", "iq")
        with default_():
            wait(30, "flux")


@suite
def unsafe_switches():
    n = declare(int)
    with for_(n, 0, n < 3, n + 1), switch_(n, unsafe=True):
        for number, element in enumerate(("flux", "tone", "both")):
            with case_(number):
                play("hold", element)


@suite
def strict_timing():
    n = declare(int)
    with strict_timing_(), for_(n, 0, n < 5, n + 1):
        play("short", "flux")
        play("short" * amp(0.5), "flux")


@suite
def for_each_over_two():
    t, a = declare(int), declare(fixed)
    with for_each_((t, a), ([10, 15, 30], [0.25, 1.0, 0.5])):
        play("hold" * amp(a), "flux", duration=t)


@suite
def shared_threads():
    play("hold", "thread_a")
    play("hold", "thread_b")
    play("short", "thread_a")
    play("hold", "both")


@suite
def triggers():
    wait_for_trigger("flux")
    play("short", "flux")
    wait_for_trigger("tone", pulse_to_play="hold")
    play("short", "tone")


@suite
def timestamps():
    n = declare(int)
    with for_(n, 0, n < 3, n + 1):
        play("hold", "flux", timestamp_stream="plays")
        measure("readout", "ro", timestamp_stream="measures")


@suite
def timestamps_as_streams():
    first, second = declare_stream(), declare_stream()
    n = declare(int)
    with for_(n, 0, n < 3, n + 1):
        play("hold", "flux", timestamp_stream=first)
        play("short", "flux", timestamp_stream=second)
    with stream_processing():
        (second - first).save_all("difference")


@suite
def random_pulses():
    r = Random(4321)
    n, t, a = declare(int), declare(int), declare(fixed)
    with for_(n, 0, n < 6, n + 1):
        assign(t, 4 + r.rand_int(30))
        assign(a, r.rand_fixed())
        play("hold" * amp(a), "flux", duration=t)
        wait(t, "flux")


@suite
def calculations_between_pulses():
    a, x = declare(fixed), declare(fixed, value=[0.1, 0.2, 0.3, 0.4])
    n = declare(int)
    with for_(n, 0, n < x.length(), n + 1):
        assign(a, Math.sin2pi(x[n]) * Math.cos2pi(x[n]) + Math.sqrt(x[n]))
        play("hold" * amp(a), "flux")
        assign(x[n], a)
    kept(total=x[0], last=x[3])


@suite
def two_loops_for_ever_end_with_the_time():
    n = declare(int, value=0)
    with while_(n < 20):
        play("short", "flux")
        wait(20, "flux")
        play("short", "both")
        assign(n, n + 1)


@suite
def triggers_with_time_tags():
    tag = declare(int)
    wait_for_trigger("flux", trigger_element="counter", time_tag_target=tag)
    play("short", "flux")
    wait_for_trigger("tone", trigger_element=("ro", "out1"), time_tag_target=tag)
    play("short", "tone")
    kept(tag=tag)


@suite
def triggers_in_a_loop():
    n, tag = declare(int), declare(int, value=-1)
    with for_(n, 0, n < 3, n + 1):
        wait_for_trigger("flux", pulse_to_play="short")
        wait_for_trigger("both", trigger_element=("ro", "out1"), time_tag_target=tag)
        play("short", "both")
    kept(tag=tag)


@suite
def strict_timing_with_branches():
    b = declare(bool, value=True)
    with strict_timing_():
        play("short", "flux")
        wait(4, "flux")
        play("short", "flux")
    with if_(b, unsafe=True):
        play("hold", "flux")


@suite
def shared_threads_in_a_loop():
    n = declare(int)
    with for_(n, 0, n < 3, n + 1):
        play("short" * amp(0.5), "thread_a")
        wait(5, "thread_b")
        play("short", "thread_b")
    align("thread_a", "both")
    play("short", "both")
