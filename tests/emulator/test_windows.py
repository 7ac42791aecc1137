"""Windows, ranges and tags of measurements, beside test_measure.py."""

import numpy as np
import pytest
from qm.qua import (
    declare,
    declare_stream,
    demod,
    fixed,
    for_,
    frame_rotation_2pi,
    integration,
    measure,
    play,
    program,
    save,
    stream_processing,
    time_tagging,
    update_frequency,
    wait,
)

import pulsewire
from pulsewire.exceptions import FailedToExecuteJobException
from tests.emulator import rack
from tests.emulator.rack import cos, sin
from tests.emulator.test_measure import STEP, counts

SIZE = 2000
VOLTS = 0.3 * np.sin(2 * np.pi * 21.3e-3 * np.arange(SIZE)) + 0.01
RAW = pulsewire.Raw([("con1", 1, VOLTS), ("con1", 2, -VOLTS)])


@pytest.fixture
def measured(pulsewire_client):
    """What a function saves under names, simulated with samples at the inputs."""

    def run(build, interface=RAW, config=None, cycles=500):
        with program() as built:
            streams = build()
            with stream_processing():
                for name, stream in streams.items():
                    stream.save_all(name)
        config = config or rack.config()
        job = pulsewire_client.simulate(config, built, cycles, interface=interface)
        handles = job.result_handles
        run.report = [error.message for error in job.execution_report().errors()]
        return {name: handles.get(name).fetch_all()["value"] for name in streams}

    return run


def saved(**variables):
    streams = {name: declare_stream() for name in variables}
    for name, variable in variables.items():
        save(variable, streams[name])
    return streams


def reference(samples, hertz, start, n, turns=0.0):
    """docs/protocol.md, "What measures": 2⁻¹² Σ a[n] cos; the emulator's lags by 24 ns."""
    t = start - 24 + np.arange(n)
    return (samples[start : start + n] / 4096 * cos(hertz, t, turns)).sum() / 4096


def test_the_window_is_that_of_the_weights_not_of_the_pulse(measured):
    config = rack.config()
    config["integration_weights"]["cos"] = {"cosine": [(1.0, 800)], "sine": [(0.0, 800)]}

    def build():
        i = declare(fixed)
        measure("readout", "ro", demod.full("cos", i))
        return saved(i=i)

    got = measured(build, config=config)["i"][0]
    # The pulse has 400 ns, the weights 800.
    assert abs(got - reference(counts(VOLTS), 20e6, 200, 800)) < STEP


def test_the_carrier_has_the_sign_the_frame_and_the_frequency_of_the_element(measured):
    def build():
        i, j = (declare(fixed) for _ in range(2))
        update_frequency("ro", -33_000_000)
        frame_rotation_2pi(0.125, "ro")
        measure("readout", "ro", demod.full("cos", i))
        frame_rotation_2pi(0.25, "ro")
        measure("readout", "ro", demod.full("cos", j))
        return saved(i=i, j=j)

    got = measured(build)
    assert abs(got["i"][0] - reference(counts(VOLTS), -33e6, 200, 400, 0.125)) < STEP
    assert abs(got["j"][0] - reference(counts(VOLTS), -33e6, 600, 400, 0.375)) < STEP


def test_a_measurement_takes_the_frequency_that_a_chirp_led_to(measured):
    def build():
        i = declare(fixed)
        play("readout", "ro", chirp=(25_000, "Hz/nsec"))
        measure("readout", "ro", demod.full("cos", i))
        return saved(i=i)

    got = measured(build)["i"][0]
    # After 400 ns at 25 kHz/ns: 30 MHz, and the phase of the manual's sum.
    turns = 1e-9 * (20e6 * 400 + 25e3 * 401 * 400 / 2)
    t = np.arange(400) + 200 - 24
    a = counts(VOLTS)[600:1000] / 4096
    expected = (a * np.cos(2 * np.pi * (turns + 30e6 * 1e-9 * t))).sum() / 4096
    assert abs(got - expected) < STEP


