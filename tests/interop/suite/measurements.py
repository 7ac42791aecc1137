"""Demodulation, integration, traces and time tags."""

# ruff: noqa: F403, F405
from qm.qua import *

from tests.interop.suite.registry import kept, suite


@suite
def demodulated():
    i, q = declare(fixed), declare(fixed)
    measure("readout", "ro", demod.full("cos", i, "out1"), demod.full("sin", q, "out1"))
    kept(i=i, q=q)


@suite
def demodulated_again():
    i, n = declare(fixed), declare(int)
    stream = declare_stream()
    with for_(n, 0, n < 4, n + 1):
        measure("readout" * amp(0.5), "ro", demod.full("ramp", i))
        save(i, stream)
        frame_rotation_2pi(0.25, "ro")
        wait(10, "ro")
    with stream_processing():
        stream.buffer(4).save("values")


@suite
def demodulated_in_parts():
    s, a, m = (declare(fixed, size=10) for _ in range(3))
    measure(
        "readout",
        "ro",
        demod.sliced("cos", s, 10),
        demod.accumulated("cos", a, 10),
        demod.moving_window("cos", m, 10, 3),
    )
    index = declare(int)
    streams = [declare_stream() for _ in range(3)]
    with for_(index, 0, index < 10, index + 1):
        for array, stream in zip((s, a, m), streams):
            save(array[index], stream)
    with stream_processing():
        for name, stream in zip("sam", streams):
            stream.buffer(10).save(name)


@suite
def integrated():
    i = declare(fixed)
    s, a, m = (declare(fixed, size=5) for _ in range(3))
    measure(
        "readout",
        "ro",
        integration.full("ramp", i),
        integration.sliced("cos", s, 20),
        integration.accumulated("cos", a, 20),
        integration.moving_window("cos", m, 20, 2),
    )
    kept(i=i, s=s[4], a=a[4], m=m[4])


@suite
def dual():
    i, q = declare(fixed), declare(fixed)
    measure(
        "readout",
        "rr",
        dual_demod.full("cos", "out1", "sin", "out2", i),
        dual_demod.full("minus_sin", "out1", "cos", "out2", q),
    )
    kept(i=i, q=q)


@suite
def dual_into_cells():
    cells, n = declare(fixed, size=3), declare(int)
    with for_(n, 0, n < 3, n + 1):
        measure("readout", "rr", dual_demod.full("cos", "out1", "sin", "out2", cells[n]))
    kept(a=cells[0], b=cells[1], c=cells[2])


@suite
def traces():
    trace = declare_stream(adc_trace=True)
    n = declare(int)
    with for_(n, 0, n < 3, n + 1):
        measure("readout", "rr", adc_stream=trace)
        wait(10, "rr")
    with stream_processing():
        trace.input1().average().save("one")
        trace.input2().save_all("two")


@suite
def traces_with_timestamps():
    trace = declare_stream(adc_trace=True)
    measure("blink", "ro", adc_stream=trace)
    measure("readout", "ro", adc_stream=trace)
    with stream_processing():
        trace.input1().with_timestamps().save_all("stamped")
        trace.input1().timestamps().save_all("times")


@suite
def tagged():
    times, count = declare(int, size=10), declare(int)
    measure("readout", "counter", time_tagging.analog(times, 400, count))
    kept(count=count, first=times[0], second=times[1])


@suite
def tagged_finely():
    times, count = declare(int, size=10), declare(int)
    measure("readout", "counter", time_tagging.high_res(times, 400, count))
    measure("readout", "counter", time_tagging.analog(times, 400))
    kept(count=count, first=times[0])


@suite
def tagged_digitally():
    times, count = declare(int, size=10), declare(int)
    measure("readout", "counter", time_tagging.digital(times, 400, count, "out1"))
    measure("readout", "counter", counting.digital(count, 400, "out1"))
    kept(count=count)


@suite
def feedback():
    i, state, n = declare(fixed), declare(bool), declare(int)
    stream = declare_stream()
    with for_(n, 0, n < 4, n + 1):
        measure("readout", "ro", demod.full("cos", i))
        assign(state, i < 0.0)
        save(state, stream)
        with if_(state):
            play("pi", "iq")
        play("hold" * amp(i), "tone")
    with stream_processing():
        stream.boolean_to_int().save_all("state")


@suite
def a_reset_with_timestamps():
    # Saved: what was measured, whether it was corrected, and when each was known.
    i, n, tries = declare(fixed), declare(int), declare(int)
    values, corrections = declare_stream(), declare_stream()
    with for_(n, 0, n < 3, n + 1):
        assign(tries, 0)
        measure("readout", "ro", demod.full("cos", i))
        save(i, values)
        with while_((tries < 2) & (i < 0.01)):
            play("pi", "iq")
            align("iq", "ro")
            measure("readout", "ro", demod.full("cos", i))
            assign(tries, tries + 1)
            save(i, values)
        save(tries, corrections)
    with stream_processing():
        values.with_timestamps().save_all("values")
        corrections.with_timestamps().save_all("corrections")
        values.timestamps().save_all("when")


@suite
def feedback_by_conditions():
    i, n = declare(fixed), declare(int)
    with for_(n, 0, n < 3, n + 1):
        measure("readout", "ro", integration.full("cos", i))
        play("pi", "iq", condition=i > 0.0)
        wait(20, "ro")
        assign(n, Util.cond(i > 7.0, 100, n))


@suite
def integrated_by_output():
    i, q = declare(fixed), declare(fixed)
    measure("readout", "rr", integration.full("cos", i, "out1"), integration.full("cos", q, "out2"))
    measure("readout" * amp(0.25), "rr", demod.full("cos", i, "out2"))
    kept(i=i, q=q)


@suite
def divided_by_output():
    parts, sums, moving = (declare(fixed, size=5) for _ in range(3))
    measure(
        "readout",
        "rr",
        demod.sliced("cos", parts, 20, "out1"),
        demod.accumulated("sin", sums, 20, "out2"),
        demod.moving_window("cos", moving, 20, 2, "out2"),
    )
    measure(
        "readout",
        "rr",
        integration.accumulated("cos", sums, 20, "out1"),
        integration.moving_window("cos", moving, 20, 5, "out1"),
        timestamp_stream="when",
    )
    kept(first=parts[0], last=parts[4], sums=sums[4], moving=moving[3])


@suite
def cells_of_measurements():
    values, n = declare(fixed, size=4), declare(int)
    stream = declare_stream()
    with for_(n, 0, n < 4, n + 1):
        measure("readout", "ro", demod.full("cos", values[n]))
        frame_rotation_2pi(0.25, "ro")
        save(values[n], stream)
    with stream_processing():
        stream.buffer(4).save("values")


@suite
def counted_digitally():
    counts, n = declare(int), declare(int)
    times = declare(int, size=4)
    stream = declare_stream()
    with for_(n, 0, n < 2, n + 1):
        measure(
            "readout",
            "counter",
            counting.digital(counts, 300, "out1"),
            time_tagging.digital(times, 300, element_output="out1"),
        )
        save(counts, stream)
    with stream_processing():
        stream.save_all("counts")


@suite
def raw_samples_of_old():
    """A trace by a name alone, as programs were written before stream processing."""
    measure("readout", "ro", adc_stream="raw")
    measure("readout", "ro", adc_stream="raw")
