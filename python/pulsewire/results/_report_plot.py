"""The picture of a waveform report, on matplotlib."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pulsewire.results.waveform_report import (
    AdcAcquisition,
    SingleControllerMapping,
    WaveformReport,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from pulsewire.results.simulator_samples import SimulatorSamples


def file_of(path: Path, controller: str, job_id: int | str) -> Path:
    if path.suffix.lower() == ".html":
        path = path.with_suffix(".png")
    if path.suffix.lower() in (".png", ".pdf", ".svg", ".jpg", ".jpeg", ".eps", ".tif", ".tiff"):
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.with_name(f"{path.stem}_{controller}_{job_id}{path.suffix}")
    path.mkdir(parents=True, exist_ok=True)
    return path / f"waveform_report_{controller}_{job_id}.png"


class ReportFigure:
    """The picture of one controller."""

    def __init__(
        self, controller: str, report: WaveformReport, samples: SimulatorSamples | None
    ) -> None:
        mapping = report.get_report_by_output_ports(controller)
        assert isinstance(mapping, SingleControllerMapping)
        self.title = f"Waveform report of {controller}"
        if report.job_id != -1:
            self.title += f", {report.job_id}"
        self.samples = None if samples is None else samples[controller]
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
        self.seen: set[str] = set()

    def draw(self) -> Figure:
        from matplotlib import pyplot as plt

        heights = []
        for kind, _, _ in self.rows:
            if self.samples is not None and kind != "Analog in":
                heights.append(2.0)
            heights.append(1.0)
        figure, all_axes = plt.subplots(
            max(len(heights), 1),
            1,
            sharex=True,
            squeeze=False,
            figsize=(10, 1 + 0.8 * sum(heights or [1])),
            gridspec_kw={"height_ratios": heights or [1]},
            layout="constrained",
        )
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
        for level, entry in enumerate(entries):
            if isinstance(entry, AdcAcquisition):
                start, end, text = entry.start_time, entry.end_time, entry.process
            else:
                start, end, text = entry.timestamp, entry.ends_at, entry._short_name
                if entry.is_iq:
                    text += f" ({entry.get_iq_association})"
            color = f"C{self.elements.index(entry.element) % 10}"
            label = None if entry.element in self.seen else entry.element
            self.seen.add(entry.element)
            height = level % 3
            axes.plot(
                [start, end],
                [height, height],
                color=color,
                linewidth=5,
                label=label,
                solid_capstyle="butt",
            )
            axes.annotate(text, ((start + end) / 2, height + 0.25), ha="center", fontsize="x-small")
        axes.set_ylim(-0.5, 3.2)
        axes.set_yticks([])
