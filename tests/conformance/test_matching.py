"""The matcher finds what is wrong, in JSON and in XML."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from tests.conformance.matching import match
from tests.conformance.reply_nodes import Mismatch, Node, read_json, read_xml

JSON = b'{"r": {"n": 5.0, "i": 5, "t": "5", "f": false, "e": null, "files": [{"a": "x"}], "value": [[1.0, null]]}}'
XML = (
    b"<r><n>5.0</n><i>5</i><t>5</t><f>false</f><e/><files><file><a>x</a></file></files>"
    b"<values><value>1.0, </value></values></r>"
)
EXPECTED = orjson.loads(JSON)["r"]


@pytest.fixture(params=["json", "xml"])
def reply(request: pytest.FixtureRequest) -> Node:
    """The same reply in both formats."""
    return read_json(JSON) if request.param == "json" else read_xml(XML)


def test_one_expectation_serves_both_formats(reply: Node) -> None:
    match({"r": EXPECTED}, reply)


@pytest.mark.parametrize(
    "wrong",
    [
        {"n": 5},
        {"n": 5.5},
        {"i": 5.0},
        {"i": True},
        {"t": "6"},
        {"f": None},
        {"f": True},
        {"e": 0},
        {"e": "x"},
        {"more": None},
        {"files": []},
        {"files": [{"a": "y"}]},
        {"files": [{"a": "x", "b": None}]},
        {"files": [{"a": "x"}, {"a": "x"}]},
        {"files": {"$each": {"a": "y"}}},
        {"files": {"$contains": [{"a": "y"}]}},
        {"files": {"$has": {"a": "x"}}},
        {"value": [[1.0, 0.0]]},
        {"value": [[1.0]]},
        {"value": [1.0, None]},
        {"t": "$time"},
        {"t": {"$match": "^x"}},
        {"n": {"a": 1}},
    ],
)
def test_what_is_wrong_is_told(reply: Node, wrong: dict[str, Any]) -> None:
    with pytest.raises(Mismatch):
        match({"r": EXPECTED | wrong}, reply)


def test_a_missing_key_is_told_though_its_value_would_be_null(reply: Node) -> None:
    expected = {key: value for key, value in EXPECTED.items() if key != "e"}
    with pytest.raises(Mismatch, match="unexpected keys"):
        match({"r": expected}, reply)
    match({"r": {"$has": expected}}, reply)


def test_the_place_of_a_mismatch_is_told(reply: Node) -> None:
    with pytest.raises(Mismatch, match=r"^\.r\.files\[0\]\.a: expected 'y', got 'x'$"):
        match({"r": EXPECTED | {"files": [{"a": "y"}]}}, reply)


def test_members_of_an_array_have_the_singular_as_their_name() -> None:
    match({"files": ["a"]}, read_xml(b"<files><file>a</file></files>"))
    with pytest.raises(Mismatch, match="no array of <file>"):
        match({"files": ["a"]}, read_xml(b"<files><item>a</item></files>"))


def test_an_array_that_is_a_value_is_called_values() -> None:
    match({"o": {"value": ["a"]}}, read_xml(b"<o><values><value>a</value></values></o>"))
    with pytest.raises(Mismatch):
        match({"o": {"value": ["a"]}}, read_xml(b"<o><value><value>a</value></value></o>"))


def test_an_empty_element_is_null_or_an_empty_text_or_array() -> None:
    anything: tuple[Any, ...] = (None, "", [], {})
    for expected in anything:
        match({"e": expected}, read_xml(b"<e/>"))
    with pytest.raises(Mismatch):
        match({"e": False}, read_xml(b"<e/>"))
