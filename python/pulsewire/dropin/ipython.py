"""``%load_ext pulsewire`` in IPython and Jupyter."""

from __future__ import annotations

from typing import Any

from pulsewire.dropin.installation import install, uninstall

__all__ = ["load_ipython_extension", "unload_ipython_extension"]


def load_ipython_extension(_: Any) -> None:
    """Called by ``%load_ext pulsewire``: :func:`pulsewire.install`."""
    install()


def unload_ipython_extension(_: Any) -> None:
    """Called by ``%unload_ext pulsewire``: :func:`pulsewire.uninstall`."""
    uninstall()
