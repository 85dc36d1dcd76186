"""``/r/project/*``: the projects themselves."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.server import BASIC_USER, Client, Server, record_of

PROJECT_KEYS = {
    "project", "name", "descr", "longdescr", "live", "shared", "cookie", "projectcookie", "origin", "author",
    "authors", "lastmodified",
}  # fmt: skip


@pytest.fixture
def other(server: Server) -> Iterator[Client]:
    """Another user."""
    client = server.login(BASIC_USER, "Password1")
    yield client
    client.http.post("/r/user/logout")


def test_create_makes_a_live_temporary_project(testuser: Client) -> None:
    reply = testuser.succeed("/r/project/create", projectdescr="ignored without a name")
    project = reply["project"]
    assert set(project) == PROJECT_KEYS
    assert project["project"].startswith("PROJECT-")
    assert (project["name"], project["descr"], project["live"], project["author"]) == (None, None, True, "testuser")
    assert project["origin"] == "Project original."
    assert list(reply)[2] == "project"


def test_a_new_project_is_empty(testuser: Client) -> None:
    project = testuser.project()
    assert testuser.succeed("/r/project/workspace/list", project=project)["workspace"]["objects"] == []
    assert testuser.succeed("/r/project/directory/list", project=project)["directory"]["files"] == []
    assert testuser.succeed("/r/project/execute/history", project=project)["execution"]["history"] == []


def test_create_assigns_inputs(testuser: Client) -> None:
    project = testuser.project(csvinputs="name,George,age,45")
    objects = testuser.succeed("/r/project/workspace/get", project=project, name="age,name")["workspace"]["objects"]
    assert [entry["value"] for entry in objects] == [45.0, "George"]


def test_create_with_bad_inputs_leaves_nothing_behind(testuser: Client) -> None:
    before = testuser.succeed("/r/project/list")["projects"]
    testuser.fail("/r/project/create", inputs='{"x": 5}')
    assert testuser.succeed("/r/project/list")["projects"] == before


def test_create_refuses_an_unknown_cluster(testuser: Client) -> None:
    testuser.fail("/r/project/create", error_code=913, cluster="no such cluster")


def test_list_holds_live_projects_in_order(testuser: Client) -> None:
    first, second = testuser.project(), testuser.project()
    listed = testuser.succeed("/r/project/list")["projects"]
    ids = [entry["project"] for entry in listed]
    assert ids.index(first) < ids.index(second)
    assert set(listed[0]) == PROJECT_KEYS
    testuser.execute(first, "x <- 1")
    newest = testuser.succeed("/r/project/list", isordered="true")["projects"][0]
    assert newest["project"] == first


def test_about_and_ping_tell_of_one_project(testuser: Client) -> None:
    project = testuser.project()
    for call in ("/r/project/about", "/r/project/ping"):
        reply = record_of(testuser.get(call, project=project))
        assert (set(reply["project"]), reply["project"]["live"]) == (PROJECT_KEYS, True)


def test_close_ends_a_temporary_project(testuser: Client) -> None:
    project = testuser.project()
    assert testuser.succeed("/r/project/close", project=project)["project"]["live"] is False
    testuser.fail("/r/project/ping", status=403, project=project)


def test_delete_removes_a_project(testuser: Client) -> None:
    project = testuser.project()
    assert testuser.succeed("/r/project/delete", project=project)["project"]["project"] == project
    testuser.fail("/r/project/about", status=403, project=project)


@pytest.mark.parametrize("call", ["about", "ping", "close", "delete", "recycle", "about/update"])
def test_foreign_and_unknown_projects_are_forbidden_alike(testuser: Client, other: Client, call: str) -> None:
    project = testuser.project()
    foreign = other.fail(f"/r/project/{call}", status=403, project=project)
    unknown = other.fail(f"/r/project/{call}", status=403, project="PROJECT-none")
    assert foreign["error"] == unknown["error"]


@pytest.mark.parametrize("call", ["create", "list", "about", "ping", "close", "delete", "recycle", "about/update"])
def test_projects_need_a_login(anonymous: Client, call: str) -> None:
    anonymous.fail(f"/r/project/{call}", status=401)


@pytest.mark.parametrize("call", ["about", "ping", "close", "delete", "recycle", "about/update"])
def test_the_project_must_be_named(testuser: Client, call: str) -> None:
    testuser.fail(f"/r/project/{call}", status=400)


def test_a_blackbox_only_executes_scripts(testuser: Client) -> None:
    project = testuser.project(blackbox="true")
    script = {"filename": "DeployR - Hello World", "author": "testuser"}
    reply = testuser.succeed(
        "/r/project/execute/script", project=project, robjects="x", csvinputs="input_randomNum,3", **script
    )
    assert len(reply["workspace"]["objects"][0]["value"]) == 3
    assert (reply["execution"]["code"], reply["execution"]["artifacts"]) == ("", [])
    for call in ("execute/code", "execute/history", "workspace/list", "directory/list", "about"):
        testuser.fail(f"/r/project/{call}", status=403, project=project, code="1")
    testuser.succeed("/r/project/ping", project=project)
    testuser.succeed("/r/project/close", project=project)


def test_a_project_whose_session_is_gone_says_so_once(testuser: Client) -> None:
    project = testuser.project()
    response = testuser.post("/r/project/execute/code", project=project, code="quit()")
    assert (response.status_code, record_of(response)["errorCode"]) == (200, 916)
    testuser.fail("/r/project/ping", status=403, project=project)


def test_a_persistent_project_survives_close_and_logout(server: Server) -> None:
    client = server.login()
    project = client.project(projectname="Kept", projectdescr="for later")
    client.execute(project, "x <- 42; cat('text', file='a.txt')")
    closed = client.succeed("/r/project/close", project=project, projectcookie="mark")["project"]
    assert (closed["name"], closed["descr"], closed["live"], closed["cookie"]) == ("Kept", "for later", False, "mark")
    assert client.succeed("/r/project/ping", project=project)["project"]["live"] is False
    assert client.execute(project, "y <- x + 1", robjects="y")["workspace"]["objects"][0]["value"] == 43.0
    assert client.succeed("/r/project/directory/list", project=project)["directory"]["files"][0]["filename"] == "a.txt"
    client.logout()
    client = server.login()
    objects = client.succeed("/r/project/workspace/get", project=project, name="y")["workspace"]["objects"]
    assert objects[0]["value"] == 43.0
    client.succeed("/r/project/delete", project=project)
    client.logout()


@pytest.mark.parametrize(
    ("sent", "objects", "files"),
    [
        ({"disableautosave": "true"}, 0, 0),
        ({"dropworkspace": "true"}, 0, 1),
        ({"dropdirectory": "true"}, 1, 0),
    ],
)
def test_what_is_not_saved_at_close_is_gone(testuser: Client, sent: dict[str, str], objects: int, files: int) -> None:
    project = testuser.project(projectname="Partly kept")
    testuser.execute(project, "x <- 42; cat('text', file='a.txt')")
    testuser.succeed("/r/project/close", project=project, **sent)
    listed = testuser.succeed("/r/project/workspace/list", project=project)["workspace"]["objects"]
    assert len(listed) == objects
    assert len(testuser.succeed("/r/project/directory/list", project=project)["directory"]["files"]) == files
    testuser.succeed("/r/project/delete", project=project)


def update(client: Client, project: str, **sent: str) -> Any:
    return client.succeed("/r/project/about/update", project=project, **sent)["project"]


def test_update_describes_a_project_and_leaves_what_is_empty(testuser: Client) -> None:
    project = testuser.project(projectname="Before")
    sent = {"name": "né w", "descr": "d", "longdescr": "long", "shared": "True", "projectcookie": '{"a":1}'}
    updated = update(testuser, project, **sent)
    assert set(updated) == PROJECT_KEYS
    described = ("né w", "d", "long", True, '{"a":1}')
    keys = ("name", "descr", "longdescr", "shared", "cookie")
    assert tuple(updated[key] for key in keys) == described
    again = update(testuser, project, name="né w", descr="", projectcookie="")
    assert tuple(again[key] for key in keys) == described
    assert update(testuser, project, shared="false")["shared"] is False
    testuser.succeed("/r/project/delete", project=project)


def test_update_does_not_activate_a_project(testuser: Client) -> None:
    project = testuser.project(projectname="Asleep")
    testuser.succeed("/r/project/close", project=project)
    assert update(testuser, project, name="Still asleep")["live"] is False
    assert testuser.succeed("/r/project/ping", project=project)["project"]["live"] is False
    testuser.succeed("/r/project/delete", project=project)


def test_a_name_makes_a_temporary_project_persistent(server: Server) -> None:
    client = server.login()
    project = client.project()
    assert update(client, project, descr="only described")["name"] is None
    client.execute(project, "x <- 42")
    named = update(client, project, name="Named")
    assert (named["name"], named["descr"], named["live"]) == ("Named", "only described", True)
    client.succeed("/r/user/autosave", enable="false")
    client.logout()
    client = server.login()
    objects = client.succeed("/r/project/workspace/get", project=project, name="x")["workspace"]["objects"]
    assert objects[0]["value"] == 42.0
    client.succeed("/r/project/delete", project=project)
    client.logout()


def test_only_authors_describe_a_shared_project(testuser: Client, other: Client) -> None:
    project = testuser.project(projectname="Shared")
    update(testuser, project, shared="true")
    assert other.succeed("/r/project/about", project=project)["project"]["name"] == "Shared"
    for call in ("about/update", "recycle"):
        other.fail(f"/r/project/{call}", status=403, project=project, name="Mine")
    assert testuser.succeed("/r/project/about", project=project)["project"]["name"] == "Shared"
    testuser.succeed("/r/project/delete", project=project)


@pytest.mark.parametrize(
    ("sent", "objects", "files"),
    [
        ({}, 0, 0),
        ({"preserveworkspace": "false", "preservedirectory": "false"}, 0, 0),
        ({"preserveworkspace": "true"}, 1, 0),
        ({"preservedirectory": "true"}, 0, 1),
    ],
)
def test_recycle_empties_what_is_not_preserved(
    testuser: Client, sent: dict[str, str], objects: int, files: int
) -> None:
    project = testuser.project()
    code = "x <- .h <- 1; library(splines); dir.create('d'); cat('t', file='d/t'); cat('t', file='t')"
    testuser.execute(project, code)
    recycled = testuser.succeed("/r/project/recycle", project=project, **sent)["project"]
    assert (set(recycled), recycled["project"], recycled["live"]) == (PROJECT_KEYS, project, True)
    assert len(testuser.succeed("/r/project/workspace/list", project=project)["workspace"]["objects"]) == objects
    assert len(testuser.succeed("/r/project/directory/list", project=project)["directory"]["files"]) == files
    left = "n <- c(exists('.h'), dir.exists('d'), 'package:splines' %in% search())"
    [flags] = testuser.execute(project, left, robjects="n", phantom="true")["workspace"]["objects"]
    assert flags["value"] == [objects == 1, files == 1, True]
    assert len(testuser.succeed("/r/project/execute/history", project=project)["execution"]["history"]) == 1


def test_a_blackbox_is_recycled_but_not_described(testuser: Client) -> None:
    project = testuser.project(blackbox="true", csvinputs="input_randomNum,2")
    script = {"filename": "DeployR - Hello World", "author": "testuser", "project": project, "robjects": "x"}

    def length() -> int:
        return len(testuser.succeed("/r/project/execute/script", **script)["workspace"]["objects"][0]["value"])

    assert length() == 2
    testuser.succeed("/r/project/recycle", project=project)
    assert length() != 2
    testuser.fail("/r/project/about/update", status=403, project=project, name="Opened")


def test_a_project_that_is_busy_is_neither_recycled_nor_named(testuser: Client) -> None:
    project = testuser.project()
    with ThreadPoolExecutor() as pool:
        code = "file.create('begun')\nrepeat {}"
        running = pool.submit(testuser.post, "/r/project/execute/code", project=project, code=code)
        while not testuser.succeed("/r/project/directory/list", project=project)["directory"]["files"]:
            assert not running.done()
        testuser.fail("/r/project/recycle", status=409, project=project)
        testuser.fail("/r/project/about/update", status=409, project=project, name="Named")
        testuser.succeed("/r/project/execute/interrupt", project=project)
        running.result()
    assert testuser.succeed("/r/project/about", project=project)["project"]["name"] is None
