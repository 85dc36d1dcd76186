"""The parameters ``inputs`` and ``csvinputs``: broken, deep, huge, and hostile JSON, XML and CSV."""

from __future__ import annotations

import json

import pytest

from tests.badinput import processes_seen
from tests.badinput.stage import Stage
from tests.badinput.verdicts import HANDLED, MALFORMED, SUCCESS, verdict
from tests.server import record_of

PUSH = "/r/project/workspace/push"
MEMORY = 700 * 1024 * 1024
"""Bytes that a web process may hold at any moment; some 100 of them it holds without any work."""


def one(**record: object) -> str:
    """JSON inputs of one object."""
    return json.dumps({"bad": record})


def nested(depth: int) -> str:
    """JSON inputs of lists in lists."""
    return '{"bad":' + '{"type":"list","value":[' * depth + "]}" * depth + "}"


def xml(inner: str, before: str = "") -> str:
    """XML inputs of one object."""
    return f"{before}<inputs><object><name>bad</name>{inner}</object></inputs>"


def nested_xml(depth: int) -> str:
    """XML inputs of lists in lists."""
    inner = "<value><name>n</name><type>list</type><values>"
    return xml("<type>list</type><values>" + inner * depth + "</values></value>" * depth + "</values>")


BILLION = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
LAUGHS = f'<!DOCTYPE inputs [<!ENTITY l0 "lol">{BILLION}]>'
QUADRATIC = f'<!DOCTYPE inputs [<!ENTITY a "{"a" * 50_000}">]>'
VALUE = "<type>character</type><value>{}</value>"

