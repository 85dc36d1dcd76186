"""``POST /api/{name}/{version}``: calls of services."""

from __future__ import annotations

import base64
import itertools
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.api.v9.conftest import Api
from tests.waiting import wait_until

Publish = Callable[..., str]

_numbers = itertools.count()


@pytest.fixture
def publish(api: Api) -> Iterator[Publish]:
    """Publishes services; gives the paths of their calls."""
    paths: list[str] = []

    def make(code: str, inputs: str = "", outputs: str = "", **said: Any) -> str:
        """Inputs and outputs are written ``name:type name:type``."""
        path = f"consume-{os.getpid()}-{next(_numbers)}/1.0"
        paths.append(path)
        definitions = {"inputParameterDefinitions": _parsed(inputs), "outputParameterDefinitions": _parsed(outputs)}
        api.expect(201, "POST", f"/services/{path}", json={"code": code, **definitions, **said})
        return f"/api/{path}"

    yield make
    for path in paths:
        api.http.delete(f"/services/{path}")


def _parsed(text: str) -> list[dict[str, str]]:
    return [dict(zip(("name", "type"), item.split(":"), strict=True)) for item in text.split()]


def _call(api: Api, path: str, **inputs: Any) -> dict[str, Any]:
    reply: dict[str, Any] = api.expect(200, "POST", path, json=inputs)
    return reply


def _take(api: Api, code: str, runtime: str = "R") -> str:
    """A snapshot of a session that has run some code."""
    session = f"/sessions/{api.expect(201, 'POST', '/sessions', json={'runtimeType': runtime})['sessionId']}"
    assert api.expect(200, "POST", f"{session}/execute", json={"code": code})["success"]
    snapshot = str(api.expect(201, "POST", f"{session}/snapshot", json={})["snapshotId"])
    api.expect(200, "DELETE", session)
    return snapshot


def _warm(api: Api, path: str, is_fork: str = "forked", **inputs: Any) -> None:
    """Call a service until it runs in forks of its parent."""
    wait_until(lambda: _call(api, path, **inputs)["outputParameters"][is_fork])


# R sessions of services are children of a process that another user runs than the node's parent.
FORKED = "forked <- grepl('/services/', getwd(), fixed = TRUE)"
FORKED_PYTHON = "import os\nforked = '/services/' in os.getcwd()"


def test_a_model_from_a_snapshot_that_was_deleted_predicts(api: Api, publish: Publish) -> None:
    snapshot = _take(api, "carsModel <- glm(formula = am ~ hp + wt, data = mtcars, family = binomial)")
    code = (
        "answer <- (function (hp, wt) \n{\n newdata <- data.frame(hp = hp, wt = wt)\n"
        ' predict(carsModel, newdata, type = "response")\n})(hp, wt)\n' + FORKED
    )
    path = publish(code, "hp:numeric wt:numeric", "answer:numeric forked:logical", snapshotId=snapshot)
    api.expect(200, "DELETE", f"/snapshots/{snapshot}")
    assert _call(api, path, hp=120, wt=2.8)["outputParameters"]["answer"] == pytest.approx(0.641812528409382, abs=1e-15)
    _warm(api, path, hp=120, wt=2.8)
    assert _call(api, path, hp=120, wt=2.8)["outputParameters"]["answer"] == pytest.approx(0.641812528409382, abs=1e-15)


def test_an_answer_has_the_documented_members_in_their_order(api: Api, publish: Publish) -> None:
    reply = _call(api, publish("cat('said'); y <- 2; z <- 3", outputs="y:numeric none:numeric"))
    assert list(reply.items()) == [
        ("success", True),
        ("errorMessage", ""),
        ("outputParameters", {"y": 2.0}),
        ("outputFiles", {}),
        ("consoleOutput", "said"),
        ("changedFiles", []),
    ]


def test_python_code_begins_with_its_init_code(api: Api, publish: Publish) -> None:
    path = publish(
        "y = add(x)\n" + FORKED_PYTHON,
        "x:numeric",
        "y:numeric forked:logical",
        initCode="import math\ndef add(x):\n    return math.floor(x) + 1\n",
        runtimeType="Python",
    )
    assert _call(api, path, x=1.5)["outputParameters"]["y"] == 2
    _warm(api, path, x=1)
    assert _call(api, path, x=1.5)["outputParameters"]["y"] == 2


