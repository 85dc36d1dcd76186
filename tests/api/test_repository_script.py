"""``/r/repository/script/*``: with and without a login."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from deployr.grid.client import SocketGrid
from deployr.users.http_sessions import digest_of
from tests.server import Client, Server, beside, record_of
from tests.waiting import eventually

HELLO: dict[str, Any] = {"filename": "DeployR - Hello World", "author": "testuser"}
SCRIPT_KEYS = {
    "filename", "name", "directory", "descr", "author", "authors", "version", "versionmsg", "latestby", "type",
    "category", "tags", "length", "sha256", "md5", "lastModified", "lastmodified", "restricted", "shared",
    "published", "access", "url",
}  # fmt: skip
EXECUTE = "/r/repository/script/execute"


@pytest.fixture
def script(testuser: Client) -> Iterator[Callable[..., Any]]:
    """Makes scripts, published unless said otherwise, that go with the test."""
    written = []

    def write(name: str, code: str | bytes, published: str = "true") -> dict[str, str]:
        sent = {"filename": name, "published": published, "files": {"file": code}}
        testuser.succeed("/r/repository/file/upload", **sent)
        written.append(name)
        return {"filename": name, "author": "testuser"}

    yield write
    testuser.succeed("/r/repository/file/delete", filename=",".join(written))


def test_anonymous_callers_see_published_scripts(anonymous: Client) -> None:
    scripts = record_of(anonymous.get("/r/repository/script/list", format="json"))["repository"]["scripts"]
    assert "Histogram of Auto Sales.R" in [entry["filename"] for entry in scripts]
    assert all(set(entry) == SCRIPT_KEYS for entry in scripts)
    assert {entry["access"] for entry in scripts} == {"Public"}


def test_a_user_sees_own_scripts(testuser: Client, script: Callable[..., Any]) -> None:
    script("mine.R", "1", published="false")
    scripts = testuser.succeed("/r/repository/script/list")["repository"]["scripts"]
    assert "mine.R" in [entry["filename"] for entry in scripts]


def test_a_stateless_execution_tells_all_it_did(anonymous: Client, script: Callable[..., Any]) -> None:
    reply = anonymous.succeed(EXECUTE, robjects="x", **script("full.R", "x <- 2; plot(x); cat('a', file='a b.txt')"))
    project = reply["project"]
    assert project["project"].startswith("STATELESS-")
    assert (project["name"], project["author"], project["live"]) == ("Project: Autosaved", "STATELESS", True)
    assert reply["workspace"]["objects"][0]["value"] == 2.0
    assert reply["repository"] == {"files": []}
    execution = reply["execution"]
    assert (execution["actor"], execution["interrupted"]) == ("anonymous", False)
    [plot], [artifact] = execution["results"], execution["artifacts"]
    assert anonymous.http.get(plot["url"]).content[:4] == b"\x89PNG"
    assert anonymous.http.get(artifact["url"]).content == b"a"
    assert "/r/repository/script/directory/download/" in artifact["url"]


def test_files_of_a_stateless_execution_are_their_callers(
    anonymous: Client, server: Server, testuser: Client, script: Callable[..., Any]
) -> None:
    reply = anonymous.succeed(EXECUTE, **script("files.R", "plot(1); cat('a', file='a.txt')"))
    urls = [reply["execution"][kind][0]["url"] for kind in ("results", "artifacts")]
    urls.append(f"/r/project/directory/download/{reply['project']['project']}/a.txt")
    assert [anonymous.http.get(url).status_code for url in urls] == [200, 200, 200]
    for client in (server.client(), testuser):
        assert [client.http.get(url).status_code for url in urls] == [403, 403, 403]


def test_urls_may_be_open_to_whoever_has_them(testuser: Client, server: Server, script: Callable[..., Any]) -> None:
    name, project = script("open.R", "plot(1); cat('a', file='a.txt')"), testuser.project()
    stateless = testuser.succeed(EXECUTE, **name)["execution"]
    executed = testuser.succeed("/r/project/execute/script", project=project, **name)["execution"]
    [plot] = testuser.succeed(EXECUTE, blackbox="true", **name)["execution"]["results"]
    urls = [made[kind][0]["url"] for made in (stateless, executed) for kind in ("results", "artifacts")]
    blackbox = httpx.URL(plot["url"]).path.split("/")[-3]
    with beside(server, projects__open_urls=True) as opened:
        client = opened.client()
        answers = [client.http.get(httpx.URL(url).path.removeprefix("/deployr")) for url in urls]
        assert [(answer.status_code, answer.content[:1]) for answer in answers] == [(200, b"\x89"), (200, b"a")] * 2
        for path in (project, f"{project}/a.txt,b.txt", f"{blackbox}/a.txt"):
            assert client.http.get(f"/r/project/directory/download/{path}").status_code in (401, 403)


def test_source_is_hidden_from_those_who_may_not_download_it(
    anonymous: Client, testuser: Client, script: Callable[..., Any]
) -> None:
    name = script("secret.R", "x <- 1 # secret\nprint(x)")
    hidden = anonymous.succeed(EXECUTE, **name)["execution"]
    assert (hidden["code"], hidden["console"]) == ("", "[1] 1\n")
    shown = testuser.succeed(EXECUTE, **name)["execution"]
    assert "secret" in shown["code"]
    assert "secret" in shown["console"]


def test_a_stateless_execution_begins_with_nothing(anonymous: Client, script: Callable[..., Any]) -> None:
    name = script("state.R", "n <- length(ls()); kept <- 1")
    for _ in range(2):
        assert anonymous.succeed(EXECUTE, robjects="n", **name)["workspace"]["objects"][0]["value"] == 0


def test_a_blackbox_keeps_its_state_until_it_is_recycled(anonymous: Client, script: Callable[..., Any]) -> None:
    name = script("counter.R", "n <- if (exists('n')) n + 1 else 1; plot(1); cat('a', file='a.txt')")

    def run(**params: str) -> tuple[float, str]:
        reply = anonymous.succeed(EXECUTE, robjects="n", blackbox="true", **name, **params)
        execution = reply["execution"]
        assert (execution["code"], execution["artifacts"], len(execution["results"])) == ("", [], 1)
        assert anonymous.http.get(execution["results"][0]["url"]).status_code == 200
        return float(reply["workspace"]["objects"][0]["value"]), str(reply["project"]["project"])

    (first, project), (second, again), (third, _) = run(), run(), run(recycle="true")
    assert (first, second, third) == (1.0, 2.0, 1.0)
    assert project == again
    url = f"/r/repository/script/directory/download/{project}/a.txt"
    assert anonymous.http.get(url).status_code == 403


def test_each_http_session_has_a_blackbox_of_its_own(server: Server, script: Callable[..., Any]) -> None:
    name = script("own.R", "n <- if (exists('n')) n + 1 else 1")
    values = [
        server.client().succeed(EXECUTE, robjects="n", blackbox="true", **name)["workspace"]["objects"][0]["value"]
        for _ in range(2)
    ]
    assert values == [1.0, 1.0]


def test_an_error_of_r_is_a_handled_failure(anonymous: Client, script: Callable[..., Any]) -> None:
    response = anonymous.post(EXECUTE, **script("broken.R", "cat('before'); stop('broken')"))
    record = record_of(response)
    assert (response.status_code, record["success"], record["errorCode"]) == (200, False, 900)
    assert (record["error"], record["execution"]["console"][:6]) == ("broken", "before")


def test_store_options_of_anonymous_callers_are_ignored(anonymous: Client) -> None:
    reply = anonymous.succeed(EXECUTE, storeobject="x", storeworkspace="w", csvinputs="input_randomNum,3", **HELLO)
    assert reply["repository"]["files"] == []


def test_private_and_unknown_scripts_are_not_there(anonymous: Client, script: Callable[..., Any]) -> None:
    private = anonymous.fail(EXECUTE, **script("private.R", "1", published="false"))
    unknown = anonymous.fail(EXECUTE, filename="private2.R", author="testuser")
    assert private["error"].replace("private.R", "") == unknown["error"].replace("private2.R", "")
    anonymous.fail(EXECUTE, status=400)


def test_an_unknown_cluster_is_refused(anonymous: Client) -> None:
    anonymous.fail(EXECUTE, error_code=913, cluster="no such cluster", **HELLO)


def test_executions_of_one_session_run_side_by_side(anonymous: Client, script: Callable[..., Any]) -> None:
    name = script("wait.R", "x <- Sys.getpid()")
    anonymous.get("/r/server/info")
    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda _: anonymous.succeed(EXECUTE, robjects="x", **name), range(16)))
    assert len({reply["workspace"]["objects"][0]["value"] for reply in replies}) == 16


def test_a_blackbox_is_interrupted(anonymous: Client, script: Callable[..., Any]) -> None:
    name = script("endless.R", "repeat {}")
    assert anonymous.succeed("/r/repository/script/interrupt")["interrupted"] is False
    with ThreadPoolExecutor() as pool:
        reply = pool.submit(anonymous.fail, EXECUTE, blackbox="true", **name)
        while not anonymous.succeed("/r/repository/script/interrupt")["interrupted"]:
            assert not reply.done()
        assert reply.result()["execution"]["interrupted"] is True


async def test_a_stateless_execution_ends_when_its_caller_hangs_up(
    server: Server, anonymous: Client, script: Callable[..., Any]
) -> None:
    name = script("abandoned.R", "repeat {}")
    anonymous.get("/r/server/info")
    owner = f"http:{digest_of(anonymous.http.cookies['JSESSIONID'])}"
    grid = SocketGrid(server.settings.grid_socket)

    async def is_gone() -> bool:
        return not await grid.sessions(owner=owner)

    async with httpx.AsyncClient(base_url=server.url, cookies=anonymous.http.cookies, timeout=60) as http:
        call = asyncio.create_task(http.post(EXECUTE, data=name))
        await eventually(lambda: grid.sessions(owner=owner))
        call.cancel()
        await asyncio.wait([call])
    await eventually(is_gone)
    await grid.aclose()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1"])
def test_scripts_are_read_whatever_their_encoding(testuser: Client, script: Callable[..., Any], encoding: str) -> None:
    name = script("accents.R", "x <- 'café'".encode(encoding))
    assert testuser.succeed(EXECUTE, robjects="x", **name)["workspace"]["objects"][0]["value"] == "café"
