"""Calibration programs as users write them, and the curves that the readout model gives."""

import contextlib

import numpy as np
import pytest
from qm import QuantumMachinesManager
from qm.qua import (
    Cast,
    Random,
    Util,
    align,
    amp,
    assign,
    case_,
    declare,
    declare_stream,
    demod,
    dual_demod,
    fixed,
    for_,
    for_each_,
    frame_rotation_2pi,
    measure,
    play,
    program,
    reset_frame,
    save,
    stream_processing,
    switch_,
    time_tagging,
    update_frequency,
    wait,
    while_,
)

import pulsewire
from examples import lab
from tests import PATIENCE

SHOTS = 2000
RESET = 25_000  # cycles; ten times the T1 of these tests


def by_the_vendors_client(built, readout):
    """The results of a program by an unchanged qm-qua, on an emulator of its own."""
    with pulsewire.Emulator(readout=readout, seed=11) as emulator:
        manager = QuantumMachinesManager(emulator.host, emulator.port)
        job = manager.open_qm(lab.CONFIG).execute(built)
        handles = job.result_handles
        assert handles.wait_for_all_values(timeout=PATIENCE)
        assert not job.execution_report().has_errors()
        return {name: handles.get(name).fetch_all() for name in handles.keys()}  # noqa: SIM118


@pytest.fixture
def execute():
    """Runs a program on an emulator with the model of its arguments; gives its results.

    An unchanged qm-qua gets the same ones.
    """
    with contextlib.ExitStack() as stack:

        def run(built, readout=None, **model):
            readout = lab.readout(**model) if readout is None else readout
            emulator = stack.enter_context(pulsewire.Emulator(readout=readout, seed=11))
            client = stack.enter_context(pulsewire.connect(emulator.host, emulator.port))
            job = client.open_qm(lab.CONFIG).execute(built)
            assert job.result_handles.wait_for_all_values(timeout=PATIENCE)
            report = job.execution_report()
            # That values are modelled is no error: unchanged scripts look at has_errors().
            assert not report.has_errors(), report
            assert report.errors() == []
            results = job.result_handles.fetch_results()
            for name, theirs in by_the_vendors_client(built, readout).items():
                np.testing.assert_array_equal(theirs, results[name], err_msg=name)
            return results

        yield run


def read(i, q):
    align("qubit", "resonator")
    measure(
        "readout",
        "resonator",
        dual_demod.full("cos", "out1", "sin", "out2", i),
        dual_demod.full("minus_sin", "out1", "cos", "out2", q),
    )


def averaged(values, body, kind=int, shots=SHOTS, rest=RESET):
    """The usual program: for each shot and value, play, measure, save, wait."""
    with program() as built:
        n, i, q = declare(int), declare(fixed), declare(fixed)
        value = declare(kind)
        streams = declare_stream(), declare_stream()
        with for_(n, 0, n < shots, n + 1), for_each_(value, values):
            body(value)
            read(i, q)
            save(i, streams[0])
            save(q, streams[1])
            if rest:
                wait(rest, "resonator")
                align("qubit", "resonator")
        with stream_processing():
            for name, stream in zip("iq", streams, strict=True):
                stream.buffer(len(values)).average().save(name)
    return built


def population(results, shots=SHOTS):
    """The excited population, and how far its noise may take it."""
    i, q = lab.volts(results["i"]), lab.volts(results["q"])
    line = np.array(lab.EXCITED) - np.array(lab.GROUND)
    along = np.array([i - lab.GROUND[0], q - lab.GROUND[1]]).T @ line / (line @ line)
    tolerance = 5 * np.hypot(0.5, lab.SHOT_NOISE / np.hypot(*line)) / np.sqrt(shots)
    return along, tolerance


def agrees(results, expected, shots=SHOTS):
    got, tolerance = population(results, shots)
    assert np.abs(got - expected).max() < tolerance, (got, expected, tolerance)


