"""What the requests of these tests aim at: things of the caller's own, and of somebody else."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import httpx

from tests.server import BASIC_USER, Client, Server

KEPT = "kept"
_SCRIPT = b"x <- 1; plot(x); writeLines('made', 'made.txt')"


@dataclasses.dataclass(frozen=True)
class Stage:
    """A server with a project and files of ``testuser``, and a project and files of another user.

    Attributes:
        ids: what ``@name`` stands for in the parameters of a case.
    """

    server: Server
    testuser: Client
    other: Client
    anonymous: Client
    ids: Mapping[str, str]

    @property
    def project(self) -> str:
        """The project of ``testuser``."""
        return self.ids["project"]

    def caller(self, name: str) -> Client:
        """A caller by name."""
        return {"testuser": self.testuser, "other": self.other, "anonymous": self.anonymous}[name]

    def fill(self, text: str) -> str:
        """The text with ids in the place of their names."""
        for name, value in self.ids.items():
            text = text.replace(f"@{name}@", value)
        return text

    def post(self, call: str, params: Mapping[str, str], caller: str = "testuser", files: Any = None) -> httpx.Response:
        """POST a call with its parameters filled in."""
        filled = {name: self.fill(value) for name, value in params.items()}
        return self.caller(caller).post(self.fill(call), files=files, **filled)

    def cookie(self) -> dict[str, str]:
        """The header that makes a raw request one of ``testuser``."""
        return {"Cookie": f"JSESSIONID={self.testuser.http.cookies['JSESSIONID']}"}

    def kept(self) -> tuple[Any, ...]:
        """What must never change: an object, files of the directory, and files of the repository."""
        objects = self.testuser.succeed("/r/project/workspace/get", project=self.project, name=KEPT)
        files = self.testuser.succeed("/r/project/directory/list", project=self.project)["directory"]["files"]
        stored = self.testuser.succeed("/r/repository/file/list", filename=f"{KEPT}.R")["repository"]["files"]
        return (
            objects["workspace"]["object"]["value"],
            [(file["filename"], file["length"]) for file in files if KEPT in file["filename"]],
            [(file["version"], file["sha256"], file["access"]) for file in stored],
        )


def build(server: Server) -> Stage:
    """Log in and make everything."""
    testuser, other, anonymous = server.login(), server.login(BASIC_USER, "Password1"), server.client()
    anonymous.get("/r/server/info")
    project = testuser.project()
    run = testuser.execute(project, f"plot(1); {KEPT} <- 42; cat('kept', file = '{KEPT}.txt')")
    for client in (testuser, other):
        client.succeed("/r/repository/file/upload", filename=f"{KEPT}.R", files={"file": ("k", _SCRIPT)})
    stateless = other.succeed("/r/repository/script/execute", filename=f"{KEPT}.R", author=BASIC_USER)
    ids = {
        "project": project,
        "execution": run["execution"]["execution"],
        "plot": run["execution"]["results"][0]["filename"],
        "foreign": other.project(),
        "stateless": stateless["project"]["project"],
    }
    return Stage(server, testuser, other, anonymous, ids)
