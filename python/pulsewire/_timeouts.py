"""Times that waits have where nobody says another."""

from __future__ import annotations

__all__ = ["VERY_LONG_TIME"]

# As long as qm-qua waits (23 days), so that signatures agree.
VERY_LONG_TIME = 2e6
