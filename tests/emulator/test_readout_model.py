"""The readout model: one shot tells one story, whatever is computed of it (docs/emulator.md)."""

import json
import os
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from qm.qua import (
    IO2,
    align,
    amp,
    assign,
    counting,
    declare,
    declare_stream,
    demod,
    dual_demod,
    fixed,
    for_,
    for_each_,
    if_,
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
from examples import lab
from tests import PATIENCE
from tests.emulator import rack

SHOTS = 300


@pytest.fixture
def shots():
    """Runs a program with a model; gives its results."""

    def run(built, readouts, config=None, seed=5):
        with (
            pulsewire.Emulator(readout=readouts, seed=seed, timing="ideal") as emulator,
            pulsewire.connect(emulator.host, emulator.port) as client,
        ):
            job = client.open_qm(config or lab.CONFIG).execute(built)
            assert job.result_handles.wait_for_all_values(timeout=PATIENCE)
            results = job.result_handles.fetch_results()
            # A program without results is not waited for above.
            ends = time.monotonic() + PATIENCE
            while job.status in ("pending", "loading", "running") and time.monotonic() < ends:
                time.sleep(0.001)
            run.report = [error.message for error in job.execution_report().errors()]
        return {name: plain(value) for name, value in results.items()}

    return run


def plain(value):
    value = np.asarray(value)
    return value["value"] if value.dtype.names == ("value",) else value


def saved(**variables):
    streams = {name: declare_stream() for name in variables}
    for name, variable in variables.items():
        save(variable, streams[name])
    return streams


def one(*processes):
    """A program of one measurement whose processes are given by name and what makes them."""
    with program() as built:
        variables = [declare(fixed) for _ in processes]
        measure(
            "readout",
            "resonator",
            *(make(variable) for make, variable in zip(processes, variables, strict=True)),
        )
        streams = saved(**{f"v{index}": v for index, v in enumerate(variables)})
        with stream_processing():
            for name, stream in streams.items():
                stream.save(name)
    return built


MODEL = {"resonator": pulsewire.Readout(ground=(0.1, 0.0))}


def test_demodulation_and_integration_of_the_same_weights(shots):
    demodulated = shots(one(lambda v: demod.full("cos", v, "out1")), MODEL)["v0"]
    assert lab.volts(demodulated) == pytest.approx(0.05, abs=1e-6)
    for order in (0, 1):
        both = [
            lambda v: demod.full("cos", v, "out1"),
            lambda v: integration.full("cos", v, "out1"),
        ]
        got = shots(one(*(both[::-1] if order else both)), MODEL)
        assert lab.volts(got[f"v{order}"]) == pytest.approx(0.05, abs=1e-6)
        # A carrier sums up to nothing.
        assert got[f"v{1 - order}"] == 0


def test_an_element_without_a_frequency_answers_with_a_level(shots):
    config = rack.config()
    config["elements"]["counter"]["operations"] = {"readout": "readout_single"}
    for frequency in (None, 0):
        if frequency is not None:
            config["elements"]["counter"]["intermediate_frequency"] = frequency
        with program() as built:
            i, d = declare(fixed), declare(fixed)
            trace = declare_stream(adc_trace=True)
            measure("readout", "counter", integration.full("cos", i), demod.full("cos", d))
            streams = saved(i=i, d=d)
            measure("readout", "counter", adc_stream=trace)
            with stream_processing():
                for name, stream in streams.items():
                    stream.save(name)
                trace.input1().save("trace")
        model = {"counter": pulsewire.Readout(ground=(0.1, 0.0))}
        got = shots(built, model, config)
        assert 4096 * got["i"] / 400 == pytest.approx(0.1, abs=1e-6)
        assert 4096 * got["d"] / 400 == pytest.approx(0.1, abs=1e-6)
        assert set(got["trace"].ravel().tolist()) == {409}


def noisy(*processes, size=10, trace=False, count=SHOTS):
    """Shots of a measurement with scalars, sliced values and perhaps a trace."""
    with program() as built:
        n, k = declare(int), declare(int)
        variables = [declare(fixed) for _ in processes]
        parts, sums = declare(fixed, size=size), declare(fixed, size=size)
        streams = [declare_stream() for _ in variables]
        parted, summed = declare_stream(), declare_stream()
        raw = declare_stream(adc_trace=True)
        chunk = lab.LENGTH // 4 // size
        vectors = (
            demod.sliced("cos", parts, chunk, "out1"),
            demod.accumulated("cos", sums, chunk, "out1"),
        )
        more = vectors if trace else ()
        with for_(n, 0, n < count, n + 1):
            measure(
                "readout",
                "resonator",
                *(make(v) for make, v in zip(processes, variables, strict=True)),
                *more,
                **({"adc_stream": raw} if trace else {}),
            )
            for v, stream in zip(variables, streams, strict=True):
                save(v, stream)
            if trace:
                with for_(k, 0, k < size, k + 1):
                    save(parts[k], parted)
                    save(sums[k], summed)
            wait(300, "resonator")
        with stream_processing():
            for index, stream in enumerate(streams):
                stream.save_all(f"v{index}")
            if trace:
                parted.buffer(size).save_all("parts")
                summed.buffer(size).save_all("sums")
                raw.input1().save_all("trace")
    return built


def test_all_that_is_computed_of_a_shot_agrees(shots):
    model = {"resonator": pulsewire.Readout(ground=(0.02, 0.01), noise=0.05)}
    got = shots(noisy(lambda v: demod.full("cos", v, "out1"), trace=True), model)
    np.testing.assert_allclose(got["parts"].sum(1), got["v0"], atol=1e-7)
    np.testing.assert_allclose(np.cumsum(got["parts"], 1), got["sums"], atol=1e-7)
    # The trace of the same shot, demodulated by hand: its carrier's phase is that of the first.
    t = np.arange(lab.LENGTH)
    starts = (4 * lab.LENGTH // 4 + 1200) * np.arange(SHOTS)
    phase = lab.RESONATOR_IF * 1e-9 * (starts[:, None] + t + 180 - 24)
    by_hand = (got["trace"] / 4096 * np.cos(2 * np.pi * phase)).sum(1) / 4096
    np.testing.assert_allclose(by_hand, got["v0"], atol=1e-7)


def test_values_of_a_shot_share_its_noise(shots):
    model = {"resonator": pulsewire.Readout(ground=(0.0, 0.0), noise=0.05)}

    def dual(v):
        return dual_demod.full("cos", "out1", "sin", "out2", v)

    got = shots(
        noisy(
            dual,
            dual,
            lambda v: dual_demod.full("minus_sin", "out1", "cos", "out2", v),
            lambda v: demod.full("cos", v, "out1"),
            lambda v: demod.full("sin", v, "out2"),
        ),
        model,
    )
    np.testing.assert_allclose(got["v0"], got["v1"], atol=1e-8)
    np.testing.assert_allclose(got["v3"] + got["v4"], got["v0"], atol=1e-8)
    correlation = np.corrcoef([got["v0"], got["v2"], got["v3"]])
    assert abs(correlation[0, 1]) < 5 / np.sqrt(SHOTS)
    assert correlation[0, 2] == pytest.approx(np.sqrt(0.5), abs=5 / np.sqrt(SHOTS))
    # The size of the noise: 2⁻¹² σ √(Σ w² / 2) for each input.
    deviation = 0.05 * np.sqrt(lab.LENGTH / 2) / 4096
    assert np.std(got["v3"]) == pytest.approx(deviation, rel=5 / np.sqrt(2 * SHOTS))
    assert np.std(got["v0"]) == pytest.approx(np.sqrt(2) * deviation, rel=5 / np.sqrt(2 * SHOTS))


@pytest.mark.parametrize("matrix", [(0.5,), (0.0, -1.0, 1.0, 0.0), (0.6, -0.8, 0.8, 0.6)])
def test_an_answer_is_scaled_and_turned_as_its_pulse(shots, matrix):
    with program() as built:
        i, q = declare(fixed), declare(fixed)
        measure(
            "readout" * amp(*matrix),
            "resonator",
            dual_demod.full("cos", "out1", "sin", "out2", i),
            dual_demod.full("minus_sin", "out1", "cos", "out2", q),
        )
        streams = saved(i=i, q=q)
        with stream_processing():
            for name, stream in streams.items():
                stream.save(name)
    got = shots(built, {"resonator": pulsewire.Readout(ground=(0.1, 0.05))})
    scale = complex(matrix[0]) if len(matrix) == 1 else complex(matrix[0], matrix[2])
    expected = scale * (0.1 + 0.05j)
    got = lab.volts(got["i"] + 1j * got["q"])
    assert abs(got - expected) < 1e-6


def test_a_pulse_that_plays_nothing_has_no_answer(shots):
    config = rack.config()
    config["waveforms"]["level"]["sample"] = 0.0
    with program() as built:
        i = declare(fixed)
        measure("readout", "rr", dual_demod.full("cos", "out1", "sin", "out2", i))
        streams = saved(i=i)
        with stream_processing():
            streams["i"].save("i")
    assert shots(built, {"rr": pulsewire.Readout(ground=(0.1, 0.0))}, config)["i"] == 0


def test_a_trace_hears_what_shares_its_input(shots):
    config = rack.config()
    # Two resonators, 20 and 50 MHz apart, on the same two inputs.
    config["elements"]["other"] = dict(config["elements"]["rr"], intermediate_frequency=50_000_000)
    with program() as built:
        trace = declare_stream(adc_trace=True)
        measure("readout", "rr")
        measure("readout", "other", adc_stream=trace)
        with stream_processing():
            trace.input1().save("trace")
    model = {
        "rr": pulsewire.Readout(ground=(0.1, 0.0)),
        "other": pulsewire.Readout(ground=(0.05, 0.0)),
    }
    got = shots(built, model, config)["trace"].ravel() / 4096
    spectrum = np.abs(np.fft.rfft(got)) * 2 / 400
    # 2.5 MHz a bin.
    assert spectrum[8] == pytest.approx(0.1, abs=2e-3)
    assert spectrum[20] == pytest.approx(0.05, abs=2e-3)


def test_gain_and_offset_act_on_modelled_inputs(shots):
    config = rack.config()
    config["controllers"]["con1"]["analog_inputs"][1] = {"offset": 0.02, "gain_db": 6}
    with program() as built:
        i, s = declare(fixed), declare(fixed)
        trace = declare_stream(adc_trace=True)
        measure("readout", "rr", demod.full("cos", i, "out1"), integration.full("cos", s, "out1"))
        streams = saved(i=i, s=s)
        measure("readout", "rr", adc_stream=trace)
        with stream_processing():
            for name, stream in streams.items():
                stream.save(name)
            trace.input1().save("trace")
    got = shots(built, {"rr": pulsewire.Readout(ground=(0.1, 0.0))}, config)
    gain = 10 ** (6 / 20)
    assert 8192 * got["i"] / 400 == pytest.approx(0.1 * gain, abs=1e-6)
    assert 4096 * got["s"] / 400 == pytest.approx(0.02, abs=1e-4)
    trace = got["trace"].ravel()
    assert trace.mean() == pytest.approx(0.02 * 4096, abs=1)
    assert trace.max() == pytest.approx((0.1 * gain + 0.02) * 4096, abs=2)


def test_photons_are_counted_and_tagged(shots):
    with program() as built:
        n, count, digital = declare(int), declare(int), declare(int)
        times = declare(int, size=20)
        fine, finely = declare(int, size=10), declare(int)
        with for_(n, 0, n < SHOTS, n + 1):
            measure("readout", "spcm", time_tagging.analog(times, 1000, count))
            streams = saved(count=count)
            measure("readout", "spcm", counting.digital(digital, 1000, "out1"))
            more = saved(digital=digital)
            measure("readout", "spcm", time_tagging.high_res(fine, 2000, finely))
            last = saved(finely=finely)
        with stream_processing():
            for name, stream in (streams | more | last).items():
                stream.save_all(name)
    got = shots(built, {"spcm": pulsewire.Readout(photons=(5.0, 5.0))})
    for name in ("count", "digital"):
        assert got[name].mean() == pytest.approx(5, abs=5 * np.sqrt(5 / SHOTS))
    # More photons than an array takes: it is always full, dead times or not.
    for rate in (200.0, 1000.0):
        got = shots(built, {"spcm": pulsewire.Readout(photons=(rate, rate))})
        assert set(got["finely"].tolist()) == {10}
        assert set(got["count"].tolist()) == {20}


def test_a_full_array_ends_the_window(shots):
    # docs/protocol.md, "What measures": the time, or the size of the array, whatever comes first.
    with program() as built:
        times, count = declare(int, size=2), declare(int)
        measure("readout", "spcm", time_tagging.analog(times, 1000, count))
        with if_(count > 0):
            play("cw", "qubit", timestamp_stream="full")
        measure("readout", "spcm", counting.digital(count, 1000, "out1"))
        with if_(count >= 0):
            play("cw", "qubit", timestamp_stream="counted")
    got = shots(built, {"spcm": pulsewire.Readout(photons=(100.0, 100.0))})
    # Two photons within a few tens of nanoseconds of the window, which begins at 36 ns.
    assert got["full"][0] * 4 < 36 + 300
    # The second measurement begins at 1000 ns and counts for all of its time.
    assert got["counted"][0] * 4 == 1000 + 36 + 1000


def test_long_drives_end_in_the_balance_of_turns_and_decay(shots):
    """Bloch's equations, by small steps, beside long pulses with a short T1 and T2."""
    lengths = [250, 1250, 2500, 5000, 12_500]
    with program() as built:
        n, t, i, q = declare(int), declare(int), declare(fixed), declare(fixed)
        streams = declare_stream(), declare_stream()
        with for_(n, 0, n < 1000, n + 1), for_each_(t, lengths):
            play("cw" * amp(0.05), "qubit", duration=t)
            align("qubit", "resonator")
            measure(
                "readout",
                "resonator",
                dual_demod.full("cos", "out1", "sin", "out2", i),
                dual_demod.full("minus_sin", "out1", "cos", "out2", q),
            )
            save(q, streams[0])
            wait(50_000, "resonator")
            align("qubit", "resonator")
        with stream_processing():
            streams[0].buffer(len(lengths)).average().save("q")
    qubit = pulsewire.Qubit("qubit", "x180", t1=10e-6, t2=10e-6)
    model = pulsewire.Readout(ground=(0, 0), excited=(0, 0.03), qubit=qubit)
    got = lab.volts(shots(built, {"resonator": model})["q"]) / 0.03
    rate = 0.05 * np.pi / lab.PI_NS
    expected, v, at = [], np.array([0.0, 0.0, 1.0]), 0
    for step in range(4 * lengths[-1] + 1):
        if step in [4 * length for length in lengths]:
            expected.append((1 - v[2]) / 2)
        flow = np.array([-v[0] / 1e4, -rate * v[2] - v[1] / 1e4, rate * v[1] + (1 - v[2]) / 1e4])
        middle = v + flow / 2
        flow = np.array(
            [
                -middle[0] / 1e4,
                -rate * middle[2] - middle[1] / 1e4,
                rate * middle[1] + (1 - middle[2]) / 1e4,
            ]
        )
        v, at = v + flow, at + 1
    assert np.abs(got - expected).max() < 5 * 0.5 / np.sqrt(1000), (got, expected)


def test_a_chirp_turns_as_it_sweeps(shots):
    # A fast sweep far off resonance leaves the qubit; a slow one through it takes it along.
    with program() as built:
        n, i, q = declare(int), declare(fixed), declare(fixed)
        rate = declare(int)
        stream = declare_stream()
        with for_(n, 0, n < 200, n + 1), for_each_(rate, [0, 5000]):
            update_frequency("qubit", lab.QUBIT_IF - 50_000_000)
            play("cw", "qubit", duration=5000, chirp=(rate, "Hz/nsec"))
            align("qubit", "resonator")
            measure(
                "readout",
                "resonator",
                dual_demod.full("cos", "out1", "sin", "out2", i),
                dual_demod.full("minus_sin", "out1", "cos", "out2", q),
            )
            save(q, stream)
            wait(50_000, "resonator")
            align("qubit", "resonator")
        with stream_processing():
            stream.buffer(2).average().save("q")
    qubit = pulsewire.Qubit("qubit", "x180", t1=100e-6)
    model = pulsewire.Readout(ground=(0, 0), excited=(0, 0.03), qubit=qubit)
    still, swept = lab.volts(shots(built, {"resonator": model})["q"]) / 0.03
    # 100 MHz within 20 µs: an adiabatic passage, less some decay.
    assert swept > 0.8
    assert still < 0.25


def test_a_wandering_frequency_wanders_from_the_first_shot_on(shots):
    with program() as built:
        i, q = declare(fixed), declare(fixed)
        play("x90", "qubit")
        wait(2500, "qubit")
        play("x90", "qubit")
        align("qubit", "resonator")
        measure(
            "readout",
            "resonator",
            dual_demod.full("cos", "out1", "sin", "out2", i),
            dual_demod.full("minus_sin", "out1", "cos", "out2", q),
        )
        stream = saved(q=q)["q"]
        with stream_processing():
            stream.save("q")
    qubit = pulsewire.Qubit("qubit", "x180", t1=1.0, t2=1.0, t2_star=1e-6)
    model = {"resonator": pulsewire.Readout(ground=(0, 0), excited=(0, 0.03), qubit=qubit)}
    states = [lab.volts(shots(built, model, seed=seed)["q"]) > 0.015 for seed in range(30)]
    assert 5 < sum(states) < 25


def test_registers_carry_dependencies(shots):
    with program() as built:
        v, w = declare(fixed), declare(fixed)
        measure("readout", "resonator", demod.full("cos", v, "out1"))
        assign(IO2, v)
        assign(w, IO2)
        play("cw" * amp(w + 0.5), "qubit", timestamp_stream="played")
    got = shots(built, MODEL)
    assert got["played"].tolist() == [(180 + lab.LENGTH) // 4]


def test_an_overflow_is_told(shots):
    config = rack.config()
    config["integration_weights"]["cos"] = {"cosine": [(1000.0, 400)], "sine": [(0.0, 400)]}
    with program() as built:
        i = declare(fixed)
        measure("readout", "rr", demod.full("cos", i, "out1"))
    shots(built, {"rr": pulsewire.Readout(ground=(0.3, 0.0))}, config)
    assert any("a measured value overflows" in message for message in shots.report)


def test_models_that_contradict_each_other_are_refused():
    one, other = (pulsewire.Qubit("qubit", "x180", t1=t1) for t1 in (1e-3, 2e-6))
    models = {name: pulsewire.Readout(qubit=q) for name, q in (("a", one), ("b", other))}
    with pytest.raises(ValueError, match="'a' and 'b' describe the qubit of 'qubit' differently"):
        pulsewire.Emulator(readout=models)
    for wrong, says in (
        (pulsewire.Readout(shift=1e6), "shift of no frequency"),
        (pulsewire.Readout(noise=float("inf")), "not finite"),
        (pulsewire.Readout(frequency=float("nan"), linewidth=1e6), "not finite"),
        (pulsewire.Readout(ground=(0.6, 0.0)), "beyond the converter's range"),
        (pulsewire.Readout(photons=(2000.0, 0.0)), "one a nanosecond"),
    ):
        with pytest.raises(ValueError, match=says):
            pulsewire.Emulator(readout={"rr": wrong})


def test_a_model_of_no_element_is_told(shots, caplog):
    built = one(lambda v: demod.full("cos", v, "out1"))
    shots(built, MODEL | {"nobody": pulsewire.Readout()})
    assert [record.name for record in caplog.records if "'nobody'" in record.message] == [
        "pulsewire"
    ]
    # Of a simulation no machine is opened.
    model = {"nobody": pulsewire.Readout()}
    with (
        pulsewire.Emulator(readout=model) as emulator,
        pulsewire.connect(emulator.host, emulator.port) as client,
    ):
        report = client.simulate(lab.CONFIG, built, 100).execution_report()
    assert any("an element 'nobody'" in error.message for error in report.errors())
    assert not report.has_errors()


@pytest.mark.skipif(os.name == "nt", reason="Windows knows no SIGTERM for a child")
def test_the_command_takes_a_model_from_a_file(tmp_path):
    file = tmp_path / "model.json"
    qubit = {"element": "qubit", "pi": "x180", "t1": 20e-6}
    file.write_text(json.dumps({"resonator": {"ground": [0.1, 0.0], "qubit": qubit}}))
    command = [sys.executable, "-m", "pulsewire", "emulator", "--port", "0", "--readout"]
    process = subprocess.Popen([*command, str(file)], stdout=subprocess.PIPE, text=True)
    host, port = process.stdout.readline().split()[-1].rsplit(":", 1)
    with pulsewire.connect(host, int(port)) as client:
        job = client.open_qm(lab.CONFIG).execute(one(lambda v: demod.full("cos", v, "out1")))
        assert job.result_handles.wait_for_all_values()
        assert lab.volts(job.result_handles.v0.fetch_all()) == pytest.approx(0.05, abs=1e-6)
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE) == 0
    process.stdout.close()
    for wrong, says in (
        ("[1]", "no object"),
        ('{"r": {"grund": [0, 0]}}', "readout of 'r'.*grund"),
        ('{"r": {"noise": -1}}', "negative noise"),
        ('{"r": {"ground": 0.01}}', "pulsewire emulator: .*ground is 0.01"),
        ('{"r": {"qubit": {"element": "q", "pi": "x", "t1": "20us"}}}', "t1 is .20us"),
        ("nonsense", "expected"),
    ):
        file.write_text(wrong)
        done = subprocess.run(
            [*command, str(file)], capture_output=True, text=True, timeout=PATIENCE
        )
        assert done.returncode == 1
        assert re.search(says, done.stdout), done.stdout + done.stderr
    done = subprocess.run([*command, "none.json"], capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 1
    assert "none.json" in done.stdout
