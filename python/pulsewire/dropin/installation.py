"""Puts the seams into the qm-qua of this process, and takes them out again."""

from __future__ import annotations

import functools
import os
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pulsewire._log import logger
from pulsewire.dropin import report as reports
from pulsewire.dropin.calls import Call, Mode
from pulsewire.dropin.locks import Lock
from pulsewire.dropin.replace import Replacements
from pulsewire.dropin.switch import EmulatorSwitch

__all__ = ["attach", "install", "installed", "uninstall"]

#: Set to anything but 0, it keeps qm-qua as it is, whatever the script says.
DISABLE = "PULSEWIRE_DISABLE"


@dataclass
class _Installation:
    mode: Mode
    replaced: Replacements = field(default_factory=Replacements)


_lock = Lock()
_current: _Installation | None = None


def _disabled() -> bool:
    return os.environ.get(DISABLE, "0") not in ("", "0")


def _numbers(version: str) -> tuple[int, ...]:
    """The numbers that a version begins with."""
    return tuple(int(number) for number in re.findall(r"\d+", version)[:3])


def install(*, strict: bool = False, shadow: bool = False) -> None:
    """Serves the jobs of this process's qm-qua by pulsewire, until :func:`uninstall`.

    A few of qm-qua's methods are replaced in place; objects and classes stay its own. The order of
    imports does not matter; jobs and handles made before are served too, and threads may be using
    them meanwhile. Once more changes the mode only. With the environment variable
    ``PULSEWIRE_DISABLE=1`` it does nothing. In a process that was started by one of
    ``pulsewire run --emulator`` it also leads managers to that emulator.

    Args:
        strict: Raise :class:`NotServedError` where a call is left to qm-qua's own code.
        shadow: Make each call that may be made twice both ways, and warn where the answers differ;
            :func:`report` then also knows the time saved.

    Raises:
        ImportError: qm-qua is not installed.

    Warns:
        RuntimeWarning: qm-qua is of a version that was not tried, or a seam does not fit it and is
            left to qm-qua.

    Example:
        ::

            import pulsewire
            pulsewire.install()
            # ... a script on qm-qua, unchanged
    """
    global _current
    if _disabled():
        logger.info("%s is set: qm-qua stays as it is", DISABLE)
        return
    with _lock:
        if _current is not None:
            _current.mode.strict, _current.mode.shadow = strict, shadow
            return
        try:
            from qm.version import __version__ as version
        except ImportError as error:
            raise ImportError(
                "pulsewire.install() serves the jobs of qm-qua, which is not installed: "
                "`pip install qm-qua`"
            ) from error
        from pulsewire.dropin.errors import theirs
        from pulsewire.dropin.seams import KNOWN_VERSIONS, SEAMS, signature_of

        made = _Installation(Mode(strict, shadow))
        calls: list[Call] = []
        unfit: dict[str, str] = {}
        try:
            for seam in SEAMS:
                if _numbers(version) < seam.since:
                    continue
                try:
                    holder = seam.holder()
                    found = vars(holder)[seam.name]
                except (ImportError, AttributeError, KeyError):
                    unfit[seam.place] = "is not there"
                    continue
                is_property = isinstance(found, property)
                original = found.fget if is_property else found
                if not callable(original) or signature_of(original) != seam.signature:
                    unfit[seam.place] = f"takes other than ({seam.signature})"
                    continue
                call = Call(seam, original, made.mode, theirs)
                function = call.function()
                new = property(function, doc=found.__doc__) if is_property else function
                made.replaced.put(holder, seam.name, new)
                calls.append(call)
        except BaseException:
            made.replaced.undo()
            raise
        _end_with_managers(made.replaced)
        switch = EmulatorSwitch.of_environment()
        if switch is not None:
            # This process was started by one of `pulsewire run --emulator`.
            switch.begin()
        _current = made
        reports.begin(version, calls, unfit)
    if unfit or version not in KNOWN_VERSIONS:
        said = [f"{place} {why}" for place, why in unfit.items()]
        if version not in KNOWN_VERSIONS:
            said.insert(0, f"it was tried with {', '.join(KNOWN_VERSIONS)}")
        warnings.warn(
            f"pulsewire serves qm-qua {version} as far as it knows it: {'; '.join(said)}",
            RuntimeWarning,
            stacklevel=2,
        )


def _end_with_managers(replaced: Replacements) -> None:
    """Lets waits under way end when their manager is closed, as qm-qua's do (from 1.4 on)."""
    from qm.api.models.server_details import ConnectionDetails

    from pulsewire.dropin.connections import close_client

    if not hasattr(ConnectionDetails, "close"):
        return

    def closing(original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def close(details: Any) -> None:
            original(details)
            close_client(details)

        return close

    replaced.wrap(ConnectionDetails, "close", closing)


def uninstall() -> None:
    """Gives qm-qua its own methods back.

    Calls under way end as they began; attached objects go on.
    """
    global _current
    with _lock:
        if _current is None:
            return
        _current.mode.live = False
        _current.replaced.undo()
        _current = None
        reports.end()


def installed() -> bool:
    """Whether qm-qua's jobs are served by pulsewire now."""
    return _current is not None


def attach(job: Any) -> Any:
    """The job of pulsewire for one of qm-qua, with all that qm-qua's does not have.

    ``closed_loop(…)``, ``input_stream(…)``, and of its ``result_handles`` ``stream()``,
    ``snapshot()`` and ``fetch_to()``. It uses a connection of pulsewire's, made with
    the settings of the job's manager; :func:`install` need not be called.

    Args:
        job: A job of qm-qua on QOP 2: ``QmPendingJob``, ``QmJob`` or ``SimulatedJob``.

    Returns:
        The :class:`pulsewire.QmJob` (or ``QmPendingJob``, ``SimulatedJob``) of the same id; the
        same object each time.

    Raises:
        TypeError: It is no such job.
        NotServedError: Its connection cannot be pulsewire's, as an ``ssl_context`` cannot be read.

    Example:
        ::

            job = qm.execute(program)               # qm-qua's
            loop = pulsewire.attach(job).closed_loop("frequency", "signal")
            signal = loop.exchange(0.25)
    """
    from pulsewire.dropin.calls import Left, NotServedError
    from pulsewire.dropin.connections import job_of

    if not hasattr(job, "_frontend") or not hasattr(job, "_machine_id"):
        raise TypeError(
            f"attach() takes a job of qm-qua on QOP 2, as machine.execute() gives, not "
            f"{type(job).__name__}"
        )
    try:
        return job_of(job)
    except Left as left:
        raise NotServedError(f"the connection of job {job._id!r} has {left}") from None