def test_a_snapshot_of_python_is_loaded(api: Api, publish: Publish) -> None:
    snapshot = _take(api, "import numpy as np\nmodel = np.array([1.0, 2.0])\ndef f(x): return model * x", "Python")
    code = "y = f(x)\n" + FORKED_PYTHON
    path = publish(code, "x:numeric", "y:vector forked:logical", snapshotId=snapshot, runtimeType="Python")
    assert _call(api, path, x=2)["outputParameters"]["y"] == [2, 4]
    _warm(api, path, x=2)
    assert _call(api, path, x=2)["outputParameters"]["y"] == [2, 4]


VALUES = [
    ("numeric", 2.5),
    ("integer", 7),
    ("character", "é"),
    ("logical", True),
    ("vector", [1.0]),
    ("matrix", [[1.0, 2.0], [3.0, 4.0]]),
    ("data.frame", {"n": [2.0, 3.0], "s": ["a", "b"]}),
]


@pytest.mark.parametrize(("kind", "value"), VALUES)
@pytest.mark.parametrize("runtime", ["R", "Python"])
def test_values_come_back_as_they_went_in(api: Api, publish: Publish, runtime: str, kind: str, value: Any) -> None:
    path = publish("y <- x" if runtime == "R" else "y = x", f"x:{kind}", f"y:{kind}", runtimeType=runtime)
    assert _call(api, path, x=value)["outputParameters"] == {"y": value}


@pytest.mark.parametrize("body", [{"x": "a"}, {"x": [1]}, {"x": True}, {"x": {}}], ids=str)
def test_inputs_of_another_type_are_refused_by_name(api: Api, publish: Publish, body: dict[str, Any]) -> None:
    assert "x" in api.expect(400, "POST", publish("1", "x:numeric"), json=body)["message"]


@pytest.mark.parametrize(("runtime", "code"), [("R", "y <- is.null(x) && !exists('X')"), ("Python", "y = x is None")])
def test_missing_inputs_are_left_to_the_code_and_others_ignored(
    api: Api, publish: Publish, runtime: str, code: str
) -> None:
    path = publish(code, "x:numeric", "y:logical", runtimeType=runtime)
    assert _call(api, path, X=1)["outputParameters"] == {"y": True}


@pytest.mark.parametrize("content", [b"[1]", b"1", b"{", b'{"x": 1'])
def test_a_body_that_is_no_object_is_refused(api: Api, publish: Publish, content: bytes) -> None:
    api.expect(400, "POST", publish("1"), content=content, headers={"Content-Type": "application/json"})


def test_null_is_bound_and_an_empty_body_has_no_inputs(api: Api, publish: Publish) -> None:
    assert _call(api, publish("y <- is.null(x)", "x:numeric", "y:logical"), x=None)["outputParameters"] == {"y": True}
    path = publish("y <- 1", outputs="y:numeric")
    for content in (b"", b"null", b"[]"):
        assert api.expect(200, "POST", path, content=content)["outputParameters"] == {"y": 1}


def test_code_that_fails_is_no_failure_of_the_call(api: Api, publish: Publish) -> None:
    reply = _call(api, publish("cat('before\\n'); y <- 1; stop('mist')", outputs="y:numeric"))
    assert (reply["success"], reply["errorMessage"]) == (False, "mist")
    assert "before" in reply["consoleOutput"]


def test_init_code_that_fails_is_told_by_each_call(api: Api, publish: Publish) -> None:
    path = publish("1", initCode="stop('no start')")
    for _ in range(3):
        reply = _call(api, path)
        assert (reply["success"], reply["errorMessage"]) == (False, "no start")


def test_declared_files_come_with_the_answer_and_plots_are_files(api: Api, publish: Publish) -> None:
    code = "cat('text', file = 'a.txt'); cat(1, file = 'b.txt'); plot(1)"
    first = _call(api, publish(code))
    [plot] = {*first["changedFiles"]} - {"a.txt", "b.txt"}
    assert first["outputFiles"] == {}
    reply = _call(api, publish(code, outputFileNames=["a.txt", plot, "none.txt"]))
    files = {name: base64.b64decode(content) for name, content in reply["outputFiles"].items()}
    assert {*files} == {"a.txt", plot}
    assert files["a.txt"] == b"text"
    assert files[plot].startswith(b"\x89PNG")