@pytest.mark.parametrize(("gain", "offset"), [(0, 0.0), (-12, 0.0), (20, 0.0), (0, 0.1), (6, -0.2)])
def test_the_converter_has_a_range(measured, gain, offset):
    # docs/protocol.md, "What measures": 12 bits, ±0.5 V, a gain of -12 to 20 dB.
    config = rack.config()
    config["controllers"]["con1"]["analog_inputs"][1] = {"offset": offset, "gain_db": gain}
    given = np.linspace(-0.7, 0.7, SIZE)

    def build():
        trace = declare_stream(adc_trace=True)
        measure("readout", "ro", adc_stream=trace)
        return {"trace": trace.input1()}

    got = measured(build, pulsewire.Raw([("con1", 1, given)]), config)["trace"].ravel()
    volts = given[192:608] * 10 ** (gain / 20)
    converted = np.clip(np.trunc(-4096 * volts), -2048, 2047)
    expected = np.clip(converted + np.round(offset * 4096), -2048, 2047)
    # A sample on a step may fall to either side.
    assert np.abs(got - expected).max() <= 1
    assert np.mean(got != expected) < 0.01


def test_input_two_is_read_as_the_first(measured):
    def build():
        trace = declare_stream(adc_trace=True)
        i, q = declare(fixed), declare(fixed)
        measure(
            "readout",
            "rr",
            demod.full("cos", i, "out1"),
            demod.full("cos", q, "out2"),
            adc_stream=trace,
        )
        return saved(i=i, q=q) | {"one": trace.input1(), "two": trace.input2()}

    got = measured(build)
    window = slice(24, 424)
    assert got["one"].ravel().tolist() == counts(VOLTS)[window].tolist()
    assert got["two"].ravel().tolist() == counts(-VOLTS)[window].tolist()
    assert abs(got["i"][0] - reference(counts(VOLTS), 20e6, 24, 400)) < STEP
    assert abs(got["q"][0] - reference(counts(-VOLTS), 20e6, 24, 400)) < STEP


def test_parts_of_the_second_output_and_windows_longer_than_the_array(measured):
    def build():
        k = declare(int)
        parts, moving = (declare(fixed, size=5) for _ in range(2))
        measure(
            "readout",
            "rr",
            integration.sliced("cos", parts, 20, "out2"),
            integration.moving_window("cos", moving, 20, 5, "out2"),
        )
        streams = {name: declare_stream() for name in ("parts", "moving")}
        with for_(k, 0, k < 5, k + 1):
            save(parts[k], streams["parts"])
            save(moving[k], streams["moving"])
        return streams

    got = measured(build)
    slices = counts(-VOLTS)[24:424].reshape(5, 80).sum(1) / 4096 / 4096
    np.testing.assert_allclose(got["parts"], slices, rtol=0, atol=STEP)
    np.testing.assert_allclose(got["moving"], np.cumsum(slices), rtol=0, atol=2 * STEP)


