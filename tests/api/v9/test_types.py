"""The table of types: each into and out of sessions and services, in R and Python, compared inside of the runtime."""

from __future__ import annotations

import json
import math
import uuid
from collections.abc import Sequence
from typing import Any

import pytest

from tests.api.v9.conftest import Api

EXACT = 2**53 + 1
"""A whole number that is no double."""

EXACT_BYTES = "as.raw(c(1, 0, 0, 0, 0, 0, 32, 0))"
MIDNIGHT = "2020-02-29T00:00:00Z"

OUT: dict[str, list[tuple[str, Any]]] = {
    "R": [
        ("2.5", 2.5),
        ("2L", 2),
        ("'é'", "é"),
        ("TRUE", True),
        ("NULL", None),
        ("NA", None),
        ("Inf", None),
        ("c(a = 1)", 1),
        ("c(1, NA, NaN)", [1, None, None]),
        ("c(1L, NA)", [1, None]),
        ("c('a', NA)", ["a", None]),
        ("c(TRUE, NA)", [True, None]),
        ("character()", []),
        ("factor(c('u', 'v'))", ["u", "v"]),
        ("as.Date('2020-02-29')", "2020-02-29"),
        ("as.POSIXct(0, origin = '1970-01-01', tz = 'UTC')", "1970-01-01T00:00:00Z"),
        ("1+2i", "1+2i"),
        ("as.raw(1:3)", "AQID"),
        ("matrix(1:4, 2)", [[1, 3], [2, 4]]),
        ("array(1:8, c(2, 2, 2))", [[[1, 5], [3, 7]], [[2, 6], [4, 8]]]),
        ("list(1, 'a')", [1, "a"]),
        ("list(a = 1, b = list(c = 'x'))", {"a": 1, "b": {"c": "x"}}),
        ("data.frame(n = 1, s = 'a')", {"n": [1], "s": ["a"]}),
        ("data.frame(f = factor(c('a', 'b')))", {"f": ["a", "b"]}),
        ("factor(c('a', 'b'), ordered = TRUE)", ["a", "b"]),
        ("as.difftime(90, units = 'secs')", 90),
        (f"structure(readBin({EXACT_BYTES}, 'double'), class = 'integer64')", EXACT),
        (
            f"structure(list(w = structure(readBin({EXACT_BYTES}, 'double'), class = 'integer64'), r = as.raw(1), "
            "c = 1i), row.names = 1L, class = 'data.frame')",
            {"w": [EXACT], "r": [1], "c": ["0+1i"]},
        ),
        (
            "local({d <- data.frame(i = 1); d$t <- as.POSIXlt('2020-02-29', tz = 'UTC'); d})",
            {"i": [1], "t": [MIDNIGHT]},
        ),
        (
            "{registerS3method('[<-', 'data.table', function(x, ...) stop('rows')); structure(list(f = factor('a')), "
            "row.names = 1L, class = c('data.table', 'data.frame'), .internal.selfref = new('externalptr'))}",
            {"f": ["a"]},
        ),
        ("structure(list(s = 'a'), row.names = 1L, class = c('tbl_df', 'tbl', 'data.frame'))", {"s": ["a"]}),
    ],
    "Python": [
        ("2.5", 2.5),
        ("2", 2),
        ("'é'", "é"),
        ("True", True),
        ("None", None),
        ("float('nan')", None),
        ("2**53 + 1", EXACT),
        ("numpy.array([2**53 + 1])", [EXACT]),
        ("[1, 2]", [1, 2]),
        ("[1]", [1]),
        ("{'a': ['x']}", {"a": ["x"]}),
        ("numpy.array([1.5])", [1.5]),
        ("pandas.Series(['a'])", ["a"]),
        ("(1.5, 2.5)", [1.5, 2.5]),
        ("['a', None]", ["a", None]),
        ("[1, 'a']", [1, "a"]),
        ("{'a': 1, 'b': {'c': 'x'}}", {"a": 1, "b": {"c": "x"}}),
        ("numpy.float64(2.5)", 2.5),
        ("numpy.int64(2)", 2),
        ("numpy.bool_(True)", True),
        ("numpy.array([1.5, 2.5])", [1.5, 2.5]),
        ("numpy.array([[1, 2], [3, 4]])", [[1, 2], [3, 4]]),
        ("numpy.array(['a', 'b'])", ["a", "b"]),
        ("pandas.DataFrame({'n': [1.5], 's': ['a']})", {"n": [1.5], "s": ["a"]}),
        ("pandas.Series([1, 2])", [1, 2]),
        ("datetime.date(2020, 2, 29)", "2020-02-29"),
        ("b'\\x01\\x02\\x03'", "AQID"),
    ],
}
"""What a value is in JSON."""

