"""``/r/project/workspace/upload``, ``save``, ``store`` and ``load``: objects in rData files."""

from __future__ import annotations

import uuid
from typing import Any

import httpx
import pytest

from tests.server import Client, Server, record_of

UPLOAD = "/r/project/workspace/upload"
SAVE = "/r/project/workspace/save"
STORE = "/r/project/workspace/store"
LOAD = "/r/project/workspace/load"


@pytest.fixture
def project(testuser: Client) -> str:
    """A project with a few objects."""
    project = testuser.project()
    testuser.execute(project, "x <- 10; y <- 'twenty'; .hidden <- TRUE")
    return project


@pytest.fixture
def name() -> str:
    """Name of an object that no other test stores."""
    return f"x{uuid.uuid4().hex}"


def save(client: Client, project: str, **params: str) -> Any:
    """The file that the call made."""
    return client.succeed(SAVE, project=project, **params)["directory"]["file"]


def upload(client: Client, project: str, content: bytes, **params: str) -> httpx.Response:
    return client.post(UPLOAD, project=project, files={"file": ("application/zip", content)}, **params)


def content_of(client: Client, file: Any) -> bytes:
    return client.http.get(file["url"]).content


def value_of(client: Client, project: str, name: str) -> Any:
    return client.succeed("/r/project/workspace/get", project=project, name=name)["workspace"]["object"]["value"]


def names(client: Client, project: str) -> list[str]:
    objects = client.succeed("/r/project/workspace/list", project=project)["workspace"]["objects"]
    return [entry["name"] for entry in objects]


# -- save -------------------------------------------------------------------------------------------------


def test_a_saved_object_is_a_file_of_the_directory(testuser: Client, project: str) -> None:
    file = save(testuser, project, name="x", descr="what it is")
    assert (file["filename"], file["descr"], file["category"]) == ("x.rData", "what it is", "R")
    assert file["type"] == "application/octet-stream"
    assert testuser.succeed("/r/project/directory/list", project=project)["directory"]["files"] == [file]


def test_a_saved_file_is_replaced_unless_a_version_is_wanted(testuser: Client, project: str) -> None:
    save(testuser, project, name="x", descr="what it is")
    testuser.execute(project, "x <- 11")
    assert [save(testuser, project, name="x", version="True")["filename"] for _ in range(2)] == [
        "x-1.rData",
        "x-2.rData",
    ]
    file = save(testuser, project, name="x")
    assert (file["filename"], file["descr"]) == ("x.rData", "what it is")
    testuser.execute(project, "e <- new.env(); load('x.rData', e); saved <- e$x")
    assert value_of(testuser, project, "saved") == 11.0


def test_a_saved_workspace_restores_all_objects(testuser: Client, project: str) -> None:
    file = save(testuser, project)
    assert file["filename"] == "workspace.rData"
    other = testuser.project()
    assert record_of(upload(testuser, other, content_of(testuser, file), name="all"))["success"]
    assert names(testuser, other) == ["x", "y"]
    assert testuser.execute(other, "seen <- .hidden", robjects="seen")["workspace"]["objects"][0]["value"] is True


def test_nothing_passing_through_is_left_behind(testuser: Client, project: str) -> None:
    save(testuser, project, name="x")
    testuser.execute(project, "left <- list.files('../state', all.files = TRUE, no.. = TRUE); n <- length(left)")
    assert value_of(testuser, project, "n") == 0.0


@pytest.mark.parametrize("name", ["none", "a/b", "../x"])
def test_what_cannot_be_saved_is_a_handled_failure(testuser: Client, project: str, name: str) -> None:
    testuser.execute(project, "`a/b` <- 1; `../x` <- 2")
    testuser.fail(SAVE, project=project, name=name)
    assert testuser.succeed("/r/project/directory/list", project=project)["directory"]["files"] == []


# -- upload -----------------------------------------------------------------------------------------------


def test_uploaded_objects_keep_their_names(testuser: Client, project: str) -> None:
    content = content_of(testuser, save(testuser, project, name="x"))
    testuser.execute(project, "x <- 'changed'")
    reply = record_of(upload(testuser, project, content, name="label"))
    assert (reply["call"], reply["project"]["project"]) == (UPLOAD, project)
    assert value_of(testuser, project, "x") == 10.0
    assert "label" not in names(testuser, project)


@pytest.mark.parametrize("content", [b"", b"x <- 1\n", bytes(1000)], ids=["empty", "code", "zeros"])
def test_a_file_without_objects_is_refused_with_a_clear_text(testuser: Client, project: str, content: bytes) -> None:
    response = upload(testuser, project, content, name="x")
    assert (response.status_code, record_of(response)["errorCode"]) == (200, 900)
    assert "cannot be loaded as rData" in record_of(response)["error"]
    assert value_of(testuser, project, "x") == 10.0


def test_an_upload_without_a_file_is_malformed(testuser: Client, project: str) -> None:
    testuser.fail(UPLOAD, project=project, name="x", status=400)


# -- store and load ---------------------------------------------------------------------------------------


