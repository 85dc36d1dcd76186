"""Models as services: published, changed, refused, scored."""

from __future__ import annotations

import base64
import gzip
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from deployr.mlserver import scoring
from tests.api.v9.conftest import Api
from tests.grid.grid_support import python_has
from tests.onnx_models import linear, model
from tests.waiting import wait_until

RBytes = Callable[[str], bytes]

needs_onnxruntime = pytest.mark.skipif(
    not (python_has("onnxruntime") and python_has("pandas")),
    reason="the interpreter of Python sessions has no onnxruntime, or no pandas",
)
needs_pandas = pytest.mark.skipif(not python_has("pandas"), reason="the interpreter of Python sessions has no pandas")

LOGIT = "rxSerializeModel(rxLogit(am ~ hp + wt, mtcars))"
PYTHON = """
class Model:
    def predict(self, rows):
        return rows["a"] * 2 + rows["b"].str.len()

model = Model()
"""


@pytest.fixture
def name(owner: Api) -> Iterator[str]:
    """A name that is nobody's; its services are deleted."""
    chosen = f"realtime-{uuid.uuid4()}"
    yield chosen
    for service in owner.expect(200, "GET", f"/services/{chosen}"):
        owner.expect(200, "DELETE", f"/services/{chosen}/{service['version']}")


@pytest.fixture
def r_bytes(api: Api) -> Iterator[RBytes]:
    """Evaluates R code to a raw vector, in a session."""
    session = api.expect(201, "POST", "/sessions", json={})["sessionId"]

    def run(code: str) -> bytes:
        body = {"code": f"x <- {code}", "outputParameters": ["x"]}
        done = api.expect(200, "POST", f"/sessions/{session}/execute", json=body)
        assert done["success"], done
        return base64.b64decode(done["outputParameters"][0]["value"])

    yield run
    api.expect(200, "DELETE", f"/sessions/{session}")


@pytest.fixture
def python_model(api: Api) -> Iterator[bytes]:
    """An object that predicts, as dill writes it."""
    session = api.expect(201, "POST", "/sessions", json={"runtimeType": "Python"})["sessionId"]
    assert api.expect(200, "POST", f"/sessions/{session}/execute", json={"code": PYTHON})["success"]
    yield api.http.get(f"/sessions/{session}/workspace/model").raise_for_status().content
    api.expect(200, "DELETE", f"/sessions/{session}")


def _send(api: Api, status: int, path: str, model: bytes | None, method: str = "POST", **texts: str) -> Any:
    parts: dict[str, Any] = {name: (None, text) for name, text in texts.items()}
    if model is not None:
        parts["model"] = ("model", model)
    return api.expect(status, method, f"/realtime-services/{path}", files=parts)


def test_a_model_is_a_service_of_one_frame_in_and_one_out(api: Api, name: str, r_bytes: RBytes) -> None:
    sent = _send(api, 201, f"{name}/1", r_bytes(LOGIT), description="é", operationId="score")
    assert sent == f"/api/{name}/1/swagger.json"
    (shown,) = api.expect(200, "GET", f"/services/{name}/1")
    assert (shown["runtimeType"], shown["code"], shown["outputFileNames"]) == ("Realtime", None, [])
    assert (shown["description"], shown["operationId"]) == ("é", "score")
    assert shown["inputParameterDefinitions"] == [{"name": "inputData", "type": "data.frame"}]
    assert shown["outputParameterDefinitions"] == [{"name": "outputData", "type": "data.frame"}]
    assert uuid.UUID(shown["snapshotId"])


def test_a_model_without_a_version_gets_one(api: Api, name: str, r_bytes: RBytes) -> None:
    path = _send(api, 201, name, r_bytes("serialize(lm(dist ~ speed, cars), NULL)"))
    (shown,) = api.expect(200, "GET", f"/services/{name}")
    assert path == f"/api/{name}/{shown['version']}/swagger.json"


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"blob\x00\x01", "unknown kind"),
        (b"blob", "unknown kind"),
        (b"", "unknown kind"),
        (b"\x08\x07\x12", "onnxruntime"),
        (b"blobX\nnonsense", "cannot be loaded"),
        (gzip.compress(b"nonsense", mtime=0), "cannot be loaded"),
        (b"\x80\x04nonsense", "cannot be loaded"),
    ],
)
def test_what_is_no_model_is_refused(api: Api, name: str, content: bytes, kind: str) -> None:
    assert kind in _send(api, 400, f"{name}/1", content)["message"]
    assert api.expect(200, "GET", f"/services/{name}") == []


