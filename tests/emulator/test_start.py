"""What the vendor's simulator and instruments showed: start, report, numbers, digital inputs.

Expected values are theirs, saved in public data (MC, QB, GH, VT, PT name the collections), not the
emulator's.
"""

import numpy as np
import pytest
from qm import QuantumMachinesManager
from qm.exceptions import QMRequestError
from qm.qua import (
    Math,
    amp,
    assign,
    declare,
    declare_stream,
    dual_demod,
    fixed,
    for_,
    frame_rotation_2pi,
    if_,
    infinite_loop_,
    measure,
    pause,
    play,
    program,
    reset_if_phase,
    save,
    stream_processing,
    update_frequency,
    wait,
)

import pulsewire
from tests.emulator import rack

STEP = 2**-16


def _iq(i, q, hertz, **more):
    return {
        "mixInputs": {"I": ("con1", i), "Q": ("con1", q), "lo_frequency": 5e9, "mixer": "plain"},
        "intermediate_frequency": hertz,
        **more,
    }


CONFIG = {
    "controllers": {
        "con1": {
            "type": "opx1",
            "analog_outputs": {port: {"offset": 0.0} for port in range(1, 8)},
            "analog_inputs": {1: {"offset": 0.0}, 2: {"offset": 0.0}},
            "digital_outputs": {1: {}, 2: {}},
            "digital_inputs": {1: {"deadtime": 8, "polarity": "RISING", "threshold": 0.5}},
        }
    },
    "elements": {
        "q": _iq(1, 2, 10e6, operations={"g": "gauss_q", "c": "const_q", "full": "full_q"})
        | {"digitalInputs": {"gate": {"port": ("con1", 1), "delay": 0, "buffer": 0}}},
        "r": _iq(
            3,
            4,
            20e6,
            operations={"readout": "readout_pulse"},
            time_of_flight=32,
            smearing=0,
            outputs={"out1": ("con1", 1), "out2": ("con1", 2)},
        )
        | {"digitalInputs": {"gate": {"port": ("con1", 2), "delay": 57, "buffer": 18}}},
        "d": _iq(5, 6, -48e6, operations={"full": "full_q", "short": "short_q"}),
        "flux": {"singleInput": {"port": ("con1", 7)}, "operations": {"c": "const_single"}},
    },
    "pulses": {
        "gauss_q": {
            "operation": "control",
            "length": 100,
            "waveforms": {"I": "gauss", "Q": "gauss"},
            "digital_marker": "on",
        },
        "const_q": {"operation": "control", "length": 60, "waveforms": {"I": "high", "Q": "high"}},
        "full_q": {
            "operation": "control",
            "length": 10_000,
            "waveforms": {"I": "half", "Q": "zero"},
        },
        "short_q": {"operation": "control", "length": 16, "waveforms": {"I": "shape", "Q": "zero"}},
        "const_single": {"operation": "control", "length": 100, "waveforms": {"single": "level"}},
        "readout_pulse": {
            "operation": "measurement",
            "length": 1000,
            "waveforms": {"I": "level", "Q": "zero"},
            "integration_weights": {"cos": "cos", "sin": "sin"},
            "digital_marker": "on",
        },
    },
    "waveforms": {
        "gauss": {"type": "arbitrary", "samples": rack.GAUSS},
        "shape": {"type": "arbitrary", "samples": rack.RISE[:16]},
        "high": {"type": "constant", "sample": 0.3},
        "half": {"type": "constant", "sample": 0.5},
        "level": {"type": "constant", "sample": 0.2},
        "zero": {"type": "constant", "sample": 0.0},
    },
    "digital_waveforms": {"on": {"samples": [(1, 0)]}},
    "integration_weights": {
        "cos": {"cosine": [(1.0, 1000)], "sine": [(0.0, 1000)]},
        "sin": {"cosine": [(0.0, 1000)], "sine": [(1.0, 1000)]},
    },
    "mixers": {
        "plain": [
            {
                "intermediate_frequency": hertz,
                "lo_frequency": 5e9,
                "correction": (1.0, 0.0, 0.0, 1.0),
            }
            for hertz in (10e6, 20e6, -48e6)
        ]
    },
}