def test_a_stored_object_is_a_file_of_the_repository(testuser: Client, project: str, name: str) -> None:
    testuser.execute(project, f"{name} <- 1")
    properties = {"descr": "stored", "restricted": "BASIC_USER", "shared": "true", "published": "False", "tags": "t"}
    reply = testuser.succeed(STORE, project=project, name=name, **properties)
    file = reply["repository"]["file"]
    assert (reply["call"], reply["project"]["project"]) == (STORE, project)
    assert (file["filename"], file["directory"], file["version"]) == (f"{name}.rData", "root", None)
    assert (file["descr"], file["restricted"], file["shared"]) == ("stored", "BASIC_USER", True)
    assert (file["published"], file["tags"], file["category"]) == (False, "t", "R")


@pytest.mark.parametrize("flag", ["version", "newversion"])
def test_a_stored_object_replaces_the_file_or_is_its_new_version(
    testuser: Client, project: str, name: str, flag: str
) -> None:
    def versions() -> int:
        listed = testuser.succeed("/r/repository/file/list", filename=f"{name}.rData")
        return len(listed["repository"]["files"])

    testuser.execute(project, f"{name} <- 1")
    testuser.succeed(STORE, project=project, name=name)
    testuser.succeed(STORE, project=project, filename=name)
    assert versions() == 1
    testuser.succeed(STORE, project=project, filename=f"{name}.rData", **{flag: "true"})
    assert versions() == 2


def test_a_stored_object_is_loaded_by_those_who_may_see_it(
    testuser: Client, server: Server, project: str, name: str
) -> None:
    testuser.execute(project, f"{name} <- 42")
    file: dict[str, Any] = {"filename": f"{name}.rData", "author": "testuser"}
    testuser.succeed(STORE, project=project, name=name)
    admin = server.login("admin")
    other = admin.project()
    admin.fail(LOAD, project=other, **file)
    testuser.succeed(STORE, project=project, name=name, shared="true")
    assert admin.succeed(LOAD, project=other, **file)["project"]["project"] == other
    assert value_of(admin, other, name) == 42.0
    admin.logout()


def test_a_version_is_loaded_by_its_id(testuser: Client, project: str, name: str) -> None:
    for value in (1, 2):
        testuser.execute(project, f"{name} <- {value}")
        testuser.succeed(STORE, project=project, name=name, version="true")
    listed = testuser.succeed("/r/repository/file/list", filename=f"{name}.rData")["repository"]["files"]
    file: dict[str, Any] = {"filename": f"{name}.rData", "author": "testuser", "directory": ""}
    testuser.succeed(LOAD, project=project, version=listed[-1]["version"], **file)
    assert value_of(testuser, project, name) == 1.0
    testuser.succeed(LOAD, project=project, version="", **file)
    assert value_of(testuser, project, name) == 2.0


def test_what_is_not_there_is_a_handled_failure(testuser: Client, project: str) -> None:
    testuser.fail(STORE, project=project, name="none")
    testuser.fail(STORE, project=project, name="x", directory="no such directory")
    testuser.fail(LOAD, project=project, filename="none.rData", author="testuser")
    assert (
        "cannot be loaded as rData"
        in testuser.fail(LOAD, project=project, filename="ccFraudScore.R", directory="example-fraud-score")["error"]
    )


# -- who may ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("call", ["save", "store", "load"])
def test_the_workspace_is_its_owners(
    anonymous: Client, server: Server, testuser: Client, project: str, call: str
) -> None:
    sent: dict[str, Any] = {"project": project, "name": "x", "filename": "x.rData"}
    anonymous.fail(f"/r/project/workspace/{call}", status=401, **sent)
    server.login("admin").fail(f"/r/project/workspace/{call}", status=403, **sent)
    testuser.fail(f"/r/project/workspace/{call}", status=400)


def test_an_upload_is_its_owners(anonymous: Client, server: Server, project: str) -> None:
    assert upload(anonymous, project, b"").status_code == 401
    assert upload(server.login("admin"), project, b"").status_code == 403


def test_a_blackbox_shows_nothing_of_its_workspace(testuser: Client) -> None:
    blackbox = testuser.project(blackbox="true")
    for call in (SAVE, STORE, LOAD):
        testuser.fail(call, project=blackbox, name="x", filename="x.rData", status=403)
    assert upload(testuser, blackbox, b"").status_code == 403


def test_a_shared_project_is_read_but_not_changed(testuser: Client, server: Server, name: str) -> None:
    project = testuser.project(projectname=name)
    testuser.execute(project, f"{name} <- 1")
    testuser.succeed("/r/project/about/update", project=project, shared="true")
    admin = server.login("admin")
    assert admin.succeed(STORE, project=project, name=name)["repository"]["file"]["author"] == "admin"
    for call in (SAVE, LOAD):
        admin.fail(call, project=project, name=name, filename=f"{name}.rData", status=403)
    assert upload(admin, project, b"").status_code == 403
    testuser.succeed("/r/project/delete", project=project)
