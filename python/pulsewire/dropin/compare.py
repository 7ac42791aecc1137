"""When two answers are the same, for the mode ``shadow``: bytes, dtypes and shapes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

__all__ = ["same"]


def same(ours: Any, theirs: Any) -> bool:
    """Whether two answers are equal: types, and of arrays dtype, shape and bytes."""
    if isinstance(ours, (np.ndarray, np.generic)) or isinstance(theirs, (np.ndarray, np.generic)):
        if type(ours) is not type(theirs):
            return False
        one, other = np.asarray(ours), np.asarray(theirs)
        return (
            one.dtype == other.dtype
            and one.shape == other.shape
            and one.tobytes() == other.tobytes()
        )
    if isinstance(ours, float) and isinstance(theirs, float):
        return ours == theirs or (ours != ours and theirs != theirs)
    if isinstance(ours, Mapping) and isinstance(theirs, Mapping):
        # As dicts: SimulatorSamples has keys of its own making.
        mine, other_one = dict(ours.items()), dict(theirs.items())
        return mine.keys() == other_one.keys() and all(
            same(value, other_one[key]) for key, value in mine.items()
        )
    if isinstance(ours, (str, bytes, bool, int)) or ours is None:
        return type(ours) is type(theirs) and bool(ours == theirs)
    if isinstance(ours, Sequence) and isinstance(theirs, Sequence):
        return len(ours) == len(theirs) and all(map(same, ours, theirs))
    if type(ours) is not type(theirs):
        return False
    if not hasattr(ours, "__dict__"):
        return bool(ours == theirs)
    mine, other_ones = vars(ours), vars(theirs)
    return all(same(mine[name], other_ones.get(name)) for name in mine if not callable(mine[name]))
