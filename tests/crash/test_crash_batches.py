"""Processes are killed while a batch runs: each item has one result in the end, and those that were there stay."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from tests.api.v9.conftest import Api
from tests.crash.processes import WholeServer
from tests.server import PASSWORD
from tests.waiting import wait_until

COUNT = 30
SERVICE = {
    "code": "Sys.sleep(0.2); y <- 2 * x; run <- paste(Sys.getpid(), format(Sys.time(), '%H:%M:%OS6'))",
    "inputParameterDefinitions": [{"name": "x", "type": "numeric"}],
    "outputParameterDefinitions": [{"name": "y", "type": "numeric"}, {"name": "run", "type": "character"}],
}


@pytest.fixture
def api(whole_server: WholeServer) -> Iterator[Api]:
    """A client of the power user."""
    api = Api(whole_server, "testuser", PASSWORD)
    yield api
    api.http.close()


def test_every_item_has_one_result_whatever_is_killed(whole_server: WholeServer, api: Api) -> None:
    api.expect(201, "POST", "/services/doubled/1", json=SERVICE)
    inputs = [{"x": number} for number in range(COUNT)]
    started = api.expect(202, "POST", "/api/doubled/1/batch", json=inputs, params={"parallelCount": "4"})
    look = _Look(api, f"/api/doubled/1/batch/{started['batchExecutionId']}")
    kept: dict[float, str] = {}
    for done, part in ((2, "grid"), (8, "jobs"), (16, "web")):
        kept |= look.until(lambda found, most=done: found["completedItemCount"] >= most)
        _kill(whole_server, part)
    runs = look.until(lambda found: found["state"] == "Complete")
    assert list(runs) == [2 * number for number in range(COUNT)]
    assert {number: runs[number] for number in kept} == kept
    assert len(set(runs.values())) == COUNT
    api.expect(200, "DELETE", "/services/doubled/1")


class _Look:
    """Looks at a batch, however often web workers die meanwhile."""

    def __init__(self, api: Api, path: str) -> None:
        self._api = api
        self._path = path

    def until(self, is_so: Callable[[dict[str, Any]], bool]) -> dict[float, str]:
        """Wait; which run made the result of each item that has one, by its number."""

        def look() -> dict[str, Any] | None:
            found = self._found()
            return found if found and is_so(found) else None

        outputs = [item["outputParameters"] for item in (wait_until(look) or {})["batchExecutionResults"]]
        return {item["y"]: item["run"] for item in outputs}

    def _found(self) -> dict[str, Any] | None:
        try:
            return dict(self._api.expect(200, "GET", self._path))
        except httpx.TransportError:
            return None


def _kill(server: WholeServer, part: str) -> None:
    assert server.part(part, former=server.kill_part(part))
