"""The output chain and digital outputs, beside test_pulses.py."""

import numpy as np
import pytest
from qm.qua import (
    align,
    amp,
    declare,
    declare_stream,
    fast_frame_rotation,
    fixed,
    for_,
    frame_rotation_2pi,
    measure,
    play,
    program,
    set_dc_offset,
    update_correction,
    update_frequency,
    wait,
    wait_for_trigger,
)

from pulsewire.exceptions import FailedToExecuteJobException, OpenQmException
from tests.emulator import rack
from tests.emulator.rack import GAUSS, C, close, cos, mixed, spans


def test_the_whole_chain_in_its_order(ports):
    # docs/protocol.md, "What plays": elements, crosstalk, filter, delays, offset.
    feedforward, pole = [0.5, 0.25], 0.5

    def build():
        play("hold", "tone")
        play("hold", "twin")
        play("rise", "flux")

    analog = ports(
        build,
        cycles=100,
        p3={"offset": 0.05},
        p4={
            "offset": -0.1,
            "delay": 31,
            "crosstalk": {3: 0.25},
            "filter": {"feedforward": feedforward, "feedback": [pole]},
        },
    )
    t = np.arange(400)
    tone = np.where(t < 100, 2 * 0.2 * cos(10e6, t), 0)
    flux = np.concatenate([rack.RISE, np.zeros(300)])
    both = flux + 0.25 * tone
    filtered = np.convolve(both, feedforward)[:400]
    for n in range(1, 400):
        filtered[n] += pole * filtered[n - 1]
    # 48 ns for one feedback tap, 32 for the crosstalk, on all ports; 31 on this one.
    late = 48 + 32
    # Offsets are held in steps of 2**-28 V.
    expected = np.full(400, rack.fixed(-0.1))
    expected[late + 31 :] += filtered[: 400 - late - 31]
    close(analog[4], expected)
    expected = np.full(400, rack.fixed(0.05))
    expected[late:] += tone[: 400 - late]
    close(analog[3], expected)


def test_crosstalk_of_modulated_and_several_outputs(ports):
    def build():
        play("hold", "iq")
        play("hold", "flux")

    analog = ports(build, p5={"crosstalk": {1: 0.5, 2: -0.25, 4: 0.125}})
    t = np.arange(100)
    i, q = mixed(0.2, 0.1, 50e6, t, correction=C)
    close(analog[5][32:132], 0.5 * i - 0.25 * q + 0.125 * 0.2)
    close(analog[5][132:], 0)


def test_filters_of_ports_are_not_alike(ports):
    def build():
        play("short", "flux")
        play("short", "tone")

    taps = {"p3": {"filter": {"feedforward": [0.5], "feedback": []}}}
    taps["p4"] = {"filter": {"feedforward": [0.25], "feedback": [0.1, 0.2]}}
    analog = ports(build, **taps)
    # All wait for the slowest, of two feedback taps.
    assert spans(analog[3])[0][0] == spans(analog[4])[0][0] == 60
    close(analog[3][60:76], 0.5 * 0.2 * cos(10e6, np.arange(16)))
    alone = ports(build, flags=["disable-filtered-ports-alignment"], **taps)
    assert (spans(alone[3])[0][0], spans(alone[4])[0][0]) == (44, 60)


def test_a_filter_saturates_and_says_so(ports):
    def build():
        play("hold", "flux")

    analog = ports(build, p4={"filter": {"feedforward": [1.0], "feedback": [0.9]}})
    # 0.2 / (1 - 0.9) would be 2 V.
    assert analog[4].max() == 0.5 - 2**-16
    assert any("overflow" in e.message for e in ports.job.execution_report().errors())


@pytest.mark.parametrize(("feedback", "taps"), [(0, 44), (1, 37), (2, 30), (3, 23)])
def test_filters_have_as_many_taps_as_the_hardware(pulsewire_client, feedback, taps):
    # docs/protocol.md, "Filters and crosstalk": K + 1 taps, K = 43, 36, 29, 22.
    def config(count):
        filtered = {"feedforward": [0.01] * count, "feedback": [0.1] * feedback}
        return rack.config(p4={"filter": filtered})

    pulsewire_client.open_qm(config(taps))
    with pytest.raises(OpenQmException, match=f"{taps + 1} feedforward taps"):
        pulsewire_client.open_qm(config(taps + 1))


def test_a_port_is_delayed_by_up_to_16_microseconds(ports):
    def build():
        play("short", "flux")

    assert spans(ports(build, cycles=4010, p4={"delay": 16_000})[4]) == [(16_000, 16_016)]


