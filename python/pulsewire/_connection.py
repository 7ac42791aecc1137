"""Connections to gateways: one in a process for equal options, shared and counted."""

from __future__ import annotations

import atexit
import os
import threading
import weakref
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pulsewire import _native
from pulsewire.exceptions import QMConnectionError, QmValueError

__all__ = ["Connection", "ConnectionOptions", "TlsMaterial", "tls_material"]

# The runtime of the extension ends with the interpreter, within a bound; a forked child makes
# its own.
atexit.register(_native._shut_down)


@dataclass(frozen=True)
class TlsMaterial:
    """PEM texts, and the name that the gateway's certificate is for."""

    ca_certificate: str | None = None
    identity: tuple[str, str] | None = field(default=None, repr=False)
    domain: str | None = None


@dataclass(frozen=True)
class ConnectionOptions:
    """Everything that a connection is made with: what is equal shares one."""

    host: str
    port: int
    cluster_name: str | None = None
    timeout: float = 120.0
    token: str | None = field(default=None, repr=False)
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    tls: TlsMaterial | None = None
    follow_redirects: bool = True
    in_order: bool | None = None
    keepalive: float | None = 30.0


def tls_material(
    tls: Mapping[str, str | os.PathLike[str]] | bool | None,
) -> TlsMaterial | None:
    """What the argument ``tls`` of ``connect`` names, read from its files."""
    if tls is None or tls is False:
        return None
    if tls is not True and not isinstance(tls, Mapping):
        is_path = isinstance(tls, str | os.PathLike)
        advice = f": write tls={{'ca': {str(tls)!r}}}" if is_path else ""
        raise TypeError(
            f"tls is True, or a mapping like {{'ca': 'ca.pem'}}, not {tls!r:.80}{advice:.200}"
        )
    given = {} if tls is True else dict(tls)

    def read(key: str) -> str | None:
        path = given.pop(key, None)
        try:
            return None if path is None else Path(path).read_text()
        except UnicodeDecodeError:
            raise QmValueError(f"tls: {key}: {path} is no PEM text") from None

    ca, certificate, key = read("ca"), read("certificate"), read("key")
    domain = given.pop("domain", None)
    if given:
        raise TypeError(f"tls takes ca, certificate, key and domain, not {', '.join(given)}")
    if (certificate is None) != (key is None):
        raise ValueError("tls: a client's certificate and its key must be given together")
    identity = None if certificate is None or key is None else (certificate, key)
    return TlsMaterial(ca, identity, None if domain is None else str(domain))


class _Link:
    """The link of a process for some options; it goes with the last connection that holds it."""

    def __init__(self, options: ConnectionOptions) -> None:
        self.native = _native.connect(options)


_links: weakref.WeakValueDictionary[ConnectionOptions, _Link] = weakref.WeakValueDictionary()
# Held for a moment only, never across a call of the gateway.
_lock = threading.Lock()


def _after_fork() -> None:
    global _lock
    # Another thread of the parent may have held it.
    _lock = threading.Lock()
    _native._after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def _kept(options: ConnectionOptions) -> _Link | None:
    with _lock:
        return _links.get(options)


class Connection:
    """One holder of a link: a closed one stays closed, and the last to close shuts the link.

    Args:
        options: Where to, and how. Connections of equal options in one process share a link.
        check: Whether a gateway that is connected already is asked for its health again, as
            ``connect`` does; what is unpickled asks nothing.

    Raises:
        QmServerDetectionError: There is no gateway at the address.
        QMHealthCheckError: The gateway says that it is not well.
    """

    def __init__(self, options: ConnectionOptions, *, check: bool) -> None:
        self.options = options
        self._link, self.native = self._open(check)

    def _open(self, check: bool) -> tuple[_Link, _native.Client]:
        link = _kept(self.options)
        if link is not None:
            native = self._share(link)
            if native is not None:
                # Another gateway may have taken the address since.
                if not check or native.check():
                    return link, native
                native.close()
        opened = _Link(self.options)
        native = opened.native.client()
        with _lock:
            first = _links.get(self.options)
            if first is None or first is link:
                _links[self.options] = opened
                return opened, native
        # Another thread was faster.
        shared = self._share(first)
        if shared is None:
            return opened, native
        native.close()
        return first, shared

    @staticmethod
    def _share(link: _Link) -> _native.Client | None:
        try:
            return link.native.client()
        except QMConnectionError:
            # Its last holder closed it meanwhile.
            return None

    def close(self) -> None:
        """Lets go of the link; once is enough."""
        self.native.close()
