"""Values of every kind the JavaScript client can send, and the same values read back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

DAY = "yyyy-MM-dd"
INSTANT = "yyyy-MM-dd HH:mm:ss Z"


def test_inputs_of_every_type_arrive_in_r_and_come_back(node: Callable[..., Any]) -> None:
    seen = node("values.js")
    checks = {member["name"]: member["value"] for member in seen["checks"]["value"]}
    assert checks == dict.fromkeys(seen["names"], True)
    assert [_summary(found) for found in seen["objects"]] == [
        ("x_character", "primitive", "character", 'Grüße, "Welt" \\ €'),
        ("x_integer", "primitive", "numeric", 10),
        ("x_numeric", "primitive", "numeric", 5.5),
        ("x_logical", "primitive", "logical", True),
        ("x_date", "date", "Date", "2011-10-04"),
        ("x_posixct", "date", "POSIXct", "2011-10-05 12:13:14+00:00"),
        ("x_character_vector", "vector", "character", ["a", "b", ""]),
        ("x_integer_vector", "vector", "numeric", [10, 11, 12]),
        ("x_numeric_vector", "vector", "numeric", [10.1, -2.5e300, 0]),
        ("x_logical_vector", "vector", "logical", [True, False, True]),
        ("x_date_vector", "vector", "Date", ["2011-02-01", "2012-02-29", "1969-12-31"]),
        ("x_posixct_vector", "vector", "POSIXct", ["2011-10-05 12:13:14+00:00", "1999-12-31 23:59:59+00:00"]),
        ("x_numeric_matrix", "matrix", "matrix", [[1.5, 3, 12], [2, 11, 13]]),
        ("x_integer_matrix", "matrix", "matrix", [[1, 2], [3, 4], [5, 6]]),
        ("x_logical_matrix", "matrix", "matrix", [[True, False], [False, False]]),
        ("x_character_matrix", "matrix", "matrix", [["a", "b", "c"]]),
        ("x_factor", "factor", "factor", (["b", "a", "b"], ["a", "b"], False)),
        ("x_factor_labels", "factor", "factor", (["small", "large", "small"], ["small", "medium", "large"], False)),
        ("x_ordered", "factor", "ordered", (["low", "high"], ["low", "mid", "high"], True)),
        ("x_list", "list", "list", _LIST),
        ("x_dataframe", "dataframe", "data.frame", _FRAME),
    ]


_LIST = [
    ("text", "primitive", "character", "one"),
    ("numbers", "vector", "numeric", [1.5, 2]),
    ("day", "date", "Date", "2011-10-04"),
    ("instants", "vector", "POSIXct", ["2011-10-05 12:13:14+00:00", "1999-12-31 23:59:59+00:00"]),
    ("factor", "factor", "factor", (["u", "v"], ["u", "v"], False)),
    ("matrix", "matrix", "matrix", [[True], [False]]),
    ("inner", "list", "list", [("deep", "primitive", "numeric", 7)]),
    (
        "frame",
        "dataframe",
        "data.frame",
        [("a", "vector", "numeric", [1, 2]), ("b", "vector", "character", ["x", "y"])],
    ),
]

_FRAME = [
    ("name", "vector", "character", ["ann", "bob"]),
    ("age", "vector", "numeric", [41, 42]),
    ("member", "vector", "logical", [True, False]),
    ("joined", "vector", "Date", ["2011-02-01", "2012-02-29"]),
    ("seen", "vector", "POSIXct", ["2011-10-05 12:13:14+00:00", "1999-12-31 23:59:59+00:00"]),
    ("group", "factor", "factor", (["g1", "g2"], ["g1", "g2"], False)),
    ("score", "vector", "numeric", [0.5, 0.25]),
]


def _summary(found: dict[str, Any]) -> tuple[str, str, str, Any]:
    """Name, type, class and value of an encoded object, with instants in UTC."""
    return found["name"], found["type"], found["rclass"], _value(found)


def _value(found: dict[str, Any]) -> Any:
    value = found["value"]
    if found["type"] in ("list", "dataframe"):
        return [_summary(member) for member in value]
    if found["type"] == "factor":
        assert found["levels"] == found["labels"]
        return value, found["levels"], found["ordered"]
    if found["rclass"] == "POSIXct":
        assert found["format"] == INSTANT
        return [_utc(text) for text in value] if isinstance(value, list) else _utc(value)
    if found["rclass"] == "Date":
        assert found["format"] == DAY
    return value


def _utc(text: str) -> str:
    return str(datetime.strptime(text, "%Y-%m-%d %H:%M:%S %z").astimezone(UTC))