JSON = {
    "empty object": ("{}", SUCCESS),
    "no object": ("[]", HANDLED),
    "a number": ("1", HANDLED),
    "a text": ('"bad"', HANDLED),
    "null": ("null", HANDLED),
    "word": ("NaN", HANDLED),
    "unfinished": ('{"bad":', HANDLED),
    "unfinished text": ('{"bad', HANDLED),
    "something behind": ("{} {}", HANDLED),
    "trailing comma": ('{"bad":{"type":"primitive","value":1},}', HANDLED),
    "single quotes": ("{'bad':{'type':'primitive','value':1}}", HANDLED),
    "comment": ('{/* */"bad":{"type":"primitive","value":1}}', HANDLED),
    "byte order mark": ('\ufeff{"bad":1}', HANDLED),
    "bare control character": ('{"bad":{"type":"primitive","value":"\x01"}}', HANDLED),
    "nul behind": ("{}\x00", HANDLED),
    "lone surrogate": ('{"bad":{"type":"primitive","value":"\\ud800"}}', HANDLED),
    "two surrogates": ('{"bad":{"type":"primitive","value":"\\udfff\\ud800"}}', HANDLED),
    "nul in a text": (one(type="primitive", value="a\x00b"), HANDLED),
    "nul in a name": ('{"a\\u0000b":{"type":"primitive","value":1}}', HANDLED),
    "no name": ('{"":{"type":"primitive","value":1}}', HANDLED),
    "long name": ('{"' + "n" * 20_000 + '":{"type":"primitive","value":1}}', HANDLED),
    "number out of range": ('{"bad":{"type":"primitive","value":1e999}}', HANDLED),
    "no record": ('{"bad":1}', HANDLED),
    "record is a list": ('{"bad":[]}', HANDLED),
    "unknown type": (one(type="closure", value="system('id')"), HANDLED),
    "language": (one(type="language", value="system('id')"), HANDLED),
    "type is a number": (one(type=7, value=1), HANDLED),
    "type is an object": (one(type={}, value=1), HANDLED),
    "type is false": (one(type=False, value=1), HANDLED),
    "value is an object": (one(type="primitive", value={}), HANDLED),
    "value is a list": (one(type="primitive", value=[1]), HANDLED),
    "vector is no list": (one(type="vector", value=1), HANDLED),
    "vector of vectors": (one(type="vector", value=[[1]]), HANDLED),
    "matrix is flat": (one(type="matrix", value=[1, 2]), HANDLED),
    "matrix is ragged": (one(type="matrix", value=[[1], [1, 2]]), HANDLED),
    "matrix is deep": (one(type="matrix", value=[[[1]]]), HANDLED),
    "a list stands among the columns of a data frame": (
        one(
            type="dataframe",
            value=[
                {"name": "a", "type": "vector", "value": [1, 2]},
                {"name": "b", "type": "list", "value": [{"value": 1}]},
            ],
        ),
        HANDLED,
    ),
    "data frame of functions": (one(type="dataframe", value=["print"]), HANDLED),
    "list of texts": (one(type="list", value=["a"]), HANDLED),
    "list is a text": (one(type="list", value="a"), HANDLED),
    "member name is a number": (one(type="list", value=[{"name": 1, "type": "primitive", "value": 1}]), HANDLED),
    "factor is no list": (one(type="factor", value="a"), HANDLED),
    "factor levels are no list": (one(type="factor", value=["a"], levels=7), HANDLED),
    "factor labels too few": (one(type="factor", value=["a", "b"], levels=["a", "b"], labels=[]), HANDLED),
    "date is a list": (one(type="date", value=["2011-10-28"], format="yyyy-MM-dd"), HANDLED),
    "date is a number": (one(type="date", value=7, format="yyyy-MM-dd"), HANDLED),
    "date is wrong": (one(type="date", value="2011-99-99", format="yyyy-MM-dd"), HANDLED),
    "date is far": (one(type="date", value="9" * 400, format="yyyy"), HANDLED),
    "date format is a number": (one(type="date", value="2011-10-28", format=7), HANDLED),
    "date format is code": (one(type="date", value="2011", format="%s%n`id`"), HANDLED),
    "date format repeats": (one(type="date", value="1" * 5000, format="y" * 5000), HANDLED),
    "integer is a text": (one(type="primitive", value="x", rclass="integer"), SUCCESS),
    "logical is a text": (one(type="primitive", value="x", rclass="logical"), SUCCESS),
    "deep array": ('{"bad":' + "[" * 100_000 + "]" * 100_000 + "}", HANDLED),
    "deep array unfinished": ('{"bad":' + "[" * 1_000_000, HANDLED),
    "deep array with a word": ('{"bad":NaN,"x":' + "[" * 100_000 + "]" * 100_000 + "}", HANDLED),
    "deep object": ('{"bad":' + '{"a":' * 100_000 + "1" + "}" * 100_000 + "}", HANDLED),
    "deep list": (nested(500), HANDLED),
    "very deep list": (nested(20_000), HANDLED),
    "many quotes": ('{"bad":"' + '\\"' * 500_000, HANDLED),
    "many backslashes": ('{"bad":"' + "\\" * 1_000_001, HANDLED),
    "many words": ("NaN " * 200_000, HANDLED),
    "many keys": ('{"bad":{"type":"primitive",' + '"value":1,' * 100_000 + '"value":2}}', SUCCESS),
}
XML = {
    "empty": ("<inputs/>", SUCCESS),
    "another root": ("<outputs/>", HANDLED),
    "unfinished": ("<inputs><object>", HANDLED),
    "not closed": ("<inputs></input>", HANDLED),
    "something behind": ("<inputs/><inputs/>", HANDLED),
    "only an angle": ("<", HANDLED),
    "two roots and text": ("<inputs/>text", HANDLED),
    "no name": ("<inputs><object><type>character</type><value>1</value></object></inputs>", HANDLED),
    "no object": ("<inputs><thing/></inputs>", HANDLED),
    "control character": (xml(VALUE.format("\x01")), HANDLED),
    "control reference": (xml(VALUE.format("&#1;")), HANDLED),
    "nul reference": (xml(VALUE.format("&#0;")), HANDLED),
    "surrogate reference": (xml(VALUE.format("&#xD800;")), HANDLED),
    "unknown entity": (xml(VALUE.format("&nbsp;")), HANDLED),
    "an empty document type": (xml(VALUE.format("1"), "<!DOCTYPE inputs>"), HANDLED),
    "entity": (xml(VALUE.format("&a;"), '<!DOCTYPE inputs [<!ENTITY a "x">]>'), HANDLED),
    "billion laughs": (xml(VALUE.format("&l9;"), LAUGHS), HANDLED),
    "quadratic growth": (xml(VALUE.format("&a;" * 50_000), QUADRATIC), HANDLED),
    "external entity": (
        xml(VALUE.format("&a;"), '<!DOCTYPE inputs [<!ENTITY a SYSTEM "file:///etc/passwd">]>'),
        HANDLED,
    ),
    "external by http": (
        xml(VALUE.format("&a;"), '<!DOCTYPE inputs [<!ENTITY a SYSTEM "http://127.0.0.1:1/">]>'),
        HANDLED,
    ),
    "parameter entity": (
        xml(VALUE.format("1"), '<!DOCTYPE inputs [<!ENTITY % a SYSTEM "file:///etc/passwd"> %a;]>'),
        HANDLED,
    ),
    "external document type": (xml(VALUE.format("1"), '<!DOCTYPE inputs SYSTEM "file:///etc/passwd">'), HANDLED),
    "endless recursion": (xml(VALUE.format("&a;"), '<!DOCTYPE inputs [<!ENTITY a "&b;"><!ENTITY b "&a;">]>'), HANDLED),
    "inclusion": (
        '<inputs xmlns:x="http://www.w3.org/2001/XInclude"><x:include href="/etc/passwd" parse="text"/></inputs>',
        HANDLED,
    ),
    "style sheet": (xml(VALUE.format("1"), '<?xml-stylesheet href="file:///etc/passwd"?>'), HANDLED),
    "name space": ('<inputs xmlns="urn:x"/>', HANDLED),
    "declared in another encoding": (xml(VALUE.format("é"), '<?xml version="1.0" encoding="UTF-16"?>'), SUCCESS),
    "unknown encoding": (xml(VALUE.format("é"), '<?xml version="1.0" encoding="none"?>'), SUCCESS),
    "elements for a value": (xml("<type>character</type><value><a/></value>"), HANDLED),
    "unknown type": (xml("<type>closure</type><value>system('id')</value>"), HANDLED),
    "matrix is ragged": (xml("<type>matrix</type><values><value>1</value><value>1,2</value></values>"), HANDLED),
    "date is wrong": (xml("<type>date</type><value>x</value><format>yyyy</format>"), HANDLED),
    "deep": ("<inputs>" * 100_000, HANDLED),
    "deep lists": (nested_xml(500), HANDLED),
    "many attributes": ("<inputs " + " ".join(f'a{n}="1"' for n in range(50_000)) + "/>", SUCCESS),
    "twice the same attribute": ('<inputs a="1" a="2"/>', HANDLED),
    "a long text": (xml(VALUE.format("x" * 11_000_000)), HANDLED),
}
CSV = {
    "a name without value": "a",
    "three": "a,1,b",
    "an empty name": ",1",
    "nul": "a,\x001",
    "nul in a name": "a\x00,1",
    "a name behind a quote that stays open": "a,\"1,b,2',c",
}


