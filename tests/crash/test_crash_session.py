"""The R process of a project is killed: its caller is told, nobody else notices."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from tests.crash.processes import LiveProject, SavedFile, WholeServer, failure_of, is_alive
from tests.server import Client
from tests.waiting import wait_until


def test_an_idle_one_answers_916_once_and_then_does_not_exist(project: LiveProject) -> None:
    project.kill()
    assert project.failure() == 916
    assert project.failure() == 403


def test_the_caller_of_an_executing_one_is_told(project: LiveProject, pool: ThreadPoolExecutor) -> None:
    response = project.start_waiting(pool)
    project.kill()
    assert failure_of(response.result()) == 916
    assert project.failure() == 403


def test_other_projects_of_the_user_go_on(client: Client, project: LiveProject) -> None:
    other = LiveProject(client)
    other.run("x <- 'untouched'")
    project.kill()
    assert project.failure() == 916
    assert other.run("cat(x, Sys.getpid())") == f"untouched {other.pid}"


def test_what_was_saved_stays_and_what_was_not_is_reported_once(
    saved_project: LiveProject, saved_file: SavedFile
) -> None:
    saved_project.pid = int(saved_project.run("x <- 'changed'; cat(Sys.getpid())"))
    saved_project.kill()
    wait_until(lambda: not saved_project.is_live())
    assert saved_project.failure() == 916
    assert saved_project.run("cat(x)") == "saved"
    assert saved_file.is_intact()


def test_what_it_started_goes_with_it(whole_server: WholeServer, project: LiveProject) -> None:
    child = int(project.run("cat(system('sleep 600 >/dev/null 2>&1 & echo $!', intern = TRUE))"))
    assert is_alive(child)
    project.kill()
    wait_until(lambda: not is_alive(child))


def test_logout_leaves_no_r_process(whole_server: WholeServer, client: Client) -> None:
    leaving = whole_server.login()
    script = SavedFile(leaving, "pid.R", b"cat(Sys.getpid())")
    named = LiveProject(leaving, projectname="Left")
    pids = [named.pid, LiveProject(leaving).pid]
    blackbox = leaving.succeed("/r/repository/script/execute", blackbox="true", echooff="true", **script.name)
    pids.append(int(blackbox["execution"]["console"]))
    script.delete()
    assert all(map(is_alive, pids))
    leaving.logout()
    wait_until(lambda: not any(map(is_alive, pids)))
    client.succeed("/r/project/delete", project=named.id)
