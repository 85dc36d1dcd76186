"""Runs cases against a server."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import io
import json
import re
import time
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Literal

import httpx

from tests.conformance.case_files import Body, Case, Given, Method, Step, read_given
from tests.conformance.matching import match
from tests.conformance.reply_nodes import JsonNode, Mismatch, Node, read_json, read_xml
from tests.server import PASSWORD, Client, Server

PASSWORDS = dict.fromkeys(("basic", "spare"), "Password1")
"""Of users who have not the usual one."""

Format = Literal["json", "xml"]
_READERS: dict[str, tuple[str, Callable[[bytes], Node]]] = {
    "json": ("application/json;charset=UTF-8", read_json),
    "xml": ("application/xml;charset=UTF-8", read_xml),
}
"""Content type and reader of each format."""

_PATIENCE = 60
"""Seconds in which a repeated call must bring the reply expected."""


@dataclasses.dataclass(frozen=True)
class Variant:
    """A case in one format by one method."""

    case: Case
    method: Method
    format: Format

    def __str__(self) -> str:
        return f"{self.case.call.removeprefix('/r/')}: {self.case.name} [{self.method} {self.format}]"


def variants(case: Case) -> Iterator[Variant]:
    """All methods in JSON, and the first in XML too, unless the case says its format or is answered with a file."""
    yield from (Variant(case, method, "json") for method in case.methods)
    if not case.body and "format" not in case.params:
        yield Variant(case, case.methods[0], "xml")


class Callers:
    """Clients of a server. Those of HTTP sessions that are over serve again, as making one takes long."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._shared: dict[str, Client] = {}
        self._idle: list[Client] = []

    def new(self, user: str) -> Client:
        """A client with an HTTP session of its own."""
        client = self._idle.pop() if self._idle else self._server.client()
        if user != "anonymous":
            client.succeed("/r/user/login", username=user, password=PASSWORDS.get(user, PASSWORD))
        return client

    def take_back(self, client: Client) -> None:
        """A client of :meth:`new`, which forgets its HTTP session."""
        client.http.cookies.clear()
        self._idle.append(client)

    def shared(self, user: str) -> Client:
        """A client of a user, for all cases that leave its HTTP session as it is."""
        if user not in self._shared:
            self._shared[user] = self.new(user)
        return self._shared[user]

    def close(self) -> None:
        """Hang up, which lets the server end at once."""
        for client in [*self._shared.values(), *self._idle]:
            client.http.close()


