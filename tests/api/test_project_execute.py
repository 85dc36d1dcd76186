"""``/r/project/execute/*``."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.server import BASIC_USER, Client, Server, record_of

EXECUTION_KEYS = {
    "execution", "code", "tag", "actor", "timeStart", "timeCode", "timeTotal", "console", "resultsGenerated",
    "resultsAvailable", "interrupted", "results", "artifacts", "warnings", "info", "help",
}  # fmt: skip
HISTORY_KEYS = (EXECUTION_KEYS - {"results", "artifacts", "info", "help"}) | {
    "resourceUsage", "onDate", "success", "error", "errorCode",
}  # fmt: skip
RESULT_KEYS = {"execution", "filename", "length", "type", "sha256", "md5", "url"}
ARTIFACT_KEYS = {
    "filename", "descr", "length", "type", "category", "lastmodified", "lastModified", "url", "project",
}  # fmt: skip
HELLO = {"filename": "DeployR - Hello World", "author": "testuser"}


@pytest.fixture
def project(testuser: Client) -> str:
    return testuser.project()


def console(client: Client, project: str, **params: str) -> Any:
    return client.execute(project, "x <- 1\nprint(x)", **params)["execution"]["console"]


def test_code_tells_all_it_did(testuser: Client, project: str) -> None:
    reply = testuser.execute(project, "x <- c(1, 2)\rplot(x)\rpng('named.png')\rplot(x)", tag="mark", robjects="x")
    assert list(reply)[:6] == ["success", "call", "project", "interrupted", "execution", "workspace"]
    assert reply["repository"] == {"files": []}
    execution = reply["execution"]
    assert set(execution) == EXECUTION_KEYS
    assert (execution["tag"], execution["actor"], execution["interrupted"]) == ("mark", "testuser", False)
    assert execution["code"].startswith("x <- c(1, 2)\rplot")
    assert [set(entry) for entry in execution["results"]] == [RESULT_KEYS]
    assert [set(entry) for entry in execution["artifacts"]] == [ARTIFACT_KEYS]
    assert execution["results"][0]["filename"] == "unnamedplot001.png"
    assert execution["artifacts"][0]["filename"] == "named.png"
    assert reply["workspace"]["objects"] == [{"name": "x", "type": "vector", "rclass": "numeric", "value": [1.0, 2.0]}]


def test_the_console_echoes_unless_it_is_turned_off(testuser: Client, project: str) -> None:
    assert console(testuser, project) == "\n> x <- 1\n\n> print(x)\n[1] 1\n"
    assert console(testuser, project, echooff="true") == "[1] 1\n"
    assert console(testuser, project, consoleoff="True") == ""


def test_artifacts_may_be_left_out(testuser: Client, project: str) -> None:
    reply = testuser.execute(project, "cat('a', file='a.txt')", artifactsoff="true")
    assert reply["execution"]["artifacts"] == []


def test_plots_have_the_device_asked_for(testuser: Client, project: str) -> None:
    reply = testuser.execute(project, "plot(1)", graphics="svg")
    assert reply["execution"]["results"][0]["type"] == "image/svg+xml"


def test_objects_come_in_the_order_asked_and_unknown_ones_are_warned_of(testuser: Client, project: str) -> None:
    reply = testuser.execute(project, "a <- 1; b <- 'x'", robjects="b,none,a,")
    assert [entry["name"] for entry in reply["workspace"]["objects"]] == ["b", "a"]
    assert reply["execution"]["warnings"] == ["Object not found: none."]


def test_the_old_name_of_robjects_is_taken_too(testuser: Client, project: str) -> None:
    assert testuser.execute(project, "a <- 1", robject="a")["workspace"]["objects"][0]["name"] == "a"


def test_inputs_are_there_before_the_code(testuser: Client, project: str) -> None:
    inputs = '{"v": {"type": "vector", "value": [1.5, null, 3]}}'
    reply = testuser.execute(project, "n <- sum(is.na(v)) + k", inputs=inputs, csvinputs="k,10", robjects="n,v")
    assert reply["workspace"]["objects"][0]["value"] == 11.0
    assert reply["workspace"]["objects"][1]["value"] == [1.5, None, 3.0]


def test_the_caller_chooses_what_stands_for_missing_and_infinite(testuser: Client, project: str) -> None:
    code = "v <- c(1, NA, Inf); f <- data.frame(a = 1)"
    plain = testuser.execute(project, code, robjects="v,f")["workspace"]["objects"]
    assert plain[0]["value"] == [1.0, None, "0x7ff0000000000000L"]
    assert plain[1]["value"][0]["type"] == "primitive"
    sent = {"nan": "NA", "infinity": "INF", "encodeDataFramePrimitiveAsVector": "true"}
    chosen = testuser.execute(project, code, robjects="v,f", **sent)["workspace"]["objects"]
    assert chosen[0]["value"] == [1.0, "NA", "INF"]
    assert chosen[1]["value"][0]["type"] == "vector"


def test_a_large_value_arrives_whole(testuser: Client, project: str) -> None:
    reply = testuser.execute(project, "big <- seq(0, 1, length.out = 200000)", robjects="big")
    value = reply["workspace"]["objects"][0]["value"]
    assert (len(value), value[-1]) == (200000, 1.0)


def test_an_error_of_r_is_a_handled_failure_with_all_that_was_done(testuser: Client, project: str) -> None:
    response = testuser.post("/r/project/execute/code", project=project, code="kept <- 1\nstop('broken')")
    record = record_of(response)
    assert (response.status_code, record["success"], record["errorCode"]) == (200, False, 900)
    assert "broken" in record["error"]
    assert "> kept <- 1" in record["execution"]["console"]
    assert (record["project"]["project"], record["interrupted"]) == (project, False)
    assert testuser.succeed("/r/project/workspace/get", project=project, name="kept")


def test_a_syntax_error_runs_nothing(testuser: Client, project: str) -> None:
    response = testuser.post("/r/project/execute/code", project=project, code="y <- 1\ny <-")
    assert record_of(response)["errorCode"] == 900
    assert testuser.succeed("/r/project/workspace/list", project=project)["workspace"]["objects"] == []


def test_warnings_are_told(testuser: Client, project: str) -> None:
    assert testuser.execute(project, "warning('careful')")["execution"]["warnings"] == ["careful"]


def test_bad_inputs_run_nothing(testuser: Client, project: str) -> None:
    response = testuser.post("/r/project/execute/code", project=project, code="y <- 1", inputs="{")
    assert (response.status_code, record_of(response)["errorCode"]) == (200, 900)
    assert testuser.succeed("/r/project/execute/history", project=project)["execution"]["history"] == []


def test_code_must_be_given_and_be_in_a_project_of_the_caller(
    testuser: Client, anonymous: Client, project: str, server: Server
) -> None:
    assert testuser.post("/r/project/execute/code", project=project).status_code == 400
    assert anonymous.post("/r/project/execute/code", project=project, code="1").status_code == 401
    other = server.login("admin")
    assert other.post("/r/project/execute/code", project=project, code="1").status_code == 403


def test_a_basic_user_executes_scripts_but_no_code(server: Server) -> None:
    basic = server.login(BASIC_USER, "Password1")
    project = basic.project(projectname="Scripted")
    basic.succeed("/r/project/close", project=project)
    assert basic.post("/r/project/execute/code", project=project, code="1").status_code == 403
    assert not basic.succeed("/r/project/ping", project=project)["project"]["live"]
    sent = {"project": project, "csvinputs": "input_randomNum,2", "robjects": "x", **HELLO}
    reply = basic.succeed("/r/project/execute/script", **sent)
    assert len(reply["workspace"]["objects"][0]["value"]) == 2
    basic.succeed("/r/project/delete", project=project)
    basic.logout()


def test_scripts_are_chained_in_one_session(testuser: Client, project: str) -> None:
    for name, code in (("chain1.R", "a <- 1"), ("chain2.R", "b <- a + 1")):
        testuser.succeed("/r/repository/file/upload", filename=name, files={"file": code})
    reply = testuser.succeed("/r/project/execute/script", project=project, filename="chain1,chain2.R", robjects="b")
    assert reply["workspace"]["objects"][0]["value"] == 2.0
    assert reply["execution"]["code"] == "a <- 1\nb <- a + 1"
    testuser.succeed("/r/repository/file/delete", filename="chain1.R,chain2.R")


def test_an_unknown_script_is_a_handled_failure(testuser: Client, project: str) -> None:
    testuser.fail("/r/project/execute/script", project=project, filename="no such script")
    testuser.fail("/r/project/execute/script", status=400, project=project)


def test_history_and_console_tell_what_was_run(testuser: Client, project: str) -> None:
    assert testuser.succeed("/r/project/execute/console", project=project)["execution"] == {"console": None}
    first = testuser.execute(project, "a <- 1", tag="t")["execution"]
    testuser.execute(project, "hidden <- 1", phantom="true")
    second = testuser.execute(project, "plot(1)")["execution"]

    def history(**params: str) -> Any:
        record = testuser.succeed("/r/project/execute/history", project=project, **params)
        return record["execution"]["history"]

    assert [entry["execution"] for entry in history()] == [first["execution"], second["execution"]]
    assert set(history()[0]) == HISTORY_KEYS
    assert [entry["execution"] for entry in history(reversed="true")] == [second["execution"], first["execution"]]
    assert [entry["execution"] for entry in history(filterdepth="1")] == [second["execution"]]
    assert [entry["execution"] for entry in history(filtertag="t")] == [first["execution"]]
    assert [entry["execution"] for entry in history(execution=first["execution"] + ",")] == [first["execution"]]
    assert (history()[0]["resourceUsage"], history()[0]["warnings"]) == (len("\n> a <- 1\n"), None)
    assert history()[1]["resourceUsage"] == len("\n> plot(1)\n") + second["results"][0]["length"]
    reply = testuser.succeed("/r/project/execute/console", project=project)
    assert reply["execution"]["console"] == "\n> plot(1)\n"


def test_a_failed_execution_is_in_the_history(testuser: Client, project: str) -> None:
    testuser.post("/r/project/execute/code", project=project, code="stop('broken')")
    [entry] = testuser.succeed("/r/project/execute/history", project=project)["execution"]["history"]
    assert (entry["success"], entry["error"], entry["errorCode"]) == (False, "broken", 900)


def test_results_are_listed_and_downloaded(testuser: Client, project: str) -> None:
    first = testuser.execute(project, "plot(1); plot(2)")["execution"]
    second = testuser.execute(project, "plot(3)")["execution"]
    listed = testuser.succeed("/r/project/execute/result/list", project=project)["execution"]["results"]
    assert [entry["execution"] for entry in listed] == [first["execution"]] * 2 + [second["execution"]]
    only = testuser.succeed("/r/project/execute/result/list", project=project, execution=second["execution"])
    assert [set(entry) for entry in only["execution"]["results"]] == [RESULT_KEYS]
    plot = testuser.http.get(listed[0]["url"])
    assert (plot.headers["content-type"], len(plot.content)) == ("image/png", listed[0]["length"])
    assert listed[0]["sha256"] == listed[0]["md5"] == hashlib.sha256(plot.content).hexdigest()
    base = f"/r/project/execute/result/download/{project}"
    assert len(names_in(testuser.http.get(base))) == 3
    assert names_in(testuser.http.get(f"{base}/{first['execution']}")) == ["unnamedplot001.png", "unnamedplot002.png"]
    by_name = testuser.get("/r/project/execute/result/download", project=project, filename="unnamedplot002.png")
    assert by_name.content[:4] == b"\x89PNG"


def test_results_need_the_right_caller_and_name(testuser: Client, server: Server, project: str) -> None:
    testuser.execute(project, "plot(1)")
    call = "/r/project/execute/result/download"
    assert server.client().get(call, project=project).status_code == 401
    assert server.login("admin").get(call, project=project).status_code == 403
    testuser.fail(call, project=project, filename="none.png")


@pytest.fixture
def busy(testuser: Client, project: str) -> Iterator[Callable[[], Any]]:
    """Runs code that does not end by itself; calling it waits for the reply."""
    data = {"project": project, "code": "kept <- 1\ncat('', file='started')\nrepeat {}"}
    with ThreadPoolExecutor() as pool:
        reply = pool.submit(testuser.http.post, "/r/project/execute/code", data=data)
        while not testuser.succeed("/r/project/directory/list", project=project)["directory"]["files"]:
            assert not reply.done()
        yield lambda: record_of(reply.result())
        testuser.succeed("/r/project/execute/interrupt", project=project)


def test_an_interrupted_execution_fails_and_says_so(testuser: Client, project: str, busy: Callable[[], Any]) -> None:
    testuser.succeed("/r/project/execute/interrupt", project=project)
    record = busy()
    assert (record["success"], record["interrupted"], record["execution"]["interrupted"]) == (False, True, True)
    assert (record["error"], record["errorCode"]) == ("The execution was interrupted.", 900)
    assert testuser.succeed("/r/project/workspace/get", project=project, name="kept")


def test_an_interrupt_of_nothing_has_no_effect(testuser: Client, project: str) -> None:
    assert testuser.succeed("/r/project/execute/interrupt", project=project)["project"]["project"] == project


def test_a_second_call_on_a_busy_project_is_refused_and_looking_is_not(
    testuser: Client, project: str, busy: Callable[[], Any]
) -> None:
    testuser.fail("/r/project/workspace/list", status=409, project=project)
    testuser.fail("/r/project/execute/code", status=409, project=project, code="1")
    for call in ("ping", "about", "execute/history", "execute/console", "directory/list"):
        testuser.succeed(f"/r/project/{call}", project=project)


def names_in(response: httpx.Response) -> list[str]:
    assert response.headers["content-type"] == "application/zip"
    return zipfile.ZipFile(io.BytesIO(response.content)).namelist()


def history_of(client: Client, project: str) -> Any:
    return client.succeed("/r/project/execute/history", project=project)["execution"]["history"]


def test_flush_keeps_entries_without_console_and_plots(testuser: Client, project: str) -> None:
    first, second = (testuser.execute(project, f"plot({n})")["execution"] for n in (1, 2))
    reply = testuser.succeed("/r/project/execute/flush", project=project, execution=first["execution"])
    assert set(reply) == {"success", "call", "project", "uid", "httpcookie"}
    flushed, kept = history_of(testuser, project)
    counts = ("resultsGenerated", "resultsAvailable", "resourceUsage", "console")
    assert [flushed[key] for key in counts] == [1, 0, 0, ""]
    assert (kept["resultsAvailable"], kept["console"]) == (1, second["console"])
    assert record_of(testuser.http.get(first["results"][0]["url"]))["errorCode"] == 900
    record_of(testuser.get("/r/project/execute/flush", project=project, execution=""))
    assert [entry["console"] for entry in history_of(testuser, project)] == ["", ""]
    assert testuser.succeed("/r/project/execute/result/list", project=project)["execution"]["results"] == []


def test_plots_are_deleted_one_by_one_by_execution_and_all(testuser: Client, project: str) -> None:
    execution = testuser.execute(project, "plot(1); plot(2)")["execution"]["execution"]
    testuser.execute(project, "plot(3)")

    def left(**sent: str) -> list[str]:
        reply = testuser.succeed("/r/project/execute/result/delete", project=project, **sent)
        assert set(reply) == {"success", "call", "project", "uid", "httpcookie"}
        listed = testuser.succeed("/r/project/execute/result/list", project=project)["execution"]["results"]
        return [entry["filename"] for entry in listed]

    assert left(execution=execution, filename="unnamedplot001.png") == ["unnamedplot002.png", "unnamedplot001.png"]
    assert left(name="unnamedplot002.png") == ["unnamedplot001.png"]
    assert left(execution=execution, name="") == ["unnamedplot001.png"]
    assert left(execution="", filename="") == []
    assert [entry["resultsAvailable"] for entry in history_of(testuser, project)] == [0, 0]


@pytest.mark.parametrize("call", ["flush", "result/delete"])
def test_results_are_thrown_away_by_authors_and_by_known_names(
    testuser: Client, anonymous: Client, server: Server, project: str, call: str
) -> None:
    call = f"/r/project/execute/{call}"
    other = server.login(BASIC_USER, "Password1")
    foreign = other.fail(call, status=403, project=project)
    assert foreign["error"] == other.fail(call, status=403, project="PROJECT-none")["error"]
    anonymous.fail(call, status=401, project=project)
    testuser.fail(call, status=400, project="")
    testuser.execute(project, "plot(1)")
    testuser.fail(call, project=project, execution="EXEC-none")
    testuser.fail("/r/project/execute/result/delete", project=project, filename="../work/a.txt")
    assert history_of(testuser, project)[0]["resultsAvailable"] == 1
    other.logout()
