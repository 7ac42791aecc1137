"""The same script by the real client and by pulsewire: every answer compared.

Each deliberate difference stands in DIFFERENCES with what either side does, and in
docs/differences.md by its key; anything else that differs fails.
"""

import json

import pytest

import pulsewire
from tests import VERSIONS


def raised(kind, code=None, **more):
    return {"raises": kind, "code": code, "logs": [], **more}


def returned(kind, value):
    return {"returns": {"type": kind, "value": value}, "logs": []}


NOTHING = returned("NoneType", None)
REFUSED = raised("FailedToAddJobToQueueException")
LOGGED = {"logs": ["ERROR"]}

# What either side gives; None where the values are looked at below.
DIFFERENCES = {
    "get with a default": (NOTHING, returned("int", 5)),
    "fetch(slice(0, -1))": None,
    "fetch(numpy)": None,
    "fetch(step)": (raised("Exception"), raised("ValueError")),
    "fetch(float)": (raised("Exception"), raised("TypeError")),
    "job: is_processing without results": (raised("IndexError"), returned("bool", False)),
    "pending: wait, negative time": (raised("ValueError"), raised("TimeoutError")),
    "wait, negative time": (raised("ValueError"), raised("TimeoutError")),
    "manager waits, negative": (raised("ValueError"), raised("TimeoutError")),
    "add_compiled: unknown": (REFUSED | LOGGED, REFUSED),
    "add_compiled: bad override": (REFUSED | LOGGED, REFUSED),
    "add_compiled: no samples": (raised("ValidationError"), raised("QmValueError")),
    "execute: mistakes": (REFUSED | LOGGED, REFUSED),
    "queue: mistakes": (REFUSED | LOGGED, REFUSED),
    "compile: mistakes": (
        raised("CompilationException") | LOGGED,
        raised("CompilationException"),
    ),
    "push mixed": (raised("QmValueError"), raised("UnspecifiedError", 0)),
    "unknown attribute": (NOTHING, raised("AttributeError")),
    "push tuple": (raised("QmValueError"), NOTHING),
    "push numpy array": (raised("QmValueError"), NOTHING),
    "push numpy scalars": (raised("QmValueError"), NOTHING),
    "push nan": (raised("UnspecifiedError", 0), raised("QmValueError")),
    "push out of range": (raised("UnspecifiedError", 0), raised("QmValueError")),
}
BY_VERSION = {
    # 1.2.6 wraps the int without a word.
    "1.2.6": {"push too large": (NOTHING, raised("QmValueError"))},
    "1.4.1": {"push too large": (raised("ValueError"), raised("QmValueError"))},
}


def record(run_with, version, backend):
    with pulsewire.Emulator() as emulator:
        shown = run_with(version, "scenario.py", backend, emulator.host, emulator.port)
    return json.loads(shown.split("RECORD ")[-1])


@pytest.mark.parametrize("version", VERSIONS)
def test_pulsewire_answers_as_the_real_client(run_with, version, repository):
    theirs = record(run_with, version, "qm")
    ours = record(run_with, version, "pulsewire")
    assert len(theirs) > 2500
    assert theirs.keys() == ours.keys()
    expected = DIFFERENCES | BY_VERSION[version]
    differing = {name for name in theirs if theirs[name] != ours[name]}
    assert differing == expected.keys(), {
        name: (theirs[name], ours[name]) for name in differing ^ expected.keys()
    }
    for name, sides in expected.items():
        if sides is not None:
            assert (theirs[name], ours[name]) == sides, name
    # A slice with a negative end: theirs asks for -1 values, ours is Python's.
    everything = ours["ints: all"]["returns"]
    assert theirs["fetch(slice(0, -1))"]["returns"]["shape"] == [0]
    assert ours["fetch(slice(0, -1))"]["returns"]["data"] == everything["data"][:-16]
    assert theirs["fetch(numpy)"] == raised("Exception")
    assert ours["fetch(numpy)"]["returns"]["data"] == everything["data"][16:32]

    page = (repository / "docs" / "differences.md").read_text()
    missing = [name for name in expected if f"`{name}`" not in page]
    assert missing == [], "not in docs/differences.md"


# What an unchanged script sees of the drop-in; see docs/drop-in.md.
OF_THE_DROP_IN = {
    "push tuple",
    "push numpy array",
    "push numpy scalars",
    "push too large",
    "push nan",
    "push out of range",
}


@pytest.mark.parametrize("version", VERSIONS)
def test_the_drop_in_answers_as_the_real_client(run_with, version, repository):
    theirs = record(run_with, version, "qm")
    ours = record(run_with, version, "drop-in")
    differing = {name for name in theirs if theirs[name] != ours.get(name)}
    assert differing == OF_THE_DROP_IN, {name: (theirs[name], ours.get(name)) for name in differing}
    expected = DIFFERENCES | BY_VERSION[version]
    for name in differing:
        assert (theirs[name], ours[name]) == expected[name], name
    page = (repository / "docs" / "drop-in.md").read_text()
    assert [name for name in OF_THE_DROP_IN if f"`{name}`" not in page] == []
