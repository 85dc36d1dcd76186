"""Which calls a test drives, read from its source: the paths in all that it names, within its module and imported ones.

A test names functions, fixtures and tables of its own module and of other test modules; the texts in these are its
texts. A text that is a call's path, or begins with one, names the call; so does a path with a gap that another of its
texts fills, as in ``f"/r/project/{call}"`` beside ``"save"``.
"""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

TESTS = Path(__file__).parents[1]
_CLIENTS = {"Client": TESTS / "server.py", "JavaClient": TESTS / "acceptance" / "java.py"}
"""Clients for tests, each known by its methods alone."""

_OF_DATA = ("conformance", "recordings")
_GAP = "\0"


def driven_by_tests(calls: Collection[str]) -> dict[str, list[str]]:
    """Of each call the test files that drive it, below ``tests/``; those whose calls are data are left out."""
    found: dict[str, list[str]] = {call: [] for call in calls}
    paths = (path for path in sorted(TESTS.rglob("test_*.py")) if path.parent.name not in _OF_DATA)
    for path in paths:
        for call in {call for texts in _texts_of_tests(path) for call in _named(texts, calls)}:
            found[call].append(path.relative_to(TESTS).as_posix())
    return found


def _texts_of_tests(path: Path) -> Iterator[set[str]]:
    for name, nodes in _module(path).items():
        if name.startswith("test_"):
            yield {text for node in nodes for text in _texts(path, node)}


def _named(texts: set[str], calls: Collection[str]) -> set[str]:
    """The calls that the texts name."""
    fillings = {text.strip("/") for text in texts}
    paths = {path for text in texts for path in _paths(text, fillings)}
    return {call for path in paths for call in calls if path == call or re.match(re.escape(call) + "[/?;&]", path)}


def _paths(text: str, fillings: set[str]) -> Iterator[str]:
    """A text that begins as a path does; with a gap, all ways to fill it."""
    if not text.startswith("/r/"):
        return
    before, gap, after = text.partition(_GAP)
    yield before
    if gap and not before.endswith("?"):
        yield from (before + filling + after for filling in fillings)


def _texts(path: Path, start: ast.AST) -> set[str]:
    """All texts in a definition and in the definitions that it names."""
    texts: set[str] = set()
    waiting, seen = [(path, start)], {id(start)}
    while waiting:
        of, node = waiting.pop()
        methods = {name: paths for client in _imports(of) for name, paths in _client_methods(client).items()}
        texts |= set(_own_texts(node, methods))
        for found in [found for name in _names(node) for found in _definitions(of, name)]:
            if id(found[1]) not in seen:
                seen.add(id(found[1]))
                waiting.append(found)
    return texts


def _own_texts(node: ast.AST, methods: Mapping[str, Sequence[str]]) -> Iterator[str]:
    for part in ast.walk(node):
        if isinstance(part, ast.JoinedStr):
            yield "".join(str(piece.value) if isinstance(piece, ast.Constant) else _GAP for piece in part.values)
        elif isinstance(part, ast.Constant) and isinstance(part.value, str):
            yield part.value
        elif isinstance(part, ast.Call) and isinstance(part.func, ast.Attribute):
            yield from methods.get(part.func.attr, ())


def _names(node: ast.AST) -> Iterator[str]:
    """Names used, among them the fixtures that a function's parameters stand for."""
    for part in ast.walk(node):
        if isinstance(part, ast.Name):
            yield part.id
        elif isinstance(part, ast.arg):
            yield part.arg


def _definitions(path: Path, name: str) -> list[tuple[Path, ast.AST]]:
    """What a name stands for in a module, unless a client's module defines it."""
    own = [(path, node) for node in _module(path).get(name, ())]
    imported = _imports(path).get(name)
    if imported and imported not in _CLIENTS.values():
        own += [(imported, node) for node in _module(imported).get(name, ())]
    return own


@functools.cache
def _module(path: Path) -> dict[str, list[ast.AST]]:
    """What a module defines, by name."""
    found: dict[str, list[ast.AST]] = {}
    for node in ast.parse(path.read_text()).body:
        for name in _defined(node):
            found.setdefault(name, []).append(node)
    return found


def _defined(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
    elif isinstance(node, ast.Assign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        yield from (part.id for target in targets for part in ast.walk(target) if isinstance(part, ast.Name))


@functools.cache
def _imports(path: Path) -> dict[str, Path]:
    """Names that come from other modules of the tests."""
    found: dict[str, Path] = {}
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("tests."):
            module = (TESTS.parent / node.module.replace(".", "/")).with_suffix(".py")
            found |= {alias.name: module for alias in node.names if module.exists()}
    return found


@functools.cache
def _client_methods(client: str) -> dict[str, list[str]]:
    """Paths that the methods of a client for tests call; nothing of other names."""
    definitions = _module(_CLIENTS[client])[client] if client in _CLIENTS else []
    methods = [node for each in definitions for node in ast.walk(each) if isinstance(node, ast.FunctionDef)]
    return {
        method.name: paths
        for method in methods
        if (paths := [part.value for part in ast.walk(method) if _is_path(part)])  # type: ignore[attr-defined]
    }


def _is_path(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("/r/")
