"""Objects pushed by the Java client, listed and read back (client-wire-facts 8, 9 and 16, data; 7x-facts 4 and 23).

What other clients push: ``tests/clients/test_js_values.py``, ``tests/recordings``; every rule of the encoding:
``tests/encodings``.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.acceptance.java import JavaClient

DAY, INSTANT, OFFSET = "yyyy-MM-dd", "yyyy-MM-dd HH:mm:ss z", "yyyy-MM-dd HH:mm:ss Z"


def primitive(rclass: str, value: Any) -> dict[str, Any]:
    return {"type": "primitive", "rclass": rclass, "value": value}


def vector(rclass: str, value: list[Any]) -> dict[str, Any]:
    return {"type": "vector", "rclass": rclass, "value": value}


def matrix(*rows: list[Any]) -> dict[str, Any]:
    return {"type": "matrix", "rclass": "matrix", "value": [*rows]}


def date(pattern: str, value: str) -> dict[str, Any]:
    return {"type": "date", "rclass": "POSIXct" if "H" in pattern else "Date", "format": pattern, "value": value}


def dates(pattern: str, value: list[str | None]) -> dict[str, Any]:
    return {"type": "vector", "rclass": "POSIXct" if "H" in pattern else "Date", "format": pattern, "value": value}


def named(name: str, value: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, **value}


FRAME = {
    "type": "dataframe",
    "rclass": "data.frame",
    "value": [
        named("number", vector("numeric", [1.0, 2.0, 3.0])),
        named("text", vector("character", ["a", "b", "c"])),
        named("flag", vector("logical", [True, False, True])),
        named("day", dates(DAY, ["2011-02-01", "2012-02-29", "2013-12-31"])),
        named(
            "instant", dates(INSTANT, ["2011-02-01 10:30:30 UTC", "2011-07-01 10:30:30 UTC", "2011-02-01 00:00:00 UTC"])
        ),
    ],
}
PUSHED = {
    "logical": primitive("logical", True),
    "numeric": primitive("numeric", 10.0),
    "fraction": primitive("numeric", -0.125),
    "text": primitive("character", 'a"b\\c é€ & = + % ; \n\ttab'),
    "logicals": vector("logical", [True, False, None]),
    "numerics": vector("numeric", [1.0, 2.5, 3.0e10]),
    "texts": vector("character", ["a", "b", None, "ü"]),
    "one number": vector("numeric", [1.0, None]),
    "logical matrix": matrix([True, False], [False, True]),
    "numeric matrix": matrix([1.0, 3.0, 12.0], [2.0, 11.0, 13.0]),
    "text matrix": matrix(["a", "b"], ["c", "d"]),
    "day": date(DAY, "2011-02-01"),
    "instant": date(INSTANT, "2011-02-01 10:30:30 UTC"),
    "offset": date(OFFSET, "2011-02-01 10:30:30 +0000"),
    "days": dates(DAY, ["2011-02-01", None, "2013-12-31"]),
    "instants": dates(INSTANT, ["2011-02-01 10:30:30 UTC", "2011-07-01 10:30:30 UTC"]),
    "list": {
        "type": "list",
        "rclass": "list",
        "value": [
            named("number", primitive("numeric", 2.0)),
            named("text", primitive("character", "q")),
            named("day", date(DAY, "2011-02-01")),
            named("inner", {"type": "list", "rclass": "list", "value": [named("flag", primitive("logical", False))]}),
            named("numbers", vector("numeric", [1.0, 2.0])),
        ],
    },
    "frame": FRAME,
}
"""Objects that come back as they were sent."""

FACTORS = {
    "plain": ({"value": ["a", "b", "d", "a"]}, {"value": ["a", "b", "d", "a"], "levels": ["a", "b", "d"]}),
    "levels": (
        {"value": ["a", "b", "d"], "levels": ["a", "b", "c", "d"]},
        {"value": ["a", "b", "d"], "levels": ["a", "b", "c", "d"]},
    ),
    "labels": (
        {"value": ["1", "2", "1"], "levels": ["1", "2"], "labels": ["one", "two"]},
        {"value": ["one", "two", "one"], "levels": ["one", "two"]},
    ),
}
"""What is sent of factors, and what comes back."""


@pytest.fixture
def project(user: JavaClient) -> str:
    """A project without objects."""
    return user.project()


def push(client: JavaClient, project: str, **objects: dict[str, Any]) -> None:
    """Push objects into the workspace."""
    client.ask("/r/project/workspace/push", project=project, inputs=json.dumps(objects))


def get(client: JavaClient, project: str, *names: str, frame_vectors: bool = False) -> list[dict[str, Any]]:
    """Objects of the workspace with their values."""
    given = {"name": ",".join(names), "encodeDataFramePrimitiveAsVector": str(frame_vectors).lower()}
    reply = client.ask("/r/project/workspace/get", project=project, **given)
    found: list[dict[str, Any]] = reply["workspace"]["objects"]
    return found


def of(found: dict[str, Any], *keys: str) -> dict[str, Any]:
    """Some properties of an object."""
    return {key: found.get(key) for key in keys}


def as_sent(found: Any, sent: Any) -> Any:
    """What was found, without properties that were not sent."""
    if isinstance(found, dict) and isinstance(sent, dict):
        return {key: as_sent(found.get(key), sent[key]) for key in sent}
    if isinstance(found, list) and isinstance(sent, list) and len(found) == len(sent):
        return [as_sent(each, wanted) for each, wanted in zip(found, sent, strict=True)]
    return found


@pytest.mark.parametrize("name", PUSHED)
def test_an_object_comes_back_as_it_was_pushed(user: JavaClient, project: str, name: str) -> None:
    push(user, project, x=PUSHED[name])
    [listed], [found] = user.objects(project), get(user, project, "x")
    assert as_sent(found, PUSHED[name]) == PUSHED[name]
    assert of(listed, "name", "type", "rclass") == of(found, "name", "type", "rclass")
    assert "value" not in listed


@pytest.mark.parametrize("name", PUSHED)
def test_what_came_back_may_be_pushed_again(user: JavaClient, project: str, name: str) -> None:
    push(user, project, x=PUSHED[name])
    [found] = get(user, project, "x")
    push(user, project, y={key: value for key, value in found.items() if key != "name"})
    [again] = get(user, project, "y")
    assert again == found | {"name": "y"}
    user.execute(project, "stopifnot(isTRUE(all.equal(x, y)), identical(class(x), class(y)))")


@pytest.mark.parametrize("name", FACTORS)
@pytest.mark.parametrize("ordered", [False, True])
def test_a_factor_is_made_of_levels_and_labels(user: JavaClient, project: str, name: str, ordered: bool) -> None:
    sent, expected = FACTORS[name]
    push(user, project, x={"type": "factor", "rclass": "factor", "ordered": ordered, **sent})
    [listed], [found] = user.objects(project), get(user, project, "x")
    assert of(found, "type", "rclass", "ordered", *expected) == {
        "type": "factor", "rclass": "ordered" if ordered else "factor", "ordered": ordered, **expected,
    }  # fmt: skip
    assert of(listed, "name", "type", "rclass") == of(found, "name", "type", "rclass")


def test_numbers_have_a_decimal_point_wherever_java_casts_them(user: JavaClient, project: str) -> None:
    user.execute(project, "a <- 10; b <- c(1, 2); m <- matrix(1:4 + 0, 2); n <- c(p = 5); l <- list(k = 3)")
    text = user.send("/r/project/workspace/get", {"project": project, "name": "a,b,m,n,l"}).text
    values = json.loads(text, parse_int=lambda digits: f"integer {digits}")["deployr"]["response"]["workspace"][
        "objects"
    ]
    assert "integer" not in json.dumps(values)


def test_an_instant_is_the_same_in_r(user: JavaClient, project: str) -> None:
    push(user, project, instant=PUSHED["instant"], frame=FRAME)
    user.execute(
        project, "seconds <- as.numeric(instant); day <- as.numeric(frame$day[2]); zone <- attr(instant, 'tzone')"
    )
    [seconds, day] = get(user, project, "seconds", "day")
    assert (seconds["value"], day["value"]) == (1296556230.0, 15399.0)


def test_net_is_told_the_only_class_that_it_knows_vectors_of_dates_by(user: JavaClient, project: str) -> None:
    push(user, project, days=PUSHED["days"], frame=FRAME)
    given = {"project": project, "name": "days,frame", "encodeDataFramePrimitiveAsVector": "False"}
    [days, frame] = user.ask("/r/project/workspace/get", **given)["workspace"]["objects"]
    assert [vector["rclass"] for vector in (days, *frame["value"][3:])] == ["date", "date", "date"]


def test_two_objects_are_listed_and_read_in_the_order_asked(either: JavaClient) -> None:
    project = either.project()
    either.execute(project, "x<-10;y<-20")
    kinds = [(entry["name"], entry["type"], entry["rclass"]) for entry in either.objects(project)]
    assert kinds == [("x", "primitive", "numeric"), ("y", "primitive", "numeric")]
    assert [entry["name"] for entry in get(either, project, "y", "x")] == ["y", "x"]


def test_the_columns_of_mtcars_are_listed_below_it(either: JavaClient) -> None:
    project = either.project()
    either.execute(project, "cars <- mtcars")
    given = {"filter": None, "root": "cars", "pageoffset": "0", "pagesize": "0", "clazz": None}
    columns = either.ask("/r/project/workspace/list", project=project, **given)["workspace"]["objects"]
    assert len(columns) == 11
    assert {(column["type"], column["rclass"]) for column in columns} == {("vector", "numeric")}


def test_a_saved_object_is_restored_from_the_url_of_its_file(either: JavaClient) -> None:
    project = either.project()
    either.execute(project, "x <- 10")
    saved = either.ask("/r/project/workspace/save", project=project, name="x", descr=None, version="false")
    file = saved["directory"]["file"]
    assert (file["filename"], file["category"]) == ("x.rData", "R")
    either.ask("/r/project/workspace/delete", project=project, name="x")
    assert either.objects(project) == []
    either.ask("/r/project/workspace/transfer", project=project, name="x", url=file["url"])
    assert [entry["name"] for entry in either.objects(project)] == ["x"]


def test_a_stored_object_is_loaded_again(user: JavaClient, project: str, unique: str) -> None:
    name = unique.replace(" ", "_")
    push(user, project, **{name: FRAME})
    unset = {"descr": None, "restricted": None, "shared": "false", "published": "false", "version": "false"}
    file = user.ask("/r/project/workspace/store", project=project, name=name, **unset)["repository"]["file"]
    assert (file["filename"], file["directory"]) == (f"{name}.rData", "root")
    other = user.project()
    place = {"filename": file["filename"], "author": "testuser", "directory": "root", "version": None}
    user.ask("/r/project/workspace/load", project=other, **place)
    [found] = get(user, other, name)
    assert as_sent(found, FRAME) == FRAME
    user.ask("/r/repository/file/delete", filename=file["filename"], directory="root")


def test_a_frame_of_one_row_has_primitives_unless_vectors_are_asked_for(user: JavaClient, project: str) -> None:
    user.execute(project, "x <- data.frame(a = 1, b = 'q')")
    [plain], [encoded] = get(user, project, "x"), get(user, project, "x", frame_vectors=True)
    assert {column["type"] for column in plain["value"]} == {"primitive"}
    assert {column["type"] for column in encoded["value"]} == {"vector"}


def test_inputs_of_every_kind_are_there_when_the_code_runs(user: JavaClient, project: str) -> None:
    inputs = {name.replace(" ", "."): value for name, value in PUSHED.items()}
    reply = user.execute(project, "n <- length(ls())", inputs=json.dumps(inputs), robjects=",".join(inputs))
    found = {entry["name"]: entry for entry in reply["workspace"]["objects"]}
    assert as_sent(found, inputs) == inputs
