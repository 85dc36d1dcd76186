"""What brokers ask of a server when ten tasks run at once (client-wire-facts 13 and 16; rbroker recordings).

The frameworks themselves: ``tests/clients/test_js_rbroker.py``, ``tests/clients/test_js_background.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.acceptance.conftest import Login
from tests.acceptance.java import EXECUTION, JavaClient
from tests.server import Server

TASKS = 10
SCORE = {"filename": "rtScore.R", "directory": "tutorial-rbroker", "author": "testuser", "version": None}
HELLO = {"filename": "DeployR - Hello World", "directory": "root", "author": "testuser", "version": None}
REFRESH = "# Refresh project on PooledTaskBroker."


def at_once(task: Callable[[int], Any], tasks: int = TASKS) -> list[Any]:
    """What tasks return that run at the same time."""
    with ThreadPoolExecutor(tasks) as threads:
        return list(threads.map(task, range(tasks)))


def numeric(name: str, value: float) -> str:
    """``inputs`` with one number."""
    return f'{{"{name}":{{"rclass":"numeric","type":"primitive","value":{value}}}}}'


@pytest.fixture(params=["anonymous", "authenticated"])
def caller(request: pytest.FixtureRequest, suite_server: Server, login: Login) -> JavaClient:
    """Who starts a discrete broker."""
    client = login() if request.param == "authenticated" else JavaClient(suite_server.url)
    client.ask("/r/server/info")
    return client


def test_ten_discrete_tasks_run_at_once_on_one_session(caller: JavaClient) -> None:
    def run(number: int) -> dict[str, Any]:
        options = {**EXECUTION, **HELLO, "inputs": numeric("input_randomNum", number + 10.0), "robjects": "x"}
        return caller.ask("/r/repository/script/execute", externalsource=None, **options)

    replies = at_once(run)
    assert [len(reply["workspace"]["objects"][0]["value"]) for reply in replies] == list(range(10, 20))
    assert len({reply["execution"]["execution"] for reply in replies}) == TASKS
    assert all(reply["execution"]["timeTotal"] > 0 for reply in replies)


def test_a_task_without_its_script_fails_and_the_others_do_not(caller: JavaClient) -> None:
    def run(number: int) -> bool:
        script = {**HELLO, "filename": "No such script"} if number == 5 else HELLO
        response = caller.send("/r/repository/script/execute", {**script, "externalsource": None})
        reply: dict[str, Any] = response.json()["deployr"]["response"]
        assert reply["success"] or not 910 <= reply["errorCode"] < 920
        return bool(reply["success"])

    assert at_once(run) == [number != 5 for number in range(TASKS)]


def test_a_pool_of_ten_runs_ten_tasks_at_once_and_is_released(user: JavaClient) -> None:
    user.ask("/r/server/info")
    user.ask("/r/user/release")
    options = {
        "preloadobjectname": "insurModel.rData", "preloadobjectdirectory": "tutorial-rbroker",
        "preloadobjectauthor": "testuser", "preloadobjectversion": None, "preloadbydirectory": None, "cluster": None,
        "blackbox": "false", "inputs": numeric("n", 1.0), "poolsize": str(TASKS),
    }  # fmt: skip
    pool = [project["project"] for project in user.ask("/r/project/pool", **options)["projects"]]
    assert len(pool) == TASKS
    user.ask("/r/user/autosave", enable="false")

    def score(number: int) -> float:
        task = {**EXECUTION, **SCORE, "inputs": numeric("customerid", float(number)), "robjects": "score"}
        given = {**task, "phantom": "true", "externalsource": None, "project": pool[number]}
        [found] = user.ask("/r/project/execute/script", **given)["workspace"]["objects"]
        assert (found["type"], found["rclass"]) == ("primitive", "numeric")
        return float(found["value"])

    assert len(set(at_once(score))) > 1
    assert all(user.history(project) == [] for project in pool)
    user.ask("/r/user/release")
    assert user.send("/r/project/ping", {"project": pool[0]}).status_code == 403


def test_a_pool_is_refreshed(user: JavaClient) -> None:
    [project] = user.ask("/r/project/pool", poolsize="1")["projects"]
    user.execute(project["project"], "old <- 1", phantom="true")
    user.ask("/r/project/recycle", project=project["project"], preserveworkspace="false", preservedirectory="false")
    preload = {
        "preloadfilename": "hipStar.dat", "preloadfiledirectory": "example-data-io", "preloadfileauthor": "testuser",
        "preloadfileversion": None, "preloadobjectname": "insurModel.rData",
        "preloadobjectdirectory": "tutorial-rbroker", "preloadobjectauthor": "testuser", "preloadobjectversion": None,
    }  # fmt: skip
    user.execute(project["project"], REFRESH, inputs=numeric("n", 1.0), **preload)
    assert sorted(entry["name"] for entry in user.objects(project["project"])) == ["insurModel", "n"]
    assert [file["filename"] for file in user.directory(project["project"])] == ["hipStar.dat"]


def test_a_pool_that_cannot_be_prepared_is_no_failure_of_the_grid(user: JavaClient) -> None:
    error = user.refused("/r/project/pool", poolsize="2", preloadbydirectory="no such directory")
    assert not 910 <= error["errorCode"] < 920


def test_a_pooled_task_is_interrupted_by_another_call(user: JavaClient) -> None:
    project = user.project()
    with ThreadPoolExecutor(1) as thread:
        sent = {"project": project, "code": "for (i in 1:6000) Sys.sleep(0.1)", **EXECUTION, "phantom": "true"}
        running = thread.submit(user.refused, "/r/project/execute/code", **sent)
        while not running.done():
            user.ask("/r/project/execute/interrupt", project=project)
    reply = running.result()
    assert (reply["interrupted"], reply["execution"]["interrupted"], reply["errorCode"]) == (True, True, 900)


def test_ten_projects_of_one_session_work_at_once(user: JavaClient) -> None:
    def work(number: int) -> list[Any]:
        project = user.project()
        user.execute(project, f"x <- {number}; y <- Sys.getpid()")
        return [entry["value"] for entry in _get(user, project, "x,y")]

    found = at_once(work)
    assert [x for x, _ in found] == [float(number) for number in range(TASKS)]
    assert len({y for _, y in found}) == TASKS


def _get(client: JavaClient, project: str, name: str) -> list[dict[str, Any]]:
    given = {"project": project, "name": name, "encodeDataFramePrimitiveAsVector": "false"}
    found: list[dict[str, Any]] = client.ask("/r/project/workspace/get", **given)["workspace"]["objects"]
    return found


def test_the_connectivity_test_of_an_anonymous_broker_is_answered(nobody: JavaClient) -> None:
    assert nobody.http.get("").status_code < 400
