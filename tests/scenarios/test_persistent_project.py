"""The life of a persistent project (7x-facts 6.1): it outlives sessions, may be shared, copied, and have authors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.scenarios.conftest import Login
from tests.scenarios.strangers import Strangers, attempts
from tests.server import Client, Server

READING = {
    "/r/project/about",
    "/r/project/ping",
    "/r/project/execute/console",
    "/r/project/execute/history",
    "/r/project/execute/result/list",
    "/r/project/package/list",
    "/r/project/workspace/list",
    "/r/project/workspace/get",
    "/r/project/directory/list",
    "/r/project/directory/download",
    "/r/project/execute/result/download",
    "/r/project/execute/result/print",
    # What may be read may be taken: into the caller's own repository, and into the caller's own new projects.
    "/r/project/directory/save",
    "/r/project/directory/store",
    "/r/project/workspace/store",
    "/r/repository/file/transfer",
    "/r/project/create",
    "/r/project/pool",
    "/r/repository/script/execute",
    "/r/repository/script/render",
}
"""Calls on a shared project that succeed for everybody."""

State = dict[str, Any]


@pytest.fixture
def project(testuser: Client) -> Iterator[str]:
    """A persistent project with something of everything; ``kept`` is 1."""
    project = testuser.project(projectname="Life", projectdescr="of a project")
    code = "library(splines); kept <- 1; plot(kept); cat('kept', file = 'kept.txt')"
    testuser.execute(project, code, tag="first")
    yield project
    for _ in range(2):
        testuser.post("/r/project/delete", project=project)


def state(client: Client, project: str) -> State:
    """All that makes up a project; it is live afterwards."""
    packages = client.succeed("/r/project/package/list", project=project, installed="false")["packages"]
    files = client.succeed("/r/project/directory/list", project=project)["directory"]["files"]
    get = "/r/project/directory/download"
    about = client.succeed("/r/project/about", project=project)["project"]
    return {
        "objects": client.succeed("/r/project/workspace/get", project=project, name="kept")["workspace"]["objects"],
        "files": {file["filename"]: client.get(get, project=project, **named(file)).content for file in files},
        "packages": [package["name"] for package in packages],
        "history": client.succeed("/r/project/execute/history", project=project)["execution"]["history"],
        "plots": [
            client.http.get(result["url"]).content
            for result in client.succeed("/r/project/execute/result/list", project=project)["execution"]["results"]
        ],
        "about": {key: about[key] for key in ("name", "descr", "longdescr", "authors", "shared", "origin")},
    }


def named(file: dict[str, Any]) -> dict[str, str]:
    return {"filename": file["filename"]}


def without(found: State, *parts: str) -> State:
    return {part: value for part, value in found.items() if part not in parts}


def test_a_persistent_project_is_the_same_whenever_it_is_opened_again(
    testuser: Client, project: str, strangers: Strangers
) -> None:
    before = state(testuser, project)
    assert "splines" in before["packages"]
    assert ([item["tag"] for item in before["history"]], len(before["plots"])) == (["first"], 1)
    strangers.get_nothing_of(project)
    testuser.succeed("/r/project/close", project=project)
    strangers.get_nothing_of(project)
    assert testuser.succeed("/r/project/ping", project=project)["project"]["live"] is False
    assert state(testuser, project) == before
    assert testuser.succeed("/r/project/ping", project=project)["project"]["live"] is True

    testuser.succeed("/r/project/close", project=project, disableautosave="true")
    testuser.execute(project, "kept <- 2", tag="lost")
    testuser.succeed("/r/project/close", project=project, disableautosave="true")
    assert state(testuser, project) == before


def test_copies_and_archives_have_the_whole_state(testuser: Client, project: str, strangers: Strangers) -> None:
    before = state(testuser, project)
    copy = testuser.succeed("/r/project/saveas", project=project, name="Copy")["project"]
    assert copy["origin"] == "Project copied from project named,  Life."
    archive = testuser.get("/r/project/export", project=project).content
    loaded = testuser.succeed("/r/project/import", files={"file": ("life.zip", archive)})["project"]
    assert loaded["name"] == "Life (Import)"
    for made in (copy["project"], loaded["project"]):
        strangers.get_nothing_of(made)
        own = ("about", "history")
        assert without(state(testuser, made), *own) == without(before, *own)
        assert [item["tag"] for item in state(testuser, made)["history"]] == ["first"]
        testuser.succeed("/r/project/delete", project=made)
        strangers.get_nothing_of(made)
    assert state(testuser, project) == before


def test_a_deleted_project_is_gone_for_good(testuser: Client, project: str, strangers: Strangers) -> None:
    testuser.succeed("/r/project/close", project=project)
    testuser.succeed("/r/project/delete", project=project)
    strangers.get_nothing_of(project)
    testuser.fail("/r/project/about", status=403, project=project)
    assert project not in testuser.post("/r/project/list").text


def test_it_outlives_its_users_http_session(login: Login, testuser: Client, strangers: Strangers) -> None:
    client = login()
    project = client.project(projectname="Outlives")
    client.execute(project, "kept <- 1")
    client.logout()
    strangers.get_nothing_of(project)
    assert [item["value"] for item in state(testuser, project)["objects"]] == [1.0]
    testuser.succeed("/r/project/delete", project=project)


@pytest.mark.parametrize("live", [True, False])
def test_others_only_read_what_is_shared(
    server: Server, testuser: Client, other: Client, project: str, live: bool
) -> None:
    before = state(testuser, project)
    testuser.succeed("/r/project/about/update", project=project, shared="true")
    if not live:
        testuser.succeed("/r/project/close", project=project)
    tried = [(attempt.path, attempt.send(other, project).status_code) for attempt in attempts(server)]
    assert {status for _, status in tried} <= {200, 400, 403, 405}
    assert {path.partition("/@")[0] for path, status in tried if status == 200} == READING
    assert without(state(testuser, project), "about") == without(before, "about")


def test_what_is_no_longer_shared_is_nobodys(testuser: Client, project: str, strangers: Strangers) -> None:
    for shared in ("true", "false"):
        testuser.succeed("/r/project/about/update", project=project, shared=shared)
    strangers.get_nothing_of(project)


def test_one_author_at_a_time_is_at_work(testuser: Client, other: Client, project: str) -> None:
    testuser.succeed("/r/project/grant", project=project, newauthor="stranger")
    code = "/r/project/execute/code"
    assert "Another author" in other.fail(code, status=409, project=project, code="kept <- 2")["error"]
    testuser.succeed("/r/project/close", project=project)
    other.execute(project, "kept <- kept + 1", tag="second")
    testuser.fail(code, status=409, project=project, code="kept <- 0")
    other.succeed("/r/project/close", project=project)
    found = state(testuser, project)
    assert ([item["value"] for item in found["objects"]], found["about"]["authors"]) == (
        [2.0],
        ["stranger", "testuser"],
    )
    assert [item["actor"] for item in found["history"]] == ["testuser", "stranger"]

    other.succeed("/r/project/delete", project=project)
    other.fail("/r/project/about", status=403, project=project)
    assert state(testuser, project)["about"]["authors"] == ["testuser"]
