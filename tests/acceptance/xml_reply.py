"""Replies in XML (7x-facts 2.8) as the records that JSON has; leaves stay texts, an empty one is null."""

from __future__ import annotations

from typing import Any

from lxml import etree

_ARRAYS = {
    "artifacts", "authors", "files", "history", "jobs", "objects", "packages", "projects", "results", "scripts",
    "values",
}  # fmt: skip
_PARENTS_OF_ARRAYS = {"directories", "metadata"}
"""Lists of directories, in which all that has a name is an array; a ``user`` elsewhere is a record."""


def read(content: bytes) -> dict[str, Any]:
    """The ``response`` record of a reply."""
    record: dict[str, Any] = _value(etree.fromstring(content).find("response"))
    return record


def _value(element: Any) -> Any:
    if element.tag in _ARRAYS or (element.getparent().tag in _PARENTS_OF_ARRAYS and element.tag != "metadata"):
        return [_value(child) for child in element]
    if len(element):
        return {"value" if child.tag == "values" else child.tag: _value(child) for child in element}
    return {"true": True, "false": False}.get(element.text, element.text)
