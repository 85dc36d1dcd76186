"""Ids that do not exist, are somebody else's, or are no ids at all."""

from __future__ import annotations

import uuid

import pytest

from tests.badinput.calls import PROJECT_CALLS, Params
from tests.badinput.stage import Stage
from tests.badinput.verdicts import FORBIDDEN, HANDLED, MALFORMED, SUCCESS, UNAUTHENTICATED, UNKNOWN_CALL, verdict

UNKNOWN = f"PROJECT-{uuid.UUID(int=1)}"
NO_IDS = {
    "sql": "' OR 1=1 --",
    "path": "../../../etc",
    "nul": "x\x00y",
    "line break": "x\r\ny",
    "long": "x" * 100_000,
    "wildcard": "PROJECT-%",
    "lower case": "project-00000000-0000-0000-0000-000000000001",
    "another prefix": "STATELESS-00000000-0000-0000-0000-000000000001",
    "not Latin": "ПРОЕКТ-1",
    "two": "@project@,@project@",
    "a blank behind": "@project@ ",
    "full width": "ＰＲＯＪＥＣＴ-1",
}
RESULT = "/r/project/execute/result/download"
SCRIPT = "/r/repository/script/execute"
FILE = "/r/repository/file/download"
EXECUTIONS: list[tuple[str, Params, int]] = [
    (RESULT, {"project": "@project@", "execution": "EXEC-unknown", "filename": "@plot@"}, HANDLED),
    (RESULT, {"project": "@foreign@", "execution": "@execution@", "filename": "@plot@"}, FORBIDDEN),
    (f"{RESULT}/@project@/EXEC-unknown/@plot@", {}, HANDLED),
    (f"{RESULT}/@project@/@execution@/other.png", {}, HANDLED),
    (f"{RESULT}/@foreign@/@execution@/@plot@", {}, FORBIDDEN),
    (f"{RESULT}/@stateless@", {}, FORBIDDEN),
    (f"{RESULT}/STATELESS-unknown", {}, FORBIDDEN),
    ("/r/project/directory/download/@foreign@", {}, FORBIDDEN),
    ("/r/project/directory/download/@foreign@/kept.txt", {}, FORBIDDEN),
    ("/r/project/directory/download/@stateless@/made.txt", {}, FORBIDDEN),
    ("/r/repository/script/directory/download/@stateless@", {}, FORBIDDEN),
    ("/r/repository/script/directory/download/@stateless@/made.txt", {}, FORBIDDEN),
    ("/r/repository/script/directory/download/@project@/kept.txt", {}, FORBIDDEN),
    ("/r/repository/script/directory/download/@foreign@", {}, FORBIDDEN),
    ("/r/project/execute/flush", {"project": "@project@", "execution": "EXEC-unknown"}, HANDLED),
    ("/r/project/execute/result/delete", {"project": "@project@", "execution": "EXEC-unknown"}, HANDLED),
    ("/r/project/execute/result/delete", {"project": "@project@", "filename": "unknown.png"}, HANDLED),
    ("/r/project/execute/result/list", {"project": "@project@", "execution": "x\x00,%,EXEC-unknown"}, SUCCESS),
    ("/r/project/execute/history", {"project": "@project@", "execution": "' OR 1=1 --"}, SUCCESS),
]
FETCH, UPDATE = "/r/repository/file/fetch", "/r/repository/file/update"
FILES: list[tuple[str, Params, int]] = [
    (FETCH, {"author": "basic", "filename": "kept.R"}, HANDLED),
    (FETCH, {"author": "testuser", "filename": "kept.R", "version": "9.0"}, HANDLED),
    (FETCH, {"author": "testuser", "filename": "kept.R,kept.R"}, HANDLED),
    (UPDATE, {"filename": "unknown"}, HANDLED),
    (UPDATE, {"filename": "kept.R", "directory": "unknown"}, HANDLED),
    (UPDATE, {"filename": "kept.R", "directory": "../root"}, HANDLED),
    (FILE, {"author": "nobody", "filename": "kept.R"}, HANDLED),
    (FILE, {"author": "basic", "filename": "kept.R"}, HANDLED),
    (FILE, {"author": "' OR 1=1 --", "filename": "kept.R"}, HANDLED),
    (FILE, {"author": "testuser\x00", "filename": "kept.R"}, HANDLED),
    (FILE, {"author": "TESTUSER", "filename": "kept.R"}, HANDLED),
    (FILE, {"author": "testuser,basic", "filename": "kept.R"}, HANDLED),
    (FILE, {"author": "a" * 100_000, "filename": "kept.R"}, HANDLED),
    (FILE, {"author": "testuser", "filename": "kept.R,unknown"}, HANDLED),
    (FILE, {"author": "testuser", "filename": "kept.r"}, HANDLED),
    (FILE, {"author": "testuser", "filename": "kept%"}, HANDLED),
    (FILE, {"author": "testuser", "filename": "kept.R", "version": "9.0"}, HANDLED),
    (FILE, {"author": "testuser", "filename": "kept.R", "version": "-1"}, HANDLED),
    (FILE, {"author": "testuser", "filename": "kept.R", "version": "1.0' --"}, HANDLED),
    (FILE, {"author": "testuser", "filename": "kept.R", "version": "x\x00" * 50_000}, HANDLED),
    (FILE, {"author": "testuser", "filename": "kept.R", "directory": "unknown"}, HANDLED),
    (FILE, {"author": "testuser", "filename": "kept.R", "directory": "ROOT"}, HANDLED),
    (FILE, {"author": "testuser", "filename": "," * 500}, MALFORMED),
    (f"{FILE}/testuser/9.0/kept.R", {}, HANDLED),
    (f"{FILE}/testuser/unknown/kept.R", {}, HANDLED),
    (f"{FILE}/basic/kept.R", {}, HANDLED),
    (f"{FILE}/nobody/kept.R", {}, HANDLED),
    (f"{FILE}/testuser/root/1.0/extra/kept.R", {}, HANDLED),
    (f"{FILE}/testuser", {}, UNKNOWN_CALL),
    (SCRIPT, {"filename": "kept.R", "author": "basic"}, HANDLED),
    (SCRIPT, {"filename": "kept.R", "author": "nobody"}, HANDLED),
    (SCRIPT, {"filename": "kept.R,kept.R", "author": "testuser,basic"}, HANDLED),
    (SCRIPT, {"filename": "kept.R", "author": "testuser", "version": "9.0"}, HANDLED),
    (SCRIPT, {"filename": "kept.R", "author": "testuser", "directory": "x\x00"}, HANDLED),
    ("/r/project/execute/script", {"project": "@project@", "filename": "kept.R", "author": "basic"}, HANDLED),
    ("/r/project/execute/script", {"project": "@foreign@", "filename": "kept.R"}, FORBIDDEN),
    ("/r/repository/file/delete", {"filename": "kept.R,unknown"}, HANDLED),
    ("/r/repository/file/delete", {"filename": "kept.R", "directory": "unknown"}, HANDLED),
]
ANONYMOUS: list[tuple[str, Params, int]] = [
    (SCRIPT, {"filename": "kept.R", "author": "testuser"}, HANDLED),
    (SCRIPT, {"filename": "kept.R"}, HANDLED),
    (FILE, {"author": "testuser", "filename": "kept.R"}, HANDLED),
    (f"{FILE}/testuser/kept.R", {}, HANDLED),
    (RESULT, {"project": "@project@"}, UNAUTHENTICATED),
    (f"{RESULT}/@stateless@", {}, FORBIDDEN),
    (f"{RESULT}/@project@/@execution@/@plot@", {}, UNAUTHENTICATED),
    ("/r/project/directory/download/@project@/kept.txt", {}, UNAUTHENTICATED),
    ("/r/repository/script/directory/download/@stateless@/made.txt", {}, FORBIDDEN),
    ("/r/repository/script/list", {"filename": "kept.R"}, HANDLED),
]