def test_a_model_is_required_and_only_multipart_is_read(api: Api, name: str) -> None:
    assert "model" in _send(api, 400, f"{name}/1", None, description="d")["message"]
    api.expect(415, "POST", f"/realtime-services/{name}/1", json={})


def test_only_contributors_publish_models_and_names_belong_to_their_users(
    api: Api, owner: Api, reader: Api, name: str, r_bytes: RBytes
) -> None:
    model = r_bytes(LOGIT)
    _send(reader, 403, f"{name}/1", model)
    _send(owner, 201, f"{name}/1", model)
    _send(api, 403, f"{name}/2", model)
    _send(api, 403, f"{name}/1", None, "PATCH", description="mine")
    _send(owner, 409, f"{name}/1", model)


def test_changes_keep_what_they_do_not_name(api: Api, name: str, r_bytes: RBytes) -> None:
    _send(api, 201, f"{name}/1", r_bytes(LOGIT), description="first", operationId="score")
    assert _send(api, 200, f"{name}/1", None, "PATCH", description="second") == f"/api/{name}/1/swagger.json"
    (shown,) = api.expect(200, "GET", f"/services/{name}/1")
    assert (shown["description"], shown["operationId"]) == ("second", "score")
    _send(api, 400, f"{name}/1", b"blob", "PATCH")
    _send(api, 404, f"{name}/2", None, "PATCH", description="d")


def test_a_model_without_rows_to_score_does_not_tell_what_it_was_trained_with(
    api: Api, name: str, r_bytes: RBytes
) -> None:
    _send(api, 201, f"{name}/1", r_bytes(LOGIT))
    done = api.expect(200, "POST", f"/api/{name}/1", json={})
    assert (done["success"], done["errorMessage"], done["outputParameters"]) == (False, "inputData is missing", {})


def _score(api: Api, name: str, **columns: list[Any]) -> Any:
    done = api.expect(200, "POST", f"/api/{name}/1", json={"inputData": columns} if columns else {})
    return done["outputParameters"]["outputData"] if done["success"] else done["errorMessage"]


def _warm(api: Api, name: str) -> None:
    pool = f"/services/{name}/1/pool"
    api.expect(200, "POST", pool, json={"InitialPoolSize": 1, "MaxPoolSize": 1})
    wait_until(lambda: api.expect(200, "GET", pool)[0]["status"] != "Pending")
    assert api.expect(200, "GET", pool)[0]["status"] == "Success"


@needs_onnxruntime
def test_a_model_of_onnx_is_scored_by_plain_sessions_and_by_forks_of_a_warm_one(api: Api, name: str) -> None:
    _send(api, 201, f"{name}/1", scoring.PREFIX + linear(weights=[2, 10], bias=1))
    for _ in range(2):
        assert _score(api, name, wt=[1, 2], hp=[10.5, None]) == {"y": [108, None]}
        assert "has 1 columns, the model takes 2" in _score(api, name, wt=[1])
        assert "inputData is missing" in _score(api, name)
        _warm(api, name)


@needs_onnxruntime
def test_a_model_of_onnx_that_takes_no_rows_is_refused(api: Api, name: str) -> None:
    images = model([("Shape", ["x"], ["y"], {})], {"x": ("FLOAT", ["n", 3, 8, 8])}, {"y": ("INT64", ["k"])})
    assert "cannot be its input 'x'" in _send(api, 400, f"{name}/1", images)["message"]


@needs_pandas
def test_an_object_of_python_predicts(api: Api, name: str, python_model: bytes) -> None:
    _send(api, 201, f"{name}/1", python_model)
    assert _score(api, name, a=[1, 2], b=["x", "yyy"]) == {"Pred": [3, 7]}


def test_a_service_with_code_is_no_realtime_service(api: Api, name: str) -> None:
    api.expect(201, "POST", f"/services/{name}/1", json={"code": "y <- 1"})
    assert "no realtime service" in _send(api, 400, f"{name}/1", None, "PATCH", description="d")["message"]
