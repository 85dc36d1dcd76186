"""``/r/project/directory/write``, ``update``, ``store`` and ``load``."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from tests.server import Client, Server

WRITE = "/r/project/directory/write"
UPDATE = "/r/project/directory/update"
STORE = "/r/project/directory/store"
LOAD = "/r/project/directory/load"
LIST = "/r/project/directory/list"


@pytest.fixture
def project(testuser: Client) -> str:
    return testuser.project()


@pytest.fixture
def name() -> str:
    """Name of a file that no other test stores."""
    return f"{uuid.uuid4().hex}.txt"


def write(client: Client, project: str, filename: str, text: str, **params: str) -> Any:
    """The file that the call made."""
    return client.succeed(WRITE, project=project, filename=filename, text=text, **params)["directory"]["file"]


def listed(client: Client, project: str) -> list[str]:
    return [file["filename"] for file in client.succeed(LIST, project=project)["directory"]["files"]]


def text_of(client: Client, file: Any) -> str:
    response = client.http.get(file["url"])
    assert response.status_code == 200
    return response.content.decode()


# -- write ------------------------------------------------------------------------------------------------


def test_a_text_is_written_as_it_is(testuser: Client, project: str) -> None:
    text = "one\r\ntwo\n\tdrei ü € 100% a+b #,# c"
    file = write(testuser, project, "a b.txt", text, descr="what it is")
    assert (file["filename"], file["descr"], file["length"]) == ("a b.txt", "what it is", len(text.encode()))
    assert text_of(testuser, file) == text


def test_ten_megabytes_of_text_come_back(testuser: Client, project: str) -> None:
    text = "0123456789abcdé\n" * 640 * 1024
    assert text_of(testuser, write(testuser, project, "large.txt", text)) == text


def test_an_empty_text_makes_an_empty_file(testuser: Client, project: str) -> None:
    assert write(testuser, project, "a.txt", "")["length"] == 0
    testuser.fail(WRITE, project=project, filename="b.txt", status=400)


@pytest.mark.parametrize(("given", "between"), [({}, "#,#"), ({"delimiter": "--"}, "--")])
def test_several_files_are_written_at_once(testuser: Client, project: str, given: dict[str, str], between: str) -> None:
    text = between.join(["first", "", "third"])
    reply = testuser.succeed(WRITE, project=project, filename="a.txt,b.txt,c.txt", text=text, **given)["directory"]
    assert reply["file"] == reply["files"][0]
    assert [text_of(testuser, file) for file in reply["files"]] == ["first", "", "third"]
    assert listed(testuser, project) == ["a.txt", "b.txt", "c.txt"]


def test_names_and_texts_must_pair(testuser: Client, project: str) -> None:
    testuser.fail(WRITE, project=project, filename="a.txt,b.txt", text="one")
    assert listed(testuser, project) == []


def test_a_taken_name_needs_overwrite(testuser: Client, project: str) -> None:
    write(testuser, project, "b.txt", "old", descr="kept")
    testuser.fail(WRITE, project=project, filename="a.txt,b.txt", text="1#,#2")
    assert listed(testuser, project) == ["b.txt"]
    file = write(testuser, project, "b.txt", "new", overwrite="True")
    assert (text_of(testuser, file), file["descr"]) == ("new", "kept")


@pytest.mark.parametrize("filename", ["../up.txt", "a/b", ".hidden", "run.exe", "a.txt,run.SH"])
def test_bad_names_and_types_are_not_written(testuser: Client, project: str, filename: str) -> None:
    testuser.fail(WRITE, project=project, filename=filename, text="a#,#b" if "," in filename else "a")
    assert listed(testuser, project) == []


# -- update -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("parameter", ["filename", "name"])
def test_a_file_is_renamed_and_described(testuser: Client, project: str, parameter: str) -> None:
    write(testuser, project, "a.txt", "content", descr="first")
    renamed = testuser.succeed(UPDATE, project=project, **{parameter: "a.txt"}, rename="b.csv", descr="")
    file = renamed["directory"]["file"]
    assert (file["filename"], file["descr"], file["category"]) == ("b.csv", "first", "data")
    assert text_of(testuser, file) == "content"
    described = testuser.succeed(UPDATE, project=project, filename="b.csv", rename="", descr="second")
    assert described["directory"]["file"]["descr"] == "second"
    assert testuser.succeed(LIST, project=project)["directory"]["files"] == [described["directory"]["file"]]


def test_a_file_renamed_to_a_taken_name_needs_overwrite(testuser: Client, project: str) -> None:
    write(testuser, project, "a.txt", "a")
    write(testuser, project, "b.txt", "b")
    testuser.fail(UPDATE, project=project, filename="a.txt", rename="b.txt")
    file = testuser.succeed(UPDATE, project=project, filename="a.txt", rename="b.txt", overwrite="true")
    assert text_of(testuser, file["directory"]["file"]) == "a"
    assert listed(testuser, project) == ["b.txt"]


@pytest.mark.parametrize("rename", ["../b.txt", ".b", "a/b", "b.exe"])
def test_a_file_is_not_renamed_to_bad_names_and_types(testuser: Client, project: str, rename: str) -> None:
    write(testuser, project, "a.txt", "a")
    testuser.fail(UPDATE, project=project, filename="a.txt", rename=rename)
    testuser.fail(UPDATE, project=project, filename="none.txt", rename="c.txt")
    assert listed(testuser, project) == ["a.txt"]


# -- store and load ---------------------------------------------------------------------------------------


def test_a_file_is_stored_with_its_properties(testuser: Client, project: str, name: str) -> None:
    write(testuser, project, name, "content")
    properties = {"descr": "stored", "tags": "t", "restricted": "", "shared": "True", "published": "False"}
    reply = testuser.succeed(STORE, project=project, filename=name, directory="example-data-io", **properties)
    file = reply["repository"]["file"]
    assert (reply["call"], reply["project"]["project"]) == (STORE, project)
    assert (file["filename"], file["directory"], file["descr"]) == (name, "example-data-io", "stored")
    assert (file["tags"], file["restricted"], file["access"], file["length"]) == ("t", None, "Shared", 7)
    assert text_of(testuser, file) == "content"
    testuser.succeed("/r/repository/file/delete", filename=name, directory="example-data-io")


def test_a_stored_file_becomes_a_version_when_wanted(testuser: Client, project: str, name: str) -> None:
    for number in range(3):
        write(testuser, project, name, str(number), overwrite="true")
        flags = {"newversion": "true", "newversionmsg": "the third"} if number == 2 else {}
        testuser.succeed(STORE, project=project, filename=name, **flags)
    files = testuser.succeed("/r/repository/file/list", filename=name)["repository"]["files"]
    assert [(text_of(testuser, file), file["versionmsg"]) for file in files] == [("2", "the third"), ("1", None)]


def test_a_loaded_file_keeps_its_description_and_size(testuser: Client, project: str, name: str) -> None:
    stored = testuser.succeed("/r/repository/file/write", filename=name, text="content", descr="described")
    file = testuser.succeed(LOAD, project=project, filename=name, author="testuser", directory="root", version="")
    loaded = file["directory"]["file"]
    assert (loaded["filename"], loaded["descr"], loaded["length"]) == (name, "described", 7)
    assert stored["repository"]["file"]["length"] == loaded["length"]
    assert text_of(testuser, loaded) == "content"


def test_loading_again_replaces_the_file(testuser: Client, project: str, name: str) -> None:
    for text in ("old", "new"):
        testuser.succeed("/r/repository/file/write", filename=name, text=text)
        file = testuser.succeed(LOAD, project=project, filename=name, author="testuser")["directory"]["file"]
        assert text_of(testuser, file) == text


def test_private_files_are_loaded_by_their_authors_only(server: Server, testuser: Client, name: str) -> None:
    testuser.succeed("/r/repository/file/write", filename=name, text="content")
    admin = server.login("admin")
    project = admin.project()
    admin.fail(LOAD, project=project, filename=name, author="testuser")
    testuser.succeed("/r/repository/file/update", filename=name, published="true")
    assert admin.succeed(LOAD, project=project, filename=name, author="testuser")["directory"]["file"]["length"] == 7
    admin.logout()


def test_black_listed_types_are_loaded_by_administrators_only(
    server: Server, testuser: Client, project: str, name: str
) -> None:
    admin = server.login("admin")
    script = name.replace(".txt", ".sh")
    admin.succeed("/r/repository/file/write", filename=script, text="exit", published="true")
    testuser.fail(LOAD, project=project, filename=script, author="admin")
    assert admin.succeed(LOAD, project=admin.project(), filename=script, author="admin")["directory"]["file"]
    admin.logout()


def test_what_is_not_there_is_a_handled_failure(testuser: Client, project: str, name: str) -> None:
    testuser.fail(STORE, project=project, filename=name)
    testuser.fail(LOAD, project=project, filename=name, author="testuser")
    write(testuser, project, name, "content")
    testuser.fail(STORE, project=project, filename=name, directory="no such directory")


# -- who may ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("call", ["write", "update", "store", "load"])
def test_the_directory_is_its_owners(
    anonymous: Client, server: Server, testuser: Client, project: str, call: str
) -> None:
    sent: dict[str, Any] = {"project": project, "filename": "a", "text": "x"}
    anonymous.fail(f"/r/project/directory/{call}", status=401, **sent)
    server.login("admin").fail(f"/r/project/directory/{call}", status=403, **sent)
    testuser.fail(f"/r/project/directory/{call}", status=400)
    blackbox = testuser.project(blackbox="true")
    testuser.fail(f"/r/project/directory/{call}", status=403, **sent | {"project": blackbox})


def test_a_shared_project_is_read_but_not_changed(server: Server, testuser: Client, name: str) -> None:
    project = testuser.project(projectname=name)
    write(testuser, project, name, "content")
    testuser.succeed("/r/project/about/update", project=project, shared="true")
    admin = server.login("admin")
    assert admin.succeed(STORE, project=project, filename=name)["repository"]["file"]["author"] == "admin"
    for call in (WRITE, UPDATE, LOAD):
        admin.fail(call, project=project, filename=name, text="x", rename="b.txt", status=403)
    testuser.succeed("/r/project/delete", project=project)