def test_resonator_spectroscopy(execute):
    frequencies = [int(f) for f in np.linspace(55e6, 65e6, 41)]

    def body(f):
        update_frequency("resonator", f)

    results = execute(
        averaged(frequencies, body, rest=0), frequency=61_000_000.0, linewidth=1_000_000.0
    )
    got = np.hypot(lab.volts(results["i"]), lab.volts(results["q"]))
    x = 2 * (np.array(frequencies) - 61e6) / 1e6
    # The answer rises with the time 1/(π linewidth), within the window.
    rise = 1e9 / (np.pi * 1e6)
    filled = 1 - rise / lab.LENGTH * (1 - np.exp(-lab.LENGTH / rise))
    expected = lab.GROUND[0] * filled / np.sqrt(1 + x**2)
    assert np.abs(got - expected).max() < 5 * lab.SHOT_NOISE / np.sqrt(SHOTS)
    assert frequencies[int(np.argmax(got))] == 61_000_000


def test_qubit_spectroscopy(execute):
    frequencies = [int(f) for f in np.linspace(49e6, 51e6, 41)]

    def body(f):
        update_frequency("qubit", f)
        play("saturation", "qubit")

    built = averaged(frequencies, body, rest=100_000)
    results = execute(built, qubit_frequency=50_200_000.0, t1=40e-6)
    detuning = 2 * np.pi * (np.array(frequencies) - 50.2e6) * 2000e-9
    size = np.hypot(np.pi, detuning)
    expected = (np.pi / size * np.sin(size / 2)) ** 2
    # Rabi's formula, damped a little by the relaxation during the pulse.
    got, tolerance = population(results)
    assert np.abs(got - expected).max() < tolerance + 0.03
    assert abs(frequencies[int(np.argmax(got))] - 50_200_000) <= 50_000


def test_power_rabi(execute):
    amplitudes = [float(a) for a in np.arange(0, 1.6, 0.05)]
    built = averaged(amplitudes, lambda a: play("x180" * amp(a), "qubit"), kind=fixed)
    results = execute(built, t1=10e-6)
    agrees(results, np.sin(np.pi * np.array(amplitudes) / 2) ** 2 * np.exp(-0.002))


def test_time_rabi(execute):
    cycles = list(range(4, 60, 2))
    built = averaged(cycles, lambda t: play("cw", "qubit", duration=t))
    results = execute(built, t1=10e-6)
    angle = np.pi * 4 * np.array(cycles) / lab.PI_NS
    agrees(results, np.sin(angle / 2) ** 2)


def test_ramsey_by_frame_rotations(execute):
    delays = list(range(4, 500, 20))
    detuning, t2 = 1_000_000, 2e-6

    def body(tau):
        phase = declare(fixed)
        assign(phase, Cast.mul_fixed_by_int(4e-9 * detuning, tau))
        play("x90", "qubit")
        wait(tau, "qubit")
        frame_rotation_2pi(phase, "qubit")
        play("x90", "qubit")
        reset_frame("qubit")

    results = execute(averaged(delays, body), t1=10e-6, t2=t2)
    tau = 4e-9 * np.array(delays)
    expected = 0.5 + 0.5 * np.cos(2 * np.pi * detuning * tau) * np.exp(-(tau + 40e-9) / t2)
    got, tolerance = population(results)
    assert np.abs(got - expected).max() < tolerance + 0.02


def test_ramsey_by_detuning(execute):
    delays = list(range(4, 400, 10))

    def body(tau):
        update_frequency("qubit", lab.QUBIT_IF + 2_000_000)
        play("x90", "qubit")
        wait(tau, "qubit")
        play("x90", "qubit")

    results = execute(averaged(delays, body), t1=10e-6)
    got, _ = population(results)
    # The fringes have the detuning's period: from the start of one pulse to that of the next.
    tau = 4e-9 * np.array(delays) + 40e-9
    basis = np.array(
        [np.ones_like(tau), np.cos(2 * np.pi * 2e6 * tau), np.sin(2 * np.pi * 2e6 * tau)]
    )
    fit, residual, *_ = np.linalg.lstsq(basis.T, got, rcond=None)
    assert np.hypot(fit[1], fit[2]) == pytest.approx(0.5, abs=0.04)
    assert np.sqrt(residual / len(tau)) < 0.02


