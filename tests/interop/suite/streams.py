"""Stream processing of what was measured and calculated."""

# ruff: noqa: F403, F405
from qm.qua import *

from tests.interop.suite.registry import suite


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


def _measured():
    """Two streams of six values each: what was measured, and its number."""
    i, n = declare(fixed), declare(int)
    values, numbers = declare_stream(), declare_stream()
    with for_(n, 0, n < 6, n + 1):
        measure("readout" * amp(Cast.mul_fixed_by_int(0.125, n)), "ro", demod.full("cos", i))
        save(i, values)
        save(n, numbers)
    return values, numbers


@suite
def arithmetic_of_streams():
    values, numbers = _measured()
    with stream_processing():
        (values + numbers).save_all("sum")
        (values - 1).save_all("less")
        (2 * values).save_all("double")
        (numbers / 4).save_all("quarter")
        (1 / (numbers + 1)).save_all("inverse")
        (numbers.buffer(2) + [10, 20]).save_all("vectors")
        (values * values).average().save("power")
        (values / (numbers + 1)).save_all("ratio")


@suite
def windows_of_streams():
    values, numbers = _measured()
    with stream_processing():
        numbers.buffer_and_skip(3, 2).save_all("windows")
        values.buffer(2, 3).save("matrix")
        values.buffer(2, 3).map(FUNCTIONS.average(0)).save("columns")
        values.buffer(2, 3).map(FUNCTIONS.average([0, 1])).save("all")
        numbers.skip(2).save_all("behind")
        numbers.skip_last(2).save_all("before")
        numbers.take(3).save_all("first")
        numbers.buffer(3).flatten().save_all("flat")
        numbers.histogram([[0, 1], [2, 5]]).save("histogram")
        numbers.histogram(bins(0, 5, 3)).save_all("bins")


@suite
def windows_of_pairs():
    values, numbers = _measured()
    with stream_processing():
        numbers.buffer_and_skip(2, 3).average().save("windows")
        numbers.skip(1).zip(values.skip_last(1)).save_all("shifted")
        numbers.take(4).buffer(2).flatten().zip(values).save_all("flat")
        numbers.skip_last(1).histogram(bins(0, 9, 5)).save("bins")
        values.with_timestamps().save_all("stamped")
        values.timestamps().take(2).save_all("times")
        (numbers.buffer(3) / values.buffer(3)).multiply_by(0.5).save_all("ratios")
        numbers.buffer(2).multiply_by([3, 4]).save_all("weighted")


@suite
def weights_of_streams():
    values, numbers = _measured()
    with stream_processing():
        values.multiply_by(2).save_all("double")
        values.buffer(3).multiply_by([1, 2, 3]).save_all("weighted")
        values.buffer(3).dot_product([1, -2, 1]).save_all("curvature")
        numbers.buffer(2).multiply_by(0.5).save_all("halves")
        numbers.buffer(2).multiply_by([1, 0]).dot_product([1, 1]).save_all("firsts")
        numbers.zip(values).tuple_multiply().save_all("products")
        numbers.buffer(3).zip(values.buffer(3)).tuple_dot_product().save_all("dots")
        numbers.buffer(3).convolution([1, 2, 1], "same").save_all("smoothed")
        numbers.buffer(2).zip(values.buffer(3)).tuple_convolution().save_all("folded")


@suite
def spectra_of_values():
    values, _ = _measured()
    with stream_processing():
        values.buffer(6).fft().save("spectrum")
        values.buffer(6).fft("abs").save("sizes")
        values.buffer(6).fft("angle").save("angles")
        values.buffer(6).fft("normal").real().save("real")
        values.buffer(6).fft().image().save("image")
        values.buffer(6).map(FUNCTIONS.demod(50e6, 1.0, 0.0)).save("demodulated")
        values.buffer(2).map(
            FUNCTIONS.demod(1e6, [1.0, 0.5], [0.0, 0.5], integrate=False)
        ).save_all("each")


@suite
def states_of_shots():
    """Thresholds of shots, averaged, beside their raw values."""
    i, n, state = declare(fixed), declare(int), declare(bool)
    states, raw = declare_stream(), declare_stream()
    with for_(n, 0, n < 8, n + 1):
        measure("readout" * amp(Cast.mul_fixed_by_int(0.1, n)), "ro", demod.full("cos", i))
        assign(state, i > 0.02)
        save(state, states)
        save(i, raw)
    with stream_processing():
        states.boolean_to_int().buffer(4).average().save("population")
        states.save_all("states")
        raw.buffer(2, 2).save_all("raw")
        raw.buffer(4).map(FUNCTIONS.average()).save_all("means")


@suite
def averages_of_reshaped_loops():
    n, j, x = declare(int), declare(int), declare(fixed)
    stream = declare_stream()
    with for_(n, 0, n < 3, n + 1), for_each_(x, [0.1, 0.2]), for_(j, 0, j < 2, j + 1):
        assign(x, x + Cast.mul_fixed_by_int(0.5, j))
        save(x, stream)
        play("short" * amp(x), "flux")
    with stream_processing():
        stream.auto_reshape().average().save("mean")
        stream.auto_reshape().save_all("all")


@suite
def legacy_saves_in_a_loop():
    n, b = declare(int), declare(bool)
    with for_(n, 0, n < 4, n + 1):
        assign(b, (n & 1) == 0)
        save(n, "n")
        save(b, "b")
        play("short", "flux", timestamp_stream="when")
