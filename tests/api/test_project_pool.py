"""``/r/project/pool``."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.server import Client, Server, running

LIMIT = 4


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose users have few projects."""
    with running(tmp_path_factory.mktemp("small"), limits__live_projects=LIMIT) as server:
        yield server


def pool(client: Client, size: int, **sent: str) -> dict[str, Any]:
    return client.succeed("/r/project/pool", poolsize=size, **sent)


def listed(client: Client) -> list[str]:
    return [project["project"] for project in client.succeed("/r/project/list")["projects"]]


def test_a_pool_of_twenty_works_in_parallel(testuser: Client, meeting_place: Path) -> None:
    reply = pool(testuser, 20, csvinputs="x,2")
    projects = [project["project"] for project in reply["projects"]]
    assert (len(set(projects)), reply.get("error")) == (20, None)
    assert all(project["live"] and project["name"] is None for project in reply["projects"])
    # None can go on before all of them have come so far.
    wait = "file.create(file.path(place, number)); while (length(dir(place)) < 20) Sys.sleep(0.01); y <- x * number"

    def run(number: int) -> float:
        reply = testuser.execute(
            projects[number], wait, robjects="y", csvinputs=f"place,{meeting_place},number,{number}"
        )
        return float(reply["workspace"]["objects"][0]["value"])

    with ThreadPoolExecutor(20) as threads:
        assert list(threads.map(run, range(20))) == [2.0 * number for number in range(20)]


def test_a_pool_adopts_from_a_live_project(testuser: Client) -> None:
    source = testuser.project(csvinputs="x,42")
    testuser.execute(source, "cat('text', file='a.txt'); library(splines)")
    adopted = {"adoptworkspace": source, "adoptdirectory": source, "adoptpackages": source}
    for project in pool(testuser, 5, **adopted)["projects"]:
        code = "y <- c(x, file.exists('a.txt'), 'package:splines' %in% search())"
        [y] = testuser.execute(project["project"], code, robjects="y")["workspace"]["objects"]
        assert y["value"] == [42.0, 1.0, 1.0]


def test_a_pool_of_blackboxes_executes_scripts_only(testuser: Client) -> None:
    for project in pool(testuser, 2, blackbox="true")["projects"]:
        testuser.fail("/r/project/execute/code", status=403, project=project["project"], code="1")
        testuser.succeed("/r/project/close", project=project["project"])


def test_a_pool_is_as_large_as_the_grid_allows(small: Server) -> None:
    client = small.login()
    client.project()
    for size in (LIMIT, 10**9):
        reply = pool(client, size)
        assert len(reply["projects"]) == LIMIT - 1
        assert "limit" in reply["error"]
        for project in reply["projects"]:
            client.succeed("/r/project/close", project=project["project"])
    client.logout()


def test_a_pool_without_projects_is_a_failure_of_the_grid(small: Server) -> None:
    client = small.login()
    projects = pool(client, LIMIT)["projects"]
    client.fail("/r/project/pool", error_code=910, poolsize=1)
    assert sorted(listed(client)) == sorted(project["project"] for project in projects)
    client.logout()


def test_a_pool_that_cannot_be_prepared_leaves_nothing_behind(testuser: Client) -> None:
    before = listed(testuser)
    testuser.fail("/r/project/pool", poolsize=3, inputs='{"x": 5}')
    testuser.fail("/r/project/pool", poolsize=3, error_code=913, cluster="no such cluster")
    assert listed(testuser) == before


@pytest.mark.parametrize("size", ["", "0", "-1", "many"])
def test_a_pool_has_a_size(testuser: Client, size: str) -> None:
    testuser.fail("/r/project/pool", status=400, poolsize=size)


def test_pools_are_for_users(anonymous: Client) -> None:
    anonymous.fail("/r/project/pool", status=401, poolsize=1)


def test_a_pool_answers_in_xml(testuser: Client) -> None:
    reply = testuser.post("/r/project/pool", poolsize=2, format="xml").text
    assert reply.count("<live>true</live>") == 2