def test_ports_clip_at_both_ends(ports):
    def build():
        play("hold" * amp(-1.9), "flux")
        play("hold" * amp(1.9), "sticky")

    analog = ports(build, p4={"offset": -0.25}, p5={"offset": 0.25})
    assert analog[4][:100].tolist() == [-0.5] * 100
    assert analog[5][:100].tolist() == [0.5 - 2**-16] * 100
    messages = [error.message for error in ports.job.execution_report().errors()]
    assert len(messages) == 2, messages


@pytest.mark.parametrize(
    ("offset", "amplitude", "clips"),
    [(-0.25, 1.75, False), (0.25, 1.75, True), (0.25, -1.75, False), (0.2, 1.5, True)],
)
def test_executions_and_simulations_agree_on_overflows(pulsewire_client, offset, amplitude, clips):
    with program() as built:
        play("hold" * amp(amplitude), "flux")
    config = rack.config(p4={"offset": offset})
    job = pulsewire_client.simulate(config, built, 50)
    assert bool(job.execution_report().errors()) == clips
    job = pulsewire_client.open_qm(config).execute(built)
    assert job.result_handles.wait_for_all_values()
    assert bool(job.execution_report().errors()) == clips


def test_an_offset_changes_when_what_follows_leaves_the_port(ports):
    def build():
        play("hold", "flux")
        set_dc_offset("flux", "single", -0.125)
        wait(5, "flux")
        play("short", "flux")

    analog = ports(build, p4={"delay": 100})
    expected = np.zeros(800)
    expected[100:200] = 0.2
    expected[200:] = -0.125
    expected[220:236] += 0.2
    close(analog[4], expected)


def test_a_negative_frequency_turns_the_other_way(ports):
    config = rack.config()
    config["elements"]["iq"]["intermediate_frequency"] = -30_000_000
    config["mixers"]["mixer"][0]["intermediate_frequency"] = -30_000_000

    def build():
        wait(7, "iq")
        frame_rotation_2pi(0.125, "iq")
        play("pi", "iq")

    analog = ports(build, config=config)
    t = np.arange(28, 128)
    i, q = mixed(np.array(GAUSS), 0, -30e6, t, 0.125, C)
    close(analog[1][28:128], i)
    close(analog[2][28:128], q)


def test_a_correction_stays_with_another_frequency(ports):
    def build():
        update_frequency("iq", 20_000_000)
        play("hold", "iq")

    analog = ports(build)
    i, q = mixed(0.2, 0.1, 20e6, np.arange(100), correction=C)
    close(analog[1][:100], i)
    close(analog[2][:100], q)


def test_a_correction_of_another_local_oscillator_is_none(ports):
    config = rack.config()
    config["elements"]["iq"]["mixInputs"]["lo_frequency"] = 5_100_000_000
    i, q = mixed(0.2, 0.1, 50e6, np.arange(100))
    analog = ports(lambda: play("hold", "iq"), config=config)
    close(analog[1][:100], i)
    close(analog[2][:100], q)


def test_frames_are_finer_than_16_bits(ports):
    # The manual says 16 bits; the vendor's simulator is finer (docs/emulator.md, Pulses).
    def build():
        n = declare(int)
        with for_(n, 0, n < 100, n + 1):
            frame_rotation_2pi(0.001, "tone")
        play("hold", "tone")

    turns = 100 * rack.fixed(0.001)
    close(ports(build)[3][:100], 0.2 * cos(10e6, np.arange(100), turns))


def test_fast_frames_turn_by_the_angle_of_their_arguments(ports):
    def build():
        fast_frame_rotation(0.8, 0.6, "tone")
        play("hold", "tone")

    turns = np.arctan2(rack.fixed(0.6), rack.fixed(0.8)) / (2 * np.pi)
    close(ports(build)[3][:100], 0.2 * cos(10e6, np.arange(100), turns))