IN: dict[str, list[tuple[str, Any, str]]] = {
    "R": [
        ("numeric", 2.5, "identical(x, 2.5)"),
        ("numeric", 2, "identical(x, 2)"),
        ("integer", 2, "x == 2"),
        ("integer", 3_000_000_000, "identical(x, 3e9)"),
        ("character", "é", "identical(x, 'é')"),
        ("logical", True, "identical(x, TRUE)"),
        ("vector", [1, 2], "identical(x, c(1, 2))"),
        ("vector", ["a", None], "identical(x, c('a', NA))"),
        ("vector", [True, None], "identical(x, c(TRUE, NA))"),
        ("matrix", [[1, 2], [3, 4]], "identical(x, matrix(c(1, 3, 2, 4), 2))"),
        (
            "data.frame",
            {"n": [1, 2], "s": ["a", "b"], "b": [True, None]},
            "identical(x, data.frame(n = c(1, 2), s = c('a', 'b'), b = c(TRUE, NA)))",
        ),
    ],
    "Python": [
        ("numeric", 2.5, "type(x) is float and x == 2.5"),
        ("integer", 2, "type(x) is int and x == 2"),
        ("integer", EXACT, "type(x) is int and x == 2**53 + 1"),
        ("character", "é", "type(x) is str and x == 'é'"),
        ("logical", True, "x is True"),
        ("vector", [1, 2], "list(x) == [1, 2]"),
        ("vector", ["a", "b"], "list(x) == ['a', 'b']"),
        ("vector", [EXACT, 1], "x.tolist() == [2**53 + 1, 1]"),
        ("vector", [70000], "(x * x).tolist() == [4900000000]"),
        ("vector", ["a"], "list(x) == ['a']"),
        ("matrix", [[1, 2], [3, 4]], "(numpy.asarray(x) == numpy.array([[1, 2], [3, 4]])).all()"),
        (
            "data.frame",
            {"n": [1, 2], "s": ["a", "b"], "b": [True, False]},
            "x.equals(pandas.DataFrame({'n': [1, 2], 's': ['a', 'b'], 'b': [True, False]}))",
        ),
    ],
}
"""What JSON is in a runtime, by the type that a service declares."""

MISSING: dict[str, list[tuple[str, Any, str]]] = {
    "R": [
        ("vector", [1, math.nan, -math.inf], "identical(x, c(1, NaN, -Inf))"),
        ("vector", [1, "NA", 3], "identical(x, c(1, NA, 3))"),
        ("data.frame", {"n": [1, "NA"]}, "identical(x, data.frame(n = c(1, NA)))"),
    ],
    "Python": [
        ("numeric", math.inf, "x == float('inf')"),
        ("vector", [1.5, "NA"], "numpy.isnan(x[1]) and x[0] == 1.5"),
    ],
}
"""The same of missing numbers, which come back as null."""

ASSIGN = {"R": "<-", "Python": "="}
BEFORE = {"R": "", "Python": "import datetime, numpy, pandas\n"}
DECLARED = {float: "numeric", int: "integer", str: "character", bool: "logical"}


def _session(api: Api, runtime: str, code: str, inputs: dict[str, Any], outputs: Sequence[str]) -> dict[str, Any]:
    """Outputs of code in a session."""
    session = api.expect(201, "POST", "/sessions", json={"runtimeType": runtime})["sessionId"]
    given = [{"name": name, "value": value} for name, value in inputs.items()]
    body = {"code": code, "inputParameters": given, "outputParameters": [*outputs]}
    done = api.expect(200, "POST", f"/sessions/{session}/execute", content=json.dumps(body))
    api.expect(200, "DELETE", f"/sessions/{session}")
    assert done["success"], done
    return {item["name"]: item["value"] for item in done["outputParameters"]}


