"""Faults of callers are never the server's: nothing below is a 5xx."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

import pytest

from deployr.api.v9.operations import OPERATIONS, Operation
from tests.api.v9.conftest import Api

TEXTS = ["\0", "a\0b", "é" * 5000, "../..", "%00", "'; --", "\\", "\u202e", "😀", ""]
BODIES = [
    b"",
    b"null",
    b"1",
    b'"text"',
    b"[]",
    b"{}",
    b'{"a": ' * 2000,
    b'{"username": "\\ud800", "password": "\\udfff"}',
    b'{"username": "\\u0000", "password": "\\u0000"}',
    b'{"refreshToken": "\\ud800"}',
    b'{"name": "\\ud800\\u0000", "runtimeType": "R"}',
    b'{"code": "\\u0000"}',
    b'{"code": "\\ud800"}',
    b'{"code": 1e400}',
    b'{"code": NaN, "initialPoolSize": NaN, "entries": [NaN], "name": Infinity}',
    b'{"code": "1", "inputParameters": [{"name": "x", "value": [NaN, "\\ud800"]}]}',
    b'{"code": "1", "inputParameters": [{"name": "", "value": 1}]}',
    b'{"code": "1", "inputParameters": [{"name": "\\u0000", "value": 1}]}',
    b'{"code": "1", "inputParameters": [{"name": "x", "value": "\\u0000"}]}',
    b'{"code": "1", "inputParameters": [{"name": "x", "value": 1e400}]}',
    b'{"code": "1", "inputParameters": [{"name": "x", "value": ' + b"9" * 400 + b"}]}",
    b'{"code": "1", "inputParameters": [{"name": "x", "value": ' + b"[" * 300 + b"]" * 300 + b"}]}",
    b'{"code": "1", "inputParameters": [null], "outputParameters": [null]}',
    b'{"code": "1", "outputParameters": ["", "\\u0000", "\\ud800"]}',
    b'{"code": "1", "initCode": "\\ud800", "description": "\\u0000", "operationId": "\\n"}',
    b'{"code": "1", "outputFileNames": ["\\ud800"]}',
    b'{"code": "1", "inputParameterDefinitions": [{"name": "\\ud800", "type": "vector"}]}',
    b'{"code": "1", "inputParameterDefinitions": [{}, null, 1]}',
    b'{"code": "1", "snapshotId": "\\u0000"}',
    b'{"entries": [""]}',
    b'{"entries": ["http://1.1.1.1:9999999999999999999999"]}',
    b'{"entries": ["http://\\u0661.1.1.1"]}',
    b"\xff\xfe",
]


@pytest.fixture
def session(owner: Api) -> Iterator[str]:
    """Id of an R session; others that a test opens end with it."""
    yield str(owner.expect(201, "POST", "/sessions", json={})["sessionId"])
    owner.login()
    for item in owner.expect(200, "GET", "/sessions"):
        owner.http.delete(f"/sessions/{item['id']}")


@pytest.mark.parametrize(
    "operation", [item for item in OPERATIONS if item.method != "GET"], ids=lambda it: it.operation_id
)
def test_whatever_body_comes_is_answered(owner: Api, session: str, operation: Operation) -> None:
    path = operation.path.replace("{id}", session).replace("{fileName}", "f").replace("{objectName}", "o")
    for body in BODIES:
        headers = {"Content-Type": "application/json"}
        response = owner.http.request(operation.method, path, content=body, headers=headers)
        assert response.status_code < 500, (body, response.text)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda item: item.operation_id)
def test_whatever_names_come_are_answered(owner: Api, session: str, operation: Operation) -> None:
    for text in TEXTS:
        for place in ("{id}", "{fileName}", "{objectName}", "{name}", "{version}"):
            path = operation.path.replace(place, quote(text, safe="") or "%20")
            path = path.replace("{id}", session).replace("{fileName}", "f").replace("{objectName}", "o")
            response = owner.http.request(operation.method, path, params={"refreshToken": text})
            assert response.status_code < 500, (path, response.text)


@pytest.mark.parametrize("code", ["v = '\\ud800'", "v = {'\\ud800': 1}", "print('\\ud800'); v = 1", "v = b'\\xff'"])
def test_texts_that_no_reply_can_hold_are_answered(owner: Api, code: str) -> None:
    created = owner.expect(201, "POST", "/sessions", json={"runtimeType": "Python"})["sessionId"]
    owner.expect(200, "POST", f"/sessions/{created}/execute", json={"code": code, "outputParameters": ["v"]})
    owner.expect(200, "DELETE", f"/sessions/{created}")


@pytest.mark.parametrize(
    "code",
    ["v <- '\\xff'", "v <- 'a\\xffb'; print(v)", "v <- list(); v[['\\xff']] <- 1", "v <- quote(x)", "v <- emptyenv()"],
)
def test_values_of_r_that_no_reply_can_hold_are_answered(owner: Api, session: str, code: str) -> None:
    owner.expect(200, "POST", f"/sessions/{session}/execute", json={"code": code, "outputParameters": ["v"]})