@pytest.fixture(scope="module")
def emulator():
    """As it is without being told anything."""
    with pulsewire.Emulator() as emulator:
        yield emulator


@pytest.fixture
def client(emulator):
    with pulsewire.connect(emulator.host, emulator.port) as client:
        yield client


@pytest.fixture
def simulate(client):
    def run(build, cycles=500, config=CONFIG):
        with program() as built:
            build()
        job = client.simulate(config, built, cycles)
        assert not job.execution_report().has_errors(), job.execution_report()
        return job

    return run


def starts(samples, least=0.0):
    return np.flatnonzero(
        np.diff(np.abs(samples) > least, prepend=False) & (np.abs(samples) > least)
    )


def test_a_bare_program_begins_at_224_ns(simulate):
    # T0 and T1: MC #35; phases count from 48.
    samples = simulate(lambda: play("c", "q")).get_simulated_samples().con1
    t = np.arange(224, 284)
    angle = 2 * np.pi * 0.01 * (t - 48)
    rack.close(samples.analog["1"][t], 0.3 * (np.cos(angle) - np.sin(angle)))
    rack.close(samples.analog["2"][t], 0.3 * (np.sin(angle) + np.cos(angle)))
    assert not samples.analog["1"][:224].any()
    assert not samples.analog["1"][284:].any()


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_each_loop_entered_adds_16_ns(simulate, depth):
    # T2: MC #6, #10, #31, #32; GH and QB 232 with a start of 216.
    def build():
        import contextlib

        with contextlib.ExitStack() as loops:
            for _ in range(depth):
                n = declare(int)
                loops.enter_context(for_(n, 0, n < 1, n + 1))
            play("c", "flux")

    samples = simulate(build).get_simulated_samples().con1.analog["7"]
    assert starts(samples).tolist() == [224 + 16 * depth]


def test_loops_that_are_not_entered_and_while_loops_add_nothing(simulate):
    def build():
        n = declare(int)
        with for_(n, 0, n < 0, n + 1):
            play("c", "flux")
        with infinite_loop_():
            play("c", "flux")
            wait(1000, "flux")

    samples = simulate(build).get_simulated_samples().con1.analog["7"]
    assert starts(samples).tolist() == [224]


def test_loops_behind_the_first_pulse_add_nothing_yet(simulate):
    def build():
        n = declare(int)
        play("c", "flux")
        with for_(n, 0, n < 3, n + 1):
            play("c", "flux")

    samples = simulate(build).get_simulated_samples().con1.analog["7"]
    assert rack.spans(samples) == [(224, 624)]


def test_the_flow_of_control_runs_beside_a_wait(simulate):
    def build():
        n = declare(int)
        wait(100, "flux")
        with for_(n, 0, n < 1, n + 1):
            play("c", "flux")

    # The loop is entered while the element waits.
    samples = simulate(build).get_simulated_samples().con1.analog["7"]
    assert starts(samples).tolist() == [224 + 400]


def test_a_loop_of_amplitudes(simulate):
    # Case 2 (GH), whose start is 216 + 16 where this one has 224 + 16: seven pulses, no gap.
    def build():
        a = declare(fixed)
        with for_(a, 0.2, a < 0.9, a + 0.1):
            play("c" * amp(a), "q")
        measure("readout", "r")

    report = simulate(build).get_simulated_waveform_report()
    mine = [one for one in report.analog_waveforms if one.element == "q" and one.iq_info["isI"]]
    assert [one.timestamp for one in mine] == [240 + 60 * k for k in range(7)]


def test_one_turn_of_a_frequency_that_is_updated(simulate):
    # Phases are as if the new frequency had always been: MC, 65 pulses.
    def build():
        update_frequency("q", 25_000_000)
        play("c", "q")

    samples = simulate(build).get_simulated_samples().con1.analog["1"]
    t = np.arange(224, 284)
    angle = 2 * np.pi * 0.025 * (t - 48)
    rack.close(samples[t], 0.3 * (np.cos(angle) - np.sin(angle)))


