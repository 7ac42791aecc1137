"""Operators of streams against numpy (docs/protocol.md, "Stream processing")."""

import numpy as np
import pytest
from qm.qua import (
    FUNCTIONS,
    assign,
    bins,
    declare,
    declare_stream,
    fixed,
    for_,
    measure,
    play,
    program,
    save,
    stream_processing,
    wait,
)

from tests import PATIENCE
from tests.emulator import rack

COUNT = 24
_random = np.random.default_rng(3)
REALS = np.round(_random.uniform(-2, 2, COUNT) * 2**28) / 2**28
INTS = _random.integers(-50, 50, COUNT)


@pytest.fixture
def processed(pulsewire_client):
    """What stream processing makes of REALS, INTS and their signs, by name."""

    def run(process):
        with program() as built:
            x = declare(fixed, value=REALS.tolist())
            n = declare(int, value=INTS.tolist())
            k, b = declare(int), declare(bool)
            reals, ints, bools = (declare_stream() for _ in range(3))
            with for_(k, 0, k < COUNT, k + 1):
                save(x[k], reals)
                save(n[k], ints)
                assign(b, n[k] > 0)
                save(b, bools)
                wait(25, "flux")
            with stream_processing():
                process(reals, ints, bools)
        machine = pulsewire_client.open_qm(rack.config())
        job = machine.execute(built)
        assert job.result_handles.wait_for_all_values(timeout=PATIENCE)
        assert not job.execution_report().errors()
        return {name: plain(value) for name, value in job.result_handles.fetch_results().items()}

    return run


def plain(value):
    value = np.asarray(value)
    return value["value"] if value.dtype.names == ("value",) else value


def same(got, expected):
    expected = np.asarray(expected)
    assert np.shape(got) == expected.shape
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-9)


def parts(spectrum):
    return np.stack([spectrum.real, spectrum.imag], -1)


def test_spectra(processed):
    def process(reals, ints, bools):
        reals.buffer(8).fft().save_all("parts")
        reals.buffer(8).fft("normal").save_all("normal")
        reals.buffer(8).fft("abs").save_all("abs")
        reals.buffer(8).fft("angle").save_all("angle")
        reals.buffer(4, 2).fft().save_all("of_pairs")
        reals.buffer(8).fft().real().save_all("real")
        reals.buffer(8).fft().image().save_all("image")
        ints.buffer(24).fft("abs").save("of_ints")

    got = processed(process)
    spectrum = np.fft.fft(REALS.reshape(-1, 8), axis=1)
    same(got["parts"], parts(spectrum))
    same(got["normal"], parts(spectrum))
    same(got["abs"], np.abs(spectrum))
    same(got["angle"], np.angle(spectrum))
    same(got["real"], spectrum.real)
    same(got["image"], spectrum.imag)
    pairs = REALS.reshape(-1, 4, 2)
    same(got["of_pairs"], parts(np.fft.fft(pairs[..., 0] + 1j * pairs[..., 1], axis=1)))
    same(got["of_ints"], np.abs(np.fft.fft(INTS)))


def test_convolutions(processed):
    def process(reals, ints, bools):
        reals.buffer(6).convolution([1, 2.5, -1]).save_all("default")
        for mode in ("full", "same", "valid"):
            reals.buffer(6).convolution([1, 2.5, -1], mode).save_all(mode)
            # The vector is longer than the item.
            reals.buffer(3).convolution([1, 2.5, -1, 3], mode).save_all(f"longer_{mode}")
            reals.buffer(6).zip(ints.buffer(3)).tuple_convolution(mode).save_all(f"of_{mode}")

    got = processed(process)
    six, three = REALS.reshape(-1, 6), REALS.reshape(-1, 3)
    same(got["default"], [np.convolve(item, [1, 2.5, -1]) for item in six])
    for mode in ("full", "same", "valid"):
        same(got[mode], [np.convolve(item, [1, 2.5, -1], mode) for item in six])
        same(got[f"longer_{mode}"], [np.convolve(item, [1, 2.5, -1, 3], mode) for item in three])
        of = [np.convolve(a, b, mode) for a, b in zip(six, INTS.reshape(-1, 3), strict=False)]
        same(got[f"of_{mode}"], of)


