"""Fixtures of all tests: the users' own, and the repository."""

import os
from pathlib import Path

import pytest

pytest_plugins = ["pulsewire.testing"]

# A proxy of the machine must not come between the tests and their own loopback servers.
for name in ("no_proxy", "NO_PROXY"):
    os.environ[name] = "*"


@pytest.fixture(scope="session")
def repository() -> Path:
    return Path(__file__).parent.parent


@pytest.fixture
def demo_files(repository: Path) -> dict[str, bytes]:
    folder = repository / "python" / "pulsewire" / "_demo"
    return {path.name: path.read_bytes() for path in folder.glob("*.bin")}
