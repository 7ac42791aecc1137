"""Jobs that were simulated."""

from __future__ import annotations

import warnings
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pulsewire.exceptions import QMSimulationError
from pulsewire.jobs.running_qm_job import RunningQmJob
from pulsewire.results.simulator_samples import SimulatorSamples

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from pulsewire._native import Structure
    from pulsewire.client import Client
    from pulsewire.results.waveform_report import WaveformReport

__all__ = ["SimulatedJob"]


class SimulatedJob(RunningQmJob):
    """A simulated program: what every port did, and the results of its streams.

    Made by :meth:`Client.simulate`. Samples are fetched when they are asked for; the report is
    there from the beginning. A job that was pickled, or attached to by its id, has samples and
    results but no report, as a gateway gives that only with the simulation.
    """

    def __init__(
        self,
        client: Client,
        job_id: str,
        machine_id: str = "",
        *,
        report: Structure | None = None,
        analog: Structure | None = None,
        digital: Structure | None = None,
    ) -> None:
        super().__init__(client, job_id, machine_id)
        self._given_report, self._analog, self._digital = report, analog, digital

    @cached_property
    def _report(self) -> WaveformReport | None:
        # Imported here, as most programs never look at a report.
        from pulsewire.results.waveform_report import WaveformReport

        if self._given_report is None:
            return None
        report = WaveformReport.from_dict(self._given_report.to_dict(), self.id)
        # It is not needed twice, and may be large.
        self._given_report = None
        return report

    @property
    def user_added(self) -> None:
        """Always None, as in qm-qua: a simulation is in no queue."""
        return None

    @property
    def time_added(self) -> None:
        """Always None, as in qm-qua."""
        return None

    def get_simulated_waveform_report(self) -> WaveformReport | None:
        """The waveform report; None where the gateway sent none (before QOP 2.2)."""
        return self._report

    def get_simulated_samples(
        self, include_analog: bool = True, include_digital: bool = True
    ) -> SimulatorSamples:
        """The samples of every configured port, one a nanosecond.

        Each call asks the gateway. ::

            samples = job.get_simulated_samples()
            samples.con1.analog["1"]   # float64, volts, shape (4 * duration,)
            samples.con1.digital["1"]  # bool
            samples.con1.plot()

        Digital samples are shown 136 ns later than an instrument plays them (as qm-qua's manual
        says): with a marker's delay of 0 they are aligned with the analog ones.

        Args:
            include_analog: Whether to fetch the analog ports.
            include_digital: Whether to fetch the digital ports.

        Raises:
            QMSimulationError: The gateway has no samples of this job.
        """
        ports = self._client._native.pull_samples(
            self.id, bool(include_analog), bool(include_digital)
        )
        return SimulatorSamples.of_ports(ports)

    def simulated_analog_waveforms(self) -> Any:
        """Deprecated since qm-qua 1.1.0: use :meth:`get_simulated_waveform_report`.

        Returns:
            ``{"elements": {name: [...]}, "controllers": {name: {"ports": {port: [...]}}}}``, each
            entry with ``timestamp`` and ``samples`` (``duration`` in ns, ``value`` in volts before
            modulation); None unless ``include_analog_waveforms`` was asked for.
        """
        return self._waveforms("simulated_analog_waveforms", self._analog)

    def simulated_digital_waveforms(self) -> Any:
        """Deprecated since qm-qua 1.1.0: use :meth:`get_simulated_waveform_report`.

        Returns:
            As :meth:`simulated_analog_waveforms`, with levels as values.
        """
        return self._waveforms("simulated_digital_waveforms", self._digital)

    @staticmethod
    def _waveforms(name: str, given: Structure | None) -> Any:
        warnings.warn(
            f"SimulatedJob.{name} is deprecated since qm-qua 1.1.0: "
            "use get_simulated_waveform_report",
            DeprecationWarning,
            stacklevel=3,
        )
        if given is None:
            return None
        whole = given.to_dict()
        if "waveforms" not in whole:
            raise QMSimulationError(f"{name}: the gateway's answer has no waveforms")
        return whole["waveforms"]

    def _the_report(self) -> WaveformReport:
        if self._report is None:
            raise QMSimulationError(
                "Waveform report is not available: it comes with the answer to simulate(), and the "
                f"job '{self.id}' was attached to, or pickled, without it"
            )
        return self._report

    def plot_waveform_report_with_simulated_samples(self) -> list[Figure]:
        """Draws the report below the samples of each port; see :meth:`WaveformReport.create_plot`.

        Raises:
            QMSimulationError: There is no report.
        """
        return self._the_report().create_plot(self.get_simulated_samples())

    def plot_waveform_report_without_samples(self) -> list[Figure]:
        """Draws the report; see :meth:`WaveformReport.create_plot`.

        Raises:
            QMSimulationError: There is no report.
        """
        return self._the_report().create_plot()
