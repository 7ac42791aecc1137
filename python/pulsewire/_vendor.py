"""Programs and configurations of qm-qua, of either client version, as bytes.

qm-qua is never imported here unless a configuration dictionary has to be converted.
"""

from __future__ import annotations

import warnings
from typing import Any

__all__ = ["config_bytes", "program_bytes"]


def _message_bytes(value: Any, kind: str) -> bytes:
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    # google.protobuf (1.4.1) and betterproto (1.2.6) both have this method.
    serialize = getattr(value, "SerializeToString", None)
    if serialize is None:
        raise TypeError(
            f"{type(value).__name__} is no {kind}: give qm-qua's object, its protobuf message "
            "or bytes"
        )
    return bytes(serialize())


def program_bytes(program: Any) -> bytes:
    """A qm-qua ``Program``, its message, or bytes, as bytes."""
    return _message_bytes(getattr(program, "qua_program", program), "QUA program")


# What qm-qua's own use of marshmallow is told. Its import makes Python show every deprecation in
# itself, whatever -W says; its user can do nothing about this one.
_THEIRS = "The .context. parameter is deprecated"


def config_bytes(config: Any, capabilities: frozenset[str]) -> bytes:
    """A configuration message, bytes, or a dictionary (where qm-qua is installed), as bytes."""
    if not isinstance(config, dict):
        return _message_bytes(config, "configuration")
    try:
        from qm.api.models.capabilities import QopCaps, ServerCapabilities
        from qm.program import load_config
    except ImportError as error:
        raise TypeError(
            "a configuration dictionary is converted by qm-qua, which is not installed: "
            "`pip install qm-qua`, or give a QuaConfig message or its bytes"
        ) from error
    # Each time, as imports and test runners set filters of their own; entered twice it is one.
    warnings.filterwarnings("ignore", message=_THEIRS, category=DeprecationWarning)
    known = {cap for cap in QopCaps.get_all() if cap.qop_name in capabilities}
    return _message_bytes(
        load_config(config, capabilities=ServerCapabilities(known)), "configuration"
    )
