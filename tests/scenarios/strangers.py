"""Those who have no part in a project: they try every call on it, and must not even learn that it exists."""

from __future__ import annotations

import dataclasses
import json
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

import httpx

from deployr.api.app import routes
from deployr.backend import Backend
from tests.server import Client, Server

Answer = tuple[int, Any]
"""HTTP status, and the record or page, without what is new in each reply; the id asked for is masked."""

_OF_NO_PROJECT = {f"/r/project/{name}" for name in ("create", "pool", "list", "import")}
_ADOPTING = ("/r/project/create", "/r/project/pool", "/r/repository/script/execute", "/r/repository/script/render")
_DOWNLOAD = "/deployr/r/project/directory/download/@/kept.txt"
_NEEDED = {
    "code": "stolen <- 1",
    "name": "kept",
    "filename": "kept.txt",
    "author": "testuser",
    "rename": "stolen.txt",
    "text": "stolen",
    "inputs": "{}",
    "newauthor": "admin",
    "url": _DOWNLOAD,
    "poolsize": "1",
}
"""All that any call cannot do without; the others do not mind. ``@`` stands for the project's id."""

_PUBLISHED = {"filename": "DeployR - Hello World.R", "author": "testuser"}
_REFUSED = (401, 403)


@dataclasses.dataclass(frozen=True, eq=False)
class Attempt:
    """A request about a project, whose id stands in the place of ``@``."""

    method: str
    path: str
    params: Mapping[str, str]
    has_file: bool = False

    def send(self, client: Client, project: str) -> httpx.Response:
        """The answer to it."""
        params = {"format": "json"} | {name: value.replace("@", project) for name, value in self.params.items()}
        files = {"file": ("kept.txt", b"stolen")} if self.has_file else None
        sent: dict[str, Any] = {"params": params} if self.method == "GET" else {"data": params, "files": files}
        return client.http.request(self.method, self.path.replace("@", project), **sent)


def attempts(server: Server) -> list[Attempt]:
    """Every call on a project in every way that its routes allow, and all that take from projects by other calls."""
    templates = routes(Backend(server.settings))
    found = [attempt for template in sorted(templates) for attempt in _attempts_on(template)]
    for parameter in ("adoptworkspace", "adoptdirectory", "adoptpackages"):
        found += [Attempt("POST", call, _NEEDED | _PUBLISHED | {parameter: "@"}) for call in _ADOPTING]
    return [*found, Attempt("POST", "/r/repository/file/transfer", _NEEDED)]


def _attempts_on(template: str) -> Iterator[Attempt]:
    if "{project}" in template:
        path = template.replace("{project}", "@").replace("{execution}", f"EXEC-{uuid.UUID(int=0)}")
        yield Attempt("GET", path.replace("{filename}", "unnamedplot001.png").replace("{filenames}", "kept.txt"), {})
    elif template.startswith("/r/project/") and template not in _OF_NO_PROJECT:
        params = _NEEDED | {"project": "@"}
        yield Attempt("GET", template, params)
        yield Attempt("POST", template, params)
        yield Attempt("POST", template, params, has_file=True)


class Strangers:
    """Callers by name, and what they are told of projects that never existed."""

    def __init__(self, server: Server, clients: Mapping[str, Client]) -> None:
        self._clients = clients
        self._attempts = attempts(server)
        self._unknown: dict[tuple[str, Attempt, str], Answer] = {}

    def get_nothing_of(self, project: str) -> None:
        """Each of them tries everything; raises when one is told anything else than of a project that never was."""
        for name in self._clients:
            told = {attempt: self._told(name, attempt, project) for attempt in self._attempts}
            other = {attempt: self._told_of_none(name, attempt, project) for attempt in self._attempts}
            differing = [(name, each, told[each], other[each]) for each in told if told[each] != other[each]]
            assert differing == []
            refused = {attempt.path for attempt in told if told[attempt][0] in _REFUSED}
            assert {attempt.path for attempt in told} - refused == set()
            self._see_it_nowhere(name, project)

    def _told_of_none(self, name: str, attempt: Attempt, project: str) -> Answer:
        """The answer about an id that never existed, of the same kind."""
        kind = project.partition("-")[0]
        key = name, attempt, kind
        if key not in self._unknown:
            self._unknown[key] = self._told(name, attempt, f"{kind}-{uuid.uuid4()}")
        return self._unknown[key]

    def _told(self, name: str, attempt: Attempt, project: str) -> Answer:
        response = attempt.send(self._clients[name], project)
        text = response.text.replace(project, "@")
        try:
            record = json.loads(text)["deployr"]["response"]
        except ValueError:
            return response.status_code, text
        assert record["success"] is False, (name, attempt, record)
        return response.status_code, {key: record[key] for key in record if key not in ("uid", "httpcookie")}

    def _see_it_nowhere(self, name: str, project: str) -> None:
        response = self._clients[name].post("/r/project/list", sharedprojectsalso="true")
        assert project not in response.text
