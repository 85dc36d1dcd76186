"""Parameters that are missing, of the wrong type, or out of bounds."""

from __future__ import annotations

import pytest

from tests.badinput.calls import REQUIRED, USER_CALLS, Params
from tests.badinput.stage import Stage
from tests.badinput.verdicts import FORBIDDEN, HANDLED, MALFORMED, SUCCESS, UNAUTHENTICATED, verdict

HUGE_NUMBER = "9" * 400
EXECUTE = "/r/project/execute/code"
EXECUTABLE = {"project": "@project@", "code": "1"}
HISTORY = "/r/project/execute/history"
OBJECTS = "/r/project/workspace/list"
PROJECT = {"project": "@project@"}
GET = {"project": "@project@", "name": "kept"}
SCRIPT = {"filename": "kept.R", "author": "testuser"}

NO_BOOLEANS = ["yes", "1", "null", "truefalse", "TRUE,FALSE", "\x00", "ｔｒｕｅ", "t" * 10000]
FLAGS: list[tuple[str, Params, str]] = [
    ("/r/project/create", {}, "blackbox"),
    ("/r/project/list", {}, "isordered"),
    ("/r/project/about/update", PROJECT, "shared"),
    ("/r/project/recycle", PROJECT, "preserveworkspace"),
    ("/r/user/autosave", {}, "enable"),
    ("/r/repository/file/update", {"filename": "kept.R"}, "published"),
    ("/r/repository/file/write", {"filename": "kept.R", "text": "1"}, "newversion"),
    (EXECUTE, EXECUTABLE, "phantom"),
    (EXECUTE, EXECUTABLE, "echooff"),
    (EXECUTE, EXECUTABLE, "encodeDataFramePrimitiveAsVector"),
    (HISTORY, PROJECT, "reversed"),
    (OBJECTS, PROJECT, "restrict"),
    ("/r/project/close", PROJECT, "dropworkspace"),
    ("/r/repository/file/list", {}, "shared"),
    ("/r/repository/script/execute", SCRIPT, "blackbox"),
    ("/r/repository/script/list", {}, "published"),
]
NO_INTEGERS = ["x", "1.5", "1e3", "0x10", "--1", "NaN", HUGE_NUMBER, "１２", "1 2", "\x00"]
NUMBERS: list[tuple[str, Params, str]] = [
    (EXECUTE, EXECUTABLE, "graphicswidth"),
    (HISTORY, PROJECT, "filterdepth"),
    (OBJECTS, PROJECT, "pagesize"),
    ("/r/project/workspace/get", GET, "start"),
]
OUT_OF_BOUNDS: list[tuple[str, Params, int]] = [
    (EXECUTE, {**EXECUTABLE, "graphicswidth": "-1"}, MALFORMED),
    (EXECUTE, {**EXECUTABLE, "graphicsheight": "10001"}, MALFORMED),
    (EXECUTE, {**EXECUTABLE, "graphics": "gif"}, MALFORMED),
    (EXECUTE, {**EXECUTABLE, "graphics": "png;system('id')"}, MALFORMED),
    (EXECUTE, {**EXECUTABLE, "format": "yaml"}, MALFORMED),
    (EXECUTE, {**EXECUTABLE, "format": "json\r\nX-Injected: 1"}, MALFORMED),
    (EXECUTE, {**EXECUTABLE, "robjects": "no such object"}, SUCCESS),
    (EXECUTE, {**EXECUTABLE, "robjects": "x\x00y"}, HANDLED),
    (EXECUTE, {**EXECUTABLE, "robjects": "kept," * 5000}, SUCCESS),
    (EXECUTE, {**EXECUTABLE, "code": "stop('no')"}, HANDLED),
    (EXECUTE, {**EXECUTABLE, "code": "x <- ("}, HANDLED),
    (EXECUTE, {**EXECUTABLE, "code": "a\x00b"}, HANDLED),
    (EXECUTE, {**EXECUTABLE, "code": "(" * 100_000}, HANDLED),
    (EXECUTE, {**EXECUTABLE, "code": "\ufeff1"}, HANDLED),
    (EXECUTE, {**EXECUTABLE, "tag": "\x00\x1b[31m" * 1000}, SUCCESS),
    (EXECUTE, {**EXECUTABLE, "nan": "\x00", "infinity": "x" * 10000}, SUCCESS),
    ("/r/project/pool", {"poolsize": "0"}, MALFORMED),
    ("/r/project/pool", {"poolsize": "-1"}, MALFORMED),
    ("/r/project/pool", {"poolsize": "many"}, MALFORMED),
    ("/r/project/pool", {"poolsize": HUGE_NUMBER}, MALFORMED),
    ("/r/project/grant", {**PROJECT, "newauthor": "nobody"}, HANDLED),
    ("/r/project/grant", {**PROJECT, "newauthor": "' OR 1=1 --"}, HANDLED),
    ("/r/project/package/attach", {**PROJECT, "name": "nosuchpackage"}, HANDLED),
    ("/r/project/package/attach", {**PROJECT, "name": "stats4);system('id'"}, HANDLED),
    ("/r/project/package/attach", {**PROJECT, "name": "../../x\x00"}, HANDLED),
    ("/r/project/package/detach", {**PROJECT, "name": "base"}, HANDLED),
    ("/r/project/directory/update", {**PROJECT, "filename": "kept.txt", "rename": "../escaped"}, HANDLED),
    ("/r/project/directory/update", {**PROJECT, "filename": "kept.txt", "rename": "/tmp/escaped"}, HANDLED),
    ("/r/project/directory/update", {**PROJECT, "filename": "kept.txt", "rename": "escaped\x00"}, HANDLED),
    ("/r/project/workspace/load", {**PROJECT, "filename": "kept.R"}, HANDLED),
    (HISTORY, {**PROJECT, "filterdepth": "-1"}, HANDLED),
    (HISTORY, {**PROJECT, "filterdepth": "9" * 18}, SUCCESS),
    (OBJECTS, {**PROJECT, "pagesize": "-5", "pageoffset": "-5"}, SUCCESS),
    (OBJECTS, {**PROJECT, "pagesize": "9" * 18, "pageoffset": "9" * 18}, SUCCESS),
    (OBJECTS, {**PROJECT, "filter": "[[["}, SUCCESS),
    (OBJECTS, {**PROJECT, "clazz": "x" * 10000}, SUCCESS),
    (OBJECTS, {**PROJECT, "root": "no such object"}, HANDLED),
    (OBJECTS, {**PROJECT, "root": "kept$x[[1]];system('id')"}, HANDLED),
    ("/r/project/workspace/get", {**GET, "start": "-1"}, SUCCESS),
    ("/r/project/workspace/get", {**GET, "length": "-1"}, SUCCESS),
    ("/r/project/workspace/get", {**GET, "start": "9" * 18}, SUCCESS),
    ("/r/project/workspace/get", {**PROJECT, "name": "system('id')"}, HANDLED),
    ("/r/project/workspace/get", {**PROJECT, "name": "no such object"}, HANDLED),
    ("/r/project/workspace/get", {**PROJECT, "name": ",,,"}, MALFORMED),
    ("/r/project/workspace/get", {**PROJECT, "name": "x" * 20000}, HANDLED),
    ("/r/project/workspace/delete", {**PROJECT, "name": "no such object"}, HANDLED),
    ("/r/project/workspace/delete", {**PROJECT, "name": ".Random.seed,kept,\x00"}, HANDLED),
    ("/r/project/directory/list", {**PROJECT, "filter": "no such category"}, HANDLED),
    ("/r/repository/file/list", {"categoryFilter": "no such category"}, HANDLED),
    ("/r/repository/file/list", {"directory": "no such directory"}, HANDLED),
    ("/r/repository/file/list", {"filename": "no such file"}, HANDLED),
    ("/r/repository/file/list", {"external": "true", "directory": "../../etc"}, HANDLED),
    ("/r/repository/script/list", {"filename": "%"}, HANDLED),
    ("/r/repository/script/list", {"directory": "' OR 1=1 --"}, HANDLED),
    ("/r/repository/script/execute", {**SCRIPT, "cluster": "no such cluster"}, 913),
    ("/r/project/create", {"cluster": "no such cluster\x00"}, 913),
    ("/r/user/login", {"username": "testuser\x00", "password": "hunter2"}, 940),
    ("/r/user/login", {"username": "u" * 100_000, "password": "hunter2"}, 940),
    ("/r/user/login", {"username": "nobody", "password": "hunter2" * 100_000}, 940),
    ("/r/user/login", {"username": "' OR '1'='1", "password": "hunter2"}, 940),
    ("/r/user/login", {"username": "ｔｅｓｔｕｓｅｒ", "password": "changeme"}, 940),
    ("/r/user/login", {"username": "TESTUSER", "password": "changeme"}, 940),
    ("/r/user/login", {"username": "testuser", "password": "changeme", "disableautosave": "perhaps"}, MALFORMED),
]