@pytest.mark.parametrize(
    ("processes", "says"),
    [
        (lambda a: demod.sliced("ramp", a, 6), "at least 7"),
        (lambda a: demod.sliced("cos", a, 7), "280 ns, but the integration weights are 400"),
        (lambda a: demod.moving_window("cos", a, 10, 0), "window of 0"),
    ],
)
def test_divisions_that_cannot_be(measured, processes, says):
    def build():
        array = declare(fixed, size=100 // 6 if "7" in says and "at least" in says else 10)
        measure("readout", "ro", processes(array))
        return {}

    config = rack.config()
    if "at least" in says:
        length = 16 * 24
        for name in ("ramp",):
            config["integration_weights"][name] = {
                "cosine": np.linspace(0, 1, length // 4).tolist(),
                "sine": [0.0] * (length // 4),
            }
    with pytest.raises(FailedToExecuteJobException) as caught:
        measured(build, config=config)
    assert says in caught.value.errors[0]


def test_an_overflow_of_the_sum_is_told(measured):
    config = rack.config()
    config["integration_weights"]["cos"] = {"cosine": [(1000.0, 400)], "sine": [(0.0, 400)]}
    given = np.full(SIZE, 0.3)

    def build():
        i = declare(fixed)
        measure("readout", "ro", integration.full("cos", i))
        return saved(i=i)

    got = measured(build, pulsewire.Raw([("con1", 1, given)]), config)["i"][0]
    true = counts(0.3) * 400 * 1000 / 4096 / 4096
    assert abs(got - ((true + 8) % 16 - 8)) < STEP
    assert any("overflows" in message for message in measured.report)


# Time tags


def tagged(volts, measured, parameters, window=400, size=20, kind=time_tagging.analog):
    config = rack.config()
    config["elements"]["counter"]["outputPulseParameters"] = parameters

    def build():
        times, count, k = declare(int, size=size), declare(int), declare(int)
        measure("readout", "counter", kind(times, window, count))
        stream, number = declare_stream(), declare_stream()
        save(count, number)
        with for_(k, 0, k < count, k + 1):
            save(times[k], stream)
        return {"times": stream, "count": number}

    got = measured(build, pulsewire.Raw([("con1", 1, volts)]), config)
    times = got["times"]
    times = [] if times is None else times.tolist()
    assert got["count"].tolist() == [len(times)]
    return times


BELOW = {
    "signalThreshold": -500,
    "signalPolarity": "Below",
    "derivativeThreshold": -10000,
    "derivativePolarity": "Above",
}


def pulses(*starts, width=1, volts=0.3):
    given = np.zeros(SIZE)
    for start in starts:
        given[36 + start : 36 + start + width] = volts
    return given


def test_tags_have_a_dead_time(measured):
    # docs/protocol.md, "What measures": 2 ns, and 84 for the finer tags.
    assert tagged(pulses(10, 12, 20), measured, BELOW) == [10, 12, 20]
    fine = tagged(pulses(10, 93, 200, 284), measured, BELOW, kind=time_tagging.high_res)
    # On the line from one sample to the next.
    assert [-(-at // 1000) for at in fine] == [10, 200, 284]


def test_tags_end_with_the_window_and_with_the_array(measured):
    given = pulses(10, 50, 399, 400, 420, width=1)
    assert tagged(given, measured, BELOW) == [10, 50, 399]
    assert tagged(given, measured, BELOW, size=2) == [10, 50]


def test_tags_above_a_threshold(measured):
    above = dict(BELOW, signalThreshold=500, signalPolarity="Above")
    # The converter inverts: above 500 counts is below -0.122 V.
    assert tagged(pulses(30, volts=-0.3), measured, above) == [30]
    assert tagged(pulses(30, volts=0.3), measured, above) == []


def test_both_conditions_make_a_tag(measured):
    steep = dict(BELOW, derivativeThreshold=-200, derivativePolarity="Below")
    given = np.zeros(SIZE)
    # A slow rise: 20 counts a nanosecond; the signal's threshold alone would tag it.
    given[36 + 50 : 36 + 150] = np.linspace(0, 0.49, 100)
    assert tagged(given, measured, steep) == []
    assert tagged(given, measured, BELOW) == [50 + int(np.ceil(500 / 4096 / (0.49 / 99)))]
    # A step of 0.3 V: 1228 counts in one nanosecond.
    assert tagged(pulses(60, width=30), measured, steep) == [60]


def test_what_the_thresholds_are_when_none_are_given(measured):
    # docs/protocol.md, "What measures": 800 and 300, both Below.
    given = np.full(SIZE, -0.4)
    given[36 + 70 : 36 + 100] = 0.0
    config = rack.config()
    del config["elements"]["counter"]["outputPulseParameters"]

    def build():
        times, count = declare(int, size=5), declare(int)
        measure("readout", "counter", time_tagging.analog(times, 300, count))
        return saved(count=count, first=times[0])

    got = measured(build, pulsewire.Raw([("con1", 1, given)]), config)
    # -0.4 V are 1638 counts: above 800 until the step down.
    assert (got["count"][0], got["first"][0]) == (1, 70)


@pytest.mark.parametrize(("tof", "fine"), [(32, False), (36, True)])
def test_time_tags_need_36_nanoseconds_of_flight(measured, tof, fine):
    config = rack.config()
    config["elements"]["counter"]["time_of_flight"] = tof

    def build():
        times, count = declare(int, size=5), declare(int)
        measure("readout", "counter", time_tagging.analog(times, 300, count))
        return saved(count=count)

    if fine:
        measured(build, config=config)
        return
    with pytest.raises(FailedToExecuteJobException) as caught:
        measured(build, config=config)
    assert "at least 36" in caught.value.errors[0]


def test_silence_is_zero_volts_with_the_inputs_offset(measured):
    config = rack.config()
    config["controllers"]["con1"]["analog_inputs"][1] = {"offset": 0.1}

    def build():
        i = declare(fixed)
        trace = declare_stream(adc_trace=True)
        wait(10, "ro")
        measure("readout", "ro", integration.full("cos", i), adc_stream=trace)
        return saved(i=i) | {"trace": trace.input1()}

    silent = measured(build, None, config)
    zeros = measured(build, pulsewire.Raw([("con1", 1, np.zeros(SIZE))]), config)
    assert silent["i"].tolist() == zeros["i"].tolist()
    assert silent["trace"].tolist() == zeros["trace"].tolist()
    assert abs(silent["i"][0] - round(0.1 * 4096) * 400 / 4096 / 4096) < STEP
    assert sin(0, 0) == 0
