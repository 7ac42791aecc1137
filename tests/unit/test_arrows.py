"""The check of the arrows finds what it is there for."""

import dataclasses

import pytest

from tests import arrows


def test_nothing_runs_against_the_arrows():
    assert arrows.findings() == []


@pytest.mark.parametrize("label", arrows.TREES)
def test_an_arrow_that_is_turned_round_is_found(label):
    tree = arrows.TREES[label]
    turned = dataclasses.replace(tree, arrow=tree.arrow[::-1])
    read = arrows.python_imports if label == "python" else arrows.rust_imports
    inside, outside = read(tree)
    assert not list(arrows.against_the_arrow(label, tree, inside))
    found = list(arrows.against_the_arrow(label, turned, inside))
    # Nearly every file imports something: an empty reading would find as little.
    assert len(found) > len(inside) / 2
    nobody = dataclasses.replace(tree, outside=dict.fromkeys(tree.outside, ()))
    assert list(arrows.from_outside(label, nobody, outside))


def test_circles_are_found_and_chains_are_not():
    chain = {"a": {"b"}, "b": {"c"}, "c": set()}
    assert list(arrows.circles("x", chain)) == []
    [found] = arrows.circles("x", chain | {"c": {"a"}})
    assert "a, b, c" in found
    assert "c → a" in found


def test_rust_is_read_as_rust_reads_it(tmp_path):
    (tmp_path / "room").mkdir()
    (tmp_path / "lib.rs").write_text("mod other;\nmod room;\n")
    (tmp_path / "room" / "mod.rs").write_text("mod inner;\npub(crate) use inner::{Thing, made};\n")
    (tmp_path / "room" / "inner.rs").write_text(
        "use super::super::other; // use crate::nowhere;\npub struct Thing;\n"
        "#[cfg(test)]\nmod tests { use crate::tested; }\n"
    )
    (tmp_path / "other.rs").write_text("use crate::{room::{Thing, made as m}};\n")
    tree = arrows.Tree(str(tmp_path), ())
    inside, _ = arrows.rust_imports(tree)
    # What room/mod.rs passes on is the inner file's.
    assert inside["other"] == {"room/inner"}
    assert inside["room/inner"] == {"other"}
    assert inside["room"] == set()
