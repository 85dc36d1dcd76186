"""Plots take no more room in a history than is set; those of the newest execution are kept in any case."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.server import Client, Server, running

PLOT = "plot(1)"


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose histories have room for less than two plots."""
    with running(tmp_path_factory.mktemp("small"), limits__history_storage=5000) as server:
        yield server


@pytest.fixture
def client(small: Server) -> Iterator[Client]:
    client = small.login()
    yield client
    client.logout()


def plots(client: Client, project: str) -> list[int]:
    """How many plots the executions of the history have, oldest first."""
    record = client.succeed("/r/project/execute/history", project=project)
    return [execution["resultsAvailable"] for execution in record["execution"]["history"]]


def listed(client: Client, project: str) -> int:
    """How many plots are listed."""
    return len(client.succeed("/r/project/execute/result/list", project=project)["execution"]["results"])


def test_plots_of_the_oldest_executions_go_and_their_entries_stay(client: Client) -> None:
    project = client.project()
    assert len(client.execute(project, PLOT)["execution"]["results"]) == 1
    client.execute(project, "1")
    assert plots(client, project) == [1, 0]
    client.execute(project, PLOT)
    assert plots(client, project) == [0, 0, 1]
    assert listed(client, project) == 1


def test_the_newest_execution_keeps_all_that_it_drew(client: Client) -> None:
    project = client.project()
    client.execute(project, f"{PLOT}; {PLOT}; {PLOT}")
    assert plots(client, project) == [3]
    assert listed(client, project) == 3


def test_plots_that_were_saved_count_too(client: Client) -> None:
    project = client.project(projectname="Plotted")
    client.execute(project, PLOT)
    client.succeed("/r/project/close", project=project)
    assert plots(client, project) == [1]
    client.execute(project, PLOT)
    client.succeed("/r/project/close", project=project)
    assert plots(client, project) == [0, 1]
    client.succeed("/r/project/delete", project=project)
