"""Requests that schemathesis generates from the core document: none is the server's fault, none answered otherwise
than documented."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from deployr.api.v9.documents import document
from deployr.api.v9.operations import OPERATIONS, Operation
from tests.clients.installing import python_packages
from tests.server import PASSWORD, Server, running

REQUIREMENTS = Path(__file__).parent / "python" / "schemathesis-requirements.txt"
CHECKS = "not_a_server_error,status_code_conformance,response_schema_conformance"
SESSION_SECONDS = 10
SLOTS = 400
"""Generated requests open sessions and leave them; 503, which says that there is no room, is not what is looked for."""

ALWAYS = {400, 404, 405, 413, 415}
"""What no document names: bodies and paths that are none."""


@pytest.fixture
def st(request: pytest.FixtureRequest) -> Path:
    """The program of schemathesis."""
    return python_packages(request.config, "deployr-schemathesis", sys.executable, REQUIREMENTS) / "st"


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Server]:
    """A server of its own, whose sessions soon end."""
    nodes = [{"name": "node", "slots": SLOTS}]
    with running(tmp_path / "home", mlserver__session_timeout=SESSION_SECONDS, grid__nodes=nodes) as server:
        yield server


def test_generated_requests_are_answered_as_documented(st: Path, fresh: Server, tmp_path: Path) -> None:
    assert _generate(st, fresh, tmp_path, 3, "--seed=1") > 100


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_5000_generated_requests_are_answered_as_documented(st: Path, fresh: Server, tmp_path: Path) -> None:
    assert _generate(st, fresh, tmp_path, 120) >= 5000


def _generate(st: Path, server: Server, directory: Path, most: int, *options: str) -> int:
    """Ask with up to so many requests an operation, besides those of the other phases; returns how many that were."""
    host = server.url.removesuffix("/deployr")
    with httpx.Client(base_url=host, timeout=60) as api:
        login = api.post("/login", json={"username": "admin", "password": PASSWORD}).raise_for_status()
        api.headers["Authorization"] = f"Bearer {login.json()['access_token']}"
        path = directory / "core.json"
        path.write_text(json.dumps(strict(_present(api))))
    command = [st, "run", path, "--url", host, "--checks", CHECKS, "--max-examples", most, "--no-color", "--no-shrink"]
    command += ["--header", f"Authorization: {api.headers['Authorization']}", "--continue-on-failure"]
    command += ["--suppress-health-check", "all", "--request-timeout", "60", *options]
    done = subprocess.run([*map(str, command)], cwd=directory, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2000:]
    found = re.search(r"(\d+) generated", done.stdout)
    assert found, done.stdout[-2000:]
    return int(found[1])


def _present(api: httpx.Client) -> dict[str, str]:
    """What requests may name: a session, a snapshot, a service."""
    session = api.post("/sessions", json={}).raise_for_status().json()["sessionId"]
    api.post(f"/sessions/{session}/execute", json={"code": "x <- 1"}).raise_for_status()
    api.post(f"/sessions/{session}/files", files={"file": ("f", b"x")}).raise_for_status()
    snapshot = api.post(f"/sessions/{session}/snapshot", json={}).raise_for_status().json()["snapshotId"]
    api.post("/services/present/1", json={"code": "1"}).raise_for_status()
    service = {"name": "present", "version": "1"}
    return {"sessions": session, "snapshots": snapshot, "snapshotId": snapshot, "fileName": "f", **service}


def strict(present: dict[str, str]) -> dict[str, Any]:
    """The core document with each status that an operation may have, in the place of the default.

    Args:
        present: parts of paths that half of the requests name, but those that would remove them.
    """
    core = document("9.3.0")
    for definition in core["definitions"].values():
        for field in definition["properties"].values() if "properties" in definition else ():
            field["x-nullable"] = True
    for operation in OPERATIONS:
        described = core["paths"][operation.path][operation.method.lower()]
        described["responses"] = _responses(operation, described["responses"])
        if operation.method != "DELETE":
            _name(described["parameters"], operation, present)
    return core


def _name(parameters: list[dict[str, Any]], operation: Operation, present: dict[str, str]) -> None:
    for parameter in parameters:
        key = operation.path.split("/")[1] if parameter["name"] == "id" else parameter["name"]
        if parameter["in"] == "path" and key in present:
            parameter["enum"] = [present[key], "absent"]


def _responses(operation: Operation, described: dict[str, Any]) -> dict[str, Any]:
    failures = {str(status): described["default"] for status in sorted({*operation.errors, *ALWAYS})}
    return failures | {str(operation.success): described[str(operation.success)]}
