"""Programs that somebody talks to while they run: input streams, pauses, registers."""

# ruff: noqa: F403, F405
from qm.qua import *

from tests.interop.suite.registry import kept, suite


@suite(pushes=(("amplitude", 0.5), ("amplitude", -0.25), ("amplitude", 1.5)))
def amplitudes_from_outside():
    a = declare_input_stream(fixed, "amplitude")
    n = declare(int)
    stream = declare_stream()
    play("short", "flux")
    with for_(n, 0, n < 3, n + 1):
        advance_input_stream(a)
        play("hold" * amp(a), "flux")
        save(a, stream)
    with stream_processing():
        stream.save_all("amplitudes")


@suite(pushes=(("times", [10, 20, 30]), ("go", True), ("times", [4, 5, 6]), ("go", False)))
def sequences_from_outside():
    times = declare_input_stream(int, "times", size=3)
    go = declare_input_stream(bool, "go")
    n, k = declare(int), declare(int)
    stream = declare_stream()
    play("short", "flux")
    with for_(n, 0, n < 2, n + 1):
        advance_input_stream(times)
        advance_input_stream(go)
        with for_(k, 0, k < times.length(), k + 1):
            wait(times[k], "flux")
            play("short", "flux", condition=go)
            save(times[k], stream)
    with stream_processing():
        stream.buffer(3).save_all("times")


@suite(pushes=(("which", [0.5, 0.25]),))
def an_array_from_outside():
    which = declare_input_stream(fixed, "which", size=2)
    advance_input_stream(which)
    play("hold" * amp(which[0]), "flux")
    measure("readout", "ro")
    kept(first=which[0], second=which[1])


@suite(pauses=1)
def a_pause():
    play("hold", "flux")
    align()
    pause()
    play("short", "flux")


@suite(pauses=2, registers=(7, 0.25))
def registers_and_pauses():
    n, x = declare(int), declare(fixed)
    pause()
    assign(n, IO1)
    assign(x, IO2)
    play("hold" * amp(x), "flux", duration=n)
    assign(IO1, n + 1)
    assign(IO2, x * 0.5)
    pause()
    kept(n=n, x=x)


@suite(registers=(3, 0.5))
def loops_over_a_register():
    n = declare(int)
    x = declare(fixed)
    assign(x, IO2)
    with for_(n, 0, n < IO1, n + 1):
        play("short" * amp(x), "flux")
    assign(IO1, n)
    kept(n=n)
