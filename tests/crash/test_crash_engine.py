"""Rserve's parent or the whole grid process is killed."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ThreadPoolExecutor

from deployr.grid import processes
from tests.crash.processes import LiveProject, SavedFile, WholeServer, create_when_possible, failure_of, is_alive
from tests.server import Client
from tests.waiting import wait_until


def test_live_sessions_outlive_the_parent_and_new_ones_come(
    whole_server: WholeServer, client: Client, project: LiveProject
) -> None:
    project.run("x <- 'before'")
    [former] = whole_server.node_parents()
    os.kill(former, signal.SIGKILL)
    assert project.run("cat(x)") == "before"
    [parent] = wait_until(lambda: [pid for pid in whole_server.node_parents() if pid != former])

    def new_child() -> bool:
        found = processes.stat(create_when_possible(client).pid)
        return found is not None and found.parent == parent

    wait_until(new_child)
    assert project.run("cat(x, Sys.getpid())") == f"before {project.pid}"


def test_the_grid_is_started_again_and_its_former_r_processes_are_gone(
    whole_server: WholeServer, client: Client, project: LiveProject, pool: ThreadPoolExecutor
) -> None:
    executing = LiveProject(client)
    response = executing.start_waiting(pool)
    former = whole_server.r_processes()
    assert {project.pid, executing.pid} < set(former)
    grid = whole_server.kill_part("grid")
    assert failure_of(response.result()) in [915, 916]
    assert whole_server.part("grid", former=grid) != grid
    new = create_when_possible(client)
    assert not any(map(is_alive, former))
    assert new.run("cat(Sys.getpid())") == str(new.pid)


def test_projects_of_a_killed_grid_answer_916_and_saved_data_is_intact(
    whole_server: WholeServer, client: Client, project: LiveProject, saved_project: LiveProject, saved_file: SavedFile
) -> None:
    whole_server.kill_part("grid")
    create_when_possible(client)
    assert project.failure() == 916
    assert project.failure() == 403
    assert client.succeed("/r/user/about")["user"]["username"] == "testuser"
    assert saved_project.run("cat(x)") == "saved"
    assert saved_file.is_intact()
