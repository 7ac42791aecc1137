"""Where a gateway is: hosts and ports as users and qm-qua's configuration file give them."""

from __future__ import annotations

import json
import operator
from pathlib import Path
from typing import Any

import numpy as np

from pulsewire.exceptions import QmValueError

__all__ = ["addresses"]

# The port of a gateway, where nothing else is said.
_PORT = 80


def _settings() -> dict[str, Any]:
    """What qm-qua keeps in its configuration file."""
    try:
        path = Path("~/.qm/config.json").expanduser()
    except RuntimeError:
        # A user without a home, as in containers.
        return {}
    try:
        given = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise QmValueError(
            f"connect: qm-qua's configuration file {path} cannot be read: {error}"
        ) from None
    return given if isinstance(given, dict) else {}


def _port(given: Any) -> int:
    """A port: an int of any kind, or a text of digits."""
    try:
        if isinstance(given, (bool, np.bool_)):
            raise TypeError
        digits = isinstance(given, str) and given.strip().isdecimal()
        port = int(given) if digits else operator.index(given)
    except (TypeError, ValueError):
        port = 0
    if not 0 < port < 65536:
        raise QmValueError(f"connect: a port is 1 to 65535, not {given!r:.80}")
    return port


def addresses(host: str | None, port: Any) -> list[tuple[str, int]]:
    """Where to look for the gateway, in this order."""
    settings = {} if host and port is not None else _settings()
    given = host or settings.get("quantumMachinesManager_host")
    if not isinstance(given, str) or not given.strip():
        raise QmValueError(
            "connect: no host: give one, for example connect('192.168.1.10'), or set "
            "quantumMachinesManager_host in ~/.qm/config.json"
        )
    scheme, _, name = given.strip().rpartition("://")
    if scheme.lower() == "https":
        raise QmValueError(
            f"connect: {given!r} is no host: for encryption give its name and tls=True, "
            f"connect({name.split('/')[0]!r}, tls=True)"
        )
    if scheme.lower() not in ("", "http"):
        raise QmValueError(f"connect: {given!r} is no host: give its name or address")
    name, _, path = name.partition("/")
    if path:
        raise QmValueError(f"connect: {given!r} has a path; a host is a name or an address")
    of_host: str | None = None
    if name.startswith("["):
        name, _, behind = name[1:].partition("]")
        of_host = behind.removeprefix(":") or None
    elif name.count(":") == 1:
        name, _, of_host = name.partition(":")
    if not name:
        raise QmValueError(f"connect: {given!r} names no host")
    if of_host is not None:
        if port is not None and _port(port) != _port(of_host):
            raise QmValueError(
                f"connect: {given!r} has a port, and the port {port} is given besides"
            )
        port = of_host
    if port is not None:
        return [(name, _port(port))]
    of_file = settings.get("quantumMachinesManager_port")
    ports = [_PORT] if of_file is None else [_port(of_file), _PORT]
    return [(name, port) for port in dict.fromkeys(ports)]