def test_a_shared_oscillator_has_one_frequency_frame_and_correction(ports):
    config = rack.config()
    config["oscillators"]["mixed"] = {
        "intermediate_frequency": 5_000_000,
        "mixer": "mixer",
        "lo_frequency": 5_000_000_000,
    }
    config["mixers"]["mixer"].append(
        {
            "intermediate_frequency": 5_000_000,
            "lo_frequency": 5_000_000_000,
            "correction": (1.0, 0.25, 0.125, 1.0),
        }
    )
    for name in ("iq", "rr"):
        del config["elements"][name]["intermediate_frequency"]
        config["elements"][name]["oscillator"] = "mixed"
        config["elements"][name]["operations"]["hold"] = "hold_iq"

    def build():
        play("hold", "rr")
        align("iq", "rr")
        update_frequency("iq", 12_000_000)
        frame_rotation_2pi(0.25, "iq")
        play("hold", "rr")
        align("iq", "rr")
        update_correction("iq", 1.0, 0.5, 0.5, 1.0)
        play("hold", "rr")

    analog = ports(build, config=config)
    t = np.arange(100)
    # The correction forgets the frame (docs/protocol.md, "Phase and frame").
    for start, hertz, turns, correction in (
        (0, 5e6, 0, (1.0, 0.25, 0.125, 1.0)),
        (100, 12e6, 0.25, (1.0, 0.25, 0.125, 1.0)),
        (200, 12e6, 0, (1.0, 0.5, 0.5, 1.0)),
    ):
        i, q = mixed(0.2, 0.1, hertz, start + t, turns, correction)
        close(analog[9][start : start + 100], i)
        close(analog[10][start : start + 100], q)


@pytest.mark.parametrize(
    "build",
    [
        lambda: frame_rotation_2pi(0.5, "flux"),
        lambda: fast_frame_rotation(0.0, 1.0, "flux"),
        lambda: update_correction("bare", 1, 0, 0, 1),
        lambda: update_frequency("flux", 1_000_000),
        lambda: play("hold", "flux", chirp=(1000, "Hz/nsec")),
    ],
)
def test_what_needs_a_frequency_is_refused_without_one(ports, build):
    config = rack.config()
    config["elements"]["bare"] = {
        "mixInputs": {"I": ("con1", 1), "Q": ("con1", 2)},
        "operations": {},
    }
    with pytest.raises(FailedToExecuteJobException) as caught:
        ports(build, config=config)
    assert "intermediate frequency" in caught.value.errors[0]


@pytest.mark.parametrize(
    "build",
    [
        lambda: play("hold", "either"),
        lambda: wait_for_trigger("either", pulse_to_play="hold"),
        lambda: measure("readout", "reads"),
    ],
)
def test_a_collection_needs_a_target(ports, build):
    config = rack.config()
    config["elements"]["reads"] = {
        "singleInputCollection": {"inputs": {"a": ("con1", 7), "b": ("con1", 8)}},
        "operations": {"readout": "readout_single"},
        "outputs": {"out1": ("con1", 1)},
        "time_of_flight": 24,
        "smearing": 0,
    }
    with pytest.raises(FailedToExecuteJobException) as caught:
        ports(build, config=config)
    assert "choose one with target=" in caught.value.errors[0]


# Digital outputs


def marker(samples, length=100, **input):
    config = rack.config()
    config["digital_waveforms"]["given"] = {"samples": samples}
    config["pulses"]["on_pulse"].update(digital_marker="given", length=length)
    config["elements"]["lamp"]["digitalInputs"]["lamp"].update(input)
    return config


@pytest.mark.parametrize(
    ("samples", "high"),
    [
        ([(1, 20)], [(0, 20)]),
        ([(0, 8), (1, 20)], [(8, 28)]),
        ([(1, 0)], [(0, 100)]),
        ([(1, 10), (0, 10), (1, 0)], [(0, 10), (20, 100)]),
        # Longer than the pulse: cut off.
        ([(0, 40), (1, 500)], [(40, 100)]),
        ([(1, 300)], [(0, 100)]),
    ],
)
def test_levels_last_as_long_as_they_say(ports, samples, high):
    ports(lambda: play("on", "lamp"), config=marker(samples))
    assert spans(ports.digital[4]) == high


@pytest.mark.parametrize(
    ("samples", "high"),
    [
        # docs/protocol.md, "Digital outputs": the same sequence, padded.
        ([(1, 10), (0, 10), (1, 0)], [(0, 10), (20, 200)]),
        ([(1, 100)], [(0, 200)]),
        ([(1, 20)], [(0, 20)]),
    ],
)
def test_longer_pulses_are_padded(ports, samples, high):
    ports(lambda: play("on", "lamp", duration=50), config=marker(samples))
    assert spans(ports.digital[4]) == high


def test_the_manuals_two_digital_inputs(ports):
    # 136 - 99 + 7 = 44 and 136 - 144 + 20 = 12 ns before the analog pulse, on the instrument; the
    # simulator shows both 136 ns later (docs/protocol.md, "Digital outputs").
    config = rack.config()
    config["elements"]["iq"]["digitalInputs"] = {
        "one": {"port": ("con1", 1), "delay": 99, "buffer": 7},
        "two": {"port": ("con1", 2), "delay": 144, "buffer": 20},
    }
    config["pulses"]["pi_iq"].update(length=40, waveforms={"I": "level", "Q": "zero"})

    def build():
        wait(100, "iq")
        play("pi", "iq")

    ports(build, config=config)
    for port, before, length in ((1, 44, 54), (2, 12, 80)):
        start = 400 - before + 136
        assert spans(ports.digital[port]) == [(start, start + length)]


