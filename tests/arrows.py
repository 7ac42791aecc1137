"""Checks the arrows of ARCHITECTURE.md: who may import whom, and that no files import in a circle.

Also that no source file is longer than 600 lines. Run by ``make lint``.

It reads the ``use`` statements and paths of the Rust crates and the imports of the Python package,
each at the file that defines what is named: a name that a ``mod.rs`` or ``lib.rs`` only passes on
counts as the file's that it comes from. Tests (``*_tests.rs``, ``#[cfg(test)]``) and what Python
imports for its type checker alone are left out.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Tree:
    """A crate or package, and its arrow."""

    source: str
    # From left to right: each may import what stands to its right, and itself. Those in one place
    # do not know each other.
    arrow: tuple[tuple[str, ...], ...]
    # What comes from elsewhere, and who alone may import it.
    outside: dict[str, tuple[str, ...]] = field(default_factory=dict)


WIRE = ("pulsewire_wire", "prost", "prost_types")

TREES = {
    "client": Tree(
        "rust/client/src",
        (
            ("lib",),
            ("closed_loop", "execution", "writer"),
            ("input_stream", "results", "simulation"),
            ("queue",),
            ("job", "machine"),
            ("client",),
            ("outage",),
            ("retry",),
            ("gateway", "ledger"),
            ("transport", "wait"),
            ("error",),
            ("types",),
            ("config", "clock", "pace", "round_trip", "varint"),
        ),
        dict.fromkeys(WIRE, ("gateway",)),
    ),
    "emulator": Tree(
        "rust/emulator/src",
        (
            ("lib", "main"),
            ("arguments",),
            ("emulator",),
            ("gateway",),
            ("control",),
            ("compiler", "runtime"),
            ("signal", "streams"),
            ("config",),
            ("qua",),
            ("limits", "lock"),
        ),
        dict.fromkeys(WIRE, ("gateway", "compiler", "config")),
    ),
    "bindings": Tree(
        "rust/bindings/src",
        (
            ("lib",),
            ("client", "emulator"),
            ("machine",),
            ("job",),
            ("closed_loop",),
            ("input_stream", "results", "simulation"),
            ("connection", "convert"),
            ("array", "lifetime", "logging"),
            ("errors",),
        ),
        {"numpy": ("array",), **dict.fromkeys(WIRE, ())},
    ),
    "python": Tree(
        "python/pulsewire",
        (
            ("__main__", "testing"),
            ("cli",),
            ("_demo",),
            ("__init__",),
            ("dropin",),
            ("client", "emulator"),
            ("quantum_machine",),
            ("jobs",),
            ("results", "simulation"),
            ("_connection", "_address", "_vendor", "_log", "_timeouts"),
            ("exceptions", "_native"),
        ),
        {"qm": ("_vendor", "_demo", "dropin")},
    ),
}

# lifetime/blocking tells what was logged, logging asks lifetime/generation for its process: each in
# one direction, which the check for circles looks at.
ALLOWED = {("bindings", "lifetime", "logging"), ("bindings", "logging", "lifetime")}


# -- Rust


def _without_tests(text: str) -> str:
    """The text without comments, texts, and what is compiled for tests only."""
    text = re.sub(r"//[^\n]*", "", text)
    text = re.sub(r'"(?:\\.|[^"\\])*"', '""', text, flags=re.DOTALL)
    kept, at = [], 0
    for match in re.finditer(
        r"#\[cfg\(test\)\]\s*(?:pub(?:\([^)]*\))?\s+)?(mod|use|fn|impl)\b", text
    ):
        if match.start() < at:
            continue
        kept.append(text[at : match.start()])
        at = _end_of_item(text, match.end())
    return "".join([*kept, text[at:]])


def _end_of_item(text: str, at: int) -> int:
    depth = 0
    for index in range(at, len(text)):
        if text[index] == ";" and depth == 0:
            return index + 1
        if text[index] == "{":
            depth += 1
        elif text[index] == "}":
            depth -= 1
            if depth == 0:
                return index + 1
    return len(text)


def _paths(tree: str) -> Iterator[list[str]]:
    """The paths of a use tree: ``a::{b, c::d}``."""
    tree = re.sub(r"\s+as\s+\w+", "", tree.strip())
    head, brace, rest = tree.partition("{")
    prefix = [part for part in head.split("::") if part.strip()]
    prefix = [part.strip() for part in prefix]
    if not brace:
        yield prefix
        return
    depth, start = 0, 0
    rest = rest[: rest.rindex("}")]
    for index, char in enumerate([*rest, ","]):
        if char == "{":
            depth += 1
        elif char == "}":
            depth -= 1
        elif char == "," and depth == 0:
            if rest[start:index].strip():
                for path in _paths(rest[start:index]):
                    yield prefix + path
            start = index + 1


class Crate:
    """The modules of a crate, by path, and what each passes on."""

    def __init__(self, source: Path) -> None:
        self.texts: dict[tuple[str, ...], str] = {}
        for path in sorted(source.rglob("*.rs")):
            parts = path.relative_to(source).with_suffix("").parts
            if not path.stem.endswith("_tests") and path.stem not in ("tests", "testing"):
                module = parts[:-1] if parts[-1] in ("mod", "lib", "main") else parts
                text = _without_tests(path.read_text(encoding="utf-8"))
                # A binary beside a library is a module of its own.
                self.texts[("main",) if parts == ("main",) else module] = text
        self.passed_on: dict[tuple[str, ...], dict[str, list[str]]] = {}
        for module, text in self.texts.items():
            named = self.passed_on[module] = {}
            for given in re.findall(r"\bpub(?:\([^)]*\))?\s+use\s+([^;]+);", text):
                for path in _paths(given):
                    named[path[-1]] = path

    def absolute(self, module: tuple[str, ...], path: list[str]) -> tuple[str, ...] | None:
        """A path from the crate's root; None for one that leads out of it."""
        at, rest = list(module), list(path)
        if rest[0] == "crate":
            return tuple(rest[1:])
        if rest[0] in ("self", "super"):
            while rest and rest[0] in ("self", "super"):
                if rest.pop(0) == "super":
                    at = at[:-1]
            return tuple(at + rest)
        # A child, named from its parent.
        return (*at, *rest) if (*at, rest[0]) in self.texts else None

    def file_of(self, path: tuple[str, ...], depth: int = 0) -> tuple[str, ...]:
        """The module that defines what a path names."""
        module: tuple[str, ...] = ()
        for length in range(len(path), -1, -1):
            if path[:length] in self.texts:
                module = path[:length]
                break
        rest = path[len(module) :]
        named = self.passed_on.get(module, {}).get(rest[0]) if rest else None
        if named is None or depth > 8:
            return module
        found = self.absolute(module, named)
        return module if found is None else self.file_of((*found, *rest[1:]), depth + 1)

    def imports(self, module: tuple[str, ...]) -> Iterator[list[str]]:
        """What a module names, but for what it passes on from its own children."""
        text = self.texts[module]
        for passes_on, given in re.findall(r"\b(pub(?:\([^)]*\))?\s+)?use\s+([^;]+);", text):
            for path in _paths(given):
                if not (passes_on and (*module, path[0]) in self.texts):
                    yield path
        bare = re.sub(r"\buse\s+[^;]+;", "", text)
        for path in re.findall(r"\b(?:crate|super|self)(?:::\w+)+", bare):
            yield path.split("::")
        for path in re.findall(r"(?<![\w:])[a-z_]\w*(?:::\w+)+", bare):
            yield path.split("::")