@pytest.mark.parametrize(("text", "expected"), [*JSON.values(), *XML.values()], ids=[*JSON, *(f"xml {n}" for n in XML)])
def test_inputs_that_describe_no_values_are_refused(stage: Stage, text: str, expected: int) -> None:
    assert verdict(stage.post(PUSH, {"project": "@project@", "inputs": text})) == expected


@pytest.mark.parametrize("text", CSV.values(), ids=CSV)
def test_csv_inputs_that_do_not_alternate_are_refused(stage: Stage, text: str) -> None:
    assert verdict(stage.post(PUSH, {"project": "@project@", "csvinputs": text})) == HANDLED


@pytest.mark.parametrize("name", ["unfinished", "deep list", "nul in a text"])
@pytest.mark.parametrize(
    ("call", "params"),
    [
        ("/r/project/create", {}),
        ("/r/project/execute/code", {"project": "@project@", "code": "bad <- 1"}),
        ("/r/repository/script/execute", {"filename": "kept.R", "author": "testuser"}),
    ],
)
def test_every_call_that_takes_inputs_refuses_them(stage: Stage, call: str, params: dict[str, str], name: str) -> None:
    assert verdict(stage.post(call, {**params, "inputs": JSON[name][0]})) == HANDLED


def test_nothing_is_assigned_of_inputs_that_are_partly_wrong(stage: Stage) -> None:
    text = '{"good":{"type":"primitive","value":1},"bad":{"type":"primitive","value":{}}}'
    stage.post(PUSH, {"project": "@project@", "inputs": text})
    reply = stage.post("/r/project/workspace/list", {"project": "@project@", "filter": "good"})
    assert record_of(reply)["workspace"]["objects"] == []


def test_an_external_entity_is_not_read(stage: Stage) -> None:
    reply = stage.post(PUSH, {"project": "@project@", "inputs": XML["external entity"][0]})
    assert "root:" not in reply.text


@pytest.mark.parametrize("name", ["xml billion laughs", "xml quadratic growth", "very deep list", "deep array"])
def test_bombs_cost_little_memory_and_time(stage: Stage, name: str) -> None:
    text, _ = XML[name.removeprefix("xml ")] if name.startswith("xml ") else JSON[name]
    processes_seen.forget_peak()
    before, started = processes_seen.peak(), processes_seen.cpu_seconds()
    stage.post(PUSH, {"project": "@project@", "inputs": text})
    assert processes_seen.cpu_seconds() - started < 10
    assert processes_seen.peak() - before < MEMORY


def test_missing_inputs_are_missing(stage: Stage) -> None:
    assert verdict(stage.post(PUSH, {"project": "@project@", "inputs": "", "csvinputs": ""})) == MALFORMED