@pytest.mark.parametrize(("call", "params", "missing"), REQUIRED)
def test_a_call_cannot_do_without_its_parameters(stage: Stage, call: str, params: Params, missing: str) -> None:
    left = {name: value for name, value in params.items() if name != missing}
    assert verdict(stage.post(call, left)) == MALFORMED


# .NET sends an empty name with a copy that is to be called as its original.
@pytest.mark.parametrize(("call", "params", "missing"), [case for case in REQUIRED if case[0] != "/r/project/saveas"])
def test_an_empty_parameter_is_none(stage: Stage, call: str, params: Params, missing: str) -> None:
    assert verdict(stage.post(call, params | {missing: ""})) == MALFORMED


@pytest.mark.parametrize("value", NO_BOOLEANS, ids=lambda value: ascii(value[:20]))
@pytest.mark.parametrize(("call", "params", "name"), FLAGS)
def test_what_is_no_boolean_is_refused(stage: Stage, call: str, params: Params, name: str, value: str) -> None:
    assert verdict(stage.post(call, {**params, name: value})) == MALFORMED


@pytest.mark.parametrize("value", NO_INTEGERS, ids=lambda value: ascii(value[:20]))
@pytest.mark.parametrize(("call", "params", "name"), NUMBERS)
def test_what_is_no_integer_is_refused(stage: Stage, call: str, params: Params, name: str, value: str) -> None:
    assert verdict(stage.post(call, {**params, name: value})) == MALFORMED


