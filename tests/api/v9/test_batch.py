"""``…/batch``: started, watched, cancelled; results and files of each item."""

from __future__ import annotations

import base64
import json
import math
import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import jsonschema
import pytest

from tests.api.v9.conftest import Api
from tests.waiting import wait_until

CODE = """
if (x < 0) stop("negative")
y <- 2 * x
writeLines(as.character(y), "y.txt")
cat("doubled", x)
"""
SERVICE = {
    "code": CODE,
    "inputParameterDefinitions": [{"name": "x", "type": "numeric"}],
    "outputParameterDefinitions": [{"name": "y", "type": "numeric"}],
    "outputFileNames": ["y.txt"],
}
SLOW = SERVICE | {"code": "Sys.sleep(if (x > 0) 60 else 0)\ny <- x"}


@pytest.fixture
def batch(api: Api) -> Iterator[str]:
    """Path of the batches of a service."""
    name = f"batch-{uuid.uuid4()}"
    api.expect(201, "POST", f"/services/{name}/1", json=SERVICE)
    yield f"/api/{name}/1/batch"
    api.expect(200, "DELETE", f"/services/{name}/1")


def _start(api: Api, path: str, *numbers: Any, **query: Any) -> str:
    started = api.expect(202, "POST", path, content=json.dumps([{"x": number} for number in numbers]), params=query)
    assert started["batchExecutionId"] == started["BatchExecutionId"]
    return str(started["batchExecutionId"])


def _state(api: Api, path: str, execution: str) -> Any:
    return api.expect(200, "GET", f"{path}/{execution}")


def _ended(api: Api, path: str, execution: str) -> dict[str, Any]:
    """The batch when it has ended, which fits the service's document but for the case of the state."""
    wait_until(lambda: _state(api, path, execution)["state"] not in ("Pending", "InProgress"), seconds=60)
    found = _state(api, path, execution)
    document = api.expect(200, "GET", path.removesuffix("batch") + "swagger.json")
    schema = {"$ref": "#/definitions/BatchWebServiceResult", "definitions": document["definitions"]}
    jsonschema.Draft4Validator(schema).validate(found | {"state": found["state"].lower()})
    return dict(found)


def test_items_are_answered_in_their_order(api: Api, batch: str) -> None:
    execution = _start(api, batch, 1, -1, 3)
    found = _ended(api, batch, execution)
    results = found.pop("batchExecutionResults")
    assert found == {"state": "Complete", "completedItemCount": 3, "totalItemCount": 3, "parallelCount": 10}
    assert [item["success"] for item in results] == [True, False, True]
    assert [item["outputParameters"].get("y") for item in results] == [2, None, 6]
    assert "negative" in results[1]["errorMessage"]
    assert results[2]["consoleOutput"] == "doubled 3"
    assert results[0]["changedFiles"] == ["y.txt"]
    assert base64.b64decode(results[2]["outputFiles"]["y.txt"]) == b"6\n"


def test_files_of_items_are_sent_as_they_are(api: Api, batch: str) -> None:
    execution = _start(api, batch, 1, 2)
    _ended(api, batch, execution)
    assert api.expect(200, "GET", f"{batch}/{execution}/1/files") == ["y.txt"]
    reply = api.http.get(f"{batch}/{execution}/1/files/y.txt")
    assert (reply.content, reply.headers["content-type"]) == (b"4\n", "application/octet-stream")
    api.expect(404, "GET", f"{batch}/{execution}/1/files/z.txt")
    for index in ("2", "-1", "x", "9" * 30):
        api.expect(400, "GET", f"{batch}/{execution}/{index}/files")


def test_inputs_that_do_not_fit_fail_alone(api: Api, batch: str) -> None:
    found = _ended(api, batch, _start(api, batch, "one", 1, -math.inf))
    first, second, third = found["batchExecutionResults"]
    assert "x" in first["errorMessage"]
    assert not first["success"]
    assert second["outputParameters"] == {"y": 2}
    assert "negative" in third["errorMessage"]


@pytest.mark.parametrize("spelling", ["showPartialResults", "showPartialResult"])
def test_partial_results_are_left_out_when_asked(api: Api, spelling: str) -> None:
    name = f"batch-{uuid.uuid4()}"
    api.expect(201, "POST", f"/services/{name}/1", json=SLOW)
    path = f"/api/{name}/1/batch"
    execution = _start(api, path, 0, 60)
    wait_until(lambda: _state(api, path, execution)["completedItemCount"], seconds=60)
    found = _state(api, path, execution)
    assert (found["state"], len(found["batchExecutionResults"])) == ("InProgress", 1)
    hidden = api.expect(200, "GET", f"{path}/{execution}", params={spelling: "false"})
    assert (hidden["completedItemCount"], hidden["batchExecutionResults"]) == (1, [])
    api.expect(400, "GET", f"{path}/{execution}", params={spelling: "perhaps"})
    assert api.expect(200, "DELETE", f"{path}/{execution}") == []
    api.expect(404, "GET", f"{path}/{execution}")
    api.expect(200, "DELETE", f"/services/{name}/1")


def test_batches_are_listed_and_hidden_from_others(api: Api, owner: Api, batch: str) -> None:
    executions = [_start(api, batch, number) for number in (1, 2)]
    assert api.expect(200, "GET", batch) == executions
    assert owner.expect(200, "GET", batch) == []
    for method, path in (("GET", ""), ("GET", "/0/files"), ("DELETE", "")):
        owner.expect(404, method, f"{batch}/{executions[0]}{path}")


@pytest.mark.parametrize(
    ("body", "query"),
    [(b"[]", {}), (b"{}", {}), (b"[1]", {}), (b"", {}), (b"[{", {}), (b'[{"x": 1}]', {"parallelCount": "0"})],
)
def test_what_is_no_batch_is_refused(api: Api, batch: str, body: bytes, query: dict[str, str]) -> None:
    api.expect(400, "POST", batch, content=body, params=query, headers={"Content-Type": "application/json"})


def test_more_at_a_time_than_allowed_is_cut(api: Api, batch: str) -> None:
    found = _ended(api, batch, _start(api, batch, 1, parallelCount=1000))
    assert found["parallelCount"] == 100


def test_items_without_inputs_may_be_null_or_empty_lists(api: Api, batch: str) -> None:
    started = api.expect(202, "POST", batch, json=[{}, [], None])
    assert api.expect(200, "GET", f"{batch}/{started['batchExecutionId']}")["totalItemCount"] == 3


def test_batches_need_a_service_and_a_token(api: Api, nobody: httpx.Client, batch: str) -> None:
    api.expect(404, "POST", f"/api/{uuid.uuid4()}/1/batch", json=[{}])
    assert nobody.post(batch, json=[{"x": 1}]).status_code == 401


def test_batches_of_a_deleted_service_are_gone(api: Api) -> None:
    name = f"batch-{uuid.uuid4()}"
    api.expect(201, "POST", f"/services/{name}/1", json=SERVICE)
    path = f"/api/{name}/1/batch"
    execution = _start(api, path, 1)
    _ended(api, path, execution)
    api.expect(200, "DELETE", f"/services/{name}/1")
    api.expect(404, "GET", f"{path}/{execution}")
