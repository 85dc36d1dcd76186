"""Warm services under fire: pools come back whatever is killed, a parent's death costs calls in flight at most."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import httpx
import pytest

from tests.api.v9.conftest import Api
from tests.crash.processes import WholeServer, make_directory
from tests.grid.grid_support import command_line
from tests.server import PASSWORD
from tests.waiting import wait_until

SERVICE = {"code": "y <- 1", "outputParameterDefinitions": [{"name": "y", "type": "numeric"}]}
ERROR_KEYS = {"message", "link", "exceptionType", "code", "fields"}
CALLERS = 10
KILLS = 3


@pytest.fixture(scope="module")
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
    api.expect(200, "POST", "/services/pooled/1/pool", json={"InitialPoolSize": 2, "MaxPoolSize": 3})
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
    wait_until(lambda: server.service_parents() == [])
    api.expect(201, "POST", "/services/pooled/1", json=SERVICE)
    assert _state(api) == "NotFound"


def test_the_death_of_a_warm_parent_costs_calls_in_flight_at_most(server: WholeServer) -> None:
    api = Api(server, "testuser", PASSWORD)
    api.expect(201, "POST", "/services/steady/1", json=SERVICE | {"initCode": "z <- 40", "code": "y <- z + 2"})
    api.expect(200, "POST", "/services/steady/1/pool", json={"InitialPoolSize": 2, "MaxPoolSize": 2 * CALLERS})
    load = _Load(api)
    with ThreadPoolExecutor(CALLERS) as callers:
        running = [callers.submit(load.call_until_stopped) for _ in range(CALLERS)]
        try:
            for _ in range(KILLS):
                wait_until(lambda: _state(api, "steady") == "Success")
                load.wait_for_answers()
                _kill_parent(server)
            load.wait_for_answers()
        finally:
            load.stop.set()
    for caller in running:
        caller.result()
    assert len(load.failures) <= KILLS * CALLERS
    assert all(failure.status_code == 503 for failure in load.failures)
    api.expect(200, "DELETE", "/services/steady/1")
    wait_until(lambda: _service_processes(server) == [])


@dataclass
class _Load:
    """Callers of one service, one call after the other.

    Attributes:
        answers: how many calls were answered well.
        failures: replies to the others.
    """

    api: Api
    stop: threading.Event = field(default_factory=threading.Event)
    answers: int = 0
    failures: list[httpx.Response] = field(default_factory=list)

    def call_until_stopped(self) -> None:
        """Call on a connection of its own."""
        with httpx.Client(base_url=self.api.http.base_url, headers=self.api.http.headers, timeout=60) as http:
            while not self.stop.is_set():
                self._call(http)

    def wait_for_answers(self) -> None:
        """Return when each caller had some more answers."""
        wanted = self.answers + 5 * CALLERS
        wait_until(lambda: self.answers >= wanted)

    def _call(self, http: httpx.Client) -> None:
        response = http.post("/api/steady/1", json={})
        if response.is_success:
            assert response.json()["outputParameters"] == {"y": 42}
            self.answers += 1
        else:
            assert set(response.json()) == ERROR_KEYS
            self.failures.append(response)


def _kill_parent(server: WholeServer) -> None:
    """Kill the warm parent of the service."""
    [parent] = wait_until(server.service_parents)
    os.kill(parent, signal.SIGKILL)


def _state(api: Api, name: str = "pooled") -> str:
    [found] = api.expect(200, "GET", f"/services/{name}/1/pool")
    return str(found["status"])


def _service_processes(server: WholeServer) -> list[int]:
    """Parents and their forks."""
    return [pid for pid in server.r_processes() if "/services/" in command_line(pid)]
