"""``/r/project/directory/*``."""

from __future__ import annotations

import io
import zipfile
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests.server import Client, Server, record_of

FILE_KEYS = {"filename", "descr", "length", "type", "category", "lastmodified", "lastModified", "url"}
UPLOAD = "/r/project/directory/upload"
DOWNLOAD = "/r/project/directory/download"


@pytest.fixture
def project(testuser: Client) -> str:
    return testuser.project()


def upload(client: Client, project: str, filename: str, content: bytes, **params: str) -> Any:
    reply = client.succeed(UPLOAD, project=project, filename=filename, files={"file": ("x", content)}, **params)
    return reply["directory"]["file"]


def test_an_uploaded_file_is_described_and_comes_back(testuser: Client, project: str) -> None:
    content = bytes(range(256)) * 40000
    file = upload(testuser, project, "my ü file.bin", content, descr="what it is")
    assert set(file) == FILE_KEYS
    assert (file["length"], file["descr"], file["category"]) == (len(content), "what it is", "other")
    response = testuser.http.get(file["url"])
    assert response.content == content
    assert response.headers["content-disposition"].endswith("filename*=UTF-8''my%20%C3%BC%20file.bin")
    assert response.headers["x-content-type-options"] == "nosniff"


def test_r_reads_what_was_uploaded(testuser: Client, project: str) -> None:
    upload(testuser, project, "a.txt", b"line one\n")
    reply = testuser.execute(project, "x <- readLines('a.txt')", robjects="x")
    assert reply["workspace"]["objects"][0]["value"] == "line one"


def test_list_holds_files_by_category(testuser: Client, project: str) -> None:
    upload(testuser, project, "b.csv", b"1")
    upload(testuser, project, "a.R", b"2")
    testuser.execute(project, "cat('', file = '.hidden'); dir.create('sub')")

    def listed(**params: str) -> list[str]:
        files = testuser.succeed("/r/project/directory/list", project=project, **params)["directory"]["files"]
        assert all(set(file) == FILE_KEYS for file in files)
        return [file["filename"] for file in files]

    assert listed() == ["a.R", "b.csv"]
    assert listed(filter="data") == ["b.csv"]
    testuser.fail("/r/project/directory/list", project=project, filter="no such category")


def test_a_taken_name_needs_overwrite(testuser: Client, project: str) -> None:
    upload(testuser, project, "a.txt", b"old")
    refused = testuser.post(UPLOAD, project=project, filename="a.txt", files={"file": b"new"})
    assert (refused.status_code, record_of(refused)["errorCode"]) == (200, 900)
    file = upload(testuser, project, "a.txt", b"new", overwrite="True")
    assert testuser.http.get(file["url"]).content == b"new"


@pytest.mark.parametrize("filename", ["../up.txt", "a/b", ".hidden", "run.exe"])
def test_bad_names_and_types_are_refused(testuser: Client, project: str, filename: str) -> None:
    response = testuser.post(UPLOAD, project=project, filename=filename, files={"file": b"x"})
    assert (response.status_code, record_of(response)["success"]) == (200, False)


def test_an_upload_without_a_file_is_malformed(testuser: Client, project: str) -> None:
    testuser.fail(UPLOAD, status=400, project=project, filename="a.txt")


def test_several_files_are_a_zip(testuser: Client, project: str) -> None:
    for name in ("a.txt", "b b.txt", "c.txt"):
        upload(testuser, project, name, name.encode())

    def names_in(response: httpx.Response) -> list[str]:
        assert response.headers["content-type"] == "application/zip"
        archive = zipfile.ZipFile(io.BytesIO(response.content))
        assert archive.read("b b.txt") == b"b b.txt"
        return archive.namelist()

    assert names_in(testuser.get(DOWNLOAD, project=project)) == ["a.txt", "b b.txt", "c.txt"]
    assert names_in(testuser.get(DOWNLOAD, project=project, filename="a.txt,b b.txt")) == ["a.txt", "b b.txt"]
    assert len(names_in(testuser.http.get(f"{DOWNLOAD}/{project}"))) == 3
    twice = quote("a.txt,b+b.txt", safe="")
    assert names_in(testuser.http.get(f"{DOWNLOAD}/{project}/{twice}")) == ["a.txt", "b b.txt"]
    assert len(names_in(testuser.http.get(f"{DOWNLOAD}/{project}/a.txt,b+b.txt"))) == 2