def test_relaxation(execute):
    delays = list(range(4, 5000, 250))

    def body(tau):
        play("x180", "qubit")
        wait(tau, "qubit")

    results = execute(averaged(delays, body, rest=100_000), t1=5e-6)
    agrees(results, np.exp(-(4e-9 * np.array(delays)) / 5e-6) * np.exp(-40e-9 / 5e-6))


def test_an_echo_undoes_what_wanders(execute):
    delays = list(range(10, 260, 25))

    def ramsey(tau):
        play("x90", "qubit")
        wait(tau, "qubit")
        wait(tau, "qubit")
        play("x90", "qubit")

    def echo(tau):
        play("x90", "qubit")
        wait(tau, "qubit")
        play("y180", "qubit")
        wait(tau, "qubit")
        play("x90", "qubit")

    model = {"t1": 10e-6, "t2": 8e-6, "t2_star": 0.5e-6}
    tau = 8e-9 * np.array(delays)
    decay = 0.5 + 0.5 * np.exp(-((tau / 0.5e-6) ** 2))
    got, tolerance = population(execute(averaged(delays, ramsey), **model))
    assert np.abs(got - decay).max() < tolerance + 0.06
    got, tolerance = population(execute(averaged(delays, echo), **model))
    assert np.abs(got - (0.5 + 0.5 * np.exp(-tau / 8e-6))).max() < tolerance + 0.05


def test_iq_blobs(execute):
    with program() as built:
        n, i, q = declare(int), declare(fixed), declare(fixed)
        streams = [declare_stream() for _ in range(4)]
        with for_(n, 0, n < SHOTS, n + 1):
            for excited in (0, 1):
                if excited:
                    play("x180", "qubit")
                read(i, q)
                save(i, streams[2 * excited])
                save(q, streams[2 * excited + 1])
                wait(RESET, "resonator")
                align("qubit", "resonator")
        with stream_processing():
            for name, stream in zip(("ig", "qg", "ie", "qe"), streams, strict=True):
                stream.save_all(name)
    results = execute(built, t1=10e-6)
    ground = lab.volts(results["ig"]["value"] + 1j * results["qg"]["value"])
    excited = lab.volts(results["ie"]["value"] + 1j * results["qe"]["value"])
    for blob, point in ((ground, lab.GROUND), (excited, lab.EXCITED)):
        assert abs(np.median(blob.real) - point[0]) < 5 * lab.SHOT_NOISE / np.sqrt(SHOTS)
        assert abs(np.median(blob.imag) - point[1]) < 5 * lab.SHOT_NOISE / np.sqrt(SHOTS)
    assert np.std(ground.real) == pytest.approx(lab.SHOT_NOISE, rel=0.1)


def test_active_reset_with_feedback(execute):
    with program() as built:
        n, i, q, tries = declare(int), declare(fixed), declare(fixed), declare(int)
        before, after, count = (declare_stream() for _ in range(3))
        threshold = 0.015 * lab.LENGTH / 4096
        with for_(n, 0, n < SHOTS, n + 1):
            play("x90", "qubit")
            read(i, q)
            save(q, before)
            assign(tries, 0)
            with while_((q > threshold) & (tries < 5)):
                play("x180", "qubit", condition=q > threshold)
                read(i, q)
                assign(tries, tries + 1)
            save(q, after)
            save(tries, count)
            align("qubit", "resonator")
        with stream_processing():
            before.save_all("before")
            after.save_all("after")
            count.average().save("tries")
    results = execute(built)
    before = lab.volts(results["before"]["value"]) > 0.015
    after = lab.volts(results["after"]["value"]) > 0.015
    assert 0.45 < before.mean() < 0.55
    assert after.mean() < 0.005
    assert 0.45 < results["tries"] < 0.6