def rust_imports(tree: Tree) -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    """By file: the files and the crates that it imports."""
    crate = Crate(ROOT / tree.source)
    name = {module: "/".join(module) or "lib" for module in crate.texts}
    inside: dict[str, set[str]] = {}
    outside: dict[str, set[str]] = {}
    for module in crate.texts:
        here, there = (
            inside.setdefault(name[module], set()),
            outside.setdefault(name[module], set()),
        )
        for path in crate.imports(module):
            found = crate.absolute(module, path)
            if found is None:
                there.add(path[0])
            else:
                here.add(name[crate.file_of(found)])
        here.discard(name[module])
    return inside, outside


# -- Python


def _run(body: Iterable[ast.AST]) -> Iterator[ast.Import | ast.ImportFrom]:
    """The imports that run, wherever they stand."""
    for node in body:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            yield node
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            yield from _run(node.orelse)
        else:
            yield from _run(ast.iter_child_nodes(node))


def python_imports(tree: Tree) -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    """By file: the files and the packages that it imports."""
    source = ROOT / tree.source
    files = {}
    for path in sorted(source.rglob("*.py")):
        parts = path.relative_to(source).with_suffix("").parts
        files[parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts] = path
    files[("_native",)] = source / "_native.pyi"

    def file_of(path: list[str]) -> str:
        for length in range(len(path), 0, -1):
            if tuple(path[:length]) in files:
                return "/".join(path[:length])
        return "__init__"

    inside: dict[str, set[str]] = {}
    outside: dict[str, set[str]] = {}
    for module, path in files.items():
        name = "/".join(module)
        here, there = inside.setdefault(name, set()), outside.setdefault(name, set())
        if path.suffix == ".pyi":
            continue
        for node in _run(ast.parse(path.read_text(encoding="utf-8")).body):
            given = getattr(node, "module", None)
            named = [f"{given}.{one.name}" if given else one.name for one in node.names]
            for full in named:
                first, *rest = full.split(".")
                if first == "pulsewire":
                    here.add(file_of(rest))
                else:
                    there.add(first)
        here.discard(name)
    return inside, outside


