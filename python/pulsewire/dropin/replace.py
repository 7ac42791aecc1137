"""The one way to put something in the place of what others have, and to take it out again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

__all__ = ["Replacements"]

_MISSING = object()


@dataclass
class _Replaced:
    holder: Any
    name: str
    # What the holder itself had under the name.
    before: object


class Replacements:
    """What was put in place of attributes of classes and modules."""

    def __init__(self) -> None:
        self._replaced: list[_Replaced] = []

    def put(self, holder: Any, name: str, value: object) -> None:
        """Puts a value in place of an attribute."""
        self._replaced.append(_Replaced(holder, name, vars(holder).get(name, _MISSING)))
        setattr(holder, name, value)

    def wrap(
        self, holder: Any, name: str, make: Callable[[Callable[..., Any]], Callable[..., Any]]
    ) -> None:
        """Puts what ``make`` makes of a function in its place."""
        self.put(holder, name, make(getattr(holder, name)))

    def undo(self) -> None:
        """Gives everything back, the last first."""
        while self._replaced:
            one = self._replaced.pop()
            if one.before is _MISSING:
                delattr(one.holder, one.name)
            else:
                setattr(one.holder, one.name, one.before)