def test_readout_weights_by_sliced_demodulation(execute):
    with program() as built:
        n, index = declare(int), declare(int)
        parts = {name: declare(fixed, size=25) for name in ("ii", "iq", "qi", "qq")}
        streams = {(s, name): declare_stream() for s in "ge" for name in parts}
        with for_(n, 0, n < SHOTS, n + 1):
            for state in "ge":
                if state == "e":
                    play("x180", "qubit")
                align("qubit", "resonator")
                measure(
                    "readout",
                    "resonator",
                    demod.sliced("cos", parts["ii"], 10, "out1"),
                    demod.sliced("sin", parts["iq"], 10, "out2"),
                    demod.sliced("minus_sin", parts["qi"], 10, "out1"),
                    demod.sliced("cos", parts["qq"], 10, "out2"),
                )
                with for_(index, 0, index < 25, index + 1):
                    for name, array in parts.items():
                        save(array[index], streams[state, name])
                wait(RESET, "resonator")
                align("qubit", "resonator")
        with stream_processing():
            for (state, name), stream in streams.items():
                stream.buffer(25).average().save(f"{state}_{name}")
    width = 2_000_000.0
    results = execute(built, t1=10e-6, frequency=float(lab.RESONATOR_IF), linewidth=width)
    rise = 1e9 / (np.pi * width)
    edges = 40 * np.arange(26)
    filled = 1 - rise / 40 * (np.exp(-edges[:-1] / rise) - np.exp(-edges[1:] / rise))
    scale = 4096 / 40
    noise = 6 * lab.NOISE / np.sqrt(40 * SHOTS)
    for state, point in (("g", lab.GROUND), ("e", lab.EXCITED)):
        i = (results[f"{state}_ii"] + results[f"{state}_iq"]) * scale
        q = (results[f"{state}_qi"] + results[f"{state}_qq"]) * scale
        # A pulse of 40 ns relaxes a little.
        assert np.abs(i - point[0] * filled).max() < noise + 5e-4
        assert np.abs(q - point[1] * filled).max() < noise + 5e-4


GATES = ["x180", "y180", "x90", "y90"]
ALL_XY = [
    ("I", "I"), ("x180", "x180"), ("y180", "y180"), ("x180", "y180"), ("y180", "x180"),
    ("x90", "I"), ("y90", "I"), ("x90", "y90"), ("y90", "x90"), ("x90", "y180"), ("y90", "x180"),
    ("x180", "y90"), ("y180", "x90"), ("x90", "x180"), ("x180", "x90"), ("y90", "y180"),
    ("y180", "y90"), ("x180", "I"), ("y180", "I"), ("x90", "x90"), ("y90", "y90"),
]  # fmt: skip


def gate(name):
    if name == "I":
        wait(10, "qubit")
    else:
        play(name, "qubit")


def test_all_xy_with_drag_pulses(execute):
    def body(index):
        with switch_(index):
            for number, pair in enumerate(ALL_XY):
                with case_(number):
                    for name in pair:
                        gate(name)

    results = execute(averaged(list(range(21)), body), t1=10e-6)
    expected = np.array([0.0] * 5 + [0.5] * 12 + [1.0] * 4)
    got, tolerance = population(results)
    assert np.abs(got - expected).max() < tolerance + 0.01


def test_drag_leaves_the_angle(execute):
    # The derivative adds no area: pairs of ±π/2 about either axis leave nothing, however scaled.
    scales = [float(s) for s in np.arange(-1.0, 1.05, 0.25)]

    def body(scale):
        play("x90" * amp(1, 0, 0, scale), "qubit")
        play("minus_x90" * amp(1, 0, 0, scale), "qubit")

    results = execute(averaged(scales, body, kind=fixed), t1=10e-6)
    agrees(results, np.zeros(len(scales)))