# -- what is checked


def against_the_arrow(label: str, tree: Tree, inside: dict[str, set[str]]) -> Iterator[str]:
    """Imports that run against the arrow, and files that it does not name."""
    place = {name: index for index, names in enumerate(tree.arrow) for name in names}
    for file, imported in sorted(inside.items()):
        room = file.split("/")[0]
        if room not in place:
            yield f"{label}: the arrow has no place for {file}"
            continue
        for other in sorted(imported):
            to = other.split("/")[0]
            if to == room or to not in place or (label, room, to) in ALLOWED:
                continue
            if place[to] <= place[room]:
                yield f"{label}: {file} imports {other}, which stands to its left"


def from_outside(label: str, tree: Tree, outside: dict[str, set[str]]) -> Iterator[str]:
    """Imports of what only some may import."""
    for file, imported in sorted(outside.items()):
        for name in sorted(imported & set(tree.outside)):
            if file.split("/")[0] not in tree.outside[name]:
                yield f"{label}: {file} imports {name}, which only {tree.outside[name]} may"


def circles(label: str, inside: dict[str, set[str]]) -> Iterator[str]:
    """Files that reach each other: the sets that circles are made of (Tarjan)."""
    index: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(file: str) -> None:
        index[file] = lowest[file] = len(index)
        stack.append(file)
        for other in sorted(inside.get(file, ())):
            if other not in index:
                visit(other)
                lowest[file] = min(lowest[file], lowest[other])
            elif other in stack:
                lowest[file] = min(lowest[file], index[other])
        if lowest[file] == index[file]:
            start = stack.index(file)
            found.append(stack[start:])
            del stack[start:]

    for file in sorted(inside):
        if file not in index:
            visit(file)
    for files in found:
        if len(files) > 1:
            edges = [f"{a} → {b}" for a in files for b in sorted(inside[a] & set(files))]
            yield f"{label}: a circle among {', '.join(sorted(files))}: {'; '.join(edges)}"


# Lines of a file that a reader can hold in mind.
LONGEST = 600


def too_long() -> Iterator[str]:
    """Source files that want splitting."""
    for top in ("rust", "python", "tests", "benches", "examples"):
        for suffix in ("rs", "py", "pyi"):
            for path in sorted((ROOT / top).rglob(f"*.{suffix}")):
                if path.parent.name == "generated":
                    continue
                lines = len(path.read_text(encoding="utf-8").splitlines())
                if lines > LONGEST:
                    yield f"{path.relative_to(ROOT)} has {lines} lines; split it: {LONGEST} at most"


def findings() -> list[str]:
    """Everything that is against the arrows, or too long."""
    found = list(too_long())
    for label, tree in TREES.items():
        inside, outside = (python_imports if label == "python" else rust_imports)(tree)
        found += against_the_arrow(label, tree, inside)
        found += from_outside(label, tree, outside)
        found += circles(label, inside)
    return found


if __name__ == "__main__":
    all_found = findings()
    print("\n".join(all_found))
    sys.exit(1 if all_found else 0)
