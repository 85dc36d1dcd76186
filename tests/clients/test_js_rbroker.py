"""Discrete and pooled tasks of the RBroker framework."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from deployr.grid import processes
from deployr.grid.client import SocketGrid
from tests.server import Client, Server
from tests.waiting import eventually

POOL, TASKS = 5, 100


@pytest.mark.parametrize("caller", [[], ["testuser"]], ids=["anonymous", "authenticated"])
def test_discrete_tasks_are_run_and_failures_told(node: Callable[..., Any], caller: list[str]) -> None:
    seen = node("broker.js", *caller)
    done = [result for result in seen["completed"] if result["success"]]
    assert (len(done), len(seen["completed"]), seen["progress"]) == (5, 6, 6)
    assert sorted(_sizes(done)) == [10, 11, 12, 13]
    assert sorted(len(result["generatedPlots"]) for result in done) == [0, 0, 0, 0, 1]
    assert [file["filename"] for result in done for file in result["generatedFiles"]] == ["histogram.png"] * 4
    assert all(result["id"] and result["storedFiles"] == [] for result in done)
    assert [error["call"] for error in seen["errors"]] == ["/r/repository/script/execute"]
    assert seen["released"] is True


def _sizes(results: list[dict[str, Any]]) -> list[int]:
    return [len(found["value"]) for result in results for found in result["generatedObjects"] if found["name"] == "x"]


@pytest.fixture
def script(testuser: Client, unique: str) -> Iterator[str]:
    """A script that does what the code of the tasks does."""
    filename = f"{unique}.R"
    code = b"square <- number^2; pid <- Sys.getpid(); calls <- (if (exists('calls')) calls else 0) + 1"
    testuser.succeed("/r/repository/file/upload", filename=filename, files={"file": code})
    yield filename
    testuser.succeed("/r/repository/file/delete", filename=filename)


async def test_pooled_tasks_are_run_on_a_pool_that_is_released(
    node: Callable[..., Any], script: str, server: Server, testuser: Client
) -> None:
    seen = node("pool.js", script, str(POOL), str(TASKS))
    assert (seen["errors"], seen["warnings"], len(seen["completed"])) == ([], [], TASKS)
    found = [{item["name"]: item["value"] for item in result["generatedObjects"]} for result in seen["completed"]]
    assert sorted((item["number"], item["square"]) for item in found) == [(n, n**2) for n in range(1, TASKS + 1)]

    projects = Counter(result["id"] for result in seen["completed"])
    assert len(projects) == len({item["pid"] for item in found}) == POOL
    last = {result["id"]: item["calls"] for result, item in zip(seen["completed"], found, strict=True)}
    assert last == projects, "each project keeps its workspace from task to task"

    assert seen["released"] is True
    grid = SocketGrid(server.settings.grid_socket)
    assert await grid.sessions(sessions=[*projects]) == []
    await grid.aclose()
    await eventually(lambda: all(processes.is_zombie(int(item["pid"])) for item in found))
    assert not {project["project"] for project in testuser.succeed("/r/project/list")["projects"]} & projects.keys()
