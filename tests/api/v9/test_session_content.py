"""Objects and files of sessions."""

from __future__ import annotations

import base64
import gzip
import subprocess
from collections.abc import Iterator

import dill
import pytest

from tests.api.v9.conftest import Api

BYTES = {"Content-Type": "application/octet-stream"}


@pytest.fixture
def session(api: Api) -> Iterator[str]:
    """Path of an R session."""
    yield from _session(api, "R")


@pytest.fixture
def python(api: Api) -> Iterator[str]:
    """Path of a Python session."""
    yield from _session(api, "Python")


def _session(api: Api, runtime: str) -> Iterator[str]:
    path = f"/sessions/{api.expect(201, 'POST', '/sessions', json={'runtimeType': runtime})['sessionId']}"
    yield path
    api.http.delete(path)


def _r(code: str) -> bytes:
    """What R itself writes to its output."""
    program = f'out <- pipe("cat", "wb"); invisible({{{code}}}); close(out)'
    return subprocess.run(["Rscript", "-e", program], capture_output=True, check=True).stdout


def _value(api: Api, session: str, code: str) -> object:
    reply = api.expect(200, "POST", f"{session}/execute", json={"code": code, "outputParameters": ["v"]})
    assert reply["success"], reply
    return reply["outputParameters"][0]["value"]


@pytest.mark.parametrize(
    "code",
    [
        "serialize(c(1, 2), out)",
        "serialize(c(1, 2), out, ascii = TRUE)",
        "x <- c(1, 2); save(x, file = out, compress = FALSE)",
    ],
)
@pytest.mark.parametrize("compressed", [False, True])
def test_r_objects_are_taken_as_r_writes_them(api: Api, session: str, code: str, compressed: bool) -> None:
    content = gzip.compress(_r(code)) if compressed else _r(code)
    assert api.expect(200, "POST", f"{session}/workspace/my%20obj", content=content, headers=BYTES) is None
    assert api.expect(200, "GET", f"{session}/workspace") == ["my obj"]
    assert _value(api, session, "v <- `my obj` + 1") == [2.0, 3.0]


def test_several_objects_of_one_file_keep_their_names(api: Api, session: str) -> None:
    content = _r("x <- 1; y <- 2; save(x, y, file = out)")
    api.expect(200, "POST", f"{session}/workspace/both", content=content, headers=BYTES)
    assert api.expect(200, "GET", f"{session}/workspace") == ["x", "y"]


def test_an_r_object_comes_as_rdata_and_goes_into_another_session(api: Api, session: str) -> None:
    _value(api, session, "v <- lm(mpg ~ wt, mtcars); v <- coef(v)[[2]]")
    response = api.http.get(f"{session}/workspace/v")
    assert response.content.startswith(b"RDX")
    assert response.headers["Content-Type"] == "application/octet-stream"
    assert "; filename=\"v.RData\"; filename*=UTF-8''v.RData" in response.headers["Content-Disposition"]
    api.expect(200, "POST", f"{session}/workspace/again", content=response.content, headers=BYTES)
    assert _value(api, session, "v <- identical(v, again)") is True


@pytest.mark.parametrize("content", [b"", b"RDX2 pretend", b"RDX3\nX\nbroken", b"X\n", b"\x1f\x8b\x08broken", b"hello"])
def test_bytes_that_are_no_r_object_are_refused_with_r_s_reason(api: Api, session: str, content: bytes) -> None:
    error = api.expect(400, "POST", f"{session}/workspace/x", content=content, headers=BYTES)
    assert "cannot be loaded" in error["message"]
    assert api.expect(200, "GET", f"{session}/workspace") == []


