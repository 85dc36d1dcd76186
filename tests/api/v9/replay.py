"""Replays the recorded requests of a 9.x client: bytes as they were, but for what the placeholder had made up."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import functools
import json
import re
from collections.abc import Iterator

import dill
import httpx

from deployr.api.v9.operations import OPERATIONS, Operation
from deployr.settings import split_address
from deployr.users.accounts import Accounts
from tests.recordings.connection import Connection, Reply
from tests.recordings.message import Message
from tests.recordings.recorded import Recorded, requests_of
from tests.server import Server
from tests.waiting import wait_until

_REFRESH = rb"refresh-token-placeholder(?:/|%2F)(?:\+|%2B)(?:=|%3D)(?:=|%3D)"
_SESSION = rb"[0-9]{8}-0001-4000-8000-[0-9]{12}"
_SNAPSHOT = rb"[0-9]{8}-0002-4000-8000-[0-9]{12}"
_BATCH = rb"[0-9]{8}-0003-4000-8000-[0-9]{12}"
_MODEL = rb"(?<=\r\n\r\n)blob[\x00-\x27]*?(?=\r\n--)"
_OBJECT = rb"\ARDX2 pretend\Z"
_QUOTED_OBJECT = rb'(?<=\A")cGxhY2Vob2xkZXI=(?="\Z)'
_RECORDED = re.compile(
    rb"(?P<bearer>(?<=Bearer )\S+)|(?P<refresh>%s)|(?P<session>%s)|(?P<snapshot>%s)|(?P<batch>%s)"
    rb"|(?P<model>%s)|(?P<object>%s)|(?P<quoted>%s)"
    % (_REFRESH, _SESSION, _SNAPSHOT, _BATCH, _MODEL, _OBJECT, _QUOTED_OBJECT)
)
_OF_ONE = {"getWorkspaceObject", "deleteWorkspaceObject"}
_OF_FILES = {"getSessionFile", "deleteSessionFile"}
_NEW_SERVICES = {"publishWebServiceVersion", "publishRealtimeWebServiceByNameVersion"}
_CONSUMPTION = "/api/{name}/{version}"
_FILES = ["answer.csv", "out put.txt"]
_WRITING = {
    "R": f"for (name in c({str(_FILES)[1:-1]})) cat('x', file = name)",
    "Python": f"for name in {_FILES}: open(name, 'w').close()",
}
"""Code that writes the files of batches that are asked for."""

_A_MODEL = "rxSerializeModel(rxLinMod(mpg ~ 1, mtcars))"
"""A model that can be scored with whatever columns."""

_A_PYTHON_OBJECT = {"a": [1.0, None], "é": "text"}
_AN_RDATA_FILE = "{ save(mtcars, file = 'f', version = 2, compress = FALSE); readBin('f', 'raw', 1e6) }"

STAND_INS = {
    "model": f"`blob` and a few bytes that are no model; becomes `{_A_MODEL}`",
    "object": "`RDX2 pretend` for an R session; becomes such an rData file, in which `save` wrote `mtcars`",
    "quoted": "the word placeholder, in base64 in a JSON text, for a Python session; becomes what dill writes, so",
}
"""What stands in recordings for what users have in a file or get from R or dill, and what takes its place."""

_SERVICE = re.compile(rb"/(?:realtime-services|services|api)/([^/ ]+)/([^/ ]+)")


@dataclasses.dataclass(frozen=True)
class Exchange:
    """A request as it was sent, and the reply. ``operation`` is ``None`` for those of services' own documents."""

    recorded: Recorded
    operation: Operation | None
    reply: Reply


