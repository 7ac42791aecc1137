"""The logger ``pulsewire``, and what the compiler says, told to it."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pulsewire import _native

__all__ = ["log_messages", "logger"]

logger = logging.getLogger("pulsewire")

_LEVELS = {"error": logging.ERROR, "warning": logging.WARNING, "info": logging.INFO}


def log_messages(messages: Iterable[_native.Message]) -> None:
    """Logs messages of the compiler, each at its level."""
    for message in messages:
        logger.log(_LEVELS[message.level], "%s", message.text)