@pytest.mark.parametrize("project", ["@foreign@", UNKNOWN, "@stateless@"])
@pytest.mark.parametrize(("call", "params"), PROJECT_CALLS.items())
def test_a_project_that_is_not_the_callers_is_forbidden(stage: Stage, call: str, params: Params, project: str) -> None:
    assert verdict(stage.post(call, {"project": project, **params})) == FORBIDDEN


@pytest.mark.parametrize("project", NO_IDS.values(), ids=NO_IDS)
@pytest.mark.parametrize("call", ["about", "close", "execute/code", "workspace/get", "directory/download"])
def test_what_is_no_id_is_forbidden_like_an_unknown_project(stage: Stage, call: str, project: str) -> None:
    params = {"project": project, **PROJECT_CALLS[f"/r/project/{call}"]}
    assert verdict(stage.post(f"/r/project/{call}", params)) == FORBIDDEN


@pytest.mark.parametrize("project", ["@foreign@", UNKNOWN, *NO_IDS.values()], ids=["foreign", "unknown", *NO_IDS])
def test_nothing_is_uploaded_to_a_project_that_is_not_the_callers(stage: Stage, project: str) -> None:
    params = {"project": project, "filename": "x.txt"}
    assert verdict(stage.post("/r/project/directory/upload", params, files={"file": ("x", b"x")})) == FORBIDDEN


@pytest.mark.parametrize(("call", "params", "expected"), [*EXECUTIONS, *FILES])
def test_unknown_and_foreign_parts_are_refused(stage: Stage, call: str, params: Params, expected: int) -> None:
    assert verdict(stage.post(call, params)) == expected


@pytest.mark.parametrize(("call", "params", "expected"), ANONYMOUS)
def test_an_anonymous_caller_reaches_nothing_of_users(stage: Stage, call: str, params: Params, expected: int) -> None:
    assert verdict(stage.post(call, params, caller="anonymous")) == expected


def test_a_foreign_and_an_unknown_project_are_not_told_apart(stage: Stage) -> None:
    replies = [stage.post("/r/project/about", {"project": project}) for project in ("@foreign@", UNKNOWN)]
    records = [reply.json()["deployr"]["response"] | {"uid": ""} for reply in replies]
    assert records[0] == records[1]


def test_a_foreign_and_an_unknown_file_are_not_told_apart(stage: Stage) -> None:
    replies = [stage.post(FILE, {"author": author, "filename": "kept.R"}) for author in ("basic", "nobody")]
    records = [reply.json()["deployr"]["response"] | {"uid": ""} for reply in replies]
    assert records[0] == records[1]