def cliffords():
    """The 24 Clifford gates as the shortest sequences of pulses, their products and inverses."""
    sx, sy = (np.array(m) for m in ([[0, 1], [1, 0]], [[0, -1j], [1j, 0]]))

    def turn(axis, angle):
        return np.cos(angle / 2) * np.eye(2) - 1j * np.sin(angle / 2) * axis

    pulses = {
        "x90": turn(sx, np.pi / 2),
        "x180": turn(sx, np.pi),
        "minus_x90": turn(sx, -np.pi / 2),
        "y90": turn(sy, np.pi / 2),
        "y180": turn(sy, np.pi),
        "minus_y90": turn(sy, -np.pi / 2),
    }
    gates = [([], np.eye(2))]

    def place(unitary):
        # Equal but for a phase.
        overlaps = [abs(np.trace(known.conj().T @ unitary)) for _, known in gates]
        return next((n for n, overlap in enumerate(overlaps) if overlap > 1.99), None)

    for sequence, unitary in gates:
        for name, pulse in pulses.items():
            if place(pulse @ unitary) is None:
                gates.append(([*sequence, name], pulse @ unitary))
    assert len(gates) == 24
    table = [[place(after @ before) for _, after in gates] for _, before in gates]
    inverses = [place(unitary.conj().T) for _, unitary in gates]
    return [sequence for sequence, _ in gates], table, inverses


def test_randomized_benchmarking(execute):
    # Random Cliffords, and the one that undoes them, as a table of products finds it.
    depths = [1, 5, 10, 20, 40, 80]
    sequences, table, inverses = cliffords()
    shots = 1000

    def gate(number):
        with switch_(number, unsafe=True):
            for index, sequence in enumerate(sequences):
                with case_(index):
                    for name in sequence:
                        play(name, "qubit")
                    if not sequence:
                        wait(10, "qubit")

    with program() as built:
        products = declare(int, value=np.ravel(table).tolist())
        undone = declare(int, value=inverses)
        random = Random(1234)
        n, depth, index, step, state = (declare(int) for _ in range(5))
        i, q = declare(fixed), declare(fixed)
        streams = declare_stream(), declare_stream()
        with for_(n, 0, n < shots, n + 1), for_each_(depth, depths):
            assign(state, 0)
            with for_(index, 0, index < depth, index + 1):
                assign(step, random.rand_int(24))
                assign(state, products[24 * state + step])
                gate(step)
            assign(step, undone[state])
            gate(step)
            read(i, q)
            save(i, streams[0])
            save(q, streams[1])
            wait(RESET, "resonator")
            align("qubit", "resonator")
        with stream_processing():
            for name, stream in zip("iq", streams, strict=True):
                stream.buffer(len(depths)).average().save(name)
    agrees(execute(built), np.zeros(len(depths)), shots)
    t1, t2 = 4e-6, 3e-6
    got, tolerance = population(execute(built, t1=t1, t2=t2), shots)
    # What is left of a state after one pulse, on the average of its directions, and a Clifford.
    left = (2 * np.exp(-40e-9 / t2) + np.exp(-40e-9 / t1)) / 3
    clifford = np.mean([left ** max(len(sequence), 1) for sequence in sequences])
    expected = (1 - clifford ** (np.array(depths) + 1)) / 2
    assert np.abs(got - expected).max() < tolerance, (got, expected, tolerance)


