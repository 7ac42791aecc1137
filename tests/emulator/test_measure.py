"""What programs measure: demodulation, raw samples, time tags (docs/protocol.md)."""

import numpy as np
import pytest
from qm.qua import (
    align,
    amp,
    assign,
    declare,
    declare_stream,
    demod,
    dual_demod,
    fixed,
    for_,
    frame_rotation_2pi,
    if_,
    integration,
    measure,
    play,
    program,
    reset_if_phase,
    save,
    stream_processing,
    time_tagging,
    update_frequency,
    wait,
)

import pulsewire
from tests.emulator import rack
from tests.emulator.rack import cos, sin

# The step of a fixed, in which results are held.
STEP = 2.0**-28
N = 400


def counts(volts):
    """docs/protocol.md, "What measures": 4096 a volt, inverted; cut off towards zero."""
    return np.clip(np.trunc(-4096 * np.asarray(volts)), -2048, 2047)


@pytest.fixture
def simulate(pulsewire_client):
    def simulate(built, interface=None, cycles=500, config=None):
        return pulsewire_client.simulate(
            config or rack.config(), built, cycles, interface=interface
        ).result_handles

    return simulate


def weights(name):
    cosine, sine = (rack.CONFIG["integration_weights"][name][side] for side in ("cosine", "sine"))

    def unroll(side):
        if isinstance(side[0], tuple):
            return np.concatenate([[value] * length for value, length in side])
        # The client rounds weights given as a list to 2**-15.
        return np.repeat(np.round(np.array(side) * 2**15) / 2**15, 4)

    return unroll(cosine), unroll(sine)


def demodulated(samples, name, hertz, times, turns=0.0):
    """docs/protocol.md, "What measures": 2⁻¹² Σ a[n] (w_c cos + w_s sin), a of 4096."""
    wc, ws = weights(name)
    samples = samples[: len(wc)] / 4096
    times = times[: len(wc)]
    return (samples * (wc * cos(hertz, times, turns) + ws * sin(hertz, times, turns))) / 4096


LOOPBACK = pulsewire.Loopback([("con1", 9, "con1", 1)], latency=24)


def test_a_loopback_is_demodulated_by_the_manuals_formula(simulate):
    with program() as built:
        results = {name: declare(fixed) for name in ("cos", "sin", "ramp", "short")}
        streams = {name: declare_stream() for name in results}
        wait(20, "ro")
        measure("readout", "ro", *(demod.full(n, v, "out1") for n, v in results.items()))
        for name, variable in results.items():
            save(variable, streams[name])
        with stream_processing():
            for name, stream in streams.items():
                stream.save(name)
    handles = simulate(built, LOOPBACK)
    # The window begins at pulse + time of flight; what comes in was played 24 ns before.
    window = 80 + 200 - 24 + np.arange(N)
    played = np.where((window >= 80) & (window < 480), 0.2 * cos(20e6, window), 0.0)
    for name in results:
        expected = demodulated(counts(played), name, 20e6, window).sum()
        assert handles.get(name).fetch_all() == pytest.approx(expected, abs=STEP)


def test_raw_samples_are_demodulated_with_phase_frame_and_frequency(simulate):
    rng = np.random.default_rng(5)
    given = rng.uniform(-0.3, 0.3, 2000)
    with program() as built:
        value, again = declare(fixed), declare(fixed)
        first, second = declare_stream(), declare_stream()
        wait(10, "ro")
        reset_if_phase("ro")
        frame_rotation_2pi(0.125, "ro")
        measure("readout", "ro", demod.full("ramp", value))
        update_frequency("ro", 33_000_000, keep_phase=True)
        measure("readout", "ro", demod.full("ramp", again))
        save(value, first)
        save(again, second)
        with stream_processing():
            first.save("first")
            second.save("second")
    handles = simulate(built, pulsewire.Raw([("con1", 1, given)]))
    n = 240 + np.arange(N)
    expected = demodulated(counts(given[n]), "ramp", 20e6, n - 24 - 40, 0.125)
    assert handles.first.fetch_all() == pytest.approx(expected.sum(), abs=STEP)
    n = 640 + np.arange(N)
    turns = 0.125 + 20e6 * 400e-9
    expected = demodulated(counts(given[n]), "ramp", 33e6, n - 24 - 440, turns)
    assert handles.second.fetch_all() == pytest.approx(expected.sum(), abs=STEP)