def test_links_and_files_without_end_are_no_output_files(api: Api, publish: Publish) -> None:
    code = "file.symlink('/etc/passwd', 'a'); system('mkfifo b')"
    assert _call(api, publish(code, outputFileNames=["a", "b"]))["outputFiles"] == {}
    huge = "con <- file('a', 'wb'); seek(con, 4e9, rw = 'write'); writeBin(1L, con); close(con)"
    api.expect(413, "POST", publish(huge, outputFileNames=["a"]), json={})


def test_a_process_that_dies_is_an_error_and_the_next_call_works(api: Api, publish: Publish) -> None:
    path = publish("if (die) tools::pskill(Sys.getpid(), 9); y <- 1", "die:logical", "y:numeric")
    for _ in range(5):
        api.expect(503, "POST", path, json={"die": True})
        assert _call(api, path, die=False)["outputParameters"] == {"y": 1}


def test_code_that_quits_just_ends_in_plain_and_in_warm_sessions(api: Api, publish: Publish) -> None:
    code = f"{FORKED}\ny <- y + 2\nq()\ny <- 1"
    path = publish(code, "", "y:numeric forked:logical", initCode="y <- 40\nq()\ny <- 0")
    assert _call(api, path)["outputParameters"] == {"y": 42, "forked": False}
    _warm(api, path)
    assert _call(api, path)["outputParameters"] == {"y": 42, "forked": True}


def test_readers_call_what_others_published_and_nobody_calls_what_is_not_there(
    api: Api, reader: Api, publish: Publish
) -> None:
    path = publish("y <- 1", outputs="y:numeric")
    assert _call(reader, path)["outputParameters"] == {"y": 1}
    api.expect(404, "POST", path + "x", json={})


def test_a_changed_service_runs_its_new_code(api: Api, publish: Publish) -> None:
    path = publish("y <- base", outputs="y:numeric", initCode="base <- 1")
    assert _call(api, path)["outputParameters"] == {"y": 1}
    api.expect(200, "PATCH", path.replace("/api/", "/services/"), json={"initCode": "base <- 2"})
    assert _call(api, path)["outputParameters"] == {"y": 2}


MUTATE = """
seen <- c(exists('left'), !is.null(getOption('left')), file.exists('left.txt'), 'tcltk' %in% loadedNamespaces(),
          nzchar(Sys.getenv('LEFT')), kept != 1, 'package:stats4' %in% search(), Sys.umask() == 0)
left <- call; options(left = call); cat(call, file = 'left.txt'); try(loadNamespace('tcltk'), silent = TRUE)
Sys.setenv(LEFT = 'x'); kept <- call; library(stats4); Sys.umask('000')
dirty <- any(seen); y <- call
"""
MUTATE_PYTHON = """
import os, sys
seen = ['left' in globals(), os.path.exists('left.txt'), 'LEFT' in os.environ, 'colorsys' in sys.modules,
        kept != 1, hasattr(sys, 'left')]
left = call
open('left.txt', 'w').write('x')
os.environ['LEFT'] = 'x'
import colorsys
kept = call
sys.left = call
dirty = any(seen)
y = call
"""


@pytest.mark.parametrize("calls", [40, pytest.param(500, marks=pytest.mark.soak)])
@pytest.mark.parametrize(
    ("runtime", "code", "init", "forked"),
    [("R", MUTATE, "kept <- 1", FORKED), ("Python", MUTATE_PYTHON, "kept = 1", FORKED_PYTHON)],
)
def test_every_call_of_ten_callers_sees_pristine_state(
    api: Api, publish: Publish, runtime: str, code: str, init: str, forked: str, calls: int
) -> None:
    outputs = "dirty:logical y:numeric forked:logical"
    path = publish(f"{code}\n{forked}", "call:numeric", outputs, initCode=init, runtimeType=runtime)
    _warm(api, path, call=0)
    with ThreadPoolExecutor(10) as callers:
        replies = list(callers.map(lambda number: _call(api, path, call=number), range(1, calls + 1)))
    found = [reply["outputParameters"] for reply in replies]
    assert [item["y"] for item in found] == [*range(1, calls + 1)]
    assert not any(item["dirty"] for item in found)
    assert all(item["forked"] for item in found)
