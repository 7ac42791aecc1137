"""Results of jobs, and their runtime errors."""

from pulsewire.results.fetchers import (
    BaseSingleStreamFetcher,
    SingleStreamMultipleResultFetcher,
    SingleStreamSingleResultFetcher,
)
from pulsewire.results.report import ExecutionError, ExecutionErrorSeverity, ExecutionReport
from pulsewire.results.streams_manager import StreamingResultFetcher, StreamsManager

__all__ = [
    "BaseSingleStreamFetcher",
    "ExecutionError",
    "ExecutionErrorSeverity",
    "ExecutionReport",
    "SingleStreamMultipleResultFetcher",
    "SingleStreamSingleResultFetcher",
    "StreamingResultFetcher",
    "StreamsManager",
]