@pytest.mark.parametrize(("call", "params", "expected"), OUT_OF_BOUNDS)
def test_values_out_of_bounds_have_their_answer(stage: Stage, call: str, params: Params, expected: int) -> None:
    assert verdict(stage.post(call, params)) == expected


@pytest.mark.parametrize(("call", "params"), USER_CALLS.items())
def test_a_call_of_users_is_refused_without_login(stage: Stage, call: str, params: Params) -> None:
    assert verdict(stage.post(call, params, caller="anonymous")) == UNAUTHENTICATED


def test_logout_without_login_is_forbidden(stage: Stage) -> None:
    assert verdict(stage.post("/r/user/logout", {}, caller="anonymous")) == FORBIDDEN


def test_a_basic_user_runs_no_code(stage: Stage) -> None:
    params = {"project": "@foreign@", "code": "1"}
    assert verdict(stage.post("/r/project/execute/code", params, caller="other")) == FORBIDDEN


NO_URLS = [
    "file:///etc/passwd",
    "ftp://127.0.0.1/x",
    "gopher://127.0.0.1:1/x",
    "data:text/plain,x",
    "http://",
    "http:///x",
    "//",
    "x",
    "http://127.0.0.1:1/x",
    "http://localhost:1/x",
    "http://[::1]:1/x",
    "http://[::ffff:127.0.0.1]:1/x",
    "http://2130706433:1/x",
    "http://0:1/x",
    "http://169.254.169.254/latest/meta-data/",
    "http://10.0.0.1:1/x",
    "http://user:hunter2@127.0.0.1:1/x",
    "http://127.0.0.1:99999/x",
    "http://[::1/x",
    "http://\x00/x",
    "http://127.0.0.1:1/x\r\nX-Injected: 1",
    "http://" + "a" * 100_000,
    "/deployr/r/project/delete?project=@project@",
    "/deployr/r/repository/file/download/basic/kept.R",
    "/deployr/r/../../../etc/passwd",
    "/etc/passwd",
]
TRANSFERS: dict[str, Params] = {
    "/r/project/directory/transfer": {**PROJECT, "filename": "fetched.txt"},
    "/r/project/workspace/transfer": PROJECT,
    "/r/repository/file/transfer": {"filename": "fetched.txt"},
}


@pytest.mark.parametrize("url", NO_URLS, ids=lambda url: ascii(url[:40]))
@pytest.mark.parametrize(("call", "params"), TRANSFERS.items(), ids=TRANSFERS)
def test_nothing_is_fetched_from_where_the_caller_could_not_go(
    stage: Stage, call: str, params: Params, url: str
) -> None:
    assert verdict(stage.post(call, {**params, "url": url})) in (HANDLED, FORBIDDEN, MALFORMED)


@pytest.mark.parametrize("url", NO_URLS[:8] + NO_URLS[-4:], ids=lambda url: ascii(url[:40]))
def test_no_code_is_run_from_there(stage: Stage, url: str) -> None:
    params = {**PROJECT, "externalsource": url}
    assert verdict(stage.post("/r/project/execute/script", params)) in (HANDLED, FORBIDDEN, MALFORMED)
