"""Web workers or their master are killed: calls break off, sessions do not notice."""

from __future__ import annotations

import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from deployr.grid import processes
from tests.crash.processes import WAITING_CODE, LiveProject, WholeServer, is_alive
from tests.waiting import wait_until


def kill_workers(server: WholeServer) -> list[int]:
    workers = server.web_workers()
    processes.send_signal(workers, signal.SIGKILL)
    return workers


def kill_master(server: WholeServer) -> list[int]:
    workers = server.web_workers()
    return [server.kill_part("web"), *workers]


def serves(project: LiveProject) -> bool:
    """The server knows the session that logged in before."""
    try:
        return bool(project.client.succeed("/r/user/about")["user"]["username"] == "testuser")
    except httpx.TransportError:
        return False


def codes(project: LiveProject) -> list[str]:
    """What was executed, oldest first."""
    record = project.client.succeed("/r/project/execute/history", project=project.id)
    return [item["code"] for item in record["execution"]["history"]]


@pytest.mark.parametrize("kill", [kill_workers, kill_master])
def test_calls_break_off_and_executions_go_on(
    whole_server: WholeServer,
    project: LiveProject,
    pool: ThreadPoolExecutor,
    kill: Callable[[WholeServer], list[int]],
) -> None:
    project.run("before <- 'intact'")
    response = project.start_waiting(pool)
    killed = kill(whole_server)
    with pytest.raises(httpx.TransportError):
        response.result()
    wait_until(lambda: serves(project))
    wait_until(lambda: not any(map(is_alive, killed)))
    assert project.failure() == 409
    project.let_go()
    wait_until(lambda: codes(project)[-1] == WAITING_CODE)
    assert project.run("cat(before, x, Sys.getpid())") == f"intact went on {project.pid}"


def test_what_a_killed_worker_held_is_free_when_its_code_has_ended(
    whole_server: WholeServer, project: LiveProject, pool: ThreadPoolExecutor
) -> None:
    project.run("x <- 'before'")
    response = project.start_waiting(pool, storeobject="x")
    kill_workers(whole_server)
    with pytest.raises(httpx.TransportError):
        response.result()
    wait_until(lambda: serves(project))
    assert project.failure() == 409
    project.let_go()
    wait_until(lambda: codes(project)[-1] == WAITING_CODE)
    assert project.run("cat(x)") == "went on"