def test_a_download_may_be_shown_inline(testuser: Client, project: str) -> None:
    upload(testuser, project, "a.txt", b"x")
    response = testuser.get(DOWNLOAD, project=project, name="a.txt", inline="true")
    assert response.headers["content-disposition"].startswith("inline")
    assert response.headers["content-type"] == "text/plain"


def test_a_missing_file_is_a_handled_failure(testuser: Client, project: str) -> None:
    testuser.fail(DOWNLOAD, project=project, filename="none.txt")
    testuser.fail(DOWNLOAD, project=project, filename="none.txt,other.txt")


def test_delete_removes_all_or_none(testuser: Client, project: str) -> None:
    upload(testuser, project, "a.txt", b"x")
    testuser.fail("/r/project/directory/delete", project=project, filename="a.txt,none.txt")
    testuser.succeed("/r/project/directory/delete", project=project, name="a.txt")
    assert testuser.succeed("/r/project/directory/list", project=project)["directory"]["files"] == []


def test_the_session_in_the_url_is_enough_to_download(testuser: Client, server: Server, project: str) -> None:
    url = upload(testuser, project, "a.txt", b"x")["url"]
    session = testuser.http.cookies["JSESSIONID"]
    assert server.client().http.get(f"{url};jsessionid={session}").content == b"x"


@pytest.mark.parametrize("call", ["list", "download", "delete"])
def test_the_directory_is_its_owners(
    anonymous: Client, server: Server, testuser: Client, project: str, call: str
) -> None:
    anonymous.fail(f"/r/project/directory/{call}", status=401, project=project, filename="a")
    server.login("admin").fail(f"/r/project/directory/{call}", status=403, project=project, filename="a")
    testuser.fail(f"/r/project/directory/{call}", status=400)


def test_an_anonymous_upload_is_refused(anonymous: Client, project: str) -> None:
    assert anonymous.post(UPLOAD, project=project, filename="a", files={"file": b"x"}).status_code == 401


def test_the_java_client_uploads_in_chunks_with_the_file_first(testuser: Client, project: str) -> None:
    content = bytes(range(256)) * 1000
    fields = {"project": project, "filename": "from java+.bin", "descr": "50% off"}
    parts = [b'--B\r\nContent-Disposition: form-data; name="file"; filename="application/zip"\r\n\r\n', content]
    for name, value in fields.items():
        parts.append(f'\r\n--B\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}'.encode())
    headers = {"Content-Type": "multipart/form-data; boundary=B"}
    response = testuser.http.post(UPLOAD, content=iter([*parts, b"\r\n--B--\r\n"]), headers=headers)
    file = record_of(response)["directory"]["file"]
    assert (file["filename"], file["descr"], file["length"]) == ("from java+.bin", "50% off", len(content))
    assert testuser.http.get(file["url"]).content == content


def test_the_net_client_uploads_with_encoded_values(testuser: Client, project: str) -> None:
    fields = {"project": project, "filename": "from+net%2b.txt", "descr": ""}
    parts = [f'--B\r\nContent-Disposition: form-data;name="{name}"\r\n\r\n{value}' for name, value in fields.items()]
    file = '--B\r\nContent-Disposition:form-data;name="file";filename="C:\\Users\\demo\\u p.txt"\r\n\r\nhello'
    headers = {"Content-Type": "multipart/form-data;boundary=B"}
    body = "\r\n".join([*parts, file, "--B--\r\n"])
    reply = record_of(testuser.http.post(UPLOAD, content=body.encode(), headers=headers))
    assert (reply["directory"]["file"]["filename"], reply["directory"]["file"]["descr"]) == ("from net+.txt", None)
