"""HTTP sessions that idle for too long end, with their projects; long calls are no idleness."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.crash.processes import LiveProject, SavedFile, WholeServer, is_alive, make_directory
from tests.server import record_of
from tests.waiting import wait_until

TIMEOUT = 5


@pytest.fixture
def impatient_server() -> Iterator[WholeServer]:
    """A server whose HTTP sessions end soon."""
    server = WholeServer(make_directory(), SERVER_SESSION_TIMEOUT=TIMEOUT)
    try:
        server.start()
        yield server
    finally:
        server.remove()


def test_sessions_that_idle_end_with_all_their_r_processes_and_those_in_which_a_call_runs_do_not(
    impatient_server: WholeServer, pool: ThreadPoolExecutor
) -> None:
    busy = LiveProject(impatient_server.login())
    response = busy.start_waiting(pool)
    client = impatient_server.login()
    script = SavedFile(client, "pid.R", b"cat(Sys.getpid())")
    blackbox = client.succeed("/r/repository/script/execute", blackbox="true", echooff="true", **script.name)
    named = LiveProject(client, projectname="Named")
    named.run("x <- 'saved'")
    temporary = LiveProject(client)
    pids = [int(blackbox["execution"]["console"]), named.pid, temporary.pid]
    assert all(map(is_alive, pids))
    # The next one does its work.
    former = impatient_server.kill_part("housekeeper")
    wait_until(lambda: not any(map(is_alive, pids)))
    assert impatient_server.part("housekeeper", former=former) != former
    assert busy.failure() == 409
    busy.let_go()
    assert record_of(response.result())["success"]
    assert busy.run("cat(x)") == "went on"
    assert temporary.failure() == 401
    named.client = impatient_server.login()
    left = named.client.succeed("/r/project/list")["projects"]
    assert {project["project"] for project in left} == {named.id, busy.id}
    assert named.run("cat(x)") == "saved"
