"""Calls on a project in which code runs (7x-facts 2.4)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tests.server import Client, Server

_BEGUN = "begun.txt"


@pytest.fixture
def busy(server: Server, testuser: Client) -> Iterator[str]:
    """A project in which code runs."""
    project = testuser.project()
    testuser.execute(project, "x <- 1; cat('a', file = 'a.txt')")
    code = f"cat('b', file = '{_BEGUN}'); Sys.sleep(600)"
    session = testuser.http.cookies["JSESSIONID"]
    runner = server.client()
    runner.http.cookies.set("JSESSIONID", session)
    thread = threading.Thread(
        target=runner.post, args=("/r/project/execute/code",), kwargs={"project": project, "code": code}
    )
    thread.start()
    while _BEGUN not in names(testuser, project):
        assert thread.is_alive()
    yield project
    testuser.succeed("/r/project/execute/interrupt", project=project)
    thread.join()


def names(client: Client, project: str) -> list[str]:
    """Files of the directory."""
    return [
        file["filename"] for file in client.succeed("/r/project/directory/list", project=project)["directory"]["files"]
    ]


def test_what_would_change_it_is_refused(testuser: Client, busy: str) -> None:
    repository = {"author": "testuser", "directory": "example-fraud-score"}
    url = f"/deployr/r/project/directory/download/{busy}/a.txt"
    calls: dict[str, dict[str, Any]] = {
        "directory/write": {"filename": "c.txt", "text": "c"},
        "directory/update": {"filename": "a.txt", "rename": "c.txt"},
        "directory/load": {"filename": "fraudModel.rData", **repository},
        "directory/transfer": {"filename": "c.txt", "url": url},
        "directory/delete": {"filename": "a.txt"},
        "workspace/save": {"name": "x"},
        "workspace/store": {"name": "x"},
        "workspace/load": {"filename": "fraudModel.rData", **repository},
        "workspace/transfer": {"name": "x", "url": url},
    }
    for call, sent in calls.items():
        testuser.fail(f"/r/project/{call}", project=busy, status=409, **sent)
    for call in ("directory", "workspace"):
        uploaded = testuser.post(f"/r/project/{call}/upload", project=busy, filename="c.txt", files={"file": b"x"})
        assert uploaded.status_code == 409
    assert names(testuser, busy) == ["a.txt", _BEGUN]


def test_its_files_are_read(testuser: Client, busy: str) -> None:
    url = f"/deployr/r/project/directory/download/{busy}/a.txt"
    sent: dict[str, Any] = {"url": url, "filename": "c.txt"}
    assert testuser.succeed("/r/project/directory/transfer", project=testuser.project(), **sent)
    assert testuser.get("/r/project/directory/download", project=busy, filename="a.txt").content == b"a"
