"""Many anonymous executions at a time: each is its own process, and nothing is left of any."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.crash.processes import SavedFile, WholeServer
from tests.server import Client
from tests.waiting import wait_until

EXECUTIONS = 200
CALLERS = 20
KEPT_BY = 10
"""Every tenth execution leaves a file."""

SAME_SEEDS = 3
"""R takes its seed from the second, and from 16 bits of nanoseconds and process id: of 200 sessions two may agree."""

SCRIPT = b"""
stopifnot(!exists("answer"), length(list.files()) == 0, !file.exists(file.path(tempdir(), "seen")))
file.create(file.path(tempdir(), "seen"))
values <- seq_len(n)
answer <- sum(values)
pid <- Sys.getpid()
drawn <- runif(1)
if (keep) writeLines(as.character(n), "kept.txt")
system("sleep 600 >/dev/null 2>&1 &")
"""

Answers = dict[str, Any]


@pytest.fixture
def script(client: Client) -> Iterator[dict[str, str]]:
    """The script, published."""
    file = SavedFile(client, "parallel.R", SCRIPT, published="true")
    yield file.name
    file.delete()


def execute(client: Client, script: dict[str, str], n: int) -> Answers:
    """The objects that the script makes of ``n``, and the URLs of its files."""
    inputs = {name: {"type": "primitive", "value": value} for name, value in [("n", n), ("keep", n % KEPT_BY == 0)]}
    reply = client.succeed(
        "/r/repository/script/execute", inputs=json.dumps(inputs), robjects="answer,pid,drawn", **script
    )
    objects = {entry["name"]: entry["value"] for entry in reply["workspace"]["objects"]}
    return objects | {"n": n, "urls": [file["url"] for file in reply["execution"]["artifacts"]]}


def test_executions_are_right_and_separate_and_leave_nothing(whole_server: WholeServer, script: dict[str, str]) -> None:
    callers = [whole_server.client() for _ in range(CALLERS)]
    processes_before, directories_before = len(whole_server.r_processes()), whole_server.session_directories()

    def execute_all(caller: int) -> list[Answers]:
        return [execute(callers[caller], script, n) for n in range(caller + 1, EXECUTIONS + 1, CALLERS)]

    with ThreadPoolExecutor(CALLERS) as pool:
        answers = [answer for some in pool.map(execute_all, range(CALLERS)) for answer in some]
    assert {answer["n"]: answer["answer"] for answer in answers} == {
        n: n * (n + 1) / 2 for n in range(1, EXECUTIONS + 1)
    }
    assert len({answer["pid"] for answer in answers}) == EXECUTIONS
    assert len({answer["drawn"] for answer in answers}) >= EXECUTIONS - SAME_SEEDS

    warm = whole_server.settings.grid.warm_max
    wait_until(lambda: len(whole_server.r_processes()) <= processes_before + warm)
    kept = [url for answer in answers for url in answer["urls"]]
    assert len(kept) == EXECUTIONS // KEPT_BY
    wait_until(lambda: whole_server.session_directories() <= directories_before + warm)
    assert {callers[0].http.get(url).status_code for url in kept} == {403}
    for caller in callers:
        caller.http.close()