def _service(
    api: Api, runtime: str, code: str, inputs: dict[str, tuple[str, Any]], outputs: dict[str, str]
) -> dict[str, Any]:
    """Outputs of code as a service with these declarations."""
    path = f"types-{uuid.uuid4()}/1"
    said = {
        "code": code,
        "runtimeType": runtime,
        "inputParameterDefinitions": [{"name": name, "type": kind} for name, (kind, _) in inputs.items()],
        "outputParameterDefinitions": [{"name": name, "type": kind} for name, kind in outputs.items()],
    }
    api.expect(201, "POST", f"/services/{path}", json=said)
    done = api.expect(
        200, "POST", f"/api/{path}", content=json.dumps({name: value for name, (_, value) in inputs.items()})
    )
    api.expect(200, "DELETE", f"/services/{path}")
    assert done["success"], done
    return dict(done["outputParameters"])


@pytest.mark.parametrize("runtime", ["R", "Python"])
def test_values_of_sessions_become_json(api: Api, runtime: str) -> None:
    rows = OUT[runtime]
    code = BEFORE[runtime] + "\n".join(f"v{n} {ASSIGN[runtime]} {text}" for n, (text, _) in enumerate(rows))
    found = _session(api, runtime, code, {}, [f"v{n}" for n in range(len(rows))])
    assert {text: found[f"v{n}"] for n, (text, _) in enumerate(rows)} == dict(rows)


@pytest.mark.parametrize("runtime", ["R", "Python"])
def test_json_becomes_values_of_sessions(api: Api, runtime: str) -> None:
    rows = IN[runtime] + MISSING[runtime]
    code = BEFORE[runtime] + "\n".join(_test(runtime, n, test) for n, (_, _, test) in enumerate(rows))
    inputs = {f"x{n}": value for n, (_, value, _) in enumerate(rows)}
    found = _session(api, runtime, code, inputs, [f"ok{n}" for n in range(len(rows))])
    assert {test: found[f"ok{n}"] for n, (_, _, test) in enumerate(rows)} == {test: True for _, _, test in rows}


@pytest.mark.parametrize("runtime", ["R", "Python"])
def test_json_becomes_values_of_services_by_their_declarations(api: Api, runtime: str) -> None:
    rows = IN[runtime] + MISSING[runtime]
    code = BEFORE[runtime] + "\n".join(_test(runtime, n, test) for n, (_, _, test) in enumerate(rows))
    inputs = {f"x{n}": (kind, value) for n, (kind, value, _) in enumerate(rows)}
    echoed = {f"x{n}": kind for n, (kind, _, _) in enumerate(IN[runtime])}
    found = _service(api, runtime, code, inputs, {f"ok{n}": "logical" for n in range(len(rows))} | echoed)
    assert {test: found[f"ok{n}"] for n, (_, _, test) in enumerate(rows)} == {test: True for _, _, test in rows}
    assert {name: found[name] for name in echoed} == {name: inputs[name][1] for name in echoed}


@pytest.mark.parametrize("runtime", ["R", "Python"])
def test_values_of_services_become_json_by_their_declarations(api: Api, runtime: str) -> None:
    rows = [(text, value) for text, value in OUT[runtime] if type(value) in DECLARED]
    code = BEFORE[runtime] + "\n".join(f"v{n} {ASSIGN[runtime]} {text}" for n, (text, _) in enumerate(rows))
    found = _service(api, runtime, code, {}, {f"v{n}": DECLARED[type(value)] for n, (_, value) in enumerate(rows)})
    assert {text: found[f"v{n}"] for n, (text, _) in enumerate(rows)} == dict(rows)


def _test(runtime: str, number: int, test: str) -> str:
    """Code that looks at an input, which the test calls ``x``."""
    return f"x {ASSIGN[runtime]} x{number}\nok{number} {ASSIGN[runtime]} {'bool' * (runtime == 'Python')}({test})"
