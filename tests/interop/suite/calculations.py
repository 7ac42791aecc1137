"""Calculations whose results are played, timed and saved."""

# ruff: noqa: F403, F405
from qm.qua import *

from tests.interop.suite.registry import kept, suite


@suite
def operators_on_ints():
    n, total = declare(int, value=-37), declare(int, value=0)
    stream = declare_stream()
    with strict_timing_():
        play("short", "flux")
        play("short", "flux")
    for expression in (n + 5, n - 5, n * 3, n / 4, n << 3, n >> 2, n & 29, n | 24, n ^ 27, -n):
        assign(total, expression)
        save(total, stream)
        wait(4 + (total & 15), "flux")
        play("short", "flux")
    with stream_processing():
        stream.save_all("values")


@suite
def operators_on_fixed():
    x, y = declare(fixed, value=0.75), declare(fixed)
    stream = declare_stream()
    for expression in (x + 0.1, x - 0.5, x * x, x / 3, x << 1, x >> 2, -x, x * 0.25 - x / 2):
        assign(y, expression)
        save(y, stream)
        play("hold" * amp(y), "flux")
    with stream_processing():
        stream.save_all("values")


@suite
def comparisons():
    n, x = declare(int, value=3), declare(fixed, value=-0.5)
    b = declare(bool)
    stream = declare_stream()
    for expression in (
        n < 3,
        n <= 3,
        n > 2,
        n >= 4,
        n == 3,
        x < 0,
        x <= -1,
        x > -1,
        x >= 0,
        ~(x < 0),
    ):
        assign(b, expression)
        save(b, stream)
        play("hold", "flux", condition=b)
    with stream_processing():
        stream.save_all("values")
        stream.boolean_to_int().average().save("share")


@suite
def conditions_of_two():
    n, found = declare(int), declare(int, value=0)
    both = declare(bool, value=True)
    with for_(n, 0, n <= 7, n + 1):
        assign(both, (n > 1) & (n <= 4))
        with if_(both | (n == 6)):
            play("short", "flux")
            assign(found, found + (n << 1))
        with elif_(((n >= 5) ^ (n == 7)) & ~both):
            play("short", "both")
        with else_():
            assign(found, found | 256)
    kept(found=found)


@suite
def functions_of_numbers():
    x = declare(fixed, value=[0.5, -1.25, 2.0, 0.125])
    a = declare(fixed)
    stream = declare_stream()
    of_half = "log2 log10 ln exp pow2 sqrt inv_sqrt inv sin cos sin2pi cos2pi atan atan_2pi"
    for name in of_half.split():
        assign(a, getattr(Math, name)(x[0]))
        save(a, stream)
        play("hold" * amp(a * 0.1), "tone")
    for name in ("elu", "aelu", "selu", "relu", "lrelu", "abs"):
        assign(a, getattr(Math, name)(x[1]))
        save(a, stream)
        play("hold" * amp(a * 0.1), "flux")
    for expression in (
        Math.plrelu(x[1], x[3]),
        Math.log(x[2], x[2]),
        Math.pow(x[2], x[0]),
        Math.atan2(x[0], x[2]),
        Math.atan2_2pi(x[0], x[2]),
        Math.div(x[0], x[2]),
    ):
        assign(a, expression)
        save(a, stream)
    with stream_processing():
        stream.save_all("values")


@suite
def shapes_of_functions():
    """What an experiment would play: envelopes by functions, sample for sample."""
    n, x, a = declare(int), declare(fixed), declare(fixed)
    stream = declare_stream()
    functions = (
        lambda: Math.exp(-x) * Math.sin2pi(x) + Math.cos2pi(x) / 4,
        lambda: Math.sqrt(x + 0.25) - Math.ln(x + 1.0) + Math.log2(x + 1.0) - Math.log10(x + 1.0),
        lambda: Math.inv(x + 0.5) * 0.25 + Math.inv_sqrt(x + 0.5) * 0.25 + Math.pow2(-x) * 0.25,
        lambda: Math.sin(x) - Math.cos(x) + Math.atan(x) * 0.5 - Math.atan_2pi(x),
        lambda: Math.atan2(x, 1.0) + Math.atan2_2pi(x, 0.5) + Math.div(x, 4.0) + Math.abs(-x),
        lambda: Math.relu(x - 0.5) + Math.lrelu(x - 0.5) + Math.plrelu(x - 0.5, 0.5),
        lambda: Math.elu(x - 0.5) + Math.aelu(x - 0.5) + Math.selu(x - 0.5) * 0.5,
        lambda: Math.pow(x + 0.5, 2.0) * 0.25 + Math.log(x + 1.0, 2.0) * 0.25,
    )
    for function in functions:
        with for_(x, 0.0, x < 0.9, x + 0.3):
            assign(a, function())
            save(a, stream)
            play("short" * amp(a), "flux")
    assign(n, Math.msb(x))
    assign(x, Cast.to_fixed(n))
    save(x, stream)
    with stream_processing():
        stream.buffer(3).save_all("values")


@suite
def functions_of_arrays():
    a = declare(int, value=[5, -3, 8, 1])
    f = declare(fixed, value=[0.5, -0.25, 0.75, 0.125])
    x, n = declare(fixed), declare(int)
    reals, ints = declare_stream(), declare_stream()
    for name in ("sum", "max", "min"):
        assign(x, getattr(Math, name)(f))
        save(x, reals)
        play("hold" * amp(x), "flux")
        assign(n, getattr(Math, name)(a))
        save(n, ints)
    for name in ("argmax", "argmin"):
        assign(n, getattr(Math, name)(f))
        save(n, ints)
        play("hold" * amp(f[n]), "flux")
    assign(x, Math.dot(f, f))
    save(x, reals)
    assign(n, Math.dot(a, a))
    save(n, ints)
    with stream_processing():
        reals.save_all("reals")
        ints.save_all("ints")


