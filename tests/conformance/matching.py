"""Compares replies with expectations.

An expectation is JSON. Records have exactly the keys it names, arrays exactly its elements, other values are equal and
of the same type. Besides:

- ``"$any"``: whatever is there;
- ``"$time"``: what :data:`NAMED` says of it, or a record of ``shapes.json``;
- ``{"$is": "project", "name": "x"}``: a record of ``shapes.json`` with these other members;
- ``{"$has": {...}}``: a record with these members and perhaps others;
- ``{"$contains": [...]}``: an array with such elements and perhaps others;
- ``{"$each": ...}``: an array, not empty, whose elements are all so;
- ``{"$match": "..."}``: a text in which the regular expression is found.
"""

from __future__ import annotations

import functools
import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.conformance.reply_nodes import Mismatch, Node

_UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_BEGINNING = 1_000_000_000_000
"""A time long ago, in milliseconds since 1970; larger than 32 bits hold, as Java needs it."""

Check = Callable[[Any], bool]


def _text_like(pattern: str) -> Check:
    return lambda value: isinstance(value, str) and re.fullmatch(pattern, value, re.DOTALL) is not None


NAMED: dict[str, Check] = {
    "text": lambda value: isinstance(value, str),
    "text-or-null": lambda value: value is None or isinstance(value, str),
    "said": _text_like(".+"),
    "flag": lambda value: isinstance(value, bool),
    "count": lambda value: type(value) is int and value >= 0,
    "some": lambda value: type(value) is int and 0 < value < 2**31,
    "number": lambda value: type(value) is float,
    "time": lambda value: type(value) is int and _BEGINNING < value < (time.time() + 60) * 1000,
    "uid": _text_like("UID-[0-9A-F]{32}"),
    "token": _text_like("[^;, ]{16,}"),
    "project-id": _text_like(f"PROJECT-{_UUID}"),
    "stateless-id": _text_like(f"STATELESS-{_UUID}"),
    "execution-id": _text_like(f"EXEC-{_UUID}"),
    "job-id": _text_like(f"JOB-{_UUID}"),
    "sha256": _text_like("[0-9a-f]{64}"),
    "version": _text_like(r".*\..*"),
    "url": _text_like(r"http://127\.0\.0\.1:\d+/deployr/r/[^ &]+"),
}
"""Kinds of values by name."""


def match(expected: Any, node: Node) -> None:
    """Check a part of a reply.

    Raises:
        Mismatch: it is not as expected.
    """
    if expected == "$any":
        return
    if isinstance(expected, dict) and any(key in _OPERATORS for key in expected):
        operator = next(key for key in expected if key in _OPERATORS)
        _OPERATORS[operator](expected, node)
    elif isinstance(expected, dict):
        _match_record(expected, node.members())
    elif isinstance(expected, list):
        _match_array(expected, node.elements())
    elif isinstance(expected, str) and expected.startswith("$"):
        _match_named(expected[1:], node)
    elif expected != "$any" and not any(
        type(reading) is type(expected) and reading == expected for reading in node.readings()
    ):
        raise Mismatch(f"expected {expected!r}, got {node.readings()[-1]!r}")


@functools.cache
def shapes() -> dict[str, Any]:
    """Records by name."""
    found: dict[str, Any] = json.loads((Path(__file__).parent / "shapes.json").read_text())
    return found


def _match_record(expected: dict[str, Any], members: dict[str, Node], *, exactly: bool = True) -> None:
    missing, unexpected = expected.keys() - members.keys(), members.keys() - expected.keys()
    if missing or (exactly and unexpected):
        raise Mismatch(f"missing keys {sorted(missing)}, unexpected keys {sorted(unexpected)}")
    for key, value in expected.items():
        _within(f".{key}", value, members[key])


def _match_array(expected: list[Any], elements: list[Node]) -> None:
    if len(elements) != len(expected):
        raise Mismatch(f"expected {len(expected)} elements, got {len(elements)}: {elements}")
    for position, (value, element) in enumerate(zip(expected, elements, strict=True)):
        _within(f"[{position}]", value, element)


def _within(place: str, expected: Any, node: Node) -> None:
    try:
        match(expected, node)
    except Mismatch as ex:
        raise Mismatch(ex.what, place + ex.place) from None


def _match_named(name: str, node: Node) -> None:
    if name in shapes():
        match(shapes()[name], node)
    elif not any(NAMED[name](reading) for reading in node.readings()):
        raise Mismatch(f"{node.readings()[-1]!r} is no {name}")


def _match_shape(expected: dict[str, Any], node: Node) -> None:
    others = {key: value for key, value in expected.items() if key != "$is"}
    match(shapes()[expected["$is"]] | others, node)


def _match_contained(expected: dict[str, Any], node: Node) -> None:
    elements = node.elements()
    for value in expected["$contains"]:
        if not any(_is_like(value, element) for element in elements):
            raise Mismatch(f"no element is like {value!r}")


def _match_each(expected: dict[str, Any], node: Node) -> None:
    elements = node.elements()
    if not elements:
        raise Mismatch("there is no element")
    _match_array([expected["$each"]] * len(elements), elements)


def _match_pattern(expected: dict[str, Any], node: Node) -> None:
    pattern = expected["$match"]
    if not any(isinstance(reading, str) and re.search(pattern, reading) for reading in node.readings()):
        raise Mismatch(f"{node.readings()[-1]!r} does not match {pattern!r}")


def _is_like(expected: Any, node: Node) -> bool:
    try:
        match(expected, node)
    except Mismatch:
        return False
    return True


_OPERATORS: dict[str, Callable[[dict[str, Any], Node], None]] = {
    "$is": _match_shape,
    "$has": lambda expected, node: _match_record(expected["$has"], node.members(), exactly=False),
    "$contains": _match_contained,
    "$each": _match_each,
    "$match": _match_pattern,
}
