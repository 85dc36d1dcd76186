"""``/r/repository/directory/*``."""

from __future__ import annotations

import io
import stat
import zipfile
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from tests.server import BASIC_USER, Client, InProcess, Server, record_of

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


def zip_with(*entries: tuple[str | zipfile.ZipInfo, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return file.getvalue()


def linked(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


def upload(client: Client, directory: str, content: bytes, **params: str) -> dict[str, Any]:
    files = {"file": ("application/zip", content)}
    return record_of(client.post(call("upload"), files=files, directory=directory, **params))


def test_a_zip_is_unpacked_with_common_properties(testuser: Client, directory: str) -> None:
    content = zip_with(("a.R", b"22"), ("new é.txt", b"333"))
    reply = upload(testuser, directory, content, descr="d", tags="t", shared="True", newversion="true")
    assert reply["success"], reply
    assert set(reply) == {"success", "call", "uid", "httpcookie"}
    [listed] = testuser.succeed(LIST, directory=directory)["repository"]["directories"]["user"]
    found = {file["filename"]: (file["length"], file["descr"], file["access"]) for file in listed["files"]}
    assert found["a.R"] == (2, "d", "Shared")
    assert found["new é.txt"] == (3, "d", "Shared")
    versions = testuser.succeed("/r/repository/file/list", filename="a.R", directory=directory)
    assert len(versions["repository"]["files"]) == 2


@pytest.mark.parametrize(
    "content",
    [
        b"no zip",
        zip_with(("good.txt", b"1"))[:-10],
        zip_with(("good.txt", b"1"), ("../bad.txt", b"1")),
        zip_with(("good.txt", b"1"), ("/bad.txt", b"1")),
        zip_with(("good.txt", b"1"), ("sub/bad.txt", b"1")),
        zip_with(("good.txt", b"1"), ("bad.exe", b"1")),
        zip_with(("good.txt", b"1"), (linked("bad.txt"), b"/etc/passwd")),
        zip_with((zipfile.ZipInfo("good.txt"), b"good content")).replace(b"good content", b"evil content"),
    ],
)
def test_a_bad_zip_is_refused_and_leaves_nothing(testuser: Client, directory: str, content: bytes) -> None:
    reply = upload(testuser, directory, content)
    assert (reply["success"], reply["errorCode"]) == (False, 900)
    assert files_in(testuser, directory) == ["a.R", "b.csv"]


async def test_a_zip_may_unpack_to_no_more_than_an_upload(in_process: InProcess) -> None:
    async with in_process(limits__max_upload=1000) as client:
        await client.post("/r/user/login", data={"username": "testuser", "password": "changeme"})
        for size, success in ((400, True), (600, False)):
            content = zip_with(("a.txt", b"0" * size), ("b.txt", b"0" * size))
            reply = record_of(await client.post(call("upload"), data={}, files={"file": content}))
            assert reply["success"] is success


def test_a_download_is_a_zip_of_all_or_some_files(testuser: Client, other: Client, directory: str) -> None:
    for sent, expected in (({}, ["a.R", "b.csv"]), ({"filename": "a.R,a.R"}, ["a.R"])):
        response = testuser.get(call("download"), directory=directory, **sent)
        assert response.headers["content-type"] == "application/zip"
        archive = zipfile.ZipFile(io.BytesIO(response.content))
        assert archive.namelist() == expected
        assert archive.read("a.R") == b"1 <&>"
    testuser.fail(call("download"), directory=directory, filename="none")
    other.fail(call("download"), directory=directory)
