"""Programs that play and measure: each statement, operator and process in at least two of them.

Each is a function that builds the body of a program; SUITE has them by name. None needs more than
4,000 clock cycles, and all end by themselves.
"""

# ruff: noqa: F403, F405
from qm.qua import *

SUITE = {}
LONGEST = 4000


def suite(build):
    SUITE[build.__name__] = build
    return build


def kept(**variables):
    """Saves variables under their names."""
    streams = {name: declare_stream() for name in variables}
    for name, variable in variables.items():
        save(variable, streams[name])
    with stream_processing():
        for name, stream in streams.items():
            stream.save_all(name)


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
def shared_threads():
    play("hold", "thread_a")
    play("hold", "thread_b")
    play("short", "thread_a")
    play("hold", "both")


@suite
def corrections():
    c = declare(fixed, value=0.5)
    update_correction("iq", 1.0, c, -c, 1.0)
    play("hold", "iq")
    update_correction("iq", 1.0, 0.0, 0.0, 1.0)
    play("pi", "iq")


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
def traces_demodulated_in_software():
    trace = declare_stream(adc_trace=True)
    measure("readout", "ro", adc_stream=trace)
    with stream_processing():
        trace.input1().map(FUNCTIONS.demod(20e6, 1.0, 0.0)).save("sum")
        trace.input1().map(FUNCTIONS.demod(20e6, 1.0, 0.5, integrate=False)).save("each")
        trace.input1().with_timestamps().map(FUNCTIONS.demod(20e6, 0.0, 1.0)).save("timed")


@suite
def spectra():
    trace = declare_stream(adc_trace=True)
    measure("readout", "ro", adc_stream=trace)
    with stream_processing():
        trace.input1().fft().save("normal")
        trace.input1().fft("abs").save("abs")
        trace.input1().fft("angle").save("angle")
        trace.input1().fft().real().save("real")
        trace.input1().fft().image().save("image")


@suite
def convolutions():
    n = declare(int)
    first, second = declare_stream(), declare_stream()
    with for_(n, 1, n < 7, n + 1):
        save(n, first)
        save(n, second)
    with stream_processing():
        first.buffer(3).convolution([1, 10]).save_all("full")
        first.buffer(3).convolution([1, 10], "same").save_all("same")
        first.buffer(3).convolution([1, 10], "valid").save_all("valid")
        first.buffer(3).zip(second.buffer(3)).tuple_convolution("full").save_all("tuple")


@suite
def tuples():
    n, x = declare(int), declare(fixed)
    first, second = declare_stream(), declare_stream()
    with for_(n, 0, n < 6, n + 1):
        assign(x, Cast.mul_fixed_by_int(0.5, n))
        save(n, first)
        save(x, second)
    with stream_processing():
        first.zip(second).tuple_multiply().save_all("scalars")
        first.buffer(3).zip(second.buffer(3)).tuple_multiply().save_all("vectors")
        first.buffer(3).zip(second.buffer(3)).tuple_dot_product().save_all("dots")
        first.zip(second).save_all("pairs")


@suite
def reshaped():
    i, j = declare(int), declare(int)
    stream = declare_stream()
    with for_(i, 0, i < 3, i + 1), for_(j, 0, j < 4, j + 1):
        save(j, stream)
    with stream_processing():
        stream.auto_reshape().save_all("shaped")


@suite
def reshaped_traces():
    n = declare(int)
    trace = declare_stream(adc_trace=True)
    with for_(n, 0, n < 2, n + 1):
        measure("readout", "ro", adc_stream=trace)
    with stream_processing():
        trace.input1().auto_reshape().save("shaped")


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
def feedback_by_conditions():
    i, n = declare(fixed), declare(int)
    with for_(n, 0, n < 3, n + 1):
        measure("readout", "ro", integration.full("cos", i))
        play("pi", "iq", condition=i > 0.0)
        wait(20, "ro")
        assign(n, Util.cond(i > 7.0, 100, n))


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
def averaged_sweep():
    n, f = declare(int), declare(int)
    i, q = declare(fixed), declare(fixed)
    si, sq, sn = declare_stream(), declare_stream(), declare_stream()
    with for_(n, 0, n < 3, n + 1):
        save(n, sn)
        with for_each_(f, [10_000_000, 20_000_000, 30_000_000]):
            update_frequency("ro", f)
            measure("readout", "ro", demod.full("cos", i), demod.full("sin", q))
            wait(20, "ro")
            save(i, si)
            save(q, sq)
    with stream_processing():
        si.buffer(3).average().save("i")
        sq.buffer(3).average().save("q")
        (si * si + sq * sq).buffer(3).average().save("power")
        sn.save("iteration")


@suite
def legacy_saves():
    x, n = declare(fixed, value=0.5), declare(int, value=3)
    save(x, "x")
    save(n, "n")
    play("short", "flux")
    save(x, "x")


@suite
def two_loops_for_ever_end_with_the_time():
    n = declare(int, value=0)
    with while_(n < 20):
        play("short", "flux")
        wait(20, "flux")
        play("short", "both")
        assign(n, n + 1)
