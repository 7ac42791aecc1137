"""``qm`` to ``pulsewire`` in an import line: the vendor's names at the vendor's paths."""

import importlib
import pkgutil

import pytest

import pulsewire
from pulsewire import exceptions

# What is not there, and why.
LEFT = {
    "jobs.job_queue_base": {
        "QmQueueBase": "what the queues of both generations share; nobody makes one",
        "QmNewApiNotImplementedError": "of QOP 3",
        "JobTypeVar": "a type variable",
    },
    "jobs.job_queue_with_deprecations": {"QmQueueWithDeprecations": "of QOP 3"},
    "jobs.simulated_job": {
        "SimulatorOutput": "what SimulatedJob.simulator gives, which has nothing public",
        "extract_value": "unpacks messages",
        "extract_struct_value": "unpacks messages",
        "VALUE_MAPPING": "unpacks messages",
    },
}


def own_names(module):
    """What a module defines, or says that it passes on."""
    listed = getattr(module, "__all__", None)
    if listed is not None:
        return set(listed)
    return {
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and (getattr(value, "__module__", None) == module.__name__ or name.isupper())
        and name not in ("TYPE_CHECKING",)
    }


def modules_of(package):
    found = importlib.import_module(package)
    yield package
    yield from (f"{package}.{each.name}" for each in pkgutil.iter_modules(found.__path__))


@pytest.mark.parametrize("room", ["jobs", "results"])
def test_the_names_are_at_the_same_paths(room):
    missing = {}
    for path in modules_of(f"qm.{room}"):
        place = path.removeprefix("qm.")
        names = own_names(importlib.import_module(path)) - LEFT.get(place, {}).keys()
        if not names:
            continue
        ours = importlib.import_module(f"pulsewire.{place}")
        absent = {name for name in names if not hasattr(ours, name)}
        if absent:
            missing[place] = absent
    assert missing == {}


def test_what_is_left_is_still_the_vendors():
    for place, names in LEFT.items():
        theirs = importlib.import_module(f"qm.{place}")
        assert [name for name in names if not hasattr(theirs, name)] == [], place


@pytest.mark.parametrize("path", ["qm.exceptions", "qm._QmJobErrors"])
def test_every_exception_has_its_name_and_its_bases(path):
    theirs = importlib.import_module(path)
    kinds = {
        name: kind
        for name, kind in vars(theirs).items()
        if isinstance(kind, type) and issubclass(kind, Exception) and not name.startswith("_")
        if kind.__module__ == path
    }
    assert len(kinds) > 15
    for name, kind in kinds.items():
        ours = getattr(exceptions, name)
        assert name in exceptions.__all__
        for base in kind.__mro__:
            if base.__module__.startswith("qm.") and not base.__name__.startswith("_"):
                assert issubclass(ours, getattr(exceptions, base.__name__)), (name, base)


def test_names_at_the_top():
    import qm

    shared = {"QmJob", "QuantumMachine", "SimulationConfig", "Program"}
    assert shared <= set(dir(qm))
    assert {"QmJob", "QuantumMachine"} <= set(dir(pulsewire))
