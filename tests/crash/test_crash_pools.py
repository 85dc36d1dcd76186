"""Pools of services are there again after the grid, or the whole server, was killed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.api.v9.conftest import Api
from tests.crash.processes import WholeServer, make_directory, wait_until
from tests.grid.grid_support import command_line
from tests.server import PASSWORD

SERVICE = {"code": "y <- 1", "outputParameterDefinitions": [{"name": "y", "type": "numeric"}]}
POOL = "/services/pooled/1/pool"


@pytest.fixture
def server() -> Iterator[WholeServer]:
    """A server whose warm parents go soon when nobody wants them."""
    server = WholeServer(make_directory(), MLSERVER_SERVICE_IDLE=1)
    try:
        server.start()
        yield server
    finally:
        server.remove()


def test_a_pool_is_there_as_long_as_its_service_whatever_is_killed(server: WholeServer) -> None:
    api = Api(server, "testuser", PASSWORD)
    api.expect(201, "POST", "/services/pooled/1", json=SERVICE)
    api.expect(200, "POST", POOL, json={"InitialPoolSize": 2, "MaxPoolSize": 3})
    wait_until(lambda: _state(api) == "Success")
    server.part("grid", former=server.kill_part("grid"))
    assert _state(api) in ("Pending", "Success")
    wait_until(lambda: _state(api) == "Success")
    server.kill()
    server.start()
    wait_until(lambda: _state(api) == "Success")
    api.expect(200, "PATCH", "/services/pooled/1", json={"code": "y <- 2"})
    wait_until(lambda: _state(api) == "Success")
    assert api.expect(200, "POST", "/api/pooled/1", json={})["outputParameters"] == {"y": 2}
    api.expect(200, "DELETE", "/services/pooled/1")
    wait_until(lambda: _service_parents(server) == [])
    api.expect(201, "POST", "/services/pooled/1", json=SERVICE)
    assert _state(api) == "NotFound"


def _state(api: Api) -> str:
    [found] = api.expect(200, "GET", POOL)
    return str(found["status"])


def _service_parents(server: WholeServer) -> list[int]:
    return [pid for pid in server.rserve_parents() if "/services/" in command_line(pid)]