def test_raw_adc_traces(execute):
    with program() as built:
        n = declare(int)
        trace = declare_stream(adc_trace=True)
        with for_(n, 0, n < 500, n + 1):
            measure("readout", "resonator", adc_stream=trace)
            wait(RESET, "resonator")
        with stream_processing():
            trace.input1().average().save("mean")
            trace.input1().save("single")
    results = execute(built)
    assert np.std(results["single"]) / 4096 == pytest.approx(lab.NOISE, rel=0.15)
    # Each begins at another phase of the carrier, unless it is a multiple of its period.
    assert np.abs(results["mean"]).max() / 4096 < lab.GROUND[0] + 5 * lab.NOISE / np.sqrt(500)


def test_a_trace_shows_the_carrier(execute):
    with program() as built:
        trace = declare_stream(adc_trace=True)
        measure("readout", "resonator", adc_stream=trace)
        with stream_processing():
            trace.input1().save("one")
            trace.input2().save("two")
    silent = pulsewire.Readout(ground=(0.1, 0.05))
    results = execute(built, readout={"resonator": silent})
    # The pulse plays at 224 ns, phases count from 48. The window begins 180 ns behind the pulse's
    # start; the carrier lags by 24, as with a loopback.
    first = 224 - 48 + 180 - 24
    turn = np.exp(2j * np.pi * lab.RESONATOR_IF * 1e-9 * (first + np.arange(lab.LENGTH)))
    expected = (0.1 + 0.05j) * turn * 4096
    assert np.abs(results["one"] - expected.real).max() <= 1
    assert np.abs(results["two"] - expected.imag).max() <= 1


def test_time_tagged_counts(execute):
    with program() as built:
        n, counts = declare(int), declare(int)
        times = declare(int, size=100)
        total = declare(int)
        bright, dark = declare_stream(), declare_stream()
        for excited, stream in ((False, bright), (True, dark)):
            with for_(n, 0, n < SHOTS, n + 1):
                if excited:
                    play("x180", "qubit")
                align("qubit", "spcm")
                measure("readout", "spcm", time_tagging.analog(times, 1000, counts))
                assign(total, Util.cond(counts > 0, counts, 0))
                save(total, stream)
                wait(RESET, "spcm")
                align("qubit", "spcm")
        with stream_processing():
            bright.average().save("bright")
            dark.average().save("dark")
    qubit = pulsewire.Qubit("qubit", "x180", t1=10e-6)
    model = {"spcm": pulsewire.Readout(photons=(6.0, 2.0), qubit=qubit)}
    results = execute(built, readout=model)
    # A dead time of 2 ns loses less than one in a hundred.
    assert results["bright"] == pytest.approx(6.0, abs=5 * np.sqrt(6 / SHOTS) + 0.08)
    assert results["dark"] == pytest.approx(2.0, abs=5 * np.sqrt(2 / SHOTS) + 0.08)


def test_runs_repeat(execute):
    built = averaged([4, 20, 40], lambda t: play("cw", "qubit", duration=t), shots=50)
    first, second = execute(built, t1=10e-6), execute(built, t1=10e-6)
    assert first["i"].tolist() == second["i"].tolist()


def test_names_that_are_not_there_are_told(pulsewire_emulator):
    from pulsewire.exceptions import ErrorJobStateError

    qubit = pulsewire.Qubit("qubit", "nope")
    with (
        pulsewire.Emulator(readout={"resonator": pulsewire.Readout(qubit=qubit)}) as emulator,
        pulsewire.connect(emulator.host, emulator.port) as client,
    ):
        machine = client.open_qm(lab.CONFIG)
        with pytest.raises(ErrorJobStateError, match="no operation 'nope'"):
            machine.execute(averaged([4], lambda t: None, shots=1))


def test_models_that_cannot_be_are_refused():
    for model, says in (
        (pulsewire.Readout(frequency=1e6), "no linewidth"),
        (pulsewire.Readout(noise=-1.0), "negative noise"),
        (pulsewire.Readout(qubit=pulsewire.Qubit("q", "x", t1=0.0)), "takes no time"),
    ):
        with pytest.raises(ValueError, match=says):
            pulsewire.Emulator(readout={"rr": model})
