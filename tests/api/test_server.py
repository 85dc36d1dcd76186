"""What answers without a login: server info, the root, unknown calls."""

from __future__ import annotations

import asyncio
import re
import shutil
from pathlib import Path

import pytest

from tests.server import Client, InProcess, Server, record_of


def test_server_info_tells_the_version(anonymous: Client) -> None:
    reply = record_of(anonymous.get("/r/server/info"))
    assert reply["info"]["version"] == "8.0.5"
    assert set(reply["info"]) == {"version", "enterprise", "date"}


def test_each_reply_has_a_uid_of_its_own(anonymous: Client) -> None:
    uids = {anonymous.succeed("/r/server/info")["uid"] for _ in range(3)}
    assert len(uids) == 3
    assert all(re.fullmatch(r"UID-[0-9A-F]{32}", uid) for uid in uids)


def test_replies_are_json(anonymous: Client) -> None:
    assert anonymous.get("/r/server/info").headers["content-type"] == "application/json;charset=UTF-8"


@pytest.mark.parametrize("path", ["", "/"])
def test_the_root_answers_with_a_page(server: Server, anonymous: Client, path: str) -> None:
    response = anonymous.http.get(server.url + path)
    assert (response.status_code, "DeployR" in response.text) == (200, True)


def test_unknown_calls_are_404_in_the_envelope(anonymous: Client) -> None:
    anonymous.fail("/r/no/such/call", status=404)


def test_a_malformed_upload_is_the_callers_fault(testuser: Client) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=B"}
    response = testuser.http.post("/r/repository/file/upload", content=b"nothing", headers=headers)
    assert (response.status_code, record_of(response)["success"]) == (400, False)


def test_trailing_slashes_are_tolerated(anonymous: Client) -> None:
    assert record_of(anonymous.get("/r/server/info/"))["call"] == "/r/server/info"


def test_calls_that_read_answer_get_and_post(testuser: Client) -> None:
    for call in ("/r/project/list", "/r/repository/file/list", "/r/repository/script/list", "/r/user/about"):
        assert record_of(testuser.get(call, format="json"))["success"]
        testuser.succeed(call)


async def test_without_a_grid_calls_fail_as_the_grids_failure(in_process: InProcess) -> None:
    async with in_process() as client:
        await client.post("/r/user/login", data={"username": "testuser", "password": "changeme"})
        response = await client.post("/r/project/create")
        assert (response.status_code, record_of(response)["errorCode"]) == (200, 915)


async def test_a_fault_of_the_server_shows_nothing_of_its_inside(in_process: InProcess, tmp_path: Path) -> None:
    async with in_process() as client:
        await client.post("/r/user/login", data={"username": "testuser", "password": "changeme"})
        shutil.rmtree(tmp_path / "blobs")
        sent = {"filename": "DeployR - Hello World", "author": "testuser"}
        response = await client.post("/r/repository/script/execute", data=sent)
        assert (response.status_code, record_of(response)["error"]) == (500, "Internal server error.")


async def test_each_call_is_logged_without_secrets(in_process: InProcess, caplog: pytest.LogCaptureFixture) -> None:
    async with in_process() as client:
        with caplog.at_level("INFO", logger="deployr.api"):
            await client.post("/r/user/login", data={"username": "testuser", "password": "secret"})
            await client.post("/r/user/login", data={"username": "testuser", "password": "changeme"})
            # The line follows the reply.
            await asyncio.sleep(0)
    # Without a grid, each login is an event that is lost, which is logged too.
    fields = [vars(record)["fields"] for record in caplog.records if record.message == "request"]
    assert [(entry["call"], entry["user"], entry["status"], entry["errorCode"]) for entry in fields] == [
        ("/r/user/login", "anonymous", 200, 940),
        ("/r/user/login", "testuser", 200, None),
    ]
    assert "secret" not in caplog.text