def test_a_reset_begins_at_phase_0(simulate):
    def build():
        wait(25, "q")
        reset_if_phase("q")
        play("c", "q")

    job = simulate(build)
    (first, _) = job.get_simulated_waveform_report().analog_waveforms
    angle = 2 * np.pi * 0.01 * np.arange(60)
    samples = job.get_simulated_samples().con1.analog["1"]
    at = int(first.timestamp)
    rack.close(samples[at : at + 60], 0.3 * (np.cos(angle) - np.sin(angle)))


def test_without_anything_added(emulator):
    with (
        pulsewire.Emulator(timing="ideal") as ideal,
        pulsewire.connect(ideal.host, ideal.port) as client,
    ):
        with program() as built:
            n = declare(int)
            with for_(n, 0, n < 1, n + 1):
                play("c", "flux")
        samples = client.simulate(CONFIG, built, 100).get_simulated_samples().con1
    assert starts(samples.analog["7"]).tolist() == [0]
    for wrong, says in (({"timing": "2.4"}, "qop-2.4"), ({"msb": "2024"}, "manual")):
        with pytest.raises(ValueError, match=says):
            pulsewire.Emulator(**wrong)


def test_timestamps_and_windows_of_executions_begin_there_too(client):
    with program() as built:
        n, s = declare(int), declare_stream()
        with for_(n, 0, n < 2, n + 1):
            measure("readout", "r", timestamp_stream="played")
            save(n, s)
        with stream_processing():
            s.timestamps().save_all("saved")
    handles = client.open_qm(CONFIG).execute(built).result_handles
    assert handles.wait_for_all_values()
    assert handles.played.fetch_all()["value"].tolist() == [60, 310]
    assert handles.saved.fetch_all()["value"].tolist() == [1240, 2240]


@pytest.mark.parametrize("n", [4, 16, 100, 199, 200, 201, 20_000])
@pytest.mark.parametrize("looped", [False, True])
def test_first_falling_to_second_rising_edge(simulate, n, looped):
    # Case 12 (PT): tools look for rising edges, which a first pulse at sample 0 does not have.
    def build():
        play("c", "flux")
        if looped:
            i = declare(int)
            with for_(i, 0, i < 1, i + 1):
                wait(n, "flux")
        else:
            wait(n, "flux")
        play("c", "flux")

    samples = simulate(build, cycles=n + 200).get_simulated_samples().con1.analog["7"]
    rising = np.where((samples[:-1] <= 0.05) & (samples[1:] > 0.05))[0]
    falling = np.where((samples[:-1] > 0.05) & (samples[1:] <= 0.05))[0]
    assert len(rising) == 2
    assert rising[1] - falling[0] == 4 * n


def test_marker_acquisitions_and_names_of_a_measurement(simulate):
    # Case 13 (MC, 66 of 66 and 948 of 948).
    def build():
        i, q = declare(fixed), declare(fixed)
        measure(
            "readout",
            "r",
            dual_demod.full("cos", "out1", "sin", "out2", i),
            dual_demod.full("sin", "out1", "cos", "out2", q),
        )

    job = simulate(build)
    report = job.get_simulated_waveform_report()
    pulse = 224
    assert [one.timestamp for one in report.analog_waveforms] == [pulse, pulse]
    names = {one.pulse_name for one in (*report.analog_waveforms, *report.digital_waveforms)}
    assert names == {"OriginPulseName=readout_pulse"}
    high = job.get_simulated_samples().con1.digital["2"]
    assert rack.spans(high) == [(pulse + 35, pulse + 1071)]
    (marker,) = report.digital_waveforms
    assert (marker.timestamp, marker.length) == (pulse + 32, 1000)
    found = [(a.start_time, a.end_time, a.process, a.ports) for a in report.adc_acquisitions]
    assert found == [(pulse - 4, pulse + 996, "DualDemodIntegration", ["1", "2"])] * 2


def test_fields_of_a_bare_play(simulate):
    # Case 1 (VT), the fields.
    report = simulate(lambda: play("g", "q")).get_simulated_waveform_report()
    i, q = report.analog_waveforms
    for one, frame, correction, pulser in ((i, [1, 0], [1, 0], 0), (q, [0, 1], [0, 1], 1)):
        assert one.pulse_name == "OriginPulseName=g"
        assert (one.current_amp_elements, one.current_frame) == ([1, 0], frame)
        assert one.current_correction_elements == correction
        assert one.pulser == {"controllerName": "con1", "femId": 0.0, "pulserIndex": pulser}
        assert (one.length, one.current_phase) == (100, 0)
    assert [one.length for one in report.digital_waveforms] == [100, 100]