def test_measurements_are_divided_in_time(simulate):
    given = np.random.default_rng(6).uniform(-0.3, 0.3, 2000)
    with program() as built:
        arrays = {name: declare(fixed, size=10) for name in ("s", "a", "m", "is", "ia", "im")}
        streams = {name: declare_stream() for name in arrays}
        index = declare(int)
        measure(
            "readout",
            "ro",
            demod.sliced("ramp", arrays["s"], 10, "out1"),
            demod.accumulated("ramp", arrays["a"], 10, "out1"),
            demod.moving_window("ramp", arrays["m"], 10, 3, "out1"),
            integration.sliced("ramp", arrays["is"], 10, "out1"),
            integration.accumulated("ramp", arrays["ia"], 10, "out1"),
            integration.moving_window("ramp", arrays["im"], 10, 4, "out1"),
        )
        with for_(index, 0, index < 10, index + 1):
            for name, array in arrays.items():
                save(array[index], streams[name])
        with stream_processing():
            for name, stream in streams.items():
                stream.buffer(10).save(name)
    handles = simulate(built, pulsewire.Raw([("con1", 1, given)]))
    n = 200 + np.arange(N)
    slices = demodulated(counts(given[n]), "ramp", 20e6, n - 24).reshape(10, 40).sum(axis=1)
    plain = (counts(given[n]) / 4096 * weights("ramp")[0] / 4096).reshape(10, 40).sum(axis=1)

    def moving(values, width):
        return [values[max(0, i - width + 1) : i + 1].sum() for i in range(10)]

    for name, expected in {
        "s": slices,
        "a": np.cumsum(slices),
        "m": moving(slices, 3),
        "is": plain,
        "ia": np.cumsum(plain),
        "im": moving(plain, 4),
    }.items():
        np.testing.assert_allclose(handles.get(name).fetch_all(), expected, rtol=0, atol=STEP)


def test_two_inputs_are_demodulated_together(simulate):
    # docs/protocol.md, "What measures", dual: with I and Q looped back, the full amplitude.
    with program() as built:
        i, q, b = declare(fixed), declare(fixed), declare(fixed)
        streams = [declare_stream() for _ in range(3)]
        wait(7, "rr")
        measure(
            "readout" * amp(0.5),
            "rr",
            dual_demod.full("cos", "out1", "sin", "out2", i),
            dual_demod.full("minus_sin", "out1", "cos", "out2", q),
            integration.full("cos", b, "out2"),
        )
        for variable, stream in zip((i, q, b), streams, strict=True):
            save(variable, stream)
        with stream_processing():
            for name, stream in zip("iqb", streams, strict=True):
                stream.save(name)
    both = pulsewire.Loopback([("con1", 9, "con1", 1), ("con1", 10, "con1", 2)])
    handles = simulate(built, both)
    # time_of_flight is the latency: the window is what was played.
    n = 28 + np.arange(N)
    one, two = counts(0.1 * cos(20e6, n)), counts(0.1 * sin(20e6, n))
    expected = demodulated(one, "cos", 20e6, n) + demodulated(two, "sin", 20e6, n)
    assert handles.i.fetch_all() == pytest.approx(expected.sum(), abs=STEP)
    # The converter inverts; what it cuts off makes the amplitude a little smaller.
    assert handles.i.fetch_all() == pytest.approx(-0.1 * N / 4096, rel=5e-3)
    expected = demodulated(one, "minus_sin", 20e6, n) + demodulated(two, "cos", 20e6, n)
    assert handles.q.fetch_all() == pytest.approx(expected.sum(), abs=STEP)
    assert handles.b.fetch_all() == pytest.approx(two.sum() / 4096 / 4096, abs=STEP)


