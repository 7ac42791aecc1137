"""Locks that a signal handler may take again, and that a forked child has anew."""

from __future__ import annotations

import os
import threading
import weakref
from types import TracebackType

__all__ = ["Lock"]

_all: weakref.WeakSet[Lock] = weakref.WeakSet()


class Lock:
    """A reentrant lock; the child of a fork begins with one that nobody holds."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        _all.add(self)

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._lock.release()

    def _renew(self) -> None:
        # Another thread of the parent may have held it, and does not exist here.
        self._lock = threading.RLock()


def _after_fork() -> None:
    for lock in _all:
        lock._renew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