class Run:
    """One run of a case."""

    def __init__(self, variant: Variant, callers: Callers) -> None:
        self._variant = variant
        self._case = variant.case
        self._callers = callers
        self._clients: dict[str, Client] = {}
        self._own_clients: list[Client] = []
        self._captured: dict[str, str] = {}
        self._projects: list[tuple[Client, str]] = []
        self._pool = ThreadPoolExecutor()
        self._running: list[tuple[Step, Future[httpx.Response]]] = []

    def run(self) -> Node | None:
        """Make all calls of the case; returns the reply to its own one, unless that is a file.

        Raises:
            Mismatch: an answer is not as expected.
        """
        given = [_given()[name] for name in self._case.given]
        try:
            for step in [step for situation in given for step in situation.setup] + self._case.setup:
                self._perform(step)
            reply = self._perform(self._case, self._variant.method, self._variant.format)
            for step in self._case.then:
                self._perform(step)
            for step, response in self._running:
                if step.reply is not None:
                    self._check(step, response.result(), "json")
        finally:
            self._clear_up([step for situation in given for step in situation.after] + self._case.after)
        return reply

    def _perform(self, step: Step, method: Method = "POST", format_: Format = "json") -> Node | None:
        if step.background:
            self._running.append((step, self._pool.submit(self._send, step, method, format_)))
            return None
        deadline = time.monotonic() + (_PATIENCE if step.repeated else 0)
        while True:
            try:
                return self._check(step, self._send(step, method, format_), format_)
            except Mismatch:
                if time.monotonic() >= deadline:
                    raise

    def _send(self, step: Step, method: Method, format_: Format) -> httpx.Response:
        asked = {} if step.body else {"format": format_}
        params = asked | {name: self._filled(value) for name, value in step.params.items()}
        sent: dict[str, Any] = {"data": params} if method == "POST" else {"params": params}
        if step.upload is not None:
            sent["files"] = {"file": ("upload", self._filled(step.upload).encode("latin-1"))}
        http, url = self._client(step).http, step.call + self._filled(step.path)
        if step.body and step.body.endless:
            return _beginning(http, method, url, len(step.body.starts), **sent)
        return http.request(method, url, **sent)

    def _check(self, step: Step, response: httpx.Response, format_: Format) -> Node | None:
        if response.status_code != step.status:
            raise Mismatch(f"expected HTTP {step.status}, got {response.status_code}: {response.text[:2000]}")
        for name, expected in step.headers.items():
            match(self._expected({name: expected}), JsonNode({name: response.headers.get(name)}))
        if step.body:
            _check_body(step.body, response.content)
            self._captured |= dict.fromkeys(step.capture, response.content.decode("latin-1"))
            return None
        return self._check_envelope(step, response, format_)

    def _check_envelope(self, step: Step, response: httpx.Response, format_: Format) -> Node:
        asked = str(step.params.get("format", format_)).lower()
        content_type, read = _READERS["xml" if asked == "xml" else "json"]
        match({"type": content_type}, JsonNode({"type": response.headers["content-type"]}))
        reply = read(response.content).members()["deployr"].members()["response"]
        envelope = {"call": step.call, "success": step.success, "uid": "$uid", "httpcookie": "$token"}
        others = {"$has": envelope} if step.reply is None else envelope | self._expected(step.reply)
        try:
            match(others, reply)
        except Mismatch as ex:
            raise Mismatch(f"{ex.what}\n{response.text[:4000]}", ex.place) from None
        self._capture(step, reply)
        return reply

    def _capture(self, step: Step, reply: Node) -> None:
        for name, place in step.capture.items():
            self._captured[name] = value = str(_at(reply, place).readings()[0])
            if value.startswith("PROJECT-"):
                self._projects.append((self._client(step), value))

    def _client(self, step: Step) -> Client:
        user = step.user or self._case.user
        if user not in self._clients:
            self._clients[user] = self._new_client(user)
        return self._clients[user]

    def _new_client(self, user: str) -> Client:
        if not self._case.own_session and user != "anonymous":
            return self._callers.shared(user)
        client = self._callers.new(user)
        self._own_clients.append(client)
        return client

    def _filled(self, value: Any) -> str:
        """A parameter with captured values in the place of their names."""
        text = value if isinstance(value, str) else json.dumps(value)
        return re.sub(r"\{\{(\w+)\}\}", lambda name: self._captured[name[1]], text)

    def _expected(self, expectation: Any) -> Any:
        """An expectation with captured values in the place of their names."""
        if isinstance(expectation, dict):
            return {key: self._expected(value) for key, value in expectation.items()}
        if isinstance(expectation, list):
            return [self._expected(value) for value in expectation]
        return self._filled(expectation) if isinstance(expectation, str) else expectation

    def _clear_up(self, steps: list[Step]) -> None:
        """Delete what was made, whatever the outcome was; projects go by themselves."""
        for client, project in self._projects:
            # A blackbox can be closed, but not deleted.
            client.http.post("/r/project/close", data={"project": project, "disableautosave": "true"})
            client.http.post("/r/project/delete", data={"project": project})
        for step in steps:
            with contextlib.suppress(KeyError):
                self._send(step, "POST", "json")
        self._pool.shutdown()
        for client in self._own_clients:
            self._callers.take_back(client)


def _at(node: Node, place: str) -> Node:
    """A part of a reply, by keys and positions."""
    for key in place.split("."):
        node = node.elements()[int(key)] if key.isdigit() else node.members()[key]
    return node


def _beginning(http: httpx.Client, method: Method, url: str, length: int, **sent: Any) -> httpx.Response:
    """A reply with only so many bytes of its body."""
    content = b""
    with http.stream(method, url, **sent) as response:
        for chunk in response.iter_bytes():
            content += chunk
            if len(content) >= length:
                break
    return httpx.Response(response.status_code, headers=response.headers, content=content)


def _check_body(expected: Body, content: bytes) -> None:
    text = content.decode("latin-1")
    if expected.zip is not None:
        return _check_zip(expected.zip, content)
    if not text.startswith(expected.starts) or (expected.text is not None and content != expected.text.encode()):
        raise Mismatch(f"the file is {text[:2000]!r}")
    missing = [part for part in expected.contains if part not in text]
    present = [part for part in expected.lacks if part in text]
    if missing or present:
        raise Mismatch(f"the file lacks {missing} and holds {present}: {text[:2000]!r}")
    return None


def _check_zip(expected: dict[str, str | None], content: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        contents = {name: archive.read(name).decode("latin-1") for name in archive.namelist()}
    if contents.keys() != expected.keys():
        raise Mismatch(f"the archive holds {sorted(contents)}")
    wrong = [name for name, text in expected.items() if text is not None and contents[name] != text]
    if wrong:
        raise Mismatch(f"contents of {wrong} are not as expected")


@functools.cache
def _given() -> dict[str, Given]:
    return read_given()
