"""How files are sent: copies that clients have, parts of files, names, HEAD."""

from __future__ import annotations

import email.utils
import hashlib
import random
import uuid
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests.server import Client

DOWNLOAD = "/r/repository/file/download"
CONTENT = random.Random(5).randbytes(700_001)
"""More than is read at a time."""

ETAG = f'"{hashlib.sha256(CONTENT).hexdigest()}"'


@pytest.fixture
def name(testuser: Client) -> Iterator[str]:
    """Name of a stored file."""
    name = f"{uuid.uuid4().hex}.bin"
    upload(testuser, name, CONTENT)
    yield name
    testuser.succeed("/r/repository/file/delete", filename=name)


def upload(client: Client, name: str, content: bytes) -> Any:
    reply = client.succeed("/r/repository/file/upload", filename=name, files={"file": ("x", content)})
    return reply["repository"]["file"]


def get(client: Client, name: str, method: str = "GET", **headers: str) -> httpx.Response:
    """A download with headers, whose names have underscores for dashes."""
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    return client.http.request(method, DOWNLOAD, params={"filename": name, "author": "testuser"}, headers=named)


def test_a_file_is_sent_with_what_tells_its_contents_apart(testuser: Client, name: str) -> None:
    response = get(testuser, name)
    assert (response.status_code, response.content) == (200, CONTENT)
    assert response.headers["ETag"] == ETAG
    assert response.headers["Accept-Ranges"] == "bytes"
    assert response.headers["Cache-Control"] == "private, no-cache"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    modified = testuser.succeed("/r/repository/file/fetch", filename=name, author="testuser")["repository"]["file"]
    sent = email.utils.parsedate_to_datetime(response.headers["Last-Modified"]).timestamp()
    assert sent == modified["lastModified"] // 1000


@pytest.mark.parametrize("tag", [ETAG, f"W/{ETAG}", f'"other", {ETAG}', "*"])
def test_a_copy_that_is_good_is_not_sent_again(testuser: Client, name: str, tag: str) -> None:
    response = get(testuser, name, If_None_Match=tag, Range="bytes=0-1")
    assert (response.status_code, response.content, response.headers["ETag"]) == (304, b"", ETAG)


def test_a_copy_of_something_else_is_replaced(testuser: Client, name: str) -> None:
    for tag in ('"other"', 'W/"other"', "", "junk"):
        assert get(testuser, name, If_None_Match=tag).content == CONTENT
    upload(testuser, name, b"new")
    response = get(testuser, name, If_None_Match=ETAG, If_Modified_Since="Fri, 01 Jan 2100 00:00:00 GMT")
    assert (response.status_code, response.content) == (200, b"new")


def test_a_caller_who_may_not_see_a_file_does_not_learn_that_a_copy_is_good(anonymous: Client, name: str) -> None:
    response = get(anonymous, name, If_None_Match=ETAG)
    assert response.status_code != 304
    assert "ETag" not in response.headers


@pytest.mark.parametrize(
    ("wanted", "first", "last"),
    [("bytes=0-9", 0, 9), ("bytes=300000-699999", 300_000, 699_999), ("bytes=700000-", 700_000, 700_000),
     ("bytes=-500000", 200_001, 700_000)],
)  # fmt: skip
def test_a_part_is_sent(testuser: Client, name: str, wanted: str, first: int, last: int) -> None:
    response = get(testuser, name, Range=wanted)
    assert (response.status_code, response.content) == (206, CONTENT[first : last + 1])
    assert response.headers["Content-Range"] == f"bytes {first}-{last}/{len(CONTENT)}"
    assert response.headers["Content-Length"] == str(last - first + 1)
    assert response.headers["ETag"] == ETAG


def test_an_interrupted_download_is_resumed_only_when_the_file_is_the_same(testuser: Client, name: str) -> None:
    assert get(testuser, name, Range="bytes=5-", If_Range=ETAG).content == CONTENT[5:]
    for begun in ('"other"', f"W/{ETAG}", "Fri, 01 Jan 2100 00:00:00 GMT"):
        response = get(testuser, name, Range="bytes=5-", If_Range=begun)
        assert (response.status_code, response.content) == (200, CONTENT)


def test_a_part_that_is_not_there_is_refused(testuser: Client, name: str) -> None:
    response = get(testuser, name, Range="bytes=700001-")
    assert (response.status_code, response.headers["Content-Range"]) == (416, "bytes */700001")
    assert response.json()["deployr"]["response"]["errorCode"] == 416


def test_several_parts_or_a_post_get_the_whole(testuser: Client, name: str) -> None:
    assert get(testuser, name, Range="bytes=0-1,5-6").content == CONTENT
    response = testuser.post(DOWNLOAD, filename=name, author="testuser", headers={"Range": "bytes=0-1"})
    assert (response.status_code, response.content) == (200, CONTENT)


def test_head_is_answered_as_get_without_the_content(testuser: Client, name: str) -> None:
    sent = get(testuser, name)
    for response in (
        get(testuser, name, "HEAD", Range="bytes=0-1"),
        testuser.http.head(f"{DOWNLOAD}/testuser/{name}"),
    ):
        assert (response.status_code, response.content) == (200, b"")
        for header in ("Content-Length", "Content-Type", "Content-Disposition", "ETag", "Last-Modified"):
            assert response.headers[header] == sent.headers[header]
    assert get(testuser, name, "HEAD", If_None_Match=ETAG).status_code == 304
    assert get(testuser, "none.bin", "HEAD").content == b""


def test_files_of_projects_are_asked_for_by_head(testuser: Client) -> None:
    project = testuser.project()
    plot = testuser.execute(project, "writeLines('text', 'a.txt'); plot(1)")["execution"]["results"][0]
    calls = [plot["url"], f"/r/project/directory/download/{project}/a.txt", f"/r/project/directory/download/{project}"]
    for _ in range(20):  # more often than the grid has connections to spare, should they be kept
        for call in calls:
            head = testuser.http.head(call)
            assert (head.status_code, head.content) == (200, b"")
            assert int(head.headers["Content-Length"]) > 0
    assert testuser.http.get(calls[1]).content == b"text\n"


@pytest.mark.parametrize(
    ("name", "plain", "kind"),
    [
        ("Größe 漢.txt", "Gr__e _.txt", "text/plain"),
        ('a"b%.CSV', "a_b_.CSV", "text/plain"),
        ("plot.svg", "plot.svg", "image/svg+xml"),
        ("x.rData", "x.rData", "application/octet-stream"),
    ],
)
def test_names_are_sent_for_old_and_new_clients(testuser: Client, name: str, plain: str, kind: str) -> None:
    upload(testuser, name, b"1")
    response = get(testuser, name)
    assert response.headers["Content-Type"].partition(";")[0] == kind
    expected = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
    assert response.headers["Content-Disposition"] == expected
    shown = testuser.get(DOWNLOAD, filename=name, author="testuser", inline="true")
    assert shown.headers["Content-Disposition"] == expected.replace("attachment", "inline")
    testuser.succeed("/r/repository/file/delete", filename=name)
