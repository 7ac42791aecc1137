"""What the configuration makes of the same statements: filters, delays, gains, octaves."""

# ruff: noqa: F403, F405
from qm.qua import *

from tests.interop.suite.registry import kept, suite


@suite(config="wired")
def pulses_through_filters():
    play("rise", "flux")
    play("hold", "tone")
    wait(10, "flux")
    play("short", "flux")


@suite(config="wired")
def a_train_through_filters_and_crosstalk():
    n = declare(int)
    with for_(n, 0, n < 5, n + 1):
        play("short" * amp(0.5), "flux")
        play("pi", "iq")
        wait(20, "tone")
        play("rise", "twin")
    set_dc_offset("flux", "single", 0.05)


@suite(config="wired")
def shared_and_inverted_ports():
    play("on", "lamp")
    play("stutter", "lamp")
    play("marked", "sticky")
    play("pi", "iq")
    align()
    play("pi", "iq")


@suite(config="wired")
def delayed_ports_and_markers():
    n = declare(int)
    with for_(n, 0, n < 3, n + 1):
        play("marked", "sticky")
        play("on", "lamp", duration=20)
        wait(20, "sticky")
        ramp_to_zero("sticky", 10)


@suite(config="received")
def inputs_with_gain():
    i, q = declare(fixed), declare(fixed)
    trace = declare_stream(adc_trace=True)
    measure(
        "readout",
        "rr",
        dual_demod.full("cos", "sin", i),
        dual_demod.full("minus_sin", "cos", q),
        adc_stream=trace,
    )
    streams = declare_stream(), declare_stream()
    save(i, streams[0])
    save(q, streams[1])
    with stream_processing():
        streams[0].save_all("i")
        streams[1].save_all("q")
        trace.input1().save("one")
        trace.input2().save("two")


@suite(config="received")
def windows_of_two_readouts():
    i, n = declare(fixed), declare(int)
    trace, values = declare_stream(adc_trace=True), declare_stream()
    with for_(n, 0, n < 2, n + 1):
        measure("readout" * amp(0.5), "late", demod.full("cos", i, "out1"), adc_stream=trace)
        save(i, values)
        measure("blink", "late", integration.full("cos", i, "out1"), adc_stream=trace)
        save(i, values)
    with stream_processing():
        values.save_all("values")
        trace.input1().timestamps().save_all("times")
        trace.input1().save_all("trace")


@suite(config="received")
def edges_that_rise():
    times, count = declare(int, size=20), declare(int)
    measure("readout", "rising", time_tagging.analog(times, 400, count))
    fine, finely = declare(int, size=5), declare(int)
    measure("readout", "rising", time_tagging.high_res(fine, 300, finely))
    kept(count=count, first=times[0], fine=fine[0], finely=finely)


@suite(config="received")
def edges_of_both_kinds():
    n, times, count = declare(int), declare(int, size=20), declare(int)
    stream = declare_stream()
    for element in ("rising", "counter"):
        measure("readout", element, time_tagging.analog(times, 400, count))
        with for_(n, 0, n < count, n + 1):
            save(times[n], stream)
    with stream_processing():
        stream.save_all("times")


@suite(config="shaped")
def shapes_of_fewer_samples():
    play("slow", "flux")
    play("rough", "flux")
    play("slow" * amp(0.5), "tone")


@suite(config="shaped")
def shapes_of_fewer_samples_stretched():
    play("slow", "flux", duration=40)
    play("rough", "tone", duration=33)
    play("slow", "tone", truncate=10)


@suite(config="shaped")
def weights_in_pairs():
    i, q = declare(fixed), declare(fixed)
    measure("readout", "ro", demod.full("pairs", i), integration.full("pairs", q))
    kept(i=i, q=q)


@suite(config="shaped")
def weights_in_pairs_for_parts():
    parts, n = declare(fixed, size=10), declare(int)
    stream = declare_stream()
    measure("readout", "ro", integration.sliced("pairs", parts, 10))
    with for_each_(n, [0, 3, 5, 9]):
        save(parts[n], stream)
    with stream_processing():
        stream.save_all("parts")


@suite(config="shaped")
def frequencies_of_every_sign():
    play("hold", "still")
    play("hold", "below")
    align()
    play("pi", "below")
    update_frequency("still", 5_000_000)
    play("hold", "still")


@suite(config="shaped")
def corrections_by_frequency():
    play("hold", "iq")
    align("iq", "below")
    play("hold", "below")
    play("hold", "still")


@suite(config="shaped")
def names_of_old():
    play("hold" * amp(0.5), "old")
    wait(20, "old")
    play("short", "cored")
    play("hold", "cored_too")
    ramp_to_zero("old")


@suite(config="shaped")
def cores_and_old_names_in_a_loop():
    n = declare(int)
    with for_(n, 0, n < 3, n + 1):
        play("short" * amp(0.25), "old")
        play("marked", "marked")
        play("short", "cored_too")
        play("short", "cored")
    ramp_to_zero("marked", 20)


@suite(config="octave")
def a_drive_through_an_octave():
    play("pi", "driven")
    frame_rotation_2pi(0.25, "driven")
    play("hold", "driven")


@suite(config="octave")
def a_readout_through_an_octave():
    i, q = declare(fixed), declare(fixed)
    play("pi", "driven")
    align("driven", "answered")
    measure(
        "readout",
        "answered",
        dual_demod.full("cos", "out1", "sin", "out2", i),
        dual_demod.full("minus_sin", "out1", "cos", "out2", q),
    )
    kept(i=i, q=q)


@suite(config="octave")
def a_sweep_through_an_octave():
    i, f = declare(fixed), declare(int)
    stream = declare_stream()
    with for_(f, -30_000_000, f <= 30_000_000, f + 15_000_000):
        update_frequency("answered", f)
        measure("readout", "answered", demod.full("cos", i, "out1"))
        save(i, stream)
        wait(10, "answered")
    with stream_processing():
        stream.buffer(5).average().save("i")


@suite(config="two")
def two_controllers():
    play("hold", "far")
    play("pi", "iq")
    align("iq", "far_iq")
    play("pi", "far_iq")


@suite(config="two")
def two_controllers_in_a_loop():
    n = declare(int)
    with for_(n, 0, n < 4, n + 1):
        play("hold" * amp(0.5), "far")
        play("hold", "far_iq")
        frame_rotation_2pi(0.25, "far_iq")
        play("short", "flux")


@suite(config="received")
def traces_of_both_inputs():
    n = declare(int)
    trace = declare_stream(adc_trace=True)
    with for_(n, 0, n < 2, n + 1):
        measure("readout", "rr", adc_stream=trace)
        play("marked", "sticky")
        wait(10, "rr")
    with stream_processing():
        trace.input2().average().save("mean")
        trace.input1().map(FUNCTIONS.average()).save_all("levels")


@suite(config="wired")
def shared_ports_in_a_loop():
    n = declare(int)
    with for_(n, 0, n < 2, n + 1):
        play("rise", "sticky")
        play("stutter", "lamp")
    ramp_to_zero("sticky", 25)
