"""Results of jobs, and their runtime errors."""

from pulsewire.results.fetchers import (
    BaseSingleStreamFetcher,
    JobStreamingState,
    SingleStreamMultipleResultFetcher,
    SingleStreamSingleResultFetcher,
)
from pulsewire.results.report import ExecutionError, ExecutionErrorSeverity, ExecutionReport
from pulsewire.results.simulator_samples import SimulatorControllerSamples, SimulatorSamples
from pulsewire.results.streams_manager import StreamingResultFetcher, StreamsManager

#: The names that older scripts know.
SingleStreamingResultFetcher = SingleStreamSingleResultFetcher
MultipleStreamingResultFetcher = SingleStreamMultipleResultFetcher

__all__ = [
    "BaseSingleStreamFetcher",
    "ExecutionError",
    "ExecutionErrorSeverity",
    "ExecutionReport",
    "JobStreamingState",
    "MultipleStreamingResultFetcher",
    "SimulatorControllerSamples",
    "SimulatorSamples",
    "SingleStreamMultipleResultFetcher",
    "SingleStreamSingleResultFetcher",
    "SingleStreamingResultFetcher",
    "StreamingResultFetcher",
    "StreamsManager",
]