@suite
def a_search_in_measured_slices():
    """The largest of measured slices says which pulse is played, and when."""
    slices = declare(fixed, size=10)
    best, least, where = declare(fixed), declare(fixed), declare(int)
    measure("readout", "ro", demod.sliced("cos", slices, 10))
    assign(best, Math.max(slices))
    assign(least, Math.min(slices))
    assign(where, Math.argmax(slices) - Math.argmin(slices))
    with if_(Math.sum(slices) > Math.dot(slices, slices)):
        play("hold" * amp(best - least), "flux")
    wait(4 + Math.abs(where), "flux")
    with for_(where, 0, where < slices.length(), where + 1):
        play("short" * amp(slices[where]), "flux")
    kept(best=best, least=least, where=where)


@suite
def casts():
    n, x, b = declare(int, value=3), declare(fixed, value=-1.75), declare(bool)
    ints, reals, bools = (declare_stream() for _ in range(3))
    for expression in (
        Cast.to_int(x),
        Cast.mul_int_by_fixed(n, x),
        Cast.unsafe_cast_int(x),
        Cast.to_int(n > 2),
        Math.msb(n),
        Math.div(n, 2),
    ):
        assign(n, expression)
        save(n, ints)
        assign(n, 3)
    for expression in (
        Cast.to_fixed(n),
        Cast.mul_fixed_by_int(x, n),
        Cast.unsafe_cast_fixed(n),
        Cast.to_fixed(n == 3),
    ):
        assign(x, expression)
        save(x, reals)
        assign(x, -1.75)
    for expression in (Cast.to_bool(n), Cast.to_bool(x), Cast.unsafe_cast_bool(n)):
        assign(b, expression)
        save(b, bools)
        play("short", "flux", condition=b)
    with stream_processing():
        ints.save_all("ints")
        reals.save_all("reals")
        bools.save_all("bools")


@suite
def times_from_casts():
    """Durations in whole cycles out of fixed numbers, and amplitudes out of ints."""
    n, t, x = declare(int), declare(int), declare(fixed)
    ok = declare(bool)
    stream = declare_stream()
    with for_(n, 1, n < 6, n + 1):
        assign(t, Cast.mul_int_by_fixed(n, 5.5) + Cast.to_int(2.75))
        assign(x, Cast.mul_fixed_by_int(0.1, n) + Cast.to_fixed(1))
        assign(ok, Cast.to_bool(n & 2))
        assign(x, Util.cond(ok, x, Cast.unsafe_cast_fixed(n << 25)))
        assign(t, Util.cond(Cast.unsafe_cast_bool(n), t, 4 + (Cast.unsafe_cast_int(x) >> 26)))
        play("hold" * amp(x), "flux", duration=t)
        save(t, stream)
    with stream_processing():
        stream.save_all("times")


@suite
def random_numbers():
    r = Random(77)
    n, k, x = declare(int), declare(int), declare(fixed)
    ints, reals = declare_stream(), declare_stream()
    with for_(n, 0, n < 10, n + 1):
        assign(k, r.rand_int(1000))
        assign(x, r.rand_fixed())
        save(k, ints)
        save(x, reals)
    r.set_seed(5)
    assign(k, r.rand_int(50))
    save(k, ints)
    play("short" * amp(x), "flux")
    with stream_processing():
        ints.save_all("ints")
        reals.buffer(10).save("reals")


@suite
def arrays_are_sorted():
    a = declare(fixed, value=[0.5, -0.25, 0.75, 0.125])
    i, j, t = declare(int), declare(int), declare(fixed)
    stream = declare_stream()
    with (
        for_(i, 0, i < a.length(), i + 1),
        for_(j, 0, j < a.length() - 1, j + 1),
        if_(a[j] > a[j + 1]),
    ):
        assign(t, a[j])
        assign(a[j], a[j + 1])
        assign(a[j + 1], t)
    with for_each_(t, a):
        play("hold" * amp(t), "flux")
        save(t, stream)
    with for_each_(i, [3, 1, 2]):
        save(a[i], stream)
    with stream_processing():
        stream.save_all("sorted")


@suite
def numbers_that_wrap():
    n, x = declare(int, value=2**31 - 1), declare(fixed, value=7.5)
    ints, reals = declare_stream(), declare_stream()
    assign(n, n + 1)
    save(n, ints)
    assign(n, n * 3)
    save(n, ints)
    assign(x, x + 1.0)
    save(x, reals)
    assign(x, x * 3.0)
    save(x, reals)
    save(12, ints)
    save(-0.5, reals)
    play("short" * amp(Cast.unsafe_cast_fixed(n >> 3)), "flux")
    with stream_processing():
        ints.save_all("ints")
        reals.save_all("reals")


@suite
def literals_saved():
    flags, ints = declare_stream(), declare_stream()
    n = declare(int)
    with for_(n, 0, n < 3, n + 1):
        save(True, flags)
        save(7, ints)
        play("short", "flux")
        save(False, flags)
    with stream_processing():
        flags.buffer(2).save_all("flags")
        ints.save_all("sevens")
