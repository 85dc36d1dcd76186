"""Two callers of one project: a call that prepares, runs and stores is one call to everybody else."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import httpx
import pytest

from tests.server import Client, Server, record_of

NAMES = ("one", "two")
WINS = 3
SECONDS = 90


class Racer:
    """Makes calls, each of which fails unless it finds what it brought in and stores what it made.

    Attributes:
        statuses: of all replies.
        failures: what went wrong within calls that were not refused.
    """

    def __init__(self, client: Client, project: str, name: str) -> None:
        self._client = client
        self._sent = {
            "project": project,
            "code": _code(name),
            "preloadobjectname": f"{name}.rData",
            "preloadobjectauthor": "testuser",
            "storefile": f"{name}.txt",
        }
        self.statuses: list[int] = []
        self.failures: list[str] = []

    @property
    def wins(self) -> int:
        return self.statuses.count(200)

    def race(self, is_over: Callable[[], bool]) -> None:
        deadline = time.monotonic() + SECONDS
        while not is_over() and time.monotonic() < deadline:
            self._note(self._client.post("/r/project/execute/code", **self._sent))

    def _note(self, response: httpx.Response) -> None:
        self.statuses.append(response.status_code)
        record = record_of(response)
        if response.status_code == 200 and not record["success"]:
            self.failures.append(record["error"])


def _code(name: str) -> str:
    """Fails when somebody else prepared the session since, and removes what somebody else would store later."""
    removed = ", ".join(f"'{other}.txt'" for other in NAMES)
    return f"stopifnot(mine == '{name}'); unlink(c({removed})); cat(n <- n + 1, file = '{name}.txt')"


@pytest.fixture
def repository(testuser: Client) -> Iterator[Client]:
    """testuser with an rData file for each racer, whose object ``mine`` says whose it is."""
    project = testuser.project()
    for name in NAMES:
        testuser.execute(project, f"mine <- '{name}'; save(mine, file = '{name}.rData')")
        testuser.succeed("/r/project/directory/store", project=project, filename=f"{name}.rData")
    testuser.succeed("/r/project/close", project=project)
    yield testuser
    for name in NAMES:
        testuser.post("/r/repository/file/delete", filename=f"{name}.rData")
        testuser.post("/r/repository/file/delete", filename=f"{name}.txt")


@pytest.fixture
def others(server: Server, testuser: Client) -> Iterator[list[Client]]:
    """Clients of testuser's HTTP session on connections of their own."""
    clients = [server.client() for _ in NAMES]
    for client in clients:
        client.http.cookies.set("JSESSIONID", testuser.http.cookies["JSESSIONID"])
    yield clients
    for client in clients:
        client.http.close()


def test_one_caller_wins_at_a_time_and_nobody_is_refused_within_a_call(
    repository: Client, others: list[Client]
) -> None:
    project = repository.project()
    repository.execute(project, "n <- 0")
    racers = [Racer(other, project, name) for other, name in zip(others, NAMES, strict=True)]

    def is_over() -> bool:
        return min(racer.wins for racer in racers) >= WINS and any(409 in racer.statuses for racer in racers)

    threads = [threading.Thread(target=racer.race, args=(is_over,)) for racer in racers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [racer.failures for racer in racers] == [[], []]
    assert is_over()
    assert {status for racer in racers for status in racer.statuses} == {200, 409}
    counted = repository.execute(project, "cat(n)", echooff="true")["execution"]["console"]
    assert int(counted) == sum(racer.wins for racer in racers)


def test_a_call_with_all_its_parts_is_interrupted(repository: Client, others: list[Client]) -> None:
    project = repository.project()
    sent = {"preloadobjectname": "one.rData", "preloadobjectauthor": "testuser", "storeobject": "mine"}
    code = "file.create('begun'); repeat Sys.sleep(1)"
    replies: list[httpx.Response] = []
    thread = threading.Thread(
        target=lambda: replies.append(others[0].post("/r/project/execute/code", project=project, code=code, **sent))
    )
    thread.start()
    while not repository.succeed("/r/project/directory/list", project=project)["directory"]["files"]:
        assert thread.is_alive()
    repository.succeed("/r/project/execute/interrupt", project=project)
    thread.join()
    assert record_of(replies[0])["execution"]["interrupted"]
    assert repository.execute(project, "1")
