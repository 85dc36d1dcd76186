"""Replies in JSON and in XML behind one face, so that one expectation serves both (7x-facts 2.8).

XML tells less: a leaf may be read in several ways, as null or the empty text, as a text, a number or a logical. What an
element is, a record or an array, the expectation decides; that an array's members have the right name is checked here.
"""

from __future__ import annotations

import csv
import dataclasses
import json
import re
from typing import Any, Protocol

from lxml import etree

_MEMBERS = {"history": "execution", "console": "line"} | dict.fromkeys(
    ("user", "system", "custom", "archived"), "directory"
)
"""Members of arrays whose key is not their name with an s; the documents do not say what these are called."""

_LITERAL = re.compile(r"true|false|-?\d+(\.\d+)?([eE][+-]?\d+)?")


class Mismatch(AssertionError):
    """A reply is not as expected.

    Args:
        what: what is wrong.
        place: of the wrong part in the reply.
    """

    def __init__(self, what: str, place: str = "") -> None:
        super().__init__(f"{place}: {what}")
        self.what = what
        self.place = place


class Node(Protocol):
    """A part of a reply."""

    def members(self) -> dict[str, Node]:
        """Parts of a record by key."""

    def elements(self) -> list[Node]:
        """Parts of an array."""

    def readings(self) -> list[Any]:
        """What a leaf may stand for."""


@dataclasses.dataclass(frozen=True)
class JsonNode:
    """A value of JSON."""

    value: Any

    def members(self) -> dict[str, Node]:
        """Parts of an object."""
        if not isinstance(self.value, dict):
            raise Mismatch(f"{self.value!r} is no record")
        return {key: JsonNode(value) for key, value in self.value.items()}

    def elements(self) -> list[Node]:
        """Parts of an array."""
        if not isinstance(self.value, list):
            raise Mismatch(f"{self.value!r} is no array")
        return [JsonNode(value) for value in self.value]

    def readings(self) -> list[Any]:
        """The value itself."""
        return [self.value]


@dataclasses.dataclass(frozen=True)
class XmlNode:
    """An element of XML."""

    tag: str
    text: str = ""
    children: tuple[XmlNode, ...] = ()
    is_row: bool = False

    def members(self) -> dict[str, Node]:
        """Children by tag; an array under the key ``value`` is called ``values``."""
        keys = ["value" if child.tag == "values" else child.tag for child in self.children]
        if self.text.strip() or len(set(keys)) < len(keys):
            raise Mismatch(f"<{self.tag}> is no record")
        return dict(zip(keys, self.children, strict=True))

    def elements(self) -> list[Node]:
        """Children, all named in the singular; or the cells of a matrix row."""
        if self.is_row:
            return [XmlNode("cell", cell) for cell in next(csv.reader([self.text], skipinitialspace=True))]
        wanted = _MEMBERS.get(self.tag, self.tag.removesuffix("s"))
        if self.text.strip() or self.tag == "value" or any(child.tag != wanted for child in self.children):
            raise Mismatch(f"<{self.tag}> is no array of <{wanted}>")
        rows = self.tag == "values"
        return [dataclasses.replace(child, is_row=rows and not child.children) for child in self.children]

    def readings(self) -> list[Any]:
        """Null or empty; or the text, and the number or logical that it looks like."""
        if self.children:
            raise Mismatch(f"<{self.tag}> has elements in the place of a value")
        if not self.text:
            return [None, ""]
        return [self.text, json.loads(self.text)] if _LITERAL.fullmatch(self.text) else [self.text]


def read_json(content: bytes) -> Node:
    """A reply in JSON."""
    return JsonNode(json.loads(content))


def read_xml(content: bytes) -> Node:
    """A reply in XML, below a node that holds the root."""
    return XmlNode("", children=(_node(etree.fromstring(content)),))


def _node(element: Any) -> XmlNode:
    return XmlNode(element.tag, element.text or "", tuple(map(_node, element)))