def test_products_of_tuples(processed):
    def process(reals, ints, bools):
        reals.buffer(3).zip(ints).tuple_multiply().save_all("vector_scalar")
        ints.zip(reals.buffer(3)).tuple_multiply().save_all("scalar_vector")
        reals.buffer(4).zip(ints.buffer(4)).tuple_multiply().save_all("vectors")
        ints.zip(ints).tuple_multiply().save_all("squares")
        reals.buffer(6).zip(ints.buffer(6)).tuple_dot_product().save_all("dots")
        reals.buffer(4).dot_product([1, -2, 0.5, 3]).save_all("dot")
        reals.buffer(4).multiply_by([1, -2, 0.5, 3]).save_all("weighted")
        ints.multiply_by(3).save_all("tripled")

    got = processed(process)
    three = REALS.reshape(-1, 3)
    eight = three * INTS[:8, None]
    same(got["vector_scalar"], eight)
    same(got["scalar_vector"], eight)
    same(got["vectors"], (REALS * INTS).reshape(-1, 4))
    same(got["squares"], INTS * INTS)
    same(got["dots"], (REALS * INTS).reshape(-1, 6).sum(1))
    weights = np.array([1, -2, 0.5, 3])
    same(got["dot"], REALS.reshape(-1, 4) @ weights)
    same(got["weighted"], REALS.reshape(-1, 4) * weights)
    same(got["tripled"], 3 * INTS)


def test_demodulation_in_software(processed):
    steps = np.arange(1, 9) / 10

    def process(reals, ints, bools):
        reals.buffer(8).map(FUNCTIONS.demod(37e6, 0.5, -1.25)).save_all("sum")
        reals.buffer(8).map(FUNCTIONS.demod(37e6, steps.tolist(), -1.25, integrate=False)).save_all(
            "each"
        )
        # One weight for each 4 ns.
        reals.buffer(8).map(FUNCTIONS.demod(37e6, [0.1, 0.2], [0.5, 0.6])).save_all("coarse")
        reals.with_timestamps().buffer(8).map(FUNCTIONS.demod(37e6, 0.5, -1.25)).save_all("timed")

    got = processed(process)
    items, n = REALS.reshape(-1, 8), np.arange(8)
    c, s = rack.cos(37e6, n), rack.sin(37e6, n)
    same(got["sum"], items @ (0.5 * c - 1.25 * s))
    same(got["each"], items * (steps * c - 1.25 * s))
    coarse = np.repeat([0.1, 0.2], 4) * c + np.repeat([0.5, 0.6], 4) * s
    same(got["coarse"], items @ coarse)
    # Values are saved every 100 ns.
    times = 100 * np.arange(COUNT)
    weights = 0.5 * rack.cos(37e6, times) - 1.25 * rack.sin(37e6, times)
    same(got["timed"], (REALS * weights).reshape(-1, 8).sum(1))


def test_averages_of_all_kinds(processed):
    def process(reals, ints, bools):
        reals.buffer(2, 3, 4).map(FUNCTIONS.average()).save_all("outermost")
        reals.buffer(2, 3, 4).map(FUNCTIONS.average(1)).save_all("middle")
        reals.buffer(2, 3, 4).map(FUNCTIONS.average([0, 2])).save_all("outer")
        reals.average().save_all("running")
        reals.buffer(8).average().save("mean")
        ints.average().buffer(4).save_all("chained")
        bools.boolean_to_int().average().save("share")

    got = processed(process)
    cube = REALS.reshape(1, 2, 3, 4)
    same(got["outermost"], cube.mean(1))
    same(got["middle"], cube.mean(2))
    same(got["outer"], cube.mean((1, 3)))
    counts = np.arange(1, COUNT + 1)
    same(got["running"], np.cumsum(REALS) / counts)
    same(got["mean"], REALS.reshape(-1, 8).mean(0))
    same(got["chained"], (np.cumsum(INTS) / counts).reshape(-1, 4))
    same(got["share"], (INTS > 0).mean())


