"""Scripts of Python: what ``/r/repository/script/*`` does with a ``.py`` file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.server import Client, Server, record_of

EXECUTE = "/r/repository/script/execute"
Script = Callable[..., dict[str, Any]]


@pytest.fixture
def script(testuser: Client) -> Iterator[Script]:
    """Makes published scripts that go with the test."""
    written = []

    def write(name: str, code: str, published: str = "true") -> dict[str, Any]:
        testuser.succeed("/r/repository/file/upload", filename=name, published=published, files={"file": code.encode()})
        written.append(name)
        return {"filename": name, "author": "testuser"}

    yield write
    testuser.succeed("/r/repository/file/delete", filename=",".join(written))


def values(reply: dict[str, Any]) -> dict[str, Any]:
    return {entry["name"]: entry.get("value") for entry in reply["workspace"]["objects"]}


def test_anonymous_callers_execute_a_published_script(anonymous: Client, script: Script) -> None:
    name = script("sum.py", "total = sum(numbers)\nprint('total is', total)\nopen('out.txt', 'w').write('made')")
    inputs = '{"numbers": {"type": "vector", "value": [1, 2, 3.5]}}'
    reply = anonymous.succeed(EXECUTE, inputs=inputs, robjects="total", **name)
    assert values(reply) == {"total": 6.5}
    assert reply["execution"]["console"] == "total is 6.5\n4\n"
    assert [file["filename"] for file in reply["execution"]["artifacts"]] == ["out.txt"]
    assert anonymous.http.get(reply["execution"]["artifacts"][0]["url"]).text == "made"
    assert reply["project"]["project"].startswith("STATELESS-")


def test_the_author_sees_code_and_echo(testuser: Client, script: Script) -> None:
    execution = testuser.succeed(EXECUTE, **script("seen.py", "x = 1\nx + 1"))["execution"]
    assert (execution["code"], execution["console"]) == ("x = 1\nx + 1", ">>> x = 1\n>>> x + 1\n2\n")


def test_inputs_come_back_as_they_went_in(anonymous: Client, script: Script) -> None:
    inputs = (
        '{"n": {"type": "primitive", "value": 5}, "t": {"type": "primitive", "value": "é"},'
        ' "b": {"type": "primitive", "value": true}, "m": {"type": "matrix", "value": [[1, 2, 3], [4, 5, 6]]},'
        ' "l": {"type": "list", "value": [{"name": "a", "type": "primitive", "value": 1}]},'
        ' "d": {"type": "date", "value": "2024-02-29", "format": "yyyy-MM-dd"}}'
    )
    reply = anonymous.succeed(EXECUTE, inputs=inputs, robjects="n,t,b,m,l,d", **script("echo.py", "pass"))
    found = values(reply)
    assert (found["n"], found["t"], found["b"], found["d"]) == (5.0, "é", True, "2024-02-29")
    assert found["m"] == [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]
    assert found["l"][0]["value"] == 1.0


def test_replies_are_xml_too(anonymous: Client, script: Script) -> None:
    name = script("xml.py", "x = [1.5, None]\nprint('\\x00 and \\x1b')")
    response = anonymous.post(EXECUTE, **{"format": "xml", "robjects": "x", **name})
    assert response.status_code == 200
    assert "<success>true</success>" in response.text
    assert "1.5" in response.text


def test_an_exception_is_a_handled_failure(anonymous: Client, testuser: Client, script: Script) -> None:
    name = script("broken.py", "def f():\n    raise ValueError('broken')  # secret\nf()")
    record = record_of(anonymous.post(EXECUTE, **name))
    assert (record["success"], record["errorCode"], record["error"]) == (False, 900, "ValueError: broken")
    assert "secret" not in record["execution"]["console"]
    shown = record_of(testuser.post(EXECUTE, **name))["execution"]["console"]
    assert 'Traceback (most recent call last):\n  File "<execution 1>", line 3, in <module>\n    f()\n' in shown


def test_render_shows_what_the_script_did(anonymous: Client, script: Script) -> None:
    name = script("page.py", "print('on the page')\nx = {'a': 1}")
    page = anonymous.get("/r/repository/script/render", robjects="x", **name)
    assert page.headers["content-type"].startswith("text/html")
    assert "on the page" in page.text


def test_scripts_of_python_are_listed_as_scripts(anonymous: Client, script: Script) -> None:
    script("listed.py", "1")
    script("not listed.py", "1", published="false")
    scripts = record_of(anonymous.get("/r/repository/script/list", format="json"))["repository"]["scripts"]
    found = {entry["filename"]: entry["category"] for entry in scripts}
    assert found["listed.py"] == "script"
    assert "not listed.py" not in found


def test_projects_refuse_scripts_of_python(testuser: Client, script: Script) -> None:
    name = script("in project.py", "1")
    record = testuser.fail("/r/project/execute/script", project=testuser.project(), **name)
    assert "Python" in record["error"]


def test_scripts_of_r_and_python_do_not_mix(testuser: Client, script: Script) -> None:
    names = [script(name, "x = 1")["filename"] for name in ("one.py", "two.R", "three.py")]
    record = testuser.fail(EXECUTE, filename=",".join(names), author="testuser,testuser,testuser")
    assert "R and of Python" in record["error"]
    chained = {"filename": "one.py,three.py", "author": "testuser,testuser"}
    assert values(testuser.succeed(EXECUTE, robjects="x", **chained)) == {"x": 1}


@pytest.mark.parametrize("asked", [{"storeobject": "x"}, {"storeworkspace": "w"}, {"preloadobjectname": "o.rData"}])
def test_files_of_r_objects_are_refused(testuser: Client, script: Script, asked: dict[str, Any]) -> None:
    author: dict[str, Any] = {"preloadobjectauthor": "testuser"} if "preloadobjectname" in asked else {}
    record = testuser.fail(EXECUTE, **asked, **author, **script("store.py", "x = 1"))
    assert "R objects" in record["error"]


def test_files_are_preloaded_and_stored(testuser: Client, script: Script) -> None:
    testuser.succeed("/r/repository/file/upload", filename="data.txt", files={"file": b"seven"})
    name = script("files.py", "open('stored.txt', 'w').write(open('data.txt').read().upper())")
    reply = testuser.succeed(
        EXECUTE, preloadfilename="data.txt", preloadfileauthor="testuser", storefile="stored.txt", **name
    )
    [stored] = reply["repository"]["files"]
    assert testuser.http.get(stored["url"]).text == "SEVEN"
    testuser.succeed("/r/repository/file/delete", filename="data.txt,stored.txt")


def test_a_blackbox_of_python_keeps_its_state_beside_that_of_r(anonymous: Client, script: Script) -> None:
    python = script("counter.py", "n = globals().get('n', 0) + 1")
    r = script("counter.R", "n <- if (exists('n')) n + 10 else 10")

    def count(name: dict[str, Any], **params: str) -> float:
        return float(values(anonymous.succeed(EXECUTE, robjects="n", blackbox="true", **name, **params))["n"])

    assert [count(python), count(r), count(python), count(r)] == [1, 10, 2, 20]
    assert [count(python, recycle="true"), count(r)] == [1, 30]


def test_a_blackbox_of_python_is_interrupted(anonymous: Client, script: Script) -> None:
    name = script("endless.py", "while True: pass")
    anonymous.get("/r/server/info")
    with ThreadPoolExecutor() as pool:
        reply = pool.submit(anonymous.fail, EXECUTE, blackbox="true", **name)
        while not anonymous.succeed("/r/repository/script/interrupt")["interrupted"]:
            assert not reply.done()
        assert reply.result()["execution"]["interrupted"] is True


def test_a_session_that_dies_is_lost(anonymous: Client, script: Script) -> None:
    record = record_of(anonymous.post(EXECUTE, **script("dies.py", "import os; os._exit(3)")))
    assert (record["success"], record["errorCode"]) == (False, 916)
    assert "Python" in record["error"]


def test_private_scripts_of_python_are_not_there(server: Server, script: Script) -> None:
    server.client().fail(EXECUTE, **script("private.py", "1", published="false"))
