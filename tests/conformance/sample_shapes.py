"""What a reply looks like, property by property, and where two replies look different.

A place is a property's path, such as ``execution.results[].url``; ``[]`` stands for all elements of an array. What is
there is a set of kinds: ``text``, ``integer``, ``number``, ``flag``, ``null``, ``array``, ``record``, ``absent``; of
the properties in :data:`WORDS`, whose values are DeployR's own words, the value itself.
"""

from __future__ import annotations

import collections
import json
from typing import Any

import msgspec

Places = dict[str, set[str]]
"""Kinds by place."""

WORDS = frozenset(("call", "success", "errorCode", "origin", "type", "rclass", "category", "access", "branch"))

_KINDS = {
    str: "text",
    int: "integer",
    float: "number",
    bool: "flag",
    type(None): "null",
    list: "array",
    dict: "record",
}


class Difference(msgspec.Struct, frozen=True):
    """A place at which replies differ: the kinds in the sample and in the reply, joined by ``or``."""

    place: str
    sample: str
    here: str


def places(reply: Any) -> Places:
    """All places of a reply."""
    found: Places = collections.defaultdict(set)
    _note(found, "", [reply])
    return dict(found)


def differences(sample: Places, here: Places) -> set[Difference]:
    """Places that are not alike; of the parts of one that only one reply has nothing is said."""
    both = {place for place in sample.keys() | here.keys() if is_comparable(place, sample, here)}
    return {
        Difference(place, kinds(sample, place), kinds(here, place))
        for place in both
        if kinds(sample, place) != kinds(here, place)
    }


def is_comparable(place: str, sample: Places, here: Places) -> bool:
    """Whether both replies have what the place is in; an array that is empty in the sample says nothing of elements."""
    parent = parent_of(place)
    return parent in sample and parent in here and not (place.endswith("[]") and place not in sample)


def kinds(found: Places, place: str) -> str:
    """The kinds at a place as one text."""
    return " or ".join(sorted(found.get(place, {"absent"})))


def parent_of(place: str) -> str:
    """The place that a place is in."""
    return place.removesuffix("[]") if place.endswith("[]") else place.rpartition(".")[0]


def _note(found: Places, place: str, values: list[Any]) -> None:
    """Note what is at a place, given all that is there: the elements of an array are one place."""
    is_word = place.rpartition(".")[2] in WORDS
    found[place] |= {json.dumps(value) if is_word else _KINDS[type(value)] for value in values}
    elements = [element for value in values if isinstance(value, list) for element in value]
    if elements:
        _note(found, f"{place}[]", elements)
    records = [value for value in values if isinstance(value, dict)]
    for key in dict.fromkeys(key for record in records for key in record):
        member = f"{place}.{key}".removeprefix(".")
        _note(found, member, [record[key] for record in records if key in record])
        found[member] |= {"absent" for record in records if key not in record}