def test_python_objects_are_taken_and_given_as_dill_writes_them(api: Api, python: str) -> None:
    content = dill.dumps({"a": [1, 2]}, protocol=3)
    api.expect(200, "POST", f"{python}/workspace/d", content=content, headers=BYTES)
    assert _value(api, python, "v = d['a'][1]") == 2
    response = api.http.get(f"{python}/workspace/d")
    assert dill.loads(response.content) == {"a": [1, 2]}
    assert "d.dill" in response.headers["Content-Disposition"]
    error = api.expect(400, "POST", f"{python}/workspace/x", content=b"\x80\x03broken", headers=BYTES)
    assert "dill" in error["message"]


def test_bytes_in_a_json_text_are_taken_as_some_clients_send_them(api: Api, python: str) -> None:
    content = b'"' + base64.b64encode(dill.dumps(7)) + b'"'
    api.expect(200, "POST", f"{python}/workspace/seven", content=content, headers=BYTES)
    assert _value(api, python, "v = seven") == 7
    error = api.expect(400, "POST", f"{python}/workspace/x", content=b'"A"', headers=BYTES)
    assert "base64" in error["message"]


def test_objects_are_deleted_and_unknown_ones_absent(api: Api, session: str, python: str) -> None:
    for path, name, code in ((session, "v", "v <- 1"), (session, ".v", ".v <- v <- 1"), (python, "_v", "_v = v = 1")):
        _value(api, path, code)
        assert api.http.get(f"{path}/workspace/{name}").content
        assert api.expect(200, "DELETE", f"{path}/workspace/{name}") is None
        api.expect(404, "DELETE", f"{path}/workspace/{name}")
        api.expect(404, "GET", f"{path}/workspace/{name}")


def test_what_a_session_sends_and_nobody_can_read_is_no_fault_of_the_call(api: Api, python: str) -> None:
    forge = "import sys; sys.modules['deployr_session.workspace'].Workspace.dump_object = lambda *_: 'no bytes'; v = 1"
    _value(api, python, forge)
    assert "bytes" in api.expect(500, "GET", f"{python}/workspace/v")["message"]


def test_files_are_written_listed_read_overwritten_and_deleted(api: Api, session: str) -> None:
    for content in (b"old", b"new"):
        api.expect(201, "POST", f"{session}/files", files={"file": ("C:\\a b\\my é.csv", content)})
    assert api.expect(200, "GET", f"{session}/files") == ["my é.csv"]
    response = api.http.get(f"{session}/files/my%20%C3%A9.csv")
    assert (response.content, response.headers["Content-Length"]) == (b"new", "3")
    assert _value(api, session, "v <- readLines('my é.csv', warn = FALSE)") == "new"
    assert api.expect(200, "DELETE", f"{session}/files/my%20%C3%A9.csv") is None
    api.expect(404, "GET", f"{session}/files/my%20%C3%A9.csv")
    api.expect(404, "DELETE", f"{session}/files/my%20%C3%A9.csv")


@pytest.mark.parametrize("name", ["..", "."])
def test_names_that_are_none_of_files_are_refused(api: Api, session: str, name: str) -> None:
    api.expect(400, "POST", f"{session}/files", files={"file": (name, b"x")})


def test_hidden_files_are_files(api: Api, session: str) -> None:
    api.expect(201, "POST", f"{session}/files", files={"file": (".env", b"KEY=1")})
    assert api.expect(200, "GET", f"{session}/files") == [".env"]
    assert api.http.get(f"{session}/files/.env").content == b"KEY=1"
    assert _value(api, session, "v <- readLines('.env', warn = FALSE)") == "KEY=1"
    api.expect(200, "DELETE", f"{session}/files/.env")
    assert api.expect(200, "GET", f"{session}/files") == []


def test_uploads_are_multipart_and_have_a_file(api: Api, session: str) -> None:
    api.expect(415, "POST", f"{session}/files", json={})
    api.expect(400, "POST", f"{session}/files", files={"other": b"x"})
    headers = {"Content-Type": "multipart/form-data"}
    api.expect(400, "POST", f"{session}/files", content=b"x", headers=headers)
