"""Snapshots: taken, listed, fetched, loaded, deleted."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.api.v9.conftest import Api
from tests.waiting import wait_until

Open = Callable[..., str]

ASSIGN = {
    "R": "x <- 1:3; y <- 'old'; dir.create('.in/all', recursive = TRUE); cat('one', file = '.in/all/a b.txt')",
    "Python": "import os; x = [1, 2, 3]; y = 'old'; os.makedirs('.in/all'); open('.in/all/a b.txt', 'w').write('one')",
}
READ = {
    "R": "text <- readLines('.in/all/a b.txt', warn = FALSE)",
    "Python": "text = open('.in/all/a b.txt').read()",
}
PACKAGE = """
dir.create('source/R', recursive = TRUE)
writeLines(c('Package: mine', 'Version: 1.0', 'Title: T', 'Description: D.', 'License: GPL-2'), 'source/DESCRIPTION')
writeLines('export(f)', 'source/NAMESPACE')
writeLines('f <- function() 42', 'source/R/f.R')
install.packages('source', repos = NULL, type = 'source', quiet = TRUE)
"""
WORKSPACE = {"R": ".RData", "Python": "workspace.dill"}


@pytest.fixture(params=["R", "Python"])
def runtime(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def opened(api: Api) -> Iterator[Open]:
    """Opens sessions; gives their paths."""
    paths: list[str] = []

    def make(**request: Any) -> str:
        paths.append(f"/sessions/{api.expect(201, 'POST', '/sessions', json=request)['sessionId']}")
        return paths[-1]

    yield make
    for path in paths:
        api.http.delete(path)


def _run(api: Api, session: str, code: str, *outputs: str) -> dict[str, Any]:
    request = {"code": code, "outputParameters": outputs}
    reply = api.expect(200, "POST", f"{session}/execute", json=request)
    assert reply["success"], reply
    return {item["name"]: item["value"] for item in reply["outputParameters"]}


def _take(api: Api, session: str, name: str | None = None) -> str:
    return str(api.expect(201, "POST", f"{session}/snapshot", json={"name": name})["snapshotId"])


def _until_filled(api: Api, service: str) -> None:
    wait_until(lambda: api.expect(200, "GET", f"/services/{service}/pool")[0]["Status"] != "Pending")


def _zip(api: Api, snapshot: str) -> zipfile.ZipFile:
    response = api.http.get(f"/snapshots/{snapshot}").raise_for_status()
    return zipfile.ZipFile(io.BytesIO(response.content))


def test_a_snapshot_is_a_zip_of_the_files_and_the_workspace(api: Api, opened: Open, runtime: str) -> None:
    session = opened(runtimeType=runtime)
    _run(api, session, ASSIGN[runtime])
    api.expect(201, "POST", f"{session}/files", files={"file": ("data.csv", b"n\n1\n")})
    snapshot = _take(api, session)
    archive = _zip(api, snapshot)
    assert set(archive.namelist()) == {"data.csv", ".in/all/a b.txt", WORKSPACE[runtime]}
    assert archive.read("data.csv") == b"n\n1\n"
    assert archive.testzip() is None


def test_a_list_of_snapshots_tells_name_owner_time_and_size(api: Api, opened: Open) -> None:
    session = opened()
    ids = [_take(api, session, "first"), _take(api, session)]
    found = {item["id"]: item for item in api.expect(200, "GET", "/snapshots")}
    first, second = (found[id] for id in ids)
    assert (first["name"], len(second["name"]), first["owner"]) == ("first", 15, "testuser")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}", first["creationTime"])
    assert first["contentSize"] == len(api.http.get(f"/snapshots/{ids[0]}").content)


def test_loading_merges_objects_and_overwrites_files(api: Api, opened: Open, runtime: str) -> None:
    source, target = opened(runtimeType=runtime), opened(runtimeType=runtime)
    _run(api, source, ASSIGN[runtime])
    api.expect(201, "POST", f"{source}/files", files={"file": ("shared.txt", b"theirs")})
    _run(api, target, "y <- 'new'; z <- 5" if runtime == "R" else "y = 'new'; z = 5")
    for name in ("shared.txt", "own.txt"):
        api.expect(201, "POST", f"{target}/files", files={"file": (name, b"mine")})
    api.expect(200, "POST", f"{target}/loadsnapshot/{_take(api, source)}")
    assert _run(api, target, "1", "x", "y", "z") == {"x": [1, 2, 3], "y": "old", "z": 5}
    contents = [api.http.get(f"{target}/files/{name}").content for name in ("shared.txt", "own.txt")]
    assert contents == [b"theirs", b"mine"]


def test_a_session_can_begin_with_a_snapshot(api: Api, opened: Open, runtime: str) -> None:
    source = opened(runtimeType=runtime)
    _run(api, source, ASSIGN[runtime])
    target = opened(runtimeType=runtime, snapshotId=_take(api, source))
    assert _run(api, target, READ[runtime], "x", "text") == {"x": [1, 2, 3], "text": "one"}


def test_a_snapshot_goes_into_its_own_runtime_only(api: Api, opened: Open) -> None:
    r, python = opened(runtimeType="R"), opened(runtimeType="Python")
    snapshot = _take(api, r)
    before = len(api.expect(200, "GET", "/sessions"))
    assert "Python" in api.expect(400, "POST", f"{python}/loadsnapshot/{snapshot}")["message"]
    api.expect(400, "POST", "/sessions", json={"runtimeType": "Python", "snapshotId": snapshot})
    assert len(api.expect(200, "GET", "/sessions")) == before


def test_snapshots_of_others_are_absent(api: Api, owner: Api, opened: Open) -> None:
    session = opened()
    snapshot = _take(api, session)
    assert snapshot not in {item["id"] for item in owner.expect(200, "GET", "/snapshots")}
    owner.expect(404, "GET", f"/snapshots/{snapshot}")
    owner.expect(404, "DELETE", f"/snapshots/{snapshot}")
    owner.expect(404, "POST", "/sessions", json={"snapshotId": snapshot})
    owner.expect(404, "POST", f"{session}/snapshot", json={})
    api.expect(200, "GET", f"{session}/files")


def test_a_deleted_snapshot_is_gone(api: Api, opened: Open) -> None:
    session = opened()
    snapshot = _take(api, session)
    assert isinstance(api.expect(200, "DELETE", f"/snapshots/{snapshot}"), str)
    api.expect(404, "DELETE", f"/snapshots/{snapshot}")
    api.expect(404, "GET", f"/snapshots/{snapshot}")
    api.expect(404, "POST", f"{session}/loadsnapshot/{snapshot}")


def test_what_is_no_file_of_the_directory_is_in_no_snapshot(api: Api, opened: Open) -> None:
    session = opened()
    _run(api, session, "file.symlink('/etc/passwd', 'link'); system('mkfifo pipe'); cat(1, file = '.RData')")
    assert set(_zip(api, _take(api, session)).namelist()) == {".RData"}


def test_lists_of_files_and_changed_files_leave_directories_out(api: Api, opened: Open) -> None:
    session = opened()
    assert api.expect(200, "POST", f"{session}/execute", json={"code": ASSIGN["R"]})["changedFiles"] == []
    assert api.expect(200, "GET", f"{session}/files") == []


def test_packages_are_installed_into_the_session_and_come_with_its_snapshot(api: Api, opened: Open) -> None:
    session = opened()
    assert _run(api, session, f"{PACKAGE}library(mine); x <- f()", "x") == {"x": 42}
    snapshot = _take(api, session)
    assert _run(api, opened(snapshotId=snapshot), "library(mine); x <- f()", "x") == {"x": 42}
    outputs = [{"name": "x", "type": "numeric"}]
    service = {"code": "x <- f()", "initCode": "library(mine)", "outputParameterDefinitions": outputs}
    path = f"packages-{snapshot}/1"
    api.expect(201, "POST", f"/services/{path}", json={**service, "snapshotId": snapshot})
    assert api.expect(200, "POST", f"/api/{path}")["outputParameters"] == {"x": 42}
    api.expect(200, "POST", f"/services/{path}/pool", json={"InitialPoolSize": 1, "MaxPoolSize": 1})
    _until_filled(api, path)
    assert api.expect(200, "POST", f"/api/{path}")["outputParameters"] == {"x": 42}
    api.expect(200, "DELETE", f"/services/{path}")


def test_a_session_that_holds_too_much_is_not_kept(api: Api, opened: Open) -> None:
    session = opened()
    _run(api, session, "con <- file('huge', 'wb'); seek(con, 4e9, rw = 'write'); writeBin(1L, con); close(con)")
    api.expect(413, "POST", f"{session}/snapshot", json={})
    assert _run(api, session, "x <- 1", "x") == {"x": 1}