def test_gaps_narrower_than_the_buffers_close(ports):
    ports(
        lambda: play("on", "lamp"),
        config=marker([(1, 20), (0, 10), (1, 20), (0, 30), (1, 0)], delay=16, buffer=6),
    )
    # docs/protocol.md, "Digital outputs": convolved with a window of 1 + 2 · 6.
    assert spans(ports.digital[4]) == [(10, 72), (90, 122)]


def test_a_marker_before_the_program_is_cut_off(ports):
    ports(lambda: play("on", "lamp"), config=marker([(1, 0)], buffer=30))
    assert spans(ports.digital[4]) == [(0, 130)]


def test_a_marker_may_begin_before_the_end_of_a_simulation(ports):
    def build():
        wait(50, "lamp")
        play("on", "lamp")

    for cycles, end in ((100, 340), (48, 192)):
        ports(build, cycles=cycles, config=marker([(1, 0)], buffer=40))
        assert spans(ports.digital[4]) == [(160, end)]


def test_a_pulse_that_is_not_played_has_no_marker(ports):
    def build():
        yes = declare(bool, value=True)
        play("pi", "iq", condition=~yes)
        play("pi", "iq", condition=yes)

    ports(build)
    assert spans(ports.digital[1]) == [(100 + 20 - 6, 200 + 20 + 6)]


def test_an_inverted_output_rests_high(ports):
    config = marker([(1, 0)])
    config["controllers"]["con1"]["digital_outputs"][4] = {"inverted": True}
    ports(lambda: play("on", "lamp"), config=config)
    assert spans(ports.digital[4]) == [(100, 800)]


def test_a_held_marker_has_its_delay_and_buffer(ports):
    config = rack.config()
    config["elements"]["sticky"]["digitalInputs"]["gate"].update(delay=10, buffer=4)

    def build():
        play("marked", "sticky")
        wait(50, "sticky")

    ports(build, config=config)
    # Until the ramp, which begins with the end of the program at 300 ns.
    assert spans(ports.digital[2]) == [(6, 314)]


@pytest.mark.parametrize(
    ("inputs", "trace", "fits"),
    [(12, False, True), (13, False, False), (11, True, True), (12, True, False)],
)
def test_there_are_twelve_digital_routes(ports, inputs, trace, fits):
    # docs/protocol.md, "Digital outputs": of all elements of a program; an ADC trace uses one.
    config = rack.config()
    given = {f"d{n}": {"port": ("con1", 4), "delay": 0, "buffer": 0} for n in range(inputs)}
    config["elements"]["lamp"]["digitalInputs"] = given

    def build():
        play("on", "lamp")
        if trace:
            measure("readout", "rr", adc_stream=declare_stream(adc_trace=True))

    if fits:
        ports(build, config=config)
        return
    with pytest.raises(FailedToExecuteJobException) as caught:
        ports(build, config=config)
    assert f"{inputs} digital inputs" in caught.value.errors[0]


# Waveforms with fewer samples


@pytest.mark.parametrize("rate", [0.5e9, 0.25e9])
def test_curved_shapes_of_fewer_samples(ports, rate):
    count = int(100 * rate * 1e-9)
    samples = 0.3 * np.sin(np.linspace(0, 3, count)) ** 2
    config = rack.config()
    config["waveforms"]["curved"] = {
        "type": "arbitrary",
        "samples": samples.tolist(),
        "sampling_rate": rate,
    }
    config["pulses"]["rise_single"]["waveforms"]["single"] = "curved"
    got = ports(lambda: play("rise", "flux"), config=config)[4][:100]
    close(got, lagrange(samples, 100))


def lagrange(samples, length):
    """docs/protocol.md, "What plays": third order on a running window of four points."""
    out = np.empty(length)
    for n in range(length):
        x = n * (len(samples) - 1) / (length - 1)
        first = min(max(int(x) - 1, 0), len(samples) - 4)
        nodes = np.arange(first, first + 4)
        out[n] = sum(
            samples[k] * np.prod([(x - m) / (k - m) for m in nodes if m != k]) for k in nodes
        )
    return out


def test_frames_of_a_fixed_variable(ports):
    def build():
        x = declare(fixed, value=0.375)
        frame_rotation_2pi(x, "tone")
        play("hold", "tone")

    close(ports(build)[3][:100], 0.2 * cos(10e6, np.arange(100), 0.375))
