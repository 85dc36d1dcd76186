"""Names of files that try to be more than a name."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.badinput.calls import OWN_URL
from tests.badinput.stage import Stage
from tests.badinput.verdicts import HANDLED, MALFORMED, SUCCESS, verdict
from tests.badinput.wire import Wire, request
from tests.server import record_of

REFUSED = {
    "parent": "../escaped",
    "far parent": "../" * 20 + "tmp/escaped",
    "inner parent": "a/../../escaped",
    "absolute": "/tmp/escaped",
    "url": "file:///tmp/escaped",
    "slash behind": "escaped/",
    "dot": ".",
    "two dots": "..",
    "backslashes": "..\\escaped",
    "drive": "C:\\escaped",
    "unc": "\\\\host\\escaped",
    "nul": "escaped\x00.txt",
    "nul only": "\x00",
    "line break": "escaped\r\nX-Injected: 1",
    "escape": "\x1b[31mescaped",
    "delete": "escaped\x7f",
    "long": "escaped" + "x" * 249,
    "very long": "escaped" * 20_000,
    "long in bytes": "é" * 128,
    "mixed": "....//escaped",
}
"""Refused for the working directory and for the repository."""

PLAIN = {
    "encoded nul": "escaped%00.txt",
    "encoded parent": "escaped..%2f..%2fx",
    "encoded twice": "escaped%252e%252e%252fx",
    "full-width parent": "．．／escaped",
    "division slash": "escaped∕..∕x",
    "one dot leader": "․․⁄escaped",
    "over-long dots": "…escaped",
    "right to left": "\u202eescaped",
    "zero width": "escaped\u200b",
    "composed": "escaped\u00e9",
    "decomposed": "escapede\u0301",
    "device": "escaped.CON",
    "stream": "escaped:stream",
    "shell": "$(touch escaped)`id`;|&",
    "option": "-rf escaped",
    "home": "~escaped",
    "wildcard": "escaped*?[a-z]",
    "quotes": "escaped\"'.txt",
    "markup": "<b>escaped</b>".replace("/", ""),
    "sql": "escaped' OR 1=1 --",
    "percent": "escaped%s%n%",
    "emoji": "escaped😀",
    "line separator": "escaped\u2028x",
}
"""Odd, but names: they mean themselves, and two that look alike are two."""

DELETES = {"/r/project/directory/delete": {"project": "@project@"}, "/r/repository/file/delete": {}}
RESULTS = {"/r/project/execute/result/delete": {"project": "@project@"}}
DOWNLOADS = {
    "/r/project/directory/download": {"project": "@project@"},
    "/r/repository/file/download": {"author": "testuser"},
    "/r/project/execute/result/download": {"project": "@project@"},
}
SCRIPTS = {
    "/r/project/execute/script": {"project": "@project@"},
    "/r/repository/script/execute": {"author": "testuser"},
    "/r/repository/script/list": {},
    "/r/repository/file/list": {},
    "/r/repository/file/fetch": {"author": "testuser"},
    "/r/repository/file/update": {},
    "/r/project/directory/update": {"project": "@project@", "rename": "escaped.txt"},
    "/r/project/directory/store": {"project": "@project@"},
    "/r/project/directory/load": {"project": "@project@"},
    "/r/project/workspace/load": {"project": "@project@"},
}
UPLOADS = {"/r/project/directory/upload": {"project": "@project@"}, "/r/repository/file/upload": {}}
WRITES: dict[str, dict[str, str]] = {
    **UPLOADS,
    "/r/repository/file/write": {"text": "x"},
    "/r/repository/file/transfer": {"url": OWN_URL},
    "/r/project/directory/write": {"project": "@project@", "text": "x"},
    "/r/project/directory/transfer": {"project": "@project@", "url": OWN_URL},
}
FINDERS: dict[str, dict[str, str]] = {**DELETES, **RESULTS, **DOWNLOADS, **SCRIPTS}
FILE = {"file": ("/tmp/escaped", b"x")}
BLACK_LISTED = ["escaped.exe", "escaped.SH", "escaped.tar.bash", "escaped..bat", ".csh"]


@pytest.mark.parametrize("name", REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize(("call", "params"), WRITES.items(), ids=WRITES)
def test_a_name_that_is_a_path_is_refused(stage: Stage, call: str, params: dict[str, str], name: str) -> None:
    assert verdict(stage.post(call, {**params, "filename": name}, files=FILE)) == HANDLED


@pytest.mark.parametrize("name", REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize(("call", "params"), FINDERS.items(), ids=FINDERS)
def test_there_is_no_file_of_such_a_name(stage: Stage, call: str, params: dict[str, str], name: str) -> None:
    assert verdict(stage.post(call, {**params, "filename": name})) == HANDLED


@pytest.mark.parametrize("name", PLAIN.values(), ids=PLAIN)
@pytest.mark.parametrize("place", ["directory", "repository"])
def test_an_odd_name_means_itself(stage: Stage, place: str, name: str) -> None:
    upload, delete = list(zip(UPLOADS, DELETES, strict=True))[place == "repository"]
    download = list(DOWNLOADS)[place == "repository"]
    params = {**UPLOADS[upload], "filename": name}
    assert verdict(stage.post(upload, params, files=FILE)) == SUCCESS
    found = stage.post(download, {**DOWNLOADS[download], "filename": name})
    assert (found.status_code, found.content) == (200, b"x")
    assert verdict(stage.post(delete, params)) == SUCCESS
    assert verdict(stage.post(delete, params)) == HANDLED


def test_names_that_look_alike_are_two(stage: Stage) -> None:
    composed, decomposed = PLAIN["composed"], PLAIN["decomposed"]
    for name in (composed, decomposed):
        stage.post("/r/repository/file/upload", {"filename": name}, files={"file": ("x", name.encode())})
    for name in (composed, decomposed):
        found = stage.post("/r/repository/file/download", {"author": "testuser", "filename": name})
        assert found.content == name.encode()
        assert verdict(stage.post("/r/repository/file/delete", {"filename": name})) == SUCCESS


@pytest.mark.parametrize(
    "name", ["..", "%2e%2e", "..%2fkept.txt", "%2e%2e%2f%2e%2e%2fetc%2fpasswd", "%00", "..%5ckept"]
)
@pytest.mark.parametrize(
    "path",
    [
        "/r/project/directory/download/@project@/",
        "/r/repository/file/download/testuser/",
        "/r/repository/file/download/testuser/root/",
        "/r/repository/script/directory/download/@stateless@/",
        "/r/project/execute/result/download/@project@/@execution@/",
    ],
)
def test_a_path_style_url_does_not_leave_its_place(stage: Stage, wire: Wire, path: str, name: str) -> None:
    target = stage.fill(path) + name
    reply = wire.exchange(request(target, kind=None, method="GET", headers=stage.cookie()), "GET")
    assert verdict(reply) in (HANDLED, 401, 403, 404)


@pytest.mark.parametrize("name", BLACK_LISTED)
@pytest.mark.parametrize(("call", "params"), WRITES.items(), ids=WRITES)
def test_types_on_the_black_list_are_refused(stage: Stage, call: str, params: dict[str, str], name: str) -> None:
    assert verdict(stage.post(call, {**params, "filename": name}, files=FILE)) == HANDLED


@pytest.mark.parametrize("directory", ["../..", "/tmp", "unknown", "ROOT", "public", "x\x00y", "d" * 10_000, "a/b"])
def test_nothing_is_uploaded_to_a_directory_that_is_not_there(stage: Stage, directory: str) -> None:
    params = {"filename": "escaped.txt", "directory": directory}
    assert verdict(stage.post("/r/repository/file/upload", params, files=FILE)) == HANDLED


def test_the_name_of_the_part_does_not_matter(stage: Stage, tmp_path: Path) -> None:
    params = {"project": "@project@", "filename": "named.txt", "overwrite": "true"}
    reply = stage.post("/r/project/directory/upload", params, files={"file": (f"{tmp_path}/escaped", b"x")})
    assert record_of(reply)["directory"]["file"]["filename"] == "named.txt"
    assert not (tmp_path / "escaped").exists()


@pytest.mark.parametrize("blank", [" ", "\t", "\u00a0", "   "], ids=ascii)
def test_blanks_are_no_name(stage: Stage, blank: str) -> None:
    assert verdict(stage.post("/r/repository/file/upload", {"filename": blank}, files=FILE)) in (HANDLED, MALFORMED)


MARKUP = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"


@pytest.mark.parametrize(
    "params", [{"filename": MARKUP}, {"filename": "kept.R", "author": MARKUP}, {"filename": "../x"}]
)
def test_the_page_of_a_script_shows_names_as_text(stage: Stage, params: dict[str, str]) -> None:
    reply = stage.post("/r/repository/script/render", params)
    assert (reply.status_code, reply.headers["content-type"].partition(";")[0]) == (200, "text/html")
    assert "<script>alert" not in reply.text
    assert "<img src=x" not in reply.text
