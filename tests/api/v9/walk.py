"""Asks for every operation of a release once, in an order in which each finds what it needs.

``python -m tests.api.v9.walk`` walks all releases and writes what came of it to ``walked.json``, which the page of
operations shows; a test walks too and compares.
"""

from __future__ import annotations

import base64
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import jsonschema

from deployr.api.v9.definitions import RELEASES, Release
from deployr.api.v9.documents import document
from deployr.api.v9.operations import FILE, OPERATIONS, Operation
from tests.server import PASSWORD, Server, beside, running

WALKED = Path(__file__).parent / "walked.json"

OBJECT = b"A\n2\n262146\n131840\n14\n1\n1\n"
"""The number 1 as ``serialize`` writes it."""

MODEL = "model <- rxSerializeModel(rxLinMod(mpg ~ hp, mtcars)); cat('fitted')"

Step = tuple[str, dict[str, str], dict[str, Any]]
"""Operation, its parameters in the path, and the rest of the request."""


class Walk:
    """A walk through one release."""

    def __init__(self, server: Server) -> None:
        self.release: Release = server.settings.mlserver.compat
        self.document = document(self.release)
        self._name = f"walk-{self.release.replace('.', '-')}"
        self._http = httpx.Client(base_url=server.url.removesuffix("/deployr"), timeout=60)

    def walk(self) -> dict[str, int]:
        """Statuses by operation; bodies that do not fit the document are an error."""
        found: dict[str, int] = {}
        steps, reply = self._steps(), None
        with self._http:
            try:
                name, path, request = next(steps)
                while True:
                    reply = self._ask(_OPERATIONS[name], path, request)
                    found[name] = reply.status_code
                    name, path, request = steps.send(reply)
            except StopIteration:
                return found

    def _ask(self, operation: Operation, path: dict[str, str], request: dict[str, Any]) -> httpx.Response:
        reply = self._http.request(operation.method, operation.path.format(**path), **request)
        if operation.is_in(self.release):
            assert reply.status_code == operation.success, (operation, reply.text)
            self._check_body(operation, reply)
        else:
            assert reply.status_code in (404, 405), (operation, reply.text)
        return reply

    def _check_body(self, operation: Operation, reply: httpx.Response) -> None:
        """What is JSON fits the document; what is not is a file, or empty."""
        described = self.document["paths"][operation.path][operation.method.lower()]["responses"]
        schema = described[str(operation.success)].get("schema")
        assert reply.headers["content-type"].startswith("application/json") == (operation.reply not in (None, FILE))
        if operation.reply not in (None, FILE):
            value = json.loads(reply.content, object_hook=_as_documented)
            jsonschema.Draft4Validator({**schema, "definitions": self.document["definitions"]}).validate(value)

    def _steps(self) -> Iterator[Step] | Any:
        """Each step is answered with its reply."""
        credentials = {"username": "admin", "password": PASSWORD}
        tokens = (yield "login", {}, {"json": credentials}).json()
        tokens = (yield "renewToken", {}, {"json": {"refreshToken": tokens["refresh_token"]}}).json()
        self._http.headers["Authorization"] = f"Bearer {tokens['access_token']}"
        yield "status", {}, {}
        session = {"id": (yield "createSession", {}, {"json": {"name": "walk"}}).json()["sessionId"]}
        yield from self._content(session)
        model = yield from self._code(session)
        snapshot = (yield "CreateSnapshot", session, {"json": {"name": "walk"}}).json()["snapshotId"]
        yield "LoadSnapshot", {**session, "snapshotId": snapshot}, {}
        yield "ListSnapshots", {}, {}
        yield "GetSnapshotContent", {"id": snapshot}, {}
        yield from self._services(snapshot)
        yield "DeleteSnapshot", {"id": snapshot}, {}
        yield from self._models(model)
        yield from self._nodes()
        yield "closeSession", session, {}
        yield "closeSessionByForce", {"id": (yield "createSession", {}, {"json": {}}).json()["sessionId"]}, {}
        yield "revokeRefreshToken", {}, {"params": {"refreshToken": tokens["refresh_token"]}}

    def _content(self, session: dict[str, str]) -> Iterator[Step]:
        for number in ("1", "2"):
            yield "setWorkspaceObject", {**session, "objectName": f"x{number}"}, {"content": OBJECT}
        yield "listWorkspaceObjects", session, {}
        yield "getWorkspaceObject", {**session, "objectName": "x1"}, {}
        yield "deleteWorkspaceObject", {**session, "objectName": "x1"}, {}
        yield "uploadSessionFile", session, {"files": {"file": ("a b.txt", b"text")}}
        yield "listSessionFiles", session, {}
        yield "getSessionFile", {**session, "fileName": "a b.txt"}, {}
        yield "deleteSessionFile", {**session, "fileName": "a b.txt"}, {}
        yield "listSessions", {}, {}

    def _code(self, session: dict[str, str]) -> Any:
        body = {
            "code": MODEL,
            "inputParameters": [{"name": "x", "value": {"a": [1, 2]}}],
            "outputParameters": ["x", "model"],
        }
        done = (yield "executeCode", session, {"json": body}).json()
        yield "getSessionConsoleOutput", session, {}
        yield "listSessionHistory", session, {}
        yield "cancelSession", session, {}
        return base64.b64decode(next(item["value"] for item in done["outputParameters"] if item["name"] == "model"))

    def _services(self, snapshot: str) -> Iterator[Step]:
        service = {"name": self._name, "version": "v 1.0"}
        body = {
            "code": "y <- x2 + x",
            "snapshotId": snapshot,
            "description": "é",
            "operationId": "add",
            "inputParameterDefinitions": [{"name": "x", "type": "numeric"}],
            "outputParameterDefinitions": [{"name": "y", "type": "numeric"}],
            "outputFileNames": ["a.png"],
        }
        yield "publishWebServiceVersion", service, {"json": body}
        yield "publishWebService", {"name": self._name}, {"json": body}
        yield "getAllWebServices", {}, {}
        yield "getAllWebServiceVersionsByName", {"name": self._name}, {}
        yield "getWebServiceVersion", service, {}
        yield "patchWebServiceVersion", service, {"json": {"description": "changed"}}
        yield "GetWebServiceSwagger", service, {}
        yield "createOrUpdateServicePool", service, {"json": {"InitialPoolSize": 1, "MaxPoolSize": 1}}
        yield "getServicePoolStatus", service, {}
        yield "deleteServicePool", service, {}
        yield "deleteWebServiceVersion", service, {}

    def _models(self, model: bytes) -> Iterator[Step]:
        service = {"name": f"{self._name}-model", "version": "1"}
        parts = {"model": ("model", model), "description": (None, "d"), "operationId": (None, "score")}
        yield "publishRealtimeWebServiceByNameVersion", service, {"files": parts}
        yield "publishRealtimeWebServiceByName", {"name": service["name"]}, {"files": parts}
        yield "patchRealtimeWebServiceByNameVersion", service, {"files": {"description": (None, "changed")}}

    def _nodes(self) -> Iterator[Step]:
        yield "getComputeNodes", {}, {}
        for name in ("addComputeNode", "removeComputeNode", "setComputeNodes"):
            yield name, {}, {"json": {"entries": ["http://localhost:12805"]}}


_OPERATIONS = {operation.operation_id: operation for operation in OPERATIONS}


def _as_documented(record: dict[str, Any]) -> dict[str, Any]:
    """Servers said with null what a record lacks (9x-facts 6 and 13), and 9.0.1 had a word of its own for its state."""
    said = {"statusCode": "pass"} if record.get("statusCode") == "green" else {}
    return {key: value for key, value in record.items() if value is not None} | said


def walk_all() -> dict[str, dict[str, int]]:
    """Statuses by release and operation."""
    with tempfile.TemporaryDirectory() as home, running(Path(home)) as server:
        return {release: walk(server, release) for release in RELEASES}


def walk(server: Server, release: Release) -> dict[str, int]:
    """Statuses by operation, of web workers that speak this release."""
    with beside(server, mlserver__compat=release) as speaking:
        return Walk(speaking).walk()


if __name__ == "__main__":
    WALKED.write_text(json.dumps(walk_all(), indent=1) + "\n")
