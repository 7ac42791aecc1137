"""What belongs to objects of others, for as long as these live, without a trace in them."""

from __future__ import annotations

import weakref
from typing import Generic, TypeVar

__all__ = ["ByIdentity"]

Value = TypeVar("Value")


class ByIdentity(Generic[Value]):
    """Values by the object that they belong to, whatever it thinks of equality; gone with it."""

    def __init__(self) -> None:
        self._held: dict[int, tuple[weakref.ref[object], Value]] = {}

    def get(self, owner: object) -> Value | None:
        """The value of an object, if it has one."""
        found = self._held.get(id(owner))
        return found[1] if found is not None and found[0]() is owner else None

    def put(self, owner: object, value: Value) -> Value:
        """Gives an object its value."""
        number = id(owner)
        self._held[number] = (weakref.ref(owner, lambda _: self._held.pop(number, None)), value)
        return value
