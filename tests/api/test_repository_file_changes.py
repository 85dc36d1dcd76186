"""Copies, moves, authors and former versions of files: ``/r/repository/file/copy|move|grant|revert``."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from deployr.settings import Settings
from deployr.store.database import Database
from tests.server import BASIC_USER, Client, InProcess, Server, record_of

COPY, MOVE, GRANT, REVERT = (f"/r/repository/file/{call}" for call in ("copy", "move", "grant", "revert"))


@pytest.fixture
def directory(testuser: Client) -> Iterator[str]:
    """Name of a new, empty directory, which goes with the test."""
    name = f"changes {uuid4().hex[:8]}"
    testuser.succeed("/r/repository/directory/create", directory=name)
    yield name
    testuser.succeed("/r/repository/directory/delete", directory=name)


@pytest.fixture
def target(testuser: Client, directory: str) -> Iterator[str]:
    name = f"{directory} target"
    testuser.succeed("/r/repository/directory/create", directory=name)
    yield name
    testuser.succeed("/r/repository/directory/delete", directory=name)


@pytest.fixture
def other(server: Server, directory: str) -> Iterator[Client]:
    client = server.login(BASIC_USER, "Password1")
    yield client
    client.post("/r/repository/directory/delete", directory=directory)


def write(client: Client, filename: str, *texts: str, directory: str, **params: str) -> None:
    """Write a version a text."""
    for text in texts:
        client.succeed(
            "/r/repository/file/write", filename=filename, text=text, directory=directory, newversion="true", **params
        )


def lengths(client: Client, directory: str) -> dict[str, list[int]]:
    """Lengths of the versions by file, newest first."""
    files = client.succeed("/r/repository/file/list", directory=directory)["repository"]["files"]
    return {
        file["filename"]: [found["length"] for found in history(client, file["filename"], directory)] for file in files
    }


def history(client: Client, filename: str, directory: str) -> Any:
    sent = {"filename": filename, "directory": directory}
    return client.succeed("/r/repository/file/list", **sent)["repository"]["files"]


def test_copies_have_parallel_directories_versions_and_names(testuser: Client, directory: str, target: str) -> None:
    write(testuser, "a.R", "1", "22", directory=directory)
    write(testuser, "b.R", "333", directory=directory)
    version = history(testuser, "a.R", directory)[1]["version"]
    sent = {"filename": "a.R,a.R,b.R", "directory": f"{directory},{directory},{directory}", "destination": target}
    reply = testuser.succeed(COPY, version=f",{version},", filerename=",old.R,", **sent)
    assert set(reply) == {"success", "call", "uid", "httpcookie"}
    assert lengths(testuser, target) == {"a.R": [2], "old.R": [1], "b.R": [3]}
    testuser.succeed(COPY, filename="a.R,b.R", directory=directory, destination=target)
    assert lengths(testuser, target) == {"a.R": [2, 2], "old.R": [1], "b.R": [3, 3]}
    assert lengths(testuser, directory) == {"a.R": [2, 1], "b.R": [3]}


def test_moves_take_the_history_along(testuser: Client, directory: str, target: str) -> None:
    write(testuser, "a.R", "1", "22", directory=directory)
    write(testuser, "a.R", "333", directory=target)
    testuser.succeed(MOVE, filename="a.R,a.R", directory=f"{directory},{directory}", destination=target)
    assert lengths(testuser, target) == {"a.R": [2, 1, 3]}
    assert lengths(testuser, directory) == {}


def test_a_lone_directory_is_the_destination(testuser: Client, directory: str) -> None:
    filename = f"{directory}.txt"
    write(testuser, filename, "1", directory="root")
    testuser.succeed(COPY, filename=filename, directory=directory)
    testuser.succeed(MOVE, filename=filename, directory=directory)
    assert lengths(testuser, directory) == {filename: [1, 1]}
    testuser.fail("/r/repository/file/fetch", filename=filename, author="testuser")


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"filename": "none.R"}, 200),
        ({"filename": "a.R,none.R"}, 200),
        ({"destination": "no such directory"}, 200),
        ({"filename": ""}, 400),
        ({"version": "9.9"}, 200),
        ({"filerename": "../a.R"}, 200),
        ({"filerename": "a.exe"}, 200),
    ],
)
def test_what_cannot_be_copied_is_refused_as_a_whole(
    testuser: Client, directory: str, target: str, sent: dict[str, str], status: int
) -> None:
    write(testuser, "a.R", "1", directory=directory)
    given: dict[str, Any] = {"filename": "a.R", "directory": directory, "destination": target} | sent
    testuser.fail(COPY, status=status, **given)
    assert lengths(testuser, target) == {}


def test_files_of_others_are_neither_copied_nor_moved(
    testuser: Client, other: Client, anonymous: Client, directory: str
) -> None:
    write(testuser, "a.R", "1", directory=directory, published="true")
    for call in (COPY, MOVE):
        other.fail(call, filename="a.R", directory=directory, destination="root")
        anonymous.fail(call, status=401, filename="a.R", directory=directory, destination="root")


def test_a_granted_file_is_its_new_authors_too_and_does_not_move(
    testuser: Client, other: Client, directory: str, target: str
) -> None:
    write(testuser, "a.R", "1", directory=directory)
    sent: dict[str, Any] = {"filename": "a.R", "directory": directory}
    for _ in range(2):
        file = testuser.succeed(GRANT, newauthor=f"{BASIC_USER},testuser", **sent)["repository"]["file"]
        assert (file["author"], file["authors"]) == ("testuser", [BASIC_USER, "testuser"])
    assert lengths(other, directory) == {"a.R": [1]}
    [warning] = testuser.succeed(MOVE, destination=target, **sent)["warnings"]
    assert "a.R" in warning
    file = other.succeed(GRANT, revokeauthor="testuser", **sent)["repository"]["file"]
    assert (file["author"], file["authors"]) == (BASIC_USER, [BASIC_USER])
    assert lengths(testuser, directory) == {}


def test_who_revokes_the_last_author_deletes_the_file(testuser: Client, directory: str) -> None:
    write(testuser, "a.R", "1", directory=directory)
    sent: dict[str, Any] = {"filename": "a.R", "directory": directory, "revokeauthor": "testuser"}
    assert testuser.succeed(GRANT, **sent)["repository"]["file"]["filename"] == "a.R"
    assert lengths(testuser, directory) == {}


def test_grants_that_make_no_sense_are_refused(testuser: Client, other: Client, directory: str) -> None:
    write(testuser, "a.R", "1", directory=directory)
    sent: dict[str, Any] = {"filename": "a.R", "directory": directory}
    testuser.fail(GRANT, **sent)
    testuser.fail(GRANT, newauthor="nobody", **sent)
    testuser.fail(GRANT, revokeauthor=BASIC_USER, **sent)
    other.fail(GRANT, newauthor=BASIC_USER, **sent)
    other.succeed("/r/repository/directory/create", directory=directory)
    write(other, "a.R", "22", directory=directory)
    testuser.fail(GRANT, newauthor=BASIC_USER, **sent)
    assert history(testuser, "a.R", directory)[0]["authors"] == ["testuser"]


def test_a_former_version_becomes_the_latest_and_the_history_stays(testuser: Client, directory: str) -> None:
    write(testuser, "a.R", "1", "22", directory=directory, descr="before", tags="t")
    version = history(testuser, "a.R", directory)[1]["version"]
    sent: dict[str, Any] = {"filename": "a.R", "directory": directory, "version": version}
    file = testuser.succeed(REVERT, descr="after", **sent)["repository"]["file"]
    assert [file[key] for key in ("length", "version", "descr", "tags")] == [1, None, "after", "t"]
    assert version in file["versionmsg"]
    file = testuser.succeed(REVERT, newversionmsg="because", **sent)["repository"]["file"]
    assert file["versionmsg"] == "because"
    assert lengths(testuser, directory) == {"a.R": [1, 1, 2, 1]}


def test_a_revert_needs_a_version_of_an_own_file(testuser: Client, other: Client, directory: str) -> None:
    write(testuser, "a.R", "1", directory=directory, published="true")
    sent: dict[str, Any] = {"filename": "a.R", "directory": directory}
    testuser.fail(REVERT, version="9.9", **sent)
    testuser.fail(REVERT, status=400, **sent)
    other.fail(REVERT, version="1.0", **sent)


DIFF = "/r/repository/file/diff"


def test_a_diff_is_a_page_of_escaped_lines(testuser: Client, directory: str) -> None:
    write(testuser, "a.R", "same\n<b>old</b>\n", "same\n<b>new</b>\n", directory=directory)
    version = history(testuser, "a.R", directory)[1]["version"]
    response = testuser.get(DIFF, filename="a.R", directory=directory, author="testuser", version=version)
    assert response.headers["content-type"] == "text/html;charset=UTF-8"
    assert "default-src 'none'" in response.headers["content-security-policy"]
    lines = response.text.splitlines()
    assert "<del>-&lt;b&gt;old&lt;/b&gt;</del>" in lines
    assert any(line.startswith("<ins>+&lt;b&gt;new&lt;/b&gt;</ins>") for line in lines)
    assert "<b>" not in response.text


def test_a_diff_has_a_path_in_which_the_version_may_be_empty(testuser: Client, directory: str) -> None:
    filename = f"{directory}.R"
    write(testuser, filename, "old", "new", directory="root")
    version = history(testuser, filename, "root")[1]["version"]
    assert "<del>-old</del>" in testuser.http.get(f"{DIFF}/testuser/{version}/{filename}").text
    assert "There are no differences." in testuser.http.get(f"{DIFF}/testuser//{filename}").text
    testuser.succeed("/r/repository/file/delete", filename=filename)


def test_what_cannot_be_compared_is_refused(testuser: Client, directory: str) -> None:
    for filename, text in (("binary.R", "a\0b"), ("long.R", "x\n" * 10_001), ("large.R", "x" * 1024 * 1025)):
        write(testuser, filename, text, directory=directory)
        sent: dict[str, Any] = {"filename": filename, "directory": directory, "author": "testuser"}
        testuser.fail(DIFF, version="1.0", **sent)
        testuser.fail(DIFF, version="9.9", **sent)
        testuser.fail(DIFF, status=400, **sent)


def test_a_diff_is_for_those_who_may_read_the_file(
    testuser: Client, other: Client, anonymous: Client, directory: str
) -> None:
    write(testuser, "a.R", "1", directory=directory)
    sent: dict[str, Any] = {"filename": "a.R", "directory": directory, "author": "testuser", "version": "1.0"}
    other.fail(DIFF, **sent)
    anonymous.fail(DIFF, status=401, **sent)
    write(testuser, "a.R", "1", directory=directory, published="true")
    assert other.get(DIFF, **sent).text.startswith("<!DOCTYPE html>")


async def test_calls_are_served_while_changes_wait_for_another_writer(in_process: InProcess, tmp_path: Path) -> None:
    files = {"filename": "a.R", "directory": "new"}
    changes: list[tuple[str, dict[str, str]]] = [
        ("directory/create", {"directory": "new"}),
        ("file/write", {"text": "1", **files}),
        ("file/update", {"descr": "text", **files}),
        ("file/publish", files),
        ("file/revert", {"version": "0", **files}),
        ("file/copy", {"destination": "root", **files}),
        ("file/move", {"destination": "root", **files}),
        ("file/grant", {"newauthor": "admin", "filename": "a.R"}),
        ("file/delete", {"filename": "a.R"}),
        ("directory/copy", {"directory": "root", "destination": "new"}),
        ("directory/move", {"directory": "new", "destination": "root"}),
        ("directory/update", {"directory": "root", "shared": "true"}),
        ("directory/rename", {"directory": "new", "destination": "other"}),
        ("directory/archive", {"directory": "other", "archive": "old"}),
        ("directory/delete", {"directory": "root"}),
    ]
    async with in_process() as client:
        database = Database(Settings.load(flags={"home": tmp_path}).database_url)
        await client.post("/r/user/login", data={"username": "testuser", "password": "changeme"})
        for call, sent in changes:
            with database.transaction():
                change = asyncio.create_task(client.post(f"/r/repository/{call}", data=sent))
                await client.get("/r/server/info")
                assert not change.done(), call
            assert record_of(await change)["success"] is (call != "file/revert"), call
        database.close()
