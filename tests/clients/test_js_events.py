"""The event stream of npm ``deployr``: every type of event arrives as the library's listeners expect it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.server import Server, running


@pytest.fixture(scope="module")
def beating(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with quick heartbeats."""
    settings: dict[str, Any] = {"events__heartbeat": 0.5}
    with running(tmp_path_factory.mktemp("events"), **settings) as server:
        yield server


def test_every_type_of_event_reaches_the_listeners_in_its_order(node: Callable[..., Any], beating: Server) -> None:
    seen = node("events.js", host=beating.url.removesuffix("/deployr"))
    check_own(seen)
    check_job(seen)
    check_filtered(seen)
    check_management(seen)


def types(events: list[dict[str, Any]]) -> list[str]:
    """Types without what all of them end with."""
    return [event["type"].removesuffix("Event") for event in events]


def check_own(seen: dict[str, Any]) -> None:
    """A user hears executions in order, and the end of the HTTP session."""
    project = seen["project"]
    own = [event for event in seen["own"] if event["context"] in (project, "testuser")]
    assert types(own) == [
        "streamConnect",
        *("executionConsole", "executionRevo", "executionConsole"),
        *("executionConsole", "executionConsole"),
        "executionError",
        "streamDisconnect",
    ]
    before, published, after, stopped, error, syntax = own[1:7]
    assert (before["output"], after["output"]) == ("before!|!\n", "after\n")
    assert published["object"] == {"name": "x", "type": "vector", "rclass": "numeric", "value": [1, 2, 3]}
    assert "Error: no" in stopped["output"]
    assert (error["success"], error["error"]) == (False, "no")
    assert "unexpected symbol" in syntax["error"]


def check_job(seen: dict[str, Any]) -> None:
    """A user hears the life of a job."""
    job = [event for event in seen["own"] if event["type"] == "jobLifecycleEvent"]
    assert {event["context"] for event in job} == {seen["job"]}
    assert [event["jobstatus"] for event in job][-2:] == ["Running", "Completed"]
    assert (job[-1]["jobname"], job[-1]["jobowner"]) == ("heard", "testuser")


def check_filtered(seen: dict[str, Any]) -> None:
    """A stream with a project filter hears that project alone."""
    assert {event["context"] for event in seen["filtered"]} == {seen["project"], "testuser"}
    assert types(seen["filtered"])[1:4] == ["executionConsole", "executionRevo", "executionConsole"]


def check_management(seen: dict[str, Any]) -> None:
    """An administrator hears management events."""
    management = seen["management"]
    wanted = {"streamConnect", "gridActivity", "gridWarning", "gridHeartbeat", "securityLogin", "securityLogout"}
    assert set(types(management)) == wanted
    logins = [(e["username"], e["error"] is None) for e in management if e["type"] == "securityLoginEvent"]
    assert logins == [("testuser", True), ("nobody", False)]
    [warning] = [event for event in management if event["type"] == "gridWarningEvent"]
    assert warning["errorcode"] == "913"
    slots = [e["isLive"] for e in management if e["context"] == seen["project"]]
    assert slots == [True, False]
