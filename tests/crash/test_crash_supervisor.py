"""The whole server ends, by order or by force, and starts again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.crash.processes import STOP_SECONDS, LiveProject, MakeServer, SavedFile, WholeServer, failure_of, is_alive
from tests.waiting import wait_until


@pytest.fixture
def server(new_server: MakeServer) -> WholeServer:
    """A running server of the test's own."""
    server = new_server()
    server.start()
    return server


def test_sigterm_ends_everything_even_while_code_runs(
    new_server: MakeServer, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The web workers wait no longer for the call.
    monkeypatch.setenv("GUNICORN_CMD_ARGS", "--graceful-timeout 1")
    server = new_server()
    server.start()
    project = LiveProject(server.login())
    response = project.start_waiting(pool)
    child = int(LiveProject(project.client).run("cat(system('sleep 600 >/dev/null 2>&1 & echo $!', intern = TRUE))"))
    assert server.stop() == 0
    assert server.all_processes() == []
    assert not is_alive(child)
    assert response.exception(STOP_SECONDS) or failure_of(response.result()) in (915, 916)


def test_sigterm_while_it_starts_leaves_nothing(new_server: MakeServer) -> None:
    server = new_server()
    server.launch()
    server.part("grid")
    assert server.stop() == 0
    assert server.all_processes() == []


def test_the_parts_of_a_killed_supervisor_end_by_themselves(server: WholeServer) -> None:
    client = server.login()
    LiveProject(client)
    client.http.close()
    server.kill()
    wait_until(lambda: not server.all_processes())


def test_a_killed_server_starts_again_at_once_with_its_data(server: WholeServer, pool: ThreadPoolExecutor) -> None:
    client = server.login()
    file = SavedFile(client, "kept.txt", b"content")
    idle, executing = LiveProject(client), LiveProject(client)
    response = executing.start_waiting(pool)
    former = server.all_processes()
    server.kill()
    server.start()
    assert not any(map(is_alive, former))
    assert response.exception(STOP_SECONDS) or failure_of(response.result()) in (915, 916)
    assert client.succeed("/r/user/about")["user"]["username"] == "testuser"
    assert file.is_intact()
    assert idle.failure() == 916
    assert LiveProject(client).run("cat(1)") == "1"


def test_a_second_server_of_the_home_is_refused(whole_server: WholeServer) -> None:
    second = whole_server.run("serve", SERVER_BIND="127.0.0.1:1")
    assert second.returncode == 1
    assert f"Another server is running with the home directory {whole_server.settings.home}" in second.stderr
    assert whole_server.is_ready()


def test_a_taken_port_is_an_error_and_not_a_restart_storm(whole_server: WholeServer, new_server: MakeServer) -> None:
    [address] = whole_server.settings.server.bind
    other = new_server()
    refused = other.run("serve", SERVER_BIND=address)
    assert refused.returncode == 1
    assert refused.stderr == f"deployr: Cannot listen on {address}: Address already in use.\n"
    assert other.all_processes() == []
