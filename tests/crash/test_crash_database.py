"""A whole server on PostgreSQL, which is killed and started again."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from typing import Any

import pytest

from tests.api.v9.conftest import Api
from tests.crash.processes import WholeServer, make_directory
from tests.jobs.callers import Gate, ended, submit
from tests.postgresql import Postgres
from tests.server import PASSWORD, Client
from tests.waiting import wait_until

SERVICE = {
    "code": "y <- 2 * x",
    "inputParameterDefinitions": [{"name": "x", "type": "numeric"}],
    "outputParameterDefinitions": [{"name": "y", "type": "numeric"}],
}
ANSWER_SECONDS = 20.0
"""No call may take longer while there is no database."""


@pytest.fixture
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


def test_a_server_works_on_postgresql_and_outlives_its_death(
    client: Client, api: Api, postgres: Postgres, gate: Gate
) -> None:
    versions = _versions(client)
    saved, live = client.project(projectname="Saved"), client.project()
    client.execute(saved, "y <- 1; writeLines('text', 'a.txt')")
    client.succeed("/r/project/close", project=saved)
    client.execute(live, "y <- 2")
    api.expect(201, "POST", "/services/doubled/1", json=SERVICE)
    job = submit(client, code=gate.code)
    gate.wait()
    postgres.stop(signal.SIGKILL)
    _check_refusals(client, api, live)
    gate.open()
    postgres.start()
    wait_until(lambda: client.post("/r/project/ping", project=live).status_code == 200)
    assert (_value(client, saved, "y"), _value(client, live, "y")) == (1, 2)
    assert client.succeed("/r/repository/file/list", filename="a.R")["repository"]["files"] == versions
    assert ended(client, job)["status"] == "Completed"
    assert api.expect(200, "POST", "/api/doubled/1", json={"x": 4})["outputParameters"] == {"y": 8}


def _versions(client: Client) -> list[dict[str, Any]]:
    """The versions of a new file."""
    for number in range(3):
        file = {"filename": "a.R", "newversion": "true", "newversionmsg": f"as {number}"}
        client.succeed("/r/repository/file/upload", files={"file": f"x <- {number}".encode()}, **file)
    versions: list[dict[str, Any]] = client.succeed("/r/repository/file/list", filename="a.R")["repository"]["files"]
    assert [version["versionmsg"] for version in versions] == ["as 2", "as 1", "as 0"]
    return versions


def _check_refusals(client: Client, api: Api, project: str) -> None:
    """Calls are refused at once, and the client keeps its session."""
    for _ in range(3):
        response = client.post("/r/project/execute/code", project=project, code="y <- 3")
        assert (response.status_code, response.headers["Retry-After"]) == (503, "5")
        assert "Set-Cookie" not in response.headers
        assert response.elapsed.total_seconds() < ANSWER_SECONDS
    assert api.expect(503, "GET", "/services")["message"] == "The database does not respond."


def _value(client: Client, project: str, name: str) -> Any:
    return client.execute(project, "invisible(1)", robjects=name)["workspace"]["objects"][0]["value"]