class Replayer:
    """Replays one client's requests.

    Args:
        client: name of the recording.
        runtime: of sessions that the recording takes for granted.
        accounts: of the server; the recordings' user ``admin`` gets the passwords that were recorded.
        own: a client of the test's own; it makes what the recording takes for granted.
    """

    def __init__(self, server: Server, client: str, runtime: str, accounts: Accounts, own: httpx.Client) -> None:
        self._address = split_address(server.settings.server.bind[0])
        self._recording = requests_of(client)
        self._runtime = runtime
        self._accounts = accounts
        self._password = ""
        self._own = own
        self._connections: dict[int, Connection] = {}
        self._tokens: dict[str, str] = {}
        self._sessions: dict[bytes, str] = {}
        self._snapshots: dict[bytes, str] = {}
        self._batches: dict[bytes, str] = {}

    def replay(self) -> Iterator[Exchange]:
        """Send request after request."""
        for recorded in self._recording:
            yield self._exchange(recorded)
        for connection in self._connections.values():
            connection.close()

    def _exchange(self, recorded: Recorded) -> Exchange:
        operation = operation_of(recorded)
        if operation and operation.operation_id == "login":
            self._password = json.loads(recorded.message.body)["password"]
            self._accounts.change_password("admin", self._password)
        else:
            self._log_in()
            self._prepare(recorded, operation)
        message = recorded.message.changed(lambda text: _RECORDED.sub(self._live, text))
        connection = self._connections.setdefault(recorded.conn, Connection(*self._address))
        reply = connection.send(message.encode(), message.method)
        self._learn(recorded, operation, reply)
        return Exchange(recorded, operation, reply)

    def _log_in(self) -> None:
        """Log in after the recording revoked its tokens."""
        if not self._tokens:
            body = {"username": "admin", "password": self._password}
            self._use(self._own.post("/login", json=body).raise_for_status().json())

    def _use(self, tokens: dict[str, str]) -> None:
        self._tokens = tokens
        self._own.headers["Authorization"] = f"Bearer {tokens.get('access_token')}"

    def _prepare(self, recorded: Recorded, operation: Operation | None) -> None:
        """Make what the request takes for granted: its service, its session, the object or file that it names."""
        message = recorded.message
        if found := _SERVICE.search(message.head.partition(b"\r\n")[0]):
            name = operation.operation_id if operation else ""
            inputs = _inputs(message) if operation is None else []
            path = f"/services/{found[1].decode()}/{found[2].decode()}"
            self._prepare_service(path, inputs, new=name in _NEW_SERVICES)
            self._prepare_batch(recorded, path)
        found = re.search(rb"/sessions/(%s)(?:/\w+/([^/ ]+))?" % _SESSION, message.head)
        if operation is None or found is None:
            return
        session = self._session(found[1])
        name = httpx.URL("/" + (found[2] or b"").decode()).path[1:]
        if operation.operation_id in _OF_ONE:
            assign = f"`{name}` <- 1" if self._is_r(session) else f"globals()['{name}'] = 1"
            self._own.post(f"/sessions/{session}/execute", json={"code": assign}).raise_for_status()
        if operation.operation_id in _OF_FILES:
            self._own.post(f"/sessions/{session}/files", files={"file": (name, b"x")}).raise_for_status()

    def _prepare_service(self, path: str, inputs: list[dict[str, str]], *, new: bool) -> None:
        """Make a service, or delete one that the request wants to publish."""
        if new:
            self._own.delete(path)
        elif self._own.get(path).status_code == 404:
            said = {"code": "1", "runtimeType": self._runtime, "inputParameterDefinitions": inputs}
            self._own.post(path, json=said).raise_for_status()

    def _prepare_batch(self, recorded: Recorded, service: str) -> None:
        """Let a service write the files that will be asked for, and wait until it has."""
        if (recorded.message.method, recorded.call) == ("POST", f"{_CONSUMPTION}/batch"):
            said = {"code": _WRITING[self._runtime], "outputFileNames": _FILES}
            self._own.patch(service, json=said).raise_for_status()
        if found := re.search(rb"/batch/(%s)/" % _BATCH, recorded.message.head):
            path = f"{service.replace('/services', '/api')}/batch/{self._batches[found[1]]}"
            wait_until(lambda: self._own.get(path).raise_for_status().json()["state"] == "Complete")

    def _session(self, recorded: bytes) -> str:
        """The live session of a recorded id, opened anew when it was closed."""
        live = {item["id"] for item in self._own.get("/sessions").raise_for_status().json()}
        if self._sessions.get(recorded) not in live:
            reply = self._own.post("/sessions", json={"runtimeType": self._runtime}).raise_for_status()
            self._sessions[recorded] = reply.json()["sessionId"]
        return self._sessions[recorded]

    def _snapshot(self, recorded: bytes) -> str:
        """The snapshot of a recorded id, taken anew when it was deleted."""
        present = {item["id"] for item in self._own.get("/snapshots").raise_for_status().json()}
        if self._snapshots.get(recorded) not in present:
            session = self._session(recorded.replace(b"-0002-", b"-0001-"))
            reply = self._own.post(f"/sessions/{session}/snapshot", json={}).raise_for_status()
            self._snapshots[recorded] = reply.json()["snapshotId"]
        return self._snapshots[recorded]

    @functools.cache  # noqa: B019 -- a replayer lives as long as its recording
    def _made_by_r(self, code: str) -> bytes:
        """The raw vector that R code gives."""
        session = self._own.post("/sessions", json={"runtimeType": "R"}).raise_for_status().json()["sessionId"]
        body = {"code": f"made <- {code}", "outputParameters": ["made"]}
        done = self._own.post(f"/sessions/{session}/execute", json=body).raise_for_status().json()
        self._own.delete(f"/sessions/{session}").raise_for_status()
        return base64.b64decode(done["outputParameters"][0]["value"])

    def _is_r(self, session: str) -> bool:
        found = self._own.get("/sessions").raise_for_status().json()
        return next(item["runtimeType"] for item in found if item["id"] == session) == "R"

    def _live(self, match: re.Match[bytes]) -> bytes:
        if match["bearer"]:
            return self._tokens["access_token"].encode()
        if match["refresh"]:
            return self._tokens["refresh_token"].encode()
        if match["batch"]:
            return self._batches[match["batch"]].encode()
        if match["model"]:
            return self._made_by_r(_A_MODEL)
        if match["object"]:
            return self._made_by_r(_AN_RDATA_FILE)
        if match["quoted"]:
            return base64.b64encode(dill.dumps(_A_PYTHON_OBJECT))
        if match["snapshot"]:
            return self._snapshot(match["snapshot"]).encode()
        return self._session(match["session"]).encode()

    def _learn(self, recorded: Recorded, operation: Operation | None, reply: Reply) -> None:
        """Tokens and ids of the reply stand for the placeholder's from now on."""
        name = operation.operation_id if operation else ""
        if name in ("login", "renewToken") and reply.status == 200:
            self._use(json.loads(reply.body))
        if name == "revokeRefreshToken":
            self._use({})
        if (reply.status, recorded.call) == (202, f"{_CONSUMPTION}/batch"):
            number = len(self._batches) + 1
            self._batches[b"%08d-0003-4000-8000-%012d" % (number, number)] = json.loads(reply.body)["batchExecutionId"]
        if name == "createSession" and reply.status == 201:
            number = len(self._sessions) + 1
            self._sessions[b"%08d-0001-4000-8000-%012d" % (number, number)] = json.loads(reply.body)["sessionId"]


def stand_ins(recorded: Recorded) -> set[str]:
    """Those of :data:`STAND_INS` that a request has."""
    found = (match.lastgroup for chunk in recorded.message.chunks for match in _RECORDED.finditer(chunk))
    return {kind for kind in found if kind in STAND_INS}


def _inputs(message: Message) -> list[dict[str, str]]:
    """Definitions that the inputs of a recorded call fit."""
    with contextlib.suppress(ValueError):
        if isinstance(given := json.loads(message.body), dict):
            return [{"name": name, "type": _type(value)} for name, value in given.items()]
    return []


def _type(value: object) -> str:
    names = {bool: "logical", int: "numeric", float: "numeric", str: "character", dict: "data.frame"}
    return names.get(type(value), "vector")


def operation_of(recorded: Recorded) -> Operation | None:
    """The operation that a recorded request asks for."""
    method = recorded.message.method
    return next((item for item in OPERATIONS if (item.method, item.path) == (method, recorded.call)), None)
