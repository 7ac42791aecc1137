"""Programs that play and measure: each statement, operator, process and feature in two of them.

Each is a function that builds the body of a program in the DSL that both client versions share;
SUITE has them by name. ``test_coverage.py`` counts what they use.
"""

from tests.interop.suite import (
    calculations,
    interaction,
    measurements,
    phases,
    pulses,
    streams,
    timing,
    wiring,
)
from tests.interop.suite.registry import LONGEST, SUITE

__all__ = [
    "LONGEST",
    "SUITE",
    "calculations",
    "interaction",
    "measurements",
    "phases",
    "pulses",
    "streams",
    "timing",
    "wiring",
]