def test_amplitudes_pairs_and_stretched_shapes_in_the_report(simulate):
    def build():
        a, t = declare(fixed, value=0.5), declare(int)
        play("c" * amp(a), "q")
        with for_(t, 10, t < 40, t + 10):
            play("short", "d", duration=t)
        play("short", "d", duration=10)
        play("full", "d", duration=t)

    report = simulate(build, cycles=4000).get_simulated_waveform_report()
    q = [one for one in report.analog_waveforms if one.element == "q"]
    assert [one.current_amp_elements for one in q] == [[0.5, 0], [0, 0.5]]
    d = [one for one in report.analog_waveforms if one.element == "d" and one.iq_info["isI"]]
    assert {one.iq_info["iqGroupId"] for one in q} == {0.0}
    assert {one.iq_info["iqGroupId"] for one in d} == {1.0}
    # MC #21, 31 of 31: four a cycle and 68 more; constants, and what a literal stretches, have
    # their own.
    assert [(one.waveform_name, one.length) for one in d] == [
        ("shape%stretchable", 40 + 68),
        ("shape%stretchable", 80 + 68),
        ("shape%stretchable", 120 + 68),
        ("shape", 40),
        ("half", 160),
    ]


def test_the_phase_of_a_pulse_behind_a_rotation(simulate):
    def build():
        turns = declare(fixed, value=0.125)
        frame_rotation_2pi(turns, "q")
        play("c", "q")

    first, _ = simulate(build).get_simulated_waveform_report().analog_waveforms
    assert first.current_phase == pytest.approx(-2 * np.pi * 0.125)


def test_full_scale_is_stored_below_half_a_volt(simulate):
    # Case 14 (MC #10): before the amplitude and the rotation.
    job = simulate(lambda: play("full", "d"), cycles=2600)
    samples = job.get_simulated_samples().con1.analog
    t = np.arange(224, 10_224)
    angle = 2 * np.pi * -0.048 * (t - 48)
    for port, wave in (("5", np.cos(angle)), ("6", np.sin(angle))):
        assert np.abs(samples[port]).max() <= 0.4999847412109375
        rack.close(samples[port][t], 0.4999847412109375 * wave)
    scaled = simulate(lambda: play("full" * amp(0.1), "d"), cycles=100)
    peak = np.abs(scaled.get_simulated_samples().con1.analog["5"]).max()
    assert peak == pytest.approx(0.0499985 * np.abs(np.cos(angle[:176])).max(), abs=1e-7)


def test_a_sample_of_half_a_volt_by_rounding_is_one(simulate):
    for sign in (1, -1):
        config = {**CONFIG, "waveforms": {**CONFIG["waveforms"]}}
        sample = sign * 0.5000000000000001
        config["waveforms"]["level"] = {"type": "constant", "sample": sample}
        samples = simulate(lambda: play("c", "flux"), config=config).get_simulated_samples()
        expected = 0.5 - STEP if sign > 0 else -0.5
        assert samples.con1.analog["7"][224] == expected


def test_offsets_are_held_in_steps_of_28_bits(simulate):
    # QB: -0.047 is -0.04699999839.
    config = {**CONFIG, "controllers": {"con1": {**CONFIG["controllers"]["con1"]}}}
    ports = {**config["controllers"]["con1"]["analog_outputs"], 7: {"offset": -0.047}}
    config["controllers"]["con1"]["analog_outputs"] = ports
    samples = simulate(lambda: play("c", "q"), config=config).get_simulated_samples().con1
    assert samples.analog["7"][0] == pytest.approx(-0.04699999839, abs=1e-11)