def test_the_gain_and_the_offset_of_an_input(simulate):
    config = rack.config()
    config["controllers"]["con1"]["analog_inputs"][1] = {"offset": 0.01, "gain_db": 6}
    given = np.full(1000, 0.1)
    with program() as built:
        trace = declare_stream(adc_trace=True)
        measure("readout", "ro", adc_stream=trace)
        with stream_processing():
            trace.input1().save("trace")
    handles = simulate(built, pulsewire.Raw([("con1", 1, given)]), config=config)
    expected = np.trunc(-4096 * 0.1 * 10 ** (6 / 20)) + round(4096 * 0.01)
    assert set(handles.trace.fetch_all().tolist()) == {expected}


def test_traces_are_what_the_converter_saw(simulate):
    # docs/protocol.md, "What measures": pulse + 2 smearing samples, the first before the window.
    with program() as built:
        trace, stamped = declare_stream(adc_trace=True), declare_stream(adc_trace=True)
        wait(15, "ro")
        measure("readout", "ro", adc_stream=trace)
        align("ro", "counter")
        measure("readout", "counter", adc_stream=stamped)
        with stream_processing():
            trace.input1().save("trace")
            stamped.input1().with_timestamps().save_all("stamped")
            trace.input1().average().save("mean")
    handles = simulate(built, LOOPBACK)
    window = 60 + 200 - 8 - 24 + np.arange(416)
    volts = np.where((window >= 60) & (window < 460), 0.2 * cos(20e6, window), 0.0)
    volts = np.where((window >= 460) & (window < 860), 0.2, volts)
    trace = handles.trace.fetch_all()
    assert trace.dtype == np.int64
    np.testing.assert_array_equal(trace, counts(volts))
    np.testing.assert_array_equal(handles.mean.fetch_all(), counts(volts))
    stamped = handles.stamped.fetch_all(flat_struct=True)
    np.testing.assert_array_equal(stamped["timestamp"], 496 + np.arange(400))
    np.testing.assert_array_equal(stamped["value"][:300], counts(0.2))


@pytest.mark.filterwarnings("ignore:Using a single stream:DeprecationWarning")
def test_traces_are_recorded_while_the_marker_is_high(simulate):
    # docs/protocol.md, "What measures": (1, 8), (0, 8), (1, 8): twice eight, and those before.
    given = np.linspace(-0.4, 0.4, 1000)
    with program() as built:
        samples = declare_stream()
        measure("blink", "ro", adc_stream=samples)
        with stream_processing():
            samples.input1().save_all("samples")
    handles = simulate(built, pulsewire.Raw([("con1", 1, given)]))
    kept = np.concatenate([np.arange(192, 208), np.arange(216, 224)])
    np.testing.assert_array_equal(handles.samples.fetch_all()["value"], counts(given[kept]))


def test_without_an_interface_inputs_are_zero(simulate):
    with program() as built:
        value = declare(fixed, value=1.0)
        stream, trace = declare_stream(), declare_stream(adc_trace=True)
        measure("readout", "ro", demod.full("cos", value), adc_stream=trace)
        save(value, stream)
        with stream_processing():
            stream.save("value")
            trace.input1().save("trace")
    handles = simulate(built)
    assert handles.value.fetch_all() == 0.0
    assert handles.trace.fetch_all().tolist() == [0] * 416


def test_noise_has_the_power_asked_for(simulate):
    with program() as built:
        trace = declare_stream(adc_trace=True)
        n = declare(int)
        with for_(n, 0, n < 20, n + 1):
            measure("readout", "ro", adc_stream=trace)
        with stream_processing():
            trace.input1().save_all("trace")
    noisy = pulsewire.Raw([("con1", 1, [0.0])], noise_power=1e-4)
    traces = simulate(built, noisy, cycles=2500).trace.fetch_all()["value"]
    assert traces.shape == (20, 416)
    assert np.std(traces) / 4096 == pytest.approx(0.01, rel=0.05)
    again = simulate(built, noisy, cycles=2500).trace.fetch_all()["value"]
    np.testing.assert_array_equal(traces, again)


def test_a_pulse_waits_for_what_it_depends_on(pulsewire_client):
    # docs/protocol.md, "When things happen": "unless a dependency delays it".
    with program() as built:
        value, state = declare(fixed), declare(bool)
        play("short", "flux")
        measure("readout", "ro", demod.full("short", value))
        assign(state, value > -1.0)
        with if_(state):
            play("short", "flux")
        play("hold" * amp(value), "tone")
    samples = pulsewire_client.simulate(rack.config(), built, 300).get_simulated_samples()
    starts = np.flatnonzero(np.diff(samples.con1.analog[4] != 0, prepend=False))
    # The window of 160 ns ends 200 + 160 ns behind the start of the measurement.
    assert starts.tolist() == [0, 16, 360, 376]


