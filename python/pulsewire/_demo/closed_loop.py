"""A closed loop on the emulator, a correction, a pause, a large result, and a picture."""

from __future__ import annotations

import importlib.util
import time
from pathlib import Path
from typing import Any

import numpy as np

from pulsewire._demo.programs import BULK_VALUES, CONFIG, OPTIMUM, bulk, closed_loop
from pulsewire.client import connect
from pulsewire.emulator import Emulator
from pulsewire.jobs.qm_job import QmJob
from pulsewire.quantum_machine import QuantumMachine

__all__ = ["run"]

_HERE = Path(__file__).parent


def _material() -> tuple[Any, Any, Any]:
    """Configuration, loop and bulk program: from the DSL, or ready-made without qm-qua."""
    if importlib.util.find_spec("qm") is not None:
        print("programs: built here with qm-qua's DSL")
        return CONFIG, closed_loop(), bulk()
    print("programs: the ready-made ones (qm-qua is not installed)")
    names = ("config.bin", "closed_loop.program.bin", "bulk.program.bin")
    config, loop, large = ((_HERE / name).read_bytes() for name in names)
    return config, loop, large


class _Optimiser:
    """Simultaneous perturbation: climbs a noisy signal from pairs of measurements."""

    def __init__(self, start: tuple[float, float]) -> None:
        self.at = np.array(start)
        self._random = np.random.default_rng(7)
        self._step = 0
        self._side = np.zeros(2)
        self._first = 0.0
        self._second_half = False

    def ask(self) -> np.ndarray[Any, Any]:
        """The next guess."""
        if not self._second_half:
            self._step += 1
            self._side = self._random.choice([-1.0, 1.0], size=2) * 0.1 / self._step**0.1
            return self.at + self._side
        return self.at - self._side

    def tell(self, signal: float) -> None:
        """The answer to the last guess."""
        if not self._second_half:
            self._first = signal
        else:
            slope = (self._first - signal) / (2 * self._side)
            self.at = np.clip(self.at + 0.035 / (self._step + 20) ** 0.3 * slope, -1.2, 1.2)
        self._second_half = not self._second_half


def _wait_for_pause(job: QmJob) -> float:
    started = time.perf_counter()
    while not job.is_paused():
        if time.perf_counter() - started > 5:
            raise RuntimeError(f"the job {job.id} did not come to its pause()")
        time.sleep(0.001)
    return time.perf_counter() - started


def _close_the_loop(
    job: QmJob, iterations: int
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], float]:
    guesses = np.empty((iterations, 2))
    signals = np.empty(iterations)
    optimiser = _Optimiser((-0.9, 0.8))
    stream = job.input_stream("guess")
    results = job.result_handles
    handle = results.get("signal")
    started = time.perf_counter()
    for index in range(iterations):
        guess = optimiser.ask()
        stream.push(guess)
        handle.wait_for_values(index + 1, timeout=10)
        signal = float(handle.fetch(index)["value"][0])
        optimiser.tell(signal)
        guesses[index], signals[index] = guess, signal
    return guesses, signals, time.perf_counter() - started


def _plot(
    guesses: np.ndarray[Any, Any], signals: np.ndarray[Any, Any], rate: float, path: Path
) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(11, 4.5), layout="constrained")
    figure.suptitle(f"A closed loop of {len(signals)} iterations at {rate:.0f} per second")
    left.plot(signals, ".", markersize=2, color="tab:gray", label="signal")
    window = max(len(signals) // 40, 1)
    smooth = np.convolve(signals, np.ones(window) / window, mode="valid")
    left.plot(np.arange(len(smooth)) + window - 1, smooth, color="tab:blue", label="mean")
    left.axhline(1.0, color="tab:green", linestyle="--", linewidth=1, label="best possible")
    left.set(xlabel="iteration", ylabel="signal", title="The signal rises to its maximum")
    left.legend(loc="lower right")
    grid = np.linspace(-1.2, 1.2, 121)
    x, y = np.meshgrid(grid, grid)
    field = 1 - (x - OPTIMUM[0]) ** 2 - (y - OPTIMUM[1]) ** 2
    contours = right.contourf(x, y, field, levels=14, cmap="Blues")
    figure.colorbar(contours, ax=right, label="signal without noise")
    right.plot(*guesses.T, "-", linewidth=0.6, color="tab:orange", label="guesses")
    right.plot(*guesses[0], "o", color="tab:red", label="first guess")
    right.plot(*OPTIMUM, "*", markersize=14, color="tab:green", label="optimum")
    right.set(xlabel="guess 0", ylabel="guess 1", title="The guesses find the optimum")
    right.set_aspect("equal")
    right.legend(loc="upper right", fontsize="small")
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def _correction(job: QmJob) -> None:
    wanted = (1.03, 0.0421, -0.0377, 0.98)
    held = job.set_element_correction("qubit", wanted)
    assert job.get_element_correction("qubit") == held
    print(f"correction: set {wanted}, held as {tuple(round(v, 6) for v in held)}")


def _large_result(machine: QuantumMachine, program: Any) -> None:
    job = machine.execute(program)
    handle = job.result_handles.get("values")
    started = time.perf_counter()
    if not handle.wait_for_all_values(timeout=60):
        raise RuntimeError(f"the job {job.id} did not come to its end")
    produced = time.perf_counter()
    values = handle.fetch_all(flat_struct=True)
    fetched = time.perf_counter()
    if not np.array_equal(values, np.arange(BULK_VALUES)):
        raise RuntimeError("the large result is not what the program saved")
    print(
        f"large result: {values.nbytes / 1e6:.0f} MB produced in {produced - started:.2f} s, "
        f"fetched in {fetched - produced:.3f} s "
        f"({values.nbytes / 1e6 / (fetched - produced):.0f} MB/s), every value checked"
    )


def run(output: Path, *, iterations: int = 1200) -> int:
    """Runs the demo; gives the exit status."""
    if iterations < 1000:
        print("the demo's loop has at least 1000 iterations")
        return 2
    if not output.parent.is_dir():
        print(f"there is no folder {output.parent} for the picture")
        return 2
    config, loop, large = _material()
    with Emulator() as emulator, connect(emulator.host, emulator.port) as client:
        print(f"emulator: {emulator.address}, gateway {client.version}")
        machine = client.open_qm(config)
        job = machine.execute(loop)
        waited = _wait_for_pause(job)
        job.resume()
        print(f"job {job.id}: paused after {waited * 1e3:.1f} ms, resumed")
        _correction(job)
        guesses, signals, seconds = _close_the_loop(job, iterations)
        rate = iterations / seconds
        final = guesses[-100:].mean(axis=0)
        distance = float(np.hypot(*(final - OPTIMUM)))
        print(
            f"closed loop: {iterations} iterations (push, wait, fetch, decide) in {seconds:.2f} s: "
            f"{rate:.0f} per second, {seconds / iterations * 1e6:.0f} µs each"
        )
        print(
            f"optimiser: signal {signals[:20].mean():.3f} at first, {signals[-100:].mean():.3f} "
            f"at last; optimum found to within {distance:.3f}"
        )
        print(f"halted: {job.halt()}, status {job.status}")
        _large_result(machine, large)
        machine.close()
    if importlib.util.find_spec("matplotlib") is None:
        print("picture: none, matplotlib is not installed (pip install 'pulsewire[plot]')")
    else:
        _plot(guesses, signals, rate, output)
        print(f"picture: {output}")
    if distance > 0.05:
        print("the loop did not converge")
        return 1
    return 0