@pytest.mark.parametrize(("release", "expected"), [("manual", 5), ("2025", -23)])
def test_the_highest_bit_of_an_int(release, expected):
    # Case 15 (PT): `1 << (29 + Math.msb(n))` is the next power of two with QOPs of 2025.
    with program() as built:
        n, v, s = declare(int, value=48), declare(int), declare_stream()
        quarter = declare(fixed, value=0.25)
        assign(v, Math.msb(n))
        save(v, s)
        assign(v, Math.msb(quarter))
        save(v, s)
        with stream_processing():
            s.save_all("v")
    with (
        pulsewire.Emulator(msb=release) as emulator,
        pulsewire.connect(emulator.host, emulator.port) as client,
    ):
        handles = client.open_qm(CONFIG).execute(built).result_handles
        assert handles.wait_for_all_values()
        # Of a fixed it is what the manual says in both.
        assert handles.v.fetch_all()["value"].tolist() == [expected, -2]


def test_quotients_by_a_literal(simulate):
    # Case 18 (MC): amp(a / 0.45) for a = -0.05 + k · 0.0033333….
    def build():
        a = declare(fixed)
        with for_(a, -0.05, a < 0.005, a + 0.05 / 15):
            play("c" * amp(a / 0.45), "flux")

    report = simulate(build, cycles=600).get_simulated_waveform_report()
    got = [round(one.current_amp_elements[0] * 2**28) for one in report.analog_waveforms]
    expected = {0: -29826162, 1: -27837751, 2: -25849340, 3: -23860929, 15: 4, 16: 1988415}
    off = [got[k] - value for k, value in expected.items()]
    # 16 of 17 on the instrument's side too, and never off by more than the last bit.
    assert off[:5] == [0] * 5
    assert abs(off[5]) <= 1


def test_frames_are_turned_exactly(simulate):
    # QB: a constant frame of 1/6 turn; with 16 bits one of 80 samples rounds to another step.
    def build():
        frame_rotation_2pi(1 / 6, "q")
        play("c", "q")

    samples = simulate(build).get_simulated_samples().con1.analog["1"]
    t = np.arange(224, 284)
    angle = 2 * np.pi * (0.01 * (t - 48) + 1 / 6)
    np.testing.assert_allclose(samples[t], 0.3 * (np.cos(angle) - np.sin(angle)), atol=1e-8)


def test_digital_inputs_take_what_they_can_hold(emulator):
    # Case 17 (VT), by the vendor's client, which checks nothing by itself.
    port = ("con1", 1)
    qm = QuantumMachinesManager(emulator.host, emulator.port).open_qm(CONFIG)
    with program() as nothing:
        pause()
    for deadtime in (0, 3, 17, 18):
        with pytest.raises(QMRequestError, match="deadtime"):
            qm.set_digital_input_deadtime(port, deadtime)
        assert qm.get_digital_input_deadtime(port) == 8
    for deadtime in (4, 8, 15):
        qm.set_digital_input_deadtime(port, deadtime)
        assert qm.get_digital_input_deadtime(port) == deadtime
    for threshold in (-0.2, -0.0001, 3.3):
        with pytest.raises(QMRequestError, match="threshold"):
            qm.set_digital_input_threshold(port, threshold)
        assert qm.get_digital_input_threshold(port) == 0.5
    for threshold in (0.2, 0.9, 2.5, 3.0):
        qm.set_digital_input_threshold(port, threshold)
        assert qm.get_digital_input_threshold(port) == threshold
    qm.execute(nothing).halt()
    assert (qm.get_digital_input_deadtime(port), qm.get_digital_input_threshold(port)) == (15, 3.0)


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [("deadtime", 17, "4 to 16 ns"), ("threshold", 3.3, "below 3.3 V")],
)
def test_digital_inputs_of_a_configuration_are_looked_at_too(client, key, value, says):
    config = {**CONFIG, "controllers": {"con1": {**CONFIG["controllers"]["con1"]}}}
    wrong = {"deadtime": 8, "polarity": "RISING", "threshold": 0.5, key: value}
    config["controllers"]["con1"]["digital_inputs"] = {1: wrong}
    with pytest.raises(pulsewire.exceptions.OpenQmException, match=says):
        client.open_qm(config)


def test_conditions_and_loops_do_not_move_the_start(simulate):
    def build():
        n = declare(int, value=1)
        with if_(n > 0):
            play("c", "flux")

    samples = simulate(build).get_simulated_samples().con1.analog["7"]
    assert starts(samples).tolist() == [224]
