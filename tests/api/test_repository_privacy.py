"""Who may do what with a file of whom: every access level, caller and operation (7x-facts 13.3 to 13.5)."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import uuid4

import httpx
import pytest

from deployr.store.database import Database
from deployr.users.accounts import Accounts
from tests.server import Client, Server

LEVELS: dict[str, dict[str, str]] = {
    "private": {},
    "restricted": {"restricted": "PRIVACY_ROLE,NOBODY"},
    "shared": {"shared": "true"},
    "public": {"published": "true"},
}
CALLERS = ("anonymous", "other", "holder", "coauthor", "owner", "admin")
ROLES = {
    "other": ["BASIC_USER"],
    "holder": ["BASIC_USER", "PRIVACY_ROLE"],
    "coauthor": ["BASIC_USER"],
    "owner": ["POWER_USER"],
}

# By level and caller: y, it is done; a, as if there were no such file; l, a login is asked for.
EXPECTED = {
    "see": """
        private     l a a y y a
        restricted  l a y y y a
        shared      l y y y y y
        public      l y y y y y
    """,
    "run": """
        private     a a a y y a
        restricted  a a y y y a
        shared      a y y y y y
        public      y y y y y y
    """,
    "download": """
        private     a a a y y a
        restricted  a a y y y a
        shared      a y y y y y
        public      l y y y y y
    """,
    "change": """
        private     l a a y y a
        restricted  l a a y y a
        shared      l a a y y a
        public      l a a y y a
    """,
}


@dataclasses.dataclass(frozen=True)
class Operation:
    """What is tried.

    Attributes:
        kind: of :data:`EXPECTED`.
        sent: parameters, in which ``@`` stands for the file's name and ``#`` for its former version.
        is_list: what is not seen is left out of the reply.
        path: appended to the call, which is a GET then.
    """

    kind: str
    call: str
    sent: Mapping[str, str] = dataclasses.field(default_factory=dict)
    is_list: bool = False
    path: str = ""

    def __str__(self) -> str:
        return " ".join([self.call, *self.sent]) + self.path.replace("/", " ")


OPENED = {"shared": "true", "published": "true"}
FILE = {"filename": "@", "directory": "cabinet"}
THEIRS = {**FILE, "author": "owner"}
OPERATIONS = [
    Operation("see", "file/list", OPENED, is_list=True),
    Operation("see", "file/list", {**OPENED, "directory": "cabinet"}, is_list=True),
    Operation("see", "file/list", {**OPENED, **FILE}),
    Operation("see", "directory/list", {**OPENED, "userfiles": "true"}, is_list=True),
    Operation("see", "file/fetch", THEIRS),
    Operation("see", "file/fetch", {**THEIRS, "version": "#"}),
    Operation("see", "file/diff", {**THEIRS, "version": "#"}),
    Operation("run", "script/list", OPENED, is_list=True),
    Operation("run", "script/list", {**OPENED, **FILE}),
    Operation("run", "script/execute", THEIRS),
    Operation("run", "script/execute", {**THEIRS, "version": "#"}),
    Operation("download", "file/download", THEIRS),
    Operation("download", "file/download", {**THEIRS, "version": "#"}),
    Operation("download", "file/download", path="/owner/cabinet/@"),
    Operation("change", "file/update", {**FILE, "descr": "changed"}),
    Operation("change", "file/publish", FILE),
    Operation("change", "file/revert", {**FILE, "version": "#"}),
    Operation("change", "file/grant", {**FILE, "newauthor": "admin"}),
    Operation("change", "file/grant", {**FILE, "revokeauthor": "owner"}),
    Operation("change", "file/copy", {**FILE, "destination": "root"}),
    Operation("change", "file/move", {**FILE, "destination": "root"}),
    Operation("change", "file/delete", FILE),
    Operation("change", "directory/copy", {**FILE, "destination": "root"}),
    Operation("change", "directory/move", {**FILE, "destination": "root"}),
    Operation("change", "directory/update", {**FILE, "shared": "true"}),
    Operation("change", "directory/archive", {**FILE, "archive": "old"}),
    Operation("change", "directory/download", FILE),
]


@pytest.fixture(scope="session")
def callers(server: Server) -> Iterator[dict[str, Client]]:
    """All callers; those who have a name have a directory ``cabinet``."""
    _create_accounts(server)
    clients = {name: server.login(name, "Password1") for name in ROLES}
    clients |= {"anonymous": server.client(), "admin": server.login("admin")}
    for name in (*ROLES, "admin"):
        clients[name].succeed("/r/repository/directory/create", directory="cabinet")
    yield clients
    clients["admin"].succeed("/r/repository/directory/delete", directory="cabinet")
    for client in clients.values():
        client.http.close()


@pytest.mark.parametrize("operation", [each for each in OPERATIONS if each.kind != "change"], ids=str)
@pytest.mark.parametrize("level", LEVELS)
def test_everybody_sees_what_the_table_says_in_json_and_in_xml(
    callers: dict[str, Client], level: str, operation: Operation
) -> None:
    filename, version = _make(callers, level)
    for format_ in ("json", "xml"):
        row = " ".join(_answer(callers[caller], operation, filename, version, format_) for caller in CALLERS)
        assert row == _expected(operation.kind, level)


@pytest.mark.parametrize("operation", [each for each in OPERATIONS if each.kind == "change"], ids=str)
@pytest.mark.parametrize("level", LEVELS)
def test_everybody_changes_what_the_table_says_and_nothing_else(
    callers: dict[str, Client], level: str, operation: Operation
) -> None:
    row = " ".join(_change(callers, level, operation, caller) for caller in CALLERS)
    assert row == _expected(operation.kind, level)


def _expected(kind: str, level: str) -> str:
    rows = dict(line.split(maxsplit=1) for line in EXPECTED[kind].strip().splitlines())
    return rows[level]


def _change(callers: dict[str, Client], level: str, operation: Operation, caller: str) -> str:
    """What comes of it; who is refused leaves the file as it was."""
    filename, version = _make(callers, level)
    before = _seen_by_owner(callers, filename)
    answer = _answer(callers[caller], operation, filename, version, "json")
    if answer != "y":
        assert _seen_by_owner(callers, filename) == before
    return answer


def _make(callers: dict[str, Client], level: str) -> tuple[str, str]:
    """Name of a new script of two owners, and id of its former version."""
    filename = f"privacy {uuid4().hex}.R"
    sent = {"filename": filename, "directory": "cabinet"}
    for text in ("x <- 1", "x <- 2"):
        callers["owner"].succeed("/r/repository/file/write", text=text, newversion="true", **LEVELS[level], **sent)
    callers["owner"].succeed("/r/repository/file/grant", newauthor="coauthor", **sent)
    return filename, _seen_by_owner(callers, filename)[1]["version"]


def _seen_by_owner(callers: dict[str, Client], filename: str) -> Any:
    sent = {"filename": filename, "directory": "cabinet"}
    return callers["owner"].succeed("/r/repository/file/list", **sent)["repository"]["files"]


def _answer(client: Client, operation: Operation, filename: str, version: str, format_: str) -> str:
    """``y``, ``a`` or ``l``; what is refused otherwise, or not just as what is absent, is told in full."""
    response = _send(client, operation, filename, version, format_)
    if response.status_code == 401:
        return "l"
    if _is_success(response):
        return "y" if not operation.is_list or filename in response.text else "a"
    absent = f"privacy {uuid4().hex}.R"
    other = _send(client, operation, absent, version, format_)
    alike = (response.status_code, _masked(response, filename)) == (other.status_code, _masked(other, absent))
    return "a" if alike else response.text


def _send(client: Client, operation: Operation, filename: str, version: str, format_: str) -> httpx.Response:
    call = f"/r/repository/{operation.call}"
    if operation.path:
        return client.http.get(call + operation.path.replace("@", filename), params={"format": format_})
    sent = {name: value.replace("@", filename).replace("#", version) for name, value in operation.sent.items()}
    return client.http.post(call, data=sent | {"format": format_})


def _is_success(response: httpx.Response) -> bool:
    """Files are successes, and so are envelopes that say so."""
    text = response.text
    return '"success":false' not in text and "<success>false</success>" not in text and response.status_code == 200


def _masked(response: httpx.Response, filename: str) -> str:
    """The body without what is new in each reply."""
    return re.sub(r"UID-\w+", "UID", response.text).replace(filename, "@")


def _create_accounts(server: Server) -> None:
    database = Database(server.settings.database_url)
    try:
        accounts = Accounts(database, server.settings)
        accounts.create_role("PRIVACY_ROLE")
        for name, roles in ROLES.items():
            accounts.create(name, "Password1", roles=roles)
    finally:
        database.close()
