"""``/r/repository/directory/*``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from tests.server import BASIC_USER, Client, Server

LIST, CREATE, DELETE = (f"/r/repository/directory/{call}" for call in ("list", "create", "delete"))


@pytest.fixture
def directory(testuser: Client) -> Iterator[str]:
    """Name of a new directory, with the files ``a.R`` and ``b.csv``; whatever is called like it goes with the test."""
    name = f"demo {uuid4().hex[:8]} é"
    testuser.succeed(CREATE, directory=name)
    for filename in ("a.R", "b.csv"):
        testuser.succeed("/r/repository/file/write", filename=filename, text="1 <&>", directory=name)
    yield name
    metadata = testuser.succeed(LIST)["repository"]["directories"]["metadata"]
    for left in (*metadata["custom"], *metadata["archived"]):
        if left.startswith(name):
            testuser.succeed(DELETE, directory=left)


@pytest.fixture
def other(server: Server) -> Client:
    return server.login(BASIC_USER, "Password1")


def files_in(client: Client, directory: str) -> list[str]:
    [listed] = client.succeed(LIST, directory=directory)["repository"]["directories"]["user"]
    assert listed["directory"] == directory
    return [file["filename"] for file in listed["files"]]


def call(name: str) -> str:
    return f"/r/repository/directory/{name}"


def test_a_new_directory_is_named_with_its_owner(testuser: Client, directory: str) -> None:
    made = testuser.succeed(CREATE, directory=f"{directory} new")["repository"]["directory"]
    assert made == {"directory": f"{directory} new", "owner": "testuser"}
    testuser.fail(CREATE, directory=directory)
    testuser.fail(CREATE, directory="Archived")
    testuser.fail(CREATE, status=400)


def test_the_list_shows_files_only_when_asked(testuser: Client, directory: str) -> None:
    listed = testuser.succeed(LIST)["repository"]["directories"]
    assert {"directory": directory, "files": []} in listed["user"]
    assert listed["system"] == []
    assert {"root", directory} <= set(listed["metadata"]["custom"])
    assert files_in(testuser, directory) == ["a.R", "b.csv"]
    sent = {"directory": directory, "categoryFilter": "data", "userfiles": "False"}
    [only] = testuser.succeed(LIST, **sent)["repository"]["directories"]["user"]
    assert [file["filename"] for file in only["files"]] == ["b.csv"]
    testuser.fail(LIST, directory="no such directory")
    testuser.fail(LIST, external="true")
    testuser.fail(LIST, directory="external:root")


def test_published_files_are_under_public_for_others_only(testuser: Client, other: Client, directory: str) -> None:
    testuser.succeed(call("update"), directory=directory, filename="a.R", published="True", shared="False")
    for client, count in ((other, 1), (testuser, 0)):
        listed = client.succeed(LIST, published="true", shared="true")["repository"]["directories"]["system"]
        assert [entry["directory"] for entry in listed] == ["Restricted", "Shared", "Public"]
        assert sum(file["directory"] == directory for file in listed[2]["files"]) == count


def test_an_empty_restriction_is_lifted(testuser: Client, directory: str) -> None:
    for restricted in ("POWER_USER", ""):
        testuser.succeed(call("update"), directory=directory, restricted=restricted)
        [listed] = testuser.succeed(LIST, directory=directory)["repository"]["directories"]["user"]
        assert {file["restricted"] for file in listed["files"]} == {restricted or None}


def test_files_are_copied_and_moved(testuser: Client, directory: str) -> None:
    target = f"{directory} target"
    testuser.succeed(CREATE, directory=target)
    reply = testuser.succeed(call("copy"), directory=directory, destination=target, filename="a.R,a.R")
    assert set(reply) == {"success", "call", "uid", "httpcookie"}
    assert (files_in(testuser, directory), files_in(testuser, target)) == (["a.R", "b.csv"], ["a.R"])
    reply = testuser.succeed(call("move"), directory=directory, destination=target)
    assert set(reply) == {"success", "call", "uid", "httpcookie"}
    assert (files_in(testuser, directory), files_in(testuser, target)) == ([], ["a.R", "b.csv"])
    for name in ("copy", "move"):
        testuser.fail(call(name), directory=directory, destination="no such directory")
        testuser.fail(call(name), status=400, directory=directory)


def test_a_directory_is_renamed(testuser: Client, directory: str) -> None:
    sent: dict[str, Any] = {"directory": directory, "destination": f"{directory} new"}
    made = testuser.succeed(call("rename"), **sent)["repository"]["directory"]
    assert made == {"directory": f"{directory} new", "owner": "testuser"}
    assert files_in(testuser, f"{directory} new") == ["a.R", "b.csv"]
    testuser.fail(call("rename"), **sent)
    testuser.fail(call("rename"), directory="root", destination=directory)


def test_an_archive_takes_a_part_and_then_the_rest(testuser: Client, directory: str) -> None:
    sent = {"directory": directory, "archive": f"{directory} old"}
    archive = f"{directory} old.archive"
    made = testuser.succeed(call("archive"), filename="a.R", **sent)["repository"]["directory"]
    assert made == {"directory": archive, "owner": "testuser"}
    assert files_in(testuser, directory) == ["b.csv"]
    testuser.succeed(call("archive"), filename="", **sent)
    assert files_in(testuser, archive) == ["a.R", "b.csv"]
    testuser.fail(LIST, directory=directory)
    assert archive in testuser.succeed(LIST)["repository"]["directories"]["metadata"]["archived"]


def test_a_directory_is_deleted_with_its_files(testuser: Client, directory: str) -> None:
    testuser.succeed(DELETE, directory=directory)
    testuser.fail(LIST, directory=directory)
    testuser.fail(DELETE, directory=directory)


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("rename", {"destination": "x"}),
        ("copy", {"destination": "root"}),
        ("move", {"destination": "root"}),
        ("update", {"shared": "true"}),
        ("archive", {"archive": "x"}),
        ("delete", {}),
    ],
)
def test_directories_of_others_are_not_there(
    anonymous: Client, other: Client, directory: str, name: str, sent: dict[str, Any]
) -> None:
    foreign = other.fail(call(name), directory=directory, **sent)["error"]
    assert foreign.replace(directory, "none") == other.fail(call(name), directory="none", **sent)["error"]
    anonymous.fail(call(name), status=401, directory=directory, **sent)
