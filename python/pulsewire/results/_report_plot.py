"""The picture of a waveform report, on matplotlib."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from pulsewire.results.simulator_samples import SimulatorSamples
    from pulsewire.results.waveform_report import WaveformReport


# Characters of the smallest text that fit the width of a figure, and inches that it may be tall.
_CHARACTERS = 130
_TALLEST = 24.0


_PICTURES = (".png", ".pdf", ".svg", ".jpg", ".jpeg", ".eps", ".tif", ".tiff")


def file_of(path: Path, controller: str, job_id: int | str) -> Path:
    """Where the picture of a controller goes."""
    # A gateway's names are no paths.
    name = re.sub(r"[^\w.-]", "_", f"{controller}_{job_id}")
    suffix = path.suffix.lower()
    # "run_1.5" is a folder's name.
    if path.is_dir() or not (suffix[1:2].isalpha() or path.is_file()):
        path.mkdir(parents=True, exist_ok=True)
        return path / f"waveform_report_{name}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    if suffix in _PICTURES or suffix == ".html":
        suffix = path.suffix if suffix in _PICTURES else ".png"
        return path.with_name(f"{path.stem}_{name}{suffix}")
    # Something else's name, most often the script's own: a picture beside it, as qm-qua does.
    return path.with_name(f"waveform_report_{name}.png")


class ReportFigure:
    """The picture of one controller."""

    def __init__(
        self, controller: str, report: WaveformReport, samples: SimulatorSamples | None
    ) -> None:
        mapping = report.mapping_of(controller)
        self.title = f"Waveform report of {controller}"
        if report.job_id != -1:
            self.title += f", {report.job_id}"
        self.samples = None if samples is None else samples.get(controller)
        self.rows: list[tuple[str, str, list[Any]]] = [
            (kind, port, entries)
            for kind, ports in (
                ("Analog out", mapping.flat_analog_out),
                ("Digital out", mapping.flat_digital_out),
                ("Analog in", mapping.flat_analog_in),
            )
            for port, entries in ports.items()
        ]
        self.elements = report.elements_in_report
        ends = [entry.span[1] for _, _, entries in self.rows for entry in entries]
        self.duration = max(ends, default=0) or 1
        self.seen: set[str] = set()

    def draw(self) -> Figure:
        from matplotlib import pyplot as plt

        heights = []
        for kind, _, entries in self.rows:
            if self.samples is not None and kind != "Analog in":
                heights.append(2.0)
            lanes = max(_lanes([entry.span for entry in entries]), default=0)
            heights.append(0.7 + 0.4 * min(lanes, 3))
        figure: Figure
        figure, all_axes = plt.subplots(
            max(len(heights), 1),
            1,
            sharex=True,
            squeeze=False,
            figsize=(10, min(1 + 0.7 * sum(heights or [1]), _TALLEST)),
            gridspec_kw={"height_ratios": heights or [1]},
            layout="constrained",
        )
        # For SimulatorControllerSamples.plot, which draws elsewhere.
        figure._is_a_report = True
        places = iter(all_axes[:, 0])
        for kind, port, entries in self.rows:
            if self.samples is not None and kind != "Analog in":
                self._trace(next(places), kind, port)
            self._pulses(next(places), kind, port, entries)
        all_axes[-1, 0].set_xlabel("Time [ns]")
        figure.suptitle(self.title)
        figure.legend(loc="outside right upper", title="Elements")
        return figure

    def _trace(self, axes: Axes, kind: str, port: str) -> None:
        assert self.samples is not None
        analog = kind == "Analog out"
        ports = self.samples.analog if analog else self.samples.digital
        if port in ports:
            axes.plot(ports[port], color="0.3", linewidth=0.8)
        axes.set_ylabel("V" if analog else "level")
        axes.set_title(f"{kind} {port}", loc="left", fontsize="small")

    def _pulses(self, axes: Axes, kind: str, port: str, entries: list[Any]) -> None:
        if self.samples is None or kind == "Analog in":
            axes.set_title(f"{kind} {port}", loc="left", fontsize="small")
        spans = [entry.span for entry in entries]
        lanes = _lanes(spans)
        bars: dict[tuple[str, int], list[tuple[int, int]]] = {}
        for entry, (start, end), lane in zip(entries, spans, lanes, strict=True):
            bars.setdefault((entry.element, lane), []).append((start, end - start))
        for (element, lane), widths in bars.items():
            # Bars of one element that touch are told apart by their edges.
            axes.broken_barh(
                widths,
                (lane, 0.5),
                facecolors=self._color(element),
                edgecolors="white",
                linewidth=0.5,
                label=None if element in self.seen else element,
            )
            self.seen.add(element)
        for entry, (start, end), lane in zip(entries, spans, lanes, strict=True):
            text = entry.label
            # What is wider than its bar would lie on the next one's.
            if (end - start) / self.duration * _CHARACTERS >= len(text):
                axes.text((start + end) / 2, lane + 0.55, text, ha="center", fontsize="x-small")
        axes.set_ylim(-0.3, max(lanes, default=0) + 1.2)
        axes.set_yticks([])

    def _color(self, element: str) -> Any:
        from matplotlib import pyplot as plt

        index = self.elements.index(element)
        if len(self.elements) <= 10:
            return f"C{index}"
        return plt.get_cmap("turbo")(index / (len(self.elements) - 1))


def _lanes(spans: list[tuple[int, int]]) -> list[int]:
    """The lowest lane of each that is free when it starts."""
    ends: list[int] = []
    lanes = [0] * len(spans)
    for index in sorted(range(len(spans)), key=lambda index: spans[index]):
        start, end = spans[index]
        lane = next((lane for lane, free in enumerate(ends) if free <= start), len(ends))
        ends[lane : lane + 1] = [end]
        lanes[index] = lane
    return lanes
