"""``/r/repository/file/*``."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.server import BASIC_USER, Client, InProcess, Server, record_of

FILE_KEYS = {
    "filename", "name", "directory", "descr", "author", "authors", "version", "versionmsg", "latestby", "type",
    "category", "tags", "length", "sha256", "md5", "lastModified", "lastmodified", "restricted", "shared",
    "published", "access", "url", "inputs", "outputs",
}  # fmt: skip
DOWNLOAD = "/r/repository/file/download"


@pytest.fixture
def upload(testuser: Client) -> Iterator[Callable[..., Any]]:
    """Writes files, which go with the test."""
    written = []

    def write(filename: str, content: bytes, **params: str) -> Any:
        reply = testuser.succeed(
            "/r/repository/file/upload", filename=filename, files={"file": ("x", content)}, **params
        )
        written.append(filename)
        return reply["repository"]["file"]

    yield write
    for filename in dict.fromkeys(written):
        testuser.post("/r/repository/file/delete", filename=filename)


@pytest.fixture
def other(server: Server) -> Client:
    return server.login(BASIC_USER, "Password1")


def listed(client: Client, **params: str) -> Any:
    return client.succeed("/r/repository/file/list", **params)["repository"]["files"]


def test_an_uploaded_file_is_described_and_comes_back(testuser: Client, upload: Callable[..., Any]) -> None:
    file = upload("my file.csv", b"a,b\n", descr="d", published="True", shared="false", tags="t")
    assert set(file) == FILE_KEYS
    assert (file["author"], file["version"], file["access"], file["category"]) == ("testuser", None, "Public", "data")
    assert len(file["sha256"]) == 64
    assert testuser.http.get(file["url"]).content == b"a,b\n"
    assert testuser.get(DOWNLOAD, filename="my file.csv", author="testuser").content == b"a,b\n"


def test_list_holds_the_callers_files(testuser: Client, upload: Callable[..., Any]) -> None:
    upload("listed.csv", b"1")
    files = listed(testuser, directory="root", categoryFilter="data")
    assert "listed.csv" in [file["filename"] for file in files]
    assert all(set(file) == FILE_KEYS for file in files)
    everything = listed(testuser, categoryFilter="DeployR.RRepositoryFile+Category")
    assert len(everything) > len(files), "the .NET client's word for no category"
    testuser.fail("/r/repository/file/list", categoryFilter="none")
    testuser.fail("/r/repository/file/list", directory="no such directory")


def test_versions_are_kept_listed_and_downloaded(testuser: Client, upload: Callable[..., Any]) -> None:
    upload("versioned.txt", b"one")
    upload("versioned.txt", b"two", newversion="true", newversionmsg="second")
    latest, first = listed(testuser, filename="versioned.txt")
    assert (latest["version"], latest["versionmsg"]) == (None, "second")
    assert testuser.http.get(first["url"]).content == b"one"
    sent = {"filename": "versioned.txt", "author": "testuser", "version": first["version"]}
    assert testuser.get(DOWNLOAD, **sent).content == b"one"


def test_a_path_names_a_directory_too(testuser: Client) -> None:
    response = testuser.http.get(f"{DOWNLOAD}/testuser/example-fraud-score/ccFraudScore.R")
    assert response.headers["content-type"] == "text/plain"
    assert len(response.content) > 100


def test_several_files_are_a_zip(testuser: Client, upload: Callable[..., Any]) -> None:
    upload("a.txt", b"a")
    upload("b.txt", b"b")
    response = testuser.get(DOWNLOAD, filename="a.txt,b.txt", author="testuser", directory="root")
    assert zipfile.ZipFile(io.BytesIO(response.content)).namelist() == ["a.txt", "b.txt"]


def test_a_private_file_is_not_there_for_others(other: Client, anonymous: Client, upload: Callable[..., Any]) -> None:
    url = upload("private.txt", b"x")["url"]
    for client in (other, anonymous):
        response = client.http.get(url)
        assert (response.status_code, record_of(response)["success"]) == (200, False)


def test_a_published_file_is_for_all_users_but_not_for_anonymous_callers(
    other: Client, anonymous: Client, upload: Callable[..., Any]
) -> None:
    url = upload("published.txt", b"x", published="true")["url"]
    assert other.http.get(url).content == b"x"
    assert anonymous.http.get(url).status_code == 401


def test_bad_uploads_are_refused(testuser: Client, anonymous: Client) -> None:
    call = "/r/repository/file/upload"
    assert anonymous.post(call, filename="a.txt", files={"file": b"x"}).status_code == 401
    for filename in ("a/b.txt", "run.exe"):
        assert not record_of(testuser.post(call, filename=filename, files={"file": b"x"}))["success"]
    testuser.fail(call, status=400, filename="a.txt")
    assert not record_of(testuser.post(call, filename="a.txt", directory="none", files={"file": b"x"}))["success"]


def test_delete_removes_the_callers_files_only(testuser: Client, other: Client, upload: Callable[..., Any]) -> None:
    upload("doomed.txt", b"x", published="true")
    other.fail("/r/repository/file/delete", filename="doomed.txt")
    reply = testuser.succeed("/r/repository/file/delete", filename="doomed.txt")
    assert set(reply) == {"success", "call", "uid", "httpcookie"}
    testuser.fail("/r/repository/file/delete", filename="doomed.txt")
    testuser.fail("/r/repository/file/delete", status=400)


@pytest.mark.parametrize("call", ["list", "delete"])
def test_the_repository_needs_a_login(anonymous: Client, call: str) -> None:
    anonymous.fail(f"/r/repository/file/{call}", status=401, filename="a")


@pytest.mark.parametrize("path", ["testuser/none.txt", "testuser/none/none.txt", "testuser/a/b/c/none.txt"])
def test_a_missing_file_is_a_handled_failure(testuser: Client, path: str) -> None:
    response = testuser.http.get(f"{DOWNLOAD}/{path}")
    assert (response.status_code, record_of(response)["errorCode"]) == (200, 900)


async def test_an_upload_beyond_the_limit_is_a_handled_failure(in_process: InProcess) -> None:
    async with in_process(limits__max_upload=1000) as client:
        await client.post("/r/user/login", data={"username": "testuser", "password": "changeme"})
        for size, success in ((1000, True), (1001, False), (100000, False)):
            response = await client.post(
                "/r/repository/file/upload", data={"filename": "a.txt"}, files={"file": b"x" * size}
            )
            assert (response.status_code, record_of(response)["success"]) == (200, success)


@pytest.mark.parametrize(
    ("sent", "base"),
    [
        ({}, "http://test/deployr/r/"),
        ({"server__context_url": "https://r.example/deployr"}, "https://r.example/deployr/r/"),
        ({"server__relative_urls": True}, "/deployr/r/"),
    ],
)
async def test_urls_begin_as_the_server_is_told(in_process: InProcess, sent: dict[str, Any], base: str) -> None:
    async with in_process(**sent) as client:
        await client.post("/r/user/login", data={"username": "testuser", "password": "changeme"})
        files = record_of(await client.get("/r/repository/file/list"))["repository"]["files"]
        assert files
        assert all(file["url"].startswith(base) for file in files)


WRITE, FETCH, UPDATE = (f"/r/repository/file/{call}" for call in ("write", "fetch", "update"))


@pytest.fixture
def write(testuser: Client) -> Iterator[Callable[..., Any]]:
    """Writes files, which go with the test."""
    written = []

    def write(filename: str, text: str, **params: str) -> Any:
        file = testuser.succeed(WRITE, filename=filename, text=text, **params)["repository"]["file"]
        written.append(filename)
        return file

    yield write
    for filename in dict.fromkeys(written):
        testuser.post("/r/repository/file/delete", filename=filename)


def test_a_written_text_becomes_a_file(testuser: Client, write: Callable[..., Any]) -> None:
    text = "# r\nx <- 1 # é,#\r\n"
    file = write("written é.R", text, descr="d", shared="True", restricted="", tags="t", inputs="i", directory="")
    assert set(file) == FILE_KEYS
    assert (file["descr"], file["shared"], file["inputs"], file["category"]) == ("d", True, "i", "script")
    assert testuser.http.get(file["url"]).content == text.encode()
    assert write("written é.R", "")["length"] == 0


def test_a_text_may_be_a_new_version(testuser: Client, write: Callable[..., Any]) -> None:
    write("rewritten.txt", "one")
    file = write("rewritten.txt", "two", newversion="True", newversionmsg="msg é")
    assert (file["version"], file["versionmsg"]) == (None, "msg é")
    assert [entry["length"] for entry in listed(testuser, filename="rewritten.txt")] == [3, 3]


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"filename": "a.txt"}, 400),
        ({"text": "a"}, 400),
        ({"filename": "../a.txt", "text": "a"}, 200),
        ({"filename": "a.exe", "text": "a"}, 200),
        ({"filename": "a.txt", "text": "a", "directory": "no such directory"}, 200),
    ],
)
def test_what_cannot_be_written_is_refused(testuser: Client, sent: dict[str, str], status: int) -> None:
    testuser.fail(WRITE, status=status, **sent)


async def test_a_text_beyond_the_limit_is_a_handled_failure(in_process: InProcess) -> None:
    async with in_process(limits__max_upload=1000) as client:
        await client.post("/r/user/login", data={"username": "testuser", "password": "changeme"})
        for size, success in ((1000, True), (1001, False)):
            response = await client.post(WRITE, data={"filename": "a.txt", "text": "x" * size})
            assert (response.status_code, record_of(response)["success"]) == (200, success)


def test_a_file_is_fetched_by_those_who_see_it(
    testuser: Client, other: Client, anonymous: Client, write: Callable[..., Any]
) -> None:
    write("fetched.txt", "one", shared="true")
    write("fetched.txt", "four", newversion="true")
    version = listed(testuser, filename="fetched.txt")[1]["version"]
    sent = {"filename": "fetched.txt", "author": "testuser", "directory": "root"}
    for client in (testuser, other):
        file = record_of(client.get(FETCH, version="", **sent))["repository"]["file"]
        assert (set(file), file["length"], file["version"]) == (FILE_KEYS, 4, None)
    former = testuser.succeed(FETCH, version=version, **sent)["repository"]["file"]
    assert (former["length"], former["version"]) == (3, version)
    testuser.fail(FETCH, version="1467100000001", **sent)
    testuser.fail(FETCH, status=400, filename="fetched.txt")
    testuser.fail(FETCH, status=400, author="testuser")
    anonymous.fail(FETCH, status=401, **sent)


def test_a_private_file_is_fetched_as_if_it_were_not_there(other: Client, write: Callable[..., Any]) -> None:
    write("secret.txt", "x")
    private = other.fail(FETCH, filename="secret.txt", author="testuser")["error"]
    assert private.replace("secret", "none") == other.fail(FETCH, filename="none.txt", author="testuser")["error"]


def test_update_describes_a_file_without_a_new_version(testuser: Client, write: Callable[..., Any]) -> None:
    before = write("updated.R", "1", descr="before", tags="t")
    sent = {"descr": "d é", "restricted": "POWER_USER,", "published": "False", "shared": "True", "inputs": "i"}
    file = testuser.succeed(UPDATE, filename="updated.R", directory="root", **sent)["repository"]["file"]
    assert set(file) == FILE_KEYS
    assert [file[key] for key in ("descr", "restricted", "access", "shared", "inputs", "tags")] == [
        "d é", "POWER_USER", "Restricted", True, "i", "t",
    ]  # fmt: skip
    assert [entry["sha256"] for entry in listed(testuser, filename="updated.R")] == [before["sha256"]]


@pytest.mark.parametrize(
    ("body", "access"), [("", "Restricted"), ("&restricted", "Shared"), ("&restricted=", "Shared")]
)
def test_an_empty_restriction_is_lifted_and_an_absent_one_stays(
    testuser: Client, write: Callable[..., Any], body: str, access: str
) -> None:
    write("restricted.R", "1", restricted="POWER_USER", descr="kept", inputs="kept")
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    content = f"format=json&filename=restricted.R&shared=True&descr&inputs={body}"
    response = testuser.http.post(UPDATE, content=content, headers=headers)
    file = record_of(response)["repository"]["file"]
    assert (file["access"], file["descr"], file["inputs"]) == (access, "kept", "kept")


def test_only_owners_update_a_file(
    testuser: Client, other: Client, anonymous: Client, write: Callable[..., Any]
) -> None:
    write("owned.txt", "x", published="true")
    foreign = other.fail(UPDATE, filename="owned.txt", author="testuser", descr="mine")["error"]
    assert foreign.replace("owned", "none") == other.fail(UPDATE, filename="none.txt", descr="mine")["error"]
    anonymous.fail(UPDATE, status=401, filename="owned.txt")
    testuser.fail(UPDATE, status=400)
    testuser.fail(UPDATE, filename="owned.txt", directory="no such directory")
    testuser.fail(UPDATE, status=400, filename="owned.txt", shared="perhaps")