def test_windows_and_counts(processed):
    def process(reals, ints, bools):
        reals.buffer_and_skip(3, 2).save_all("overlapping")
        reals.buffer_and_skip(2, 5).save_all("apart")
        reals.buffer(2).buffer_and_skip(2, 1).save_all("of_arrays")
        reals.skip(5).save_all("skip")
        reals.skip_last(5).save_all("skip_last")
        reals.take(5).save_all("take")
        reals.buffer(3, 4).flatten().save_all("flat")
        ints.histogram(bins(-50, 49, 10)).save("bins")
        ints.buffer(6).histogram([[-50, -1], [0, 49]]).save("of_vectors")

    got = processed(process)
    same(got["overlapping"], [REALS[i : i + 3] for i in range(0, COUNT - 2, 2)])
    same(got["apart"], [REALS[i : i + 2] for i in range(0, COUNT - 1, 5)])
    pairs = REALS.reshape(-1, 2)
    same(got["of_arrays"], [pairs[i : i + 2] for i in range(len(pairs) - 1)])
    same(got["skip"], REALS[5:])
    same(got["skip_last"], REALS[:-5])
    same(got["take"], REALS[:5])
    same(got["flat"], REALS)
    edges = range(-50, 50, 10)
    same(got["bins"], [np.sum((edge <= INTS) & (edge + 9 >= INTS)) for edge in edges])
    same(got["of_vectors"], [np.sum(INTS < 0), np.sum(INTS >= 0)])


def test_arithmetic(processed):
    def process(reals, ints, bools):
        (1 - reals.buffer(3)).save_all("from_one")
        (reals.buffer(3) - 1).save_all("less_one")
        (2 / reals).save_all("inverse")
        (reals * ints).save_all("product")
        (ints / ints.buffer(1).flatten()).save_all("ratio")
        (reals.buffer(2) + [1, 2]).save_all("vector")
        ([1, 2] - reals.buffer(2)).save_all("from_vector")
        (bools.boolean_to_int() + ints).save_all("sum")

    got = processed(process)
    same(got["from_one"], 1 - REALS.reshape(-1, 3))
    same(got["less_one"], REALS.reshape(-1, 3) - 1)
    same(got["inverse"], 2 / REALS)
    same(got["product"], REALS * INTS)
    same(got["ratio"], np.ones(COUNT))
    same(got["vector"], REALS.reshape(-1, 2) + [1, 2])
    same(got["from_vector"], [1, 2] - REALS.reshape(-1, 2))
    same(got["sum"], (INTS > 0) + INTS)


def test_tuples_and_timestamps(processed):
    def process(reals, ints, bools):
        reals.zip(ints).save_all("pairs")
        reals.zip(ints).zip(bools).save_all("nested")
        reals.with_timestamps().save_all("stamped")
        reals.timestamps().save_all("times")
        reals.timestamps().buffer(3).average().save("mean_times")

    got = processed(process)
    same(got["pairs"]["value_0"], REALS)
    same(got["pairs"]["value_1"], INTS)
    same(got["nested"]["value_1"], INTS > 0)
    same(got["nested"]["value_0"]["value_0"], REALS)
    times = 100 * np.arange(COUNT)
    same(got["stamped"]["value"], REALS)
    same(got["stamped"]["timestamp"], times)
    same(got["times"], times)
    same(got["mean_times"], times.reshape(-1, 3).mean(0))


def test_legacy_saves_have_values_and_times(pulsewire_client):
    with program() as built:
        n = declare(int)
        with for_(n, 0, n < 4, n + 1):
            save(n, "numbers")
            wait(25, "flux")
            play("short", "flux", timestamp_stream="played")
        measure("readout", "ro", adc_stream="raw")
    job = pulsewire_client.simulate(rack.config(), built, 500)
    handles = job.result_handles
    numbers = handles.numbers.fetch_all()
    assert numbers["value"].tolist() == [0, 1, 2, 3]
    assert numbers["timestamp"].tolist() == [0, 116, 232, 348]
    assert handles.played.fetch_all()["value"].tolist() == [25, 54, 83, 112]
    # docs/protocol.md, "What measures": each input, by suffix; 400 ns, and 8 on both sides.
    raw = handles.raw_input1.fetch_all()
    assert raw["value"].shape == (416,)
    assert raw["timestamp"][:3].tolist() == [192, 193, 194]
