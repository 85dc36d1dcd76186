"""``/r/repository/file/*``."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from server import BASIC_USER, Client, InProcess, Server, record_of

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
    testuser.fail("/r/repository/file/list", external="true")


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
