"""pytest fixtures: an emulator and a client for users' own tests.

In a ``conftest.py``::

    pytest_plugins = ["pulsewire.testing"]
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pulsewire.client import Client, connect
from pulsewire.emulator import Emulator

__all__ = ["pulsewire_client", "pulsewire_emulator"]


@pytest.fixture(scope="session")
def pulsewire_emulator() -> Iterator[Emulator]:
    """An emulator on a free port, for the whole session."""
    with Emulator() as emulator:
        yield emulator


@pytest.fixture
def pulsewire_client(pulsewire_emulator: Emulator) -> Iterator[Client]:
    """A client of the session's emulator; the machines that a test opened are closed after it."""
    with connect(pulsewire_emulator.host, pulsewire_emulator.port) as client:
        before = set(client.list_open_qms())
        yield client
        for machine_id in client.list_open_qms():
            if machine_id not in before:
                client.get_qm(machine_id).close()
