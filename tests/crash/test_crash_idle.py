"""HTTP sessions that idle for too long end, with their projects; long calls are no idleness."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.crash.processes import LiveProject, SavedFile, WholeServer, is_alive, make_directory
from tests.server import record_of
from tests.waiting import wait_until

TIMEOUT = 3


@pytest.fixture(scope="module")
def impatient_server() -> Iterator[WholeServer]:
    """A server whose HTTP sessions end soon."""
    server = WholeServer(make_directory(), SERVER_SESSION_TIMEOUT=TIMEOUT)
    try:
        server.start()
        yield server
    finally:
        server.remove()


def test_an_idle_session_ends_with_all_its_r_processes(impatient_server: WholeServer) -> None:
    client = impatient_server.login()
    script = SavedFile(client, "pid.R", b"cat(Sys.getpid())")
    blackbox = client.succeed("/r/repository/script/execute", blackbox="true", echooff="true", **script.name)
    named = LiveProject(client, projectname="Named")
    named.run("x <- 'saved'")
    temporary = LiveProject(client)
    pids = [int(blackbox["execution"]["console"]), named.pid, temporary.pid]
    assert all(map(is_alive, pids))
    wait_until(lambda: not any(map(is_alive, pids)))
    assert temporary.failure() == 401
    client = impatient_server.login()
    assert [project["project"] for project in client.succeed("/r/project/list")["projects"]] == [named.id]
    named.client = client
    assert named.run("cat(x)") == "saved"


def test_a_session_is_in_use_while_a_call_runs(impatient_server: WholeServer, pool: ThreadPoolExecutor) -> None:
    project = LiveProject(impatient_server.login())
    response = project.start_waiting(pool)
    clock = LiveProject(impatient_server.login())
    assert clock.run(f"Sys.sleep({2 * TIMEOUT}); cat('done')") == "done"
    assert project.failure() == 409
    project.let_go()
    assert record_of(response.result())["success"]
    assert project.run("cat(x)") == "went on"
    assert clock.run("cat(Sys.getpid())") == str(clock.pid)


def test_a_killed_housekeeper_is_replaced(impatient_server: WholeServer) -> None:
    former = impatient_server.kill_part("housekeeper")
    # A temporary one would be ended by the grid.
    project = LiveProject(impatient_server.login(), projectname="Named")
    assert impatient_server.part("housekeeper", former=former) != former
    wait_until(lambda: not is_alive(project.pid))
    assert project.failure() == 401
