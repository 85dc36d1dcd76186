"""A whole server on PostgreSQL, which is killed and started again."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.api.v9.conftest import Api
from tests.crash.processes import WholeServer, make_directory, wait_until
from tests.jobs.callers import Gate, ended, submit
from tests.postgresql import Postgres
from tests.server import PASSWORD, Client

SERVICE = {
    "code": "y <- 2 * x",
    "inputParameterDefinitions": [{"name": "x", "type": "numeric"}],
    "outputParameterDefinitions": [{"name": "y", "type": "numeric"}],
}
ANSWER_SECONDS = 5.0
"""No call may take longer while there is no database."""


@pytest.fixture(scope="module")
def whole_server(postgres: Postgres) -> Iterator[WholeServer]:
    server = WholeServer(make_directory(), DATABASE_URL=postgres.new_empty_database())
    server.start()
    yield server
    try:
        assert server.stop() == 0
    finally:
        server.remove()


@pytest.fixture
def client(whole_server: WholeServer) -> Iterator[Client]:
    client = whole_server.login()
    yield client
    client.http.close()


@pytest.fixture
def api(whole_server: WholeServer) -> Iterator[Api]:
    api = Api(whole_server, "testuser", PASSWORD)
    yield api
    api.http.close()


@pytest.fixture
def gate() -> Iterator[Gate]:
    gate = Gate(after="x <- 5")
    yield gate
    gate.remove()


def test_what_clients_do_is_done_on_postgresql(client: Client, api: Api) -> None:
    for number in range(3):
        file = {"filename": "a.R", "newversion": "true", "newversionmsg": f"as {number}"}
        client.succeed("/r/repository/file/upload", files={"file": f"x <- {number}".encode()}, **file)
    versions = client.succeed("/r/repository/file/list", filename="a.R")["repository"]["files"]
    assert [version["versionmsg"] for version in versions] == ["as 2", "as 1", "as 0"]
    client.fail("/r/repository/file/update", filename="a.R", descr="no \0 can be stored")
    project = client.project(projectname="Kept")
    client.execute(project, "y <- 7; writeLines('text', 'a.txt')")
    client.succeed("/r/project/close", project=project)
    assert _value(client, project, "y") == 7
    assert ended(client, submit(client, code="1"))["status"] == "Completed"
    api.expect(201, "POST", "/services/doubled/1", json=SERVICE)
    assert api.expect(200, "POST", "/api/doubled/1", json={"x": 4})["outputParameters"] == {"y": 8}


def test_a_database_that_was_killed_is_used_again_and_nothing_is_lost(
    client: Client, api: Api, postgres: Postgres, gate: Gate
) -> None:
    saved, live = client.project(projectname="Saved"), client.project()
    client.execute(saved, "y <- 1")
    client.succeed("/r/project/close", project=saved)
    client.execute(live, "y <- 2")
    job = submit(client, code=gate.code)
    gate.wait()
    postgres.stop(signal.SIGKILL)
    for _ in range(3):
        response = client.post("/r/project/execute/code", project=live, code="y <- 3")
        assert (response.status_code, response.headers["Retry-After"]) == (503, "5")
        assert "Set-Cookie" not in response.headers
        assert response.elapsed.total_seconds() < ANSWER_SECONDS
    assert api.expect(503, "GET", "/services")["message"] == "The database does not respond."
    gate.open()
    postgres.start()
    wait_until(_answers(client, live))
    assert (_value(client, saved, "y"), _value(client, live, "y")) == (1, 2)
    assert ended(client, job)["status"] == "Completed"
    assert api.expect(200, "GET", "/services") is not None


def _answers(client: Client, project: str) -> Callable[[], bool]:
    return lambda: client.post("/r/project/ping", project=project).status_code == 200


def _value(client: Client, project: str, name: str) -> Any:
    return client.execute(project, "invisible(1)", robjects=name)["workspace"]["objects"][0]["value"]
