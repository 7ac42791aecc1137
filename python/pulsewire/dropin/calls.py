"""How a replaced method is called: counted, told in qm-qua's exceptions, compared where asked."""

from __future__ import annotations

import copy
import functools
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pulsewire._log import logger
from pulsewire.dropin.locks import Lock

if TYPE_CHECKING:
    from pulsewire.dropin.seams import Seam

__all__ = ["Call", "Counts", "Left", "Mode", "NotServedError"]

#: What a bug report needs to say.
REPORT_IT = (
    "please report it, with the versions of pulsewire and qm-qua and the lines of "
    "`pulsewire run --report`; `--off` runs the script without pulsewire"
)


class Left(Exception):  # noqa: N818 (no error: the vendor's code is called instead)
    """A call that is left to qm-qua's own code, and why."""


class NotServedError(Exception):
    """A call that pulsewire leaves to qm-qua, in the mode ``strict``."""


@dataclass
class Mode:
    """How calls are made."""

    strict: bool = False
    shadow: bool = False
    #: Cleared by ``uninstall()``: what others put back behind it serves no more.
    live: bool = True


@dataclass
class Counts:
    """What became of the calls of a seam.

    Attributes:
        served: By pulsewire.
        left: To qm-qua, by the reason.
        failed: Served calls that raised, by the exception's name.
        seconds: Spent in served calls.
        compared: Calls that were made both ways.
        differences: Of these, those that differed.
        theirs: Seconds that qm-qua took for the compared ones.
        ours: Seconds that pulsewire took for the compared ones.
    """

    served: int = 0
    left: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    compared: int = 0
    differences: int = 0
    theirs: float = 0.0
    ours: float = 0.0


class Call:
    """A replaced function or method.

    Args:
        seam: What is replaced.
        original: qm-qua's own.
        mode: How calls are made; may change.
        translate: pulsewire's exceptions as qm-qua's.
    """

    def __init__(
        self,
        seam: Seam,
        original: Callable[..., Any],
        mode: Mode,
        translate: Callable[[Exception], Exception],
    ) -> None:
        self.seam = seam
        self.original = original
        self.counts = Counts()
        self._mode = mode
        self._translate = translate
        self._lock = Lock()

    def function(self) -> Callable[..., Any]:
        """What stands in the original's place."""

        @functools.wraps(self.original)
        def replaced(*args: Any, **kwargs: Any) -> Any:
            return self._call(args, kwargs)

        return replaced

    def _call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if not self._mode.live:
            return self.original(*args, **kwargs)
        began = time.perf_counter()
        why = None
        try:
            result = self.seam.serve(*args, **kwargs)
        except Left as left:
            why = str(left)
        except Exception as error:
            with self._lock:
                self.counts.failed[type(error).__name__] += 1
                self.counts.seconds += time.perf_counter() - began
            raised = self._translate(error)
            if self._mode.shadow and self.seam.same is not None:
                self._shadow_of_error(raised, args, kwargs)
            if raised is error:
                raise
            raise raised from None
        if why is not None:
            # Behind the handler: what qm-qua raises has nothing of ours about it.
            return self._leave(why, args, kwargs)
        took = time.perf_counter() - began
        with self._lock:
            self.counts.served += 1
            self.counts.seconds += took
        if self._mode.shadow and self.seam.same is not None:
            self._shadow(result, took, args, kwargs)
        return result

    def snapshot(self) -> Counts:
        """What became of the calls until now."""
        with self._lock:
            return copy.deepcopy(self.counts)

    def _leave(self, why: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        with self._lock:
            self.counts.left[why] += 1
        if self._mode.strict:
            raise NotServedError(
                f"{self.seam.place} is left to qm-qua: {why}; without strict it goes on"
            )
        return self.original(*args, **kwargs)

    # -- Both ways

    def _differs(self, ours: object, theirs: object) -> None:
        with self._lock:
            self.counts.differences += 1
        logger.warning(
            "%s: pulsewire gave %.200r, qm-qua %.200r; %s", self.seam.place, ours, theirs, REPORT_IT
        )

    def _shadow(
        self, ours: Any, took: float, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        """Makes the call qm-qua's way as well, and warns when it gives something else."""
        same = self.seam.same
        assert same is not None
        began = time.perf_counter()
        try:
            theirs = self.original(*args, **kwargs)
        except Exception as error:
            self._differs(ours, error)
            return
        theirs_took = time.perf_counter() - began
        try:
            # What changes by itself, as a count of a running program does, is no difference: then
            # pulsewire's second answer is not its first.
            if not same(ours, theirs) and same(ours, self.seam.serve(*args, **kwargs)):
                self._differs(ours, theirs)
        except Exception as error:
            logger.warning("%s: cannot be compared: %r", self.seam.place, error)
            return
        with self._lock:
            self.counts.compared += 1
            self.counts.ours += took
            self.counts.theirs += theirs_took

    def _shadow_of_error(
        self, ours: Exception, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        try:
            theirs = self.original(*args, **kwargs)
        except Exception as error:
            if type(error) is not type(ours):
                self._differs(ours, error)
            return
        self._differs(ours, theirs)
