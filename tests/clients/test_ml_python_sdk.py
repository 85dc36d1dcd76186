"""Microsoft's Python client of Machine Learning Server, unmodified, under the old Python that it needs."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.clients.installing import find_python, python_packages
from tests.server import PASSWORD

PYTHON = Path(__file__).parent / "python"
VERSIONS = ("3.7", "3.6")
"""It makes code objects by hand, in the way of these."""

PROGRAM_SECONDS = 90
ANSWER = 0.641812528409382
"""What glm says of mtcars for 120 horse powers and 2.8 thousand pounds."""

GLM = "model <- glm(am ~ hp + wt, binomial, mtcars)"
SCORE = "answer <- predict(model, data.frame(hp, wt), type = 'response')"


@pytest.fixture
def sdk(request: pytest.FixtureRequest) -> Path:
    """The interpreter that has the client."""
    python = find_python(VERSIONS)
    if python is None:
        pytest.skip(f"there is no Python {' or '.join(VERSIONS)} on this machine")
    return python_packages(request.config, "deployr-python-sdk", python, PYTHON / "sdk-requirements.txt") / "python"


@pytest.fixture
def model(api: httpx.Client, tmp_path: Path) -> Path:
    """What a script of R Server would have written for a realtime service."""
    session = api.post("/sessions", json={}).raise_for_status().json()["sessionId"]
    code = "bytes <- rxSerializeModel(rxLogit(am ~ hp + wt, mtcars))"
    body = {"code": code, "outputParameters": ["bytes"]}
    done = api.post(f"/sessions/{session}/execute", json=body).raise_for_status().json()
    api.delete(f"/sessions/{session}").raise_for_status()
    path = tmp_path / "model"
    path.write_bytes(base64.b64decode(done["outputParameters"][0]["value"]))
    return path


@pytest.fixture
def name(api: httpx.Client, unique: str) -> Iterator[str]:
    """A name; under ``…-r`` a service in R is published that holds a model."""
    name = unique.replace(" ", "-")
    session = api.post("/sessions", json={}).raise_for_status().json()["sessionId"]
    api.post(f"/sessions/{session}/execute", json={"code": GLM}).raise_for_status()
    snapshot = api.post(f"/sessions/{session}/snapshot", json={}).raise_for_status().json()["snapshotId"]
    service = {
        "code": SCORE,
        "snapshotId": snapshot,
        "inputParameterDefinitions": [{"name": "hp", "type": "numeric"}, {"name": "wt", "type": "numeric"}],
        "outputParameterDefinitions": [{"name": "answer", "type": "numeric"}],
    }
    api.post(f"/services/{name}-r/1", json=service).raise_for_status()
    for path in (f"/sessions/{session}", f"/snapshots/{snapshot}"):
        api.delete(path).raise_for_status()
    yield name
    api.delete(f"/services/{name}-r/1").raise_for_status()


@pytest.mark.timeout(300)
def test_the_python_client_works_unmodified(sdk: Path, host: str, name: str, model: Path) -> None:
    said = _run(sdk, host, "testuser", PASSWORD, name, model)
    assert said["consumed"] == said["again"] == pytest.approx(ANSWER, abs=1e-3)
    assert (said["console"].strip(), said["artifact"], said["error"]) == ("scoring 120.0", "hp 120", "")
    assert said["capabilities"] == {
        "name": name,
        "version": "v1",
        "operation_id": "transmission",
        "description": "transmission",
    }
    assert (said["swagger"], said["listed"]) == (name, ["v1"])
    answers = said["batch"].pop("answers")
    assert answers[0] == pytest.approx(ANSWER, abs=1e-3)
    assert said["batch"] == {
        "state": "Complete",
        "counts": [2, 2],
        "files": [["answer.txt"]] * 2,
        "file": "hp 150",
        "listed": True,
        "left": [],
    }
    assert said["types"] == dict.fromkeys(("int", "float", "str", "bool", "array", "matrix", "frame"), True)
    assert said["redeployed"] == [3, "changed"]
    assert said["scores"][0] == pytest.approx(ANSWER)
    assert (len(said["scores"]), said["rescored"]) == (2, said["scores"][:1])
    assert said["r"] == pytest.approx(ANSWER)
    assert said["left"] == []
    assert said["missing"]


def _run(python: Path, *arguments: str | Path) -> dict[str, Any]:
    command = [str(python), str(PYTHON / "sdk.py"), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PROGRAM_SECONDS, check=False)
    assert done.returncode == 0, done.stderr
    said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return said
