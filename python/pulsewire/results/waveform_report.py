"""The waveform report of a simulated job: every pulse, marker and acquisition, with its times."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pulsewire.exceptions import QMSimulationError
from pulsewire.results.waveform_records import (
    AdcAcquisition,
    Event,
    FemToWaveformMap,
    PlayedAnalogWaveform,
    PlayedDigitalWaveform,
    PlayedWaveform,
    SingleControllerMapping,
    by_port,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from pulsewire.results.simulator_samples import SimulatorSamples

__all__ = [
    "AdcAcquisition",
    "Event",
    "PlayedAnalogWaveform",
    "PlayedDigitalWaveform",
    "PlayedWaveform",
    "WaveformReport",
]


@dataclass(frozen=True)
class WaveformReport:
    """Everything that a simulated program played and read.

    Attributes:
        job_id: The simulated job.
        analog_waveforms: In the order of the program.
        digital_waveforms: In the order of the program.
        adc_acquisitions: In the order of the program.
        events: In the order of the program.
    """

    job_id: int | str
    analog_waveforms: list[PlayedAnalogWaveform]
    digital_waveforms: list[PlayedDigitalWaveform]
    adc_acquisitions: list[AdcAcquisition]
    events: list[Event]

    @classmethod
    def from_dict(cls, d: Mapping[str, Any], job_id: int | str = -1) -> WaveformReport:
        """From the structure that a gateway sends.

        Raises:
            QMSimulationError: It lacks a field, or has something else in its place.
        """
        try:
            analog = [PlayedAnalogWaveform.from_job_dict(one) for one in d["analogWaveforms"]]
            digital = [PlayedDigitalWaveform.from_job_dict(one) for one in d["digitalWaveforms"]]
            adc = [AdcAcquisition.from_job_dict(one) for one in d.get("adcAcquisitions", [])]
            events = [
                event
                for one in d.get("events", [])
                if Event.is_supported(one)
                for event in Event.from_job_dict(one)
            ]
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            what = f"it lacks {error}" if isinstance(error, KeyError) else str(error)
            raise QMSimulationError(
                f"the waveform report of the job {job_id!r} cannot be read: {what:.200}"
            ) from error
        return cls(job_id, analog, digital, adc, events)

    def to_dict(self) -> dict[str, Any]:
        """Lists of dicts.

        Returns:
            ``analog_waveforms``, ``digital_waveforms``, ``adc_acquisitions`` and ``events``.
        """
        return {
            "analog_waveforms": [one.to_dict() for one in self.analog_waveforms],
            "digital_waveforms": [one.to_dict() for one in self.digital_waveforms],
            "adc_acquisitions": [one.to_dict() for one in self.adc_acquisitions],
            "events": [one.to_dict() for one in self.events],
        }

    def to_string(self) -> str:
        """A text of several lines for each entry."""
        return "\n".join(entry.to_string() for entry in self._entries())

    @property
    def waveforms(self) -> list[PlayedWaveform]:
        """Analog and digital waveforms."""
        return [*self.analog_waveforms, *self.digital_waveforms]

    def _entries(self) -> list[PlayedWaveform | AdcAcquisition | Event]:
        return [*self.waveforms, *self.adc_acquisitions, *self.events]

    @property
    def controllers_in_use(self) -> list[str]:
        """The controllers, sorted."""
        return sorted({entry.controller for entry in self._entries()})

    @property
    def num_controllers_in_use(self) -> int:
        """How many controllers there are."""
        return len(self.controllers_in_use)

    @property
    def elements_in_report(self) -> list[str]:
        """The elements, sorted."""
        return sorted({entry.element for entry in self._entries()})

    @property
    def fems_in_use_by_controller(self) -> dict[str, list[int]]:
        """The modules of each controller, sorted."""
        return {
            controller: sorted({e.fem for e in self._entries() if e.controller == controller})
            for controller in self.controllers_in_use
        }

    def _only(self, keep: Callable[[Any], bool]) -> WaveformReport:
        return WaveformReport(
            self.job_id,
            list(filter(keep, self.analog_waveforms)),
            list(filter(keep, self.digital_waveforms)),
            list(filter(keep, self.adc_acquisitions)),
            list(filter(keep, self.events)),
        )

    def report_by_controllers(self) -> dict[str, WaveformReport]:
        """A report for each controller."""
        return {
            name: self._only(lambda entry, name=name: entry.controller == name)  # type: ignore[misc]
            for name in self.controllers_in_use
        }

    def report_by_elements(self) -> dict[str, WaveformReport]:
        """A report for each element."""
        return {
            name: self._only(lambda entry, name=name: entry.element == name)  # type: ignore[misc]
            for name in self.elements_in_report
        }

    def report_by_controller_and_fems(self) -> dict[str, dict[int, WaveformReport]]:
        """A report for each module of each controller."""
        return {
            name: {
                fem: report._only(lambda entry, fem=fem: entry.fem == fem)  # type: ignore[misc]
                for fem in report.fems_in_use_by_controller[name]
            }
            for name, report in self.report_by_controllers().items()
        }

    def get_report_by_output_ports(
        self, on_controller: str | None = None
    ) -> SingleControllerMapping | dict[str, SingleControllerMapping]:
        """What each port played or read.

        Args:
            on_controller: One controller. By default that one where there is only one, and a dict
                of all otherwise.

        Raises:
            KeyError: A controller that is not in the report.
        """
        if on_controller is not None:
            return self.mapping_of(on_controller)
        mappings = {name: self.mapping_of(name) for name in self.controllers_in_use}
        return next(iter(mappings.values())) if len(mappings) == 1 else mappings

    def mapping_of(self, controller: str) -> SingleControllerMapping:
        """What each port of one controller played or read, by module.

        Raises:
            KeyError: A controller that is not in the report.
        """
        mapping = SingleControllerMapping()
        for fem, report in self.report_by_controller_and_fems()[controller].items():
            mapping[fem] = FemToWaveformMap(
                by_port(report.analog_waveforms),
                by_port(report.digital_waveforms),
                by_port(report.adc_acquisitions),
            )
        return mapping

    def create_plot(
        self,
        samples: SimulatorSamples | None = None,
        controllers: Sequence[str] | None = None,
        plot: bool = True,
        save_path: str | os.PathLike[str] | None = None,
    ) -> list[Figure]:
        """Draws the report on matplotlib: for each port its pulses over time, below its samples.

        Args:
            samples: The samples of the same job, drawn above the pulses.
            controllers: Only these; all by default.
            plot: Whether to show the figures (``pyplot.show``).
            save_path: A directory, made if it is not there, or a file name whose suffix is a format
                of matplotlib; the controller and the job are added to its name. ``.html``, which
                qm-qua writes, becomes ``.png``. Beside any other file name, such as that of the
                script itself, a picture ``waveform_report_….png`` is made.

        Returns:
            A figure for each controller.
        """
        from pulsewire.results._report_plot import ReportFigure, file_of

        if isinstance(controllers, str):
            controllers = [controllers]
        figures = []
        for controller, report in self.report_by_controllers().items():
            if controllers is not None and controller not in controllers:
                continue
            figure = ReportFigure(controller, report, samples).draw()
            figures.append(figure)
            if save_path is not None:
                figure.savefig(file_of(Path(save_path), controller, self.job_id))
        if figures:
            from matplotlib import pyplot as plt

            if plot:
                plt.show()
            if not (plot and plt.isinteractive()):
                # What is drawn next is not the report's: pyplot has no part in these any more.
                for figure in figures:
                    plt.close(figure)
        return figures
