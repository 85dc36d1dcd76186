"""Projects of several authors (``/r/project/grant``), and projects that are shared for reading."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.server import BASIC_USER, Client, Server, record_of

CHANGES: dict[str, dict[str, Any]] = {
    "execute/code": {"code": "x <- 1"},
    "execute/flush": {},
    "execute/result/delete": {},
    "workspace/push": {"csvinputs": "x,0"},
    "workspace/delete": {"name": "x"},
    "directory/delete": {"filename": "a.txt"},
    "directory/write": {"filename": "b.txt", "text": "b"},
    "package/attach": {"name": "splines"},
    "package/detach": {"name": "stats"},
    "about/update": {"name": "Mine"},
    "recycle": {},
    "save": {},
    "saveas": {"name": "Mine"},
    "grant": {"newauthor": "admin"},
    "export": {},
    "close": {},
    "delete": {},
}


@pytest.fixture
def other(server: Server) -> Iterator[Client]:
    """Another user who may run code."""
    client = server.login("admin")
    yield client
    client.http.post("/r/user/logout")


@pytest.fixture
def project(testuser: Client) -> Iterator[str]:
    """A persistent project."""
    project = testuser.project(projectname="Common")
    testuser.execute(project, "x <- 42; cat('text', file='a.txt'); plot(1)")
    yield project
    for _ in range(2):
        testuser.http.post("/r/project/delete", data={"project": project})


def share(client: Client, project: str, shared: bool = True) -> None:
    client.succeed("/r/project/about/update", project=project, shared=str(shared))


def grant(client: Client, project: str, *users: str) -> dict[str, Any]:
    granted: dict[str, Any] = client.succeed("/r/project/grant", project=project, newauthor=",".join(users))["project"]
    return granted


def listed(client: Client, **sent: str) -> set[str]:
    return {entry["project"] for entry in client.succeed("/r/project/list", **sent)["projects"]}


@pytest.mark.parametrize("live", [True, False])
def test_a_shared_project_is_readable_for_others(testuser: Client, other: Client, project: str, live: bool) -> None:
    share(testuser, project)
    if not live:
        testuser.succeed("/r/project/close", project=project)
    assert project in listed(other, sharedprojectsonly="true")
    assert project not in listed(other)
    for call in ("about", "ping", "execute/history", "execute/console", "execute/result/list", "package/list"):
        other.succeed(f"/r/project/{call}", project=project)
    assert len(other.succeed("/r/project/workspace/list", project=project)["workspace"]["objects"]) == 1
    [x] = other.succeed("/r/project/workspace/get", project=project, name="x")["workspace"]["objects"]
    assert x["value"] == 42.0
    assert len(other.succeed("/r/project/directory/list", project=project)["directory"]["files"]) == 1
    assert other.get("/r/project/directory/download", project=project, filename="a.txt").text == "text"


@pytest.mark.parametrize("call", CHANGES)
def test_a_shared_project_is_not_changed_by_others(testuser: Client, other: Client, project: str, call: str) -> None:
    share(testuser, project)
    other.fail(f"/r/project/{call}", status=403, project=project, **CHANGES[call])
    assert testuser.succeed("/r/project/about", project=project)["project"]["authors"] == ["testuser"]


def test_what_is_no_longer_shared_is_nobody_elses(testuser: Client, other: Client, project: str) -> None:
    share(testuser, project)
    share(testuser, project, shared=False)
    other.fail("/r/project/about", status=403, project=project)


def test_who_works_takes_over_what_a_reader_made_live(testuser: Client, other: Client, project: str) -> None:
    share(testuser, project)
    testuser.succeed("/r/project/close", project=project)
    other.succeed("/r/project/workspace/list", project=project)
    testuser.execute(project, "y <- 1")
    other.logout()
    assert testuser.succeed("/r/project/ping", project=project)["project"]["live"] is True


def test_a_reader_lets_go_of_what_only_reading_made_live(testuser: Client, other: Client, project: str) -> None:
    share(testuser, project)
    testuser.succeed("/r/project/close", project=project)
    other.succeed("/r/project/workspace/list", project=project)
    other.succeed("/r/user/release")
    assert testuser.succeed("/r/project/ping", project=project)["project"]["live"] is False


def test_grant_makes_users_authors(testuser: Client, other: Client, project: str) -> None:
    granted = grant(testuser, project, "admin", BASIC_USER)
    assert granted["authors"] == ["admin", BASIC_USER, "testuser"]
    assert (granted["author"], granted["live"]) == ("testuser", True)
    assert project in listed(other)
    testuser.succeed("/r/project/close", project=project)
    other.execute(project, "x <- x + 1")
    other.succeed("/r/project/about/update", project=project, descr="by the other")
    other.succeed("/r/project/close", project=project)
    [x] = testuser.succeed("/r/project/workspace/get", project=project, name="x")["workspace"]["objects"]
    assert x["value"] == 43.0
    actors = [
        item["actor"]
        for item in testuser.succeed("/r/project/execute/history", project=project)["execution"]["history"]
    ]
    assert actors == ["testuser", "admin"]


def test_one_author_at_a_time_works_in_a_project(testuser: Client, other: Client, project: str) -> None:
    grant(testuser, project, "admin")
    for call in ("execute/code", "recycle", "save", "close", "directory/write", "workspace/push"):
        other.fail(f"/r/project/{call}", status=409, project=project, **CHANGES[call])
    other.succeed("/r/project/about", project=project)
    testuser.execute(project, "y <- 1")
    testuser.logout()
    other.execute(project, "y <- y + 1")


def test_an_author_who_deletes_leaves_the_project_to_the_others(testuser: Client, other: Client, project: str) -> None:
    grant(testuser, project, "admin")
    testuser.succeed("/r/project/delete", project=project)
    testuser.fail("/r/project/about", status=403, project=project)
    left = other.succeed("/r/project/about", project=project)["project"]
    assert (left["author"], left["authors"], left["live"]) == ("admin", ["admin"], False)
    [x] = other.succeed("/r/project/workspace/get", project=project, name="x")["workspace"]["objects"]
    assert x["value"] == 42.0
    other.succeed("/r/project/delete", project=project)
    other.fail("/r/project/about", status=403, project=project)


def test_a_new_author_who_leaves_disturbs_nobody(testuser: Client, other: Client, project: str) -> None:
    grant(testuser, project, "admin")
    other.succeed("/r/project/delete", project=project)
    about = testuser.succeed("/r/project/about", project=project)["project"]
    assert (about["authors"], about["live"]) == (["testuser"], True)


def test_granting_again_changes_nothing(testuser: Client, project: str) -> None:
    for _ in range(2):
        assert grant(testuser, project, "admin", "testuser", "admin")["authors"] == ["admin", "testuser"]


def test_grant_to_an_unknown_user_grants_to_nobody(testuser: Client, project: str) -> None:
    assert "nobody" in testuser.fail("/r/project/grant", project=project, newauthor="admin,nobody")["error"]
    assert testuser.succeed("/r/project/about", project=project)["project"]["authors"] == ["testuser"]


def test_grant_is_for_authors_and_needs_users(testuser: Client, other: Client, server: Server, project: str) -> None:
    other.fail("/r/project/grant", status=403, project=project, newauthor="admin")
    testuser.fail("/r/project/grant", status=403, project=testuser.project(blackbox="true"), newauthor="admin")
    testuser.fail("/r/project/grant", status=400, project=project)
    server.client().fail("/r/project/grant", status=401)


def test_grant_by_get_and_in_xml(testuser: Client, project: str) -> None:
    assert record_of(testuser.get("/r/project/grant", project=project, newauthor="admin"))["success"] is True
    reply = testuser.post("/r/project/grant", project=project, newauthor=BASIC_USER, format="xml").text
    assert "<success>true</success>" in reply