def test_edges_are_tagged(simulate):
    # docs/protocol.md, "What measures": below -500 counts is above 0.122 V at the input.
    given = np.zeros(1000)
    for edge in (50, 300, 301, 420, 600):
        given[edge : edge + 20] = 0.3
    with program() as built:
        times, count = declare(int, size=5), declare(int)
        fine, fine_count = declare(int, size=5), declare(int)
        tags, fines, number = (declare_stream() for _ in range(3))
        index = declare(int)
        measure(
            "readout",
            "counter",
            time_tagging.analog(times, 500, count),
            time_tagging.high_res(fine, 500, fine_count),
        )
        save(count, number)
        with for_(index, 0, index < count, index + 1):
            save(times[index], tags)
        with for_(index, 0, index < fine_count, index + 1):
            save(fine[index], fines)
        with stream_processing():
            tags.save_all("tags")
            fines.save_all("fines")
            number.save("count")
    handles = simulate(built, pulsewire.Raw([("con1", 1, given)]))
    # The window begins 36 ns into the samples.
    assert handles["count"].fetch_all() == 3
    assert handles.tags.fetch_all()["value"].tolist() == [50 - 36, 300 - 36, 420 - 36]
    part = (-500 - 0) / (-1228 - 0)
    expected = [int(1000 * (edge - 36 - 1 + part)) for edge in (50, 300, 420)]
    assert handles.fines.fetch_all()["value"].tolist() == expected


def test_what_cannot_be_measured_is_refused_by_name(pulsewire_client):
    from pulsewire.exceptions import FailedToExecuteJobException

    def built(element, *processes):
        with program() as made:
            array, value = declare(fixed, size=3), declare(fixed)
            whole = declare(int)
            measure("readout", element, *(p(array, value, whole) for p in processes))
        return made

    for element, process, says in (
        ("ro", lambda a, v, w: demod.full("nope", v), "no integration weights 'nope'"),
        ("ro", lambda a, v, w: demod.full("cos", v, "out9"), "no output 'out9'"),
        ("ro", lambda a, v, w: demod.full("cos", w), "a measured value is fixed"),
        ("rr", lambda a, v, w: demod.full("cos", v), "choose one: out1, out2"),
        ("ro", lambda a, v, w: demod.sliced("cos", a, 10), "the integration weights are 400 ns"),
        ("ro", lambda a, v, w: demod.moving_window("cos", a, 10, 0), "a moving window of 0"),
        ("tone", lambda a, v, w: demod.full("cos", v), "no operation 'readout'"),
    ):
        with pytest.raises(FailedToExecuteJobException) as raised:
            pulsewire_client.simulate(rack.config(), built(element, process), 10)
        assert any(says in text for text in raised.value.errors), raised.value.errors


def test_windows_move_along_with_filtered_outputs(simulate):
    # docs/protocol.md, "Filters and crosstalk": windows are delayed, the phase is not.
    with program() as built:
        trace = declare_stream(adc_trace=True)
        measure("readout", "rr", adc_stream=trace)
        with stream_processing():
            trace.input1().save("trace")
    plain = simulate(built, LOOPBACK).trace.fetch_all()
    config = rack.config(p4={"filter": {"feedforward": [1.0], "feedback": [0.5]}})
    filtered = simulate(built, LOOPBACK, config=config).trace.fetch_all()
    assert np.abs(plain).max() > 800
    np.testing.assert_array_equal(plain, filtered)


def test_a_cell_does_not_hide_that_another_is_measured(pulsewire_client):
    with program() as built:
        cells = declare(fixed, size=2)
        measure("readout", "ro", demod.full("short", cells[0]))
        assign(cells[1], 0.0)
        play("hold" * amp(cells[0] + 1.0), "flux")
    samples = pulsewire_client.simulate(rack.config(), built, 300).get_simulated_samples()
    assert np.flatnonzero(samples.con1.analog[4])[0] == 360
