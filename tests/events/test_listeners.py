"""Who hears what (7x-facts 18.2)."""

from __future__ import annotations

from typing import Any

import pytest

from deployr.events import records
from deployr.events.listeners import Listener

CONSOLE = records.ExecutionConsole(owner="user:ann", project="P1", http="h1", output="")
REVO = records.ExecutionRevo(owner="user:ann", project="P1", http="h1", object=b"")
ERROR = records.ExecutionError(owner="user:ann", project="P1", http="h1", error="")
OTHER_SESSION = records.ExecutionConsole(owner="user:ann", project="P2", http="h2", output="")
OF_JOB = records.ExecutionConsole(owner="user:ann", project="P3", job="J1", output="")
JOB = records.JobLifecycle(job="J1", name="", username="ann", priority="low", status="Running", project="P3")
OTHER_USER = records.ExecutionConsole(owner="user:bob", project="P1", http="h1", output="")
OTHER_JOB = records.JobLifecycle(job="J1", name="", username="bob", priority="low", status="Running")
ANONYMOUS = records.ExecutionConsole(owner="http:h1", project="S1", http="h1", output="")
OTHER_ANONYMOUS = records.ExecutionConsole(owner="http:h2", project="S2", http="h2", output="")
WARNING = records.GridWarning(error="", error_code=913)
LOGIN = records.SecurityLogin(http="h1", username="ann")
LOGOUT = records.SecurityLogout(http="h1", username="ann")
ALL = {name: event for name, event in globals().items() if isinstance(event, records.Event)}


@pytest.mark.parametrize(
    ("wishes", "heard"),
    [
        ({}, "CONSOLE REVO ERROR OTHER_SESSION OF_JOB JOB"),
        ({"http_only": True}, "CONSOLE REVO ERROR"),
        ({"revo_only": True}, "REVO ERROR JOB"),
        ({"project": "P1"}, "CONSOLE REVO ERROR"),
        ({"project": "P3"}, "OF_JOB JOB"),
        ({"job": "J1"}, "OF_JOB JOB"),
        ({"job": "J2"}, ""),
        ({"http_only": True, "project": "P2"}, ""),
        ({"kind": "anonymous", "username": None}, "ANONYMOUS"),
        ({"kind": "anonymous", "username": None, "revo_only": True}, ""),
        ({"kind": "management"}, "WARNING LOGIN LOGOUT"),
    ],
)
def test_a_listener_hears_its_own_and_what_it_asked_for(wishes: dict[str, Any], heard: str) -> None:
    listener = Listener(**{"kind": "authenticated", "username": "ann", "http_session": "h1"} | wishes)
    assert {name for name, event in ALL.items() if listener.hears(event)} == set(heard.split())


@pytest.mark.parametrize("kind", ["authenticated", "management"])
def test_what_a_listener_hears_has_one_of_its_labels(kind: Any) -> None:
    listener = Listener(kind=kind, username="ann", http_session="h1")
    heard = [event for event in ALL.values() if listener.hears(event)]
    assert heard
    assert all(listener.labels.intersection(event.audience) for event in heard)


def test_the_end_of_the_own_http_session_reaches_every_stream() -> None:
    listener = Listener(kind="authenticated", username="ann", http_session="h1")
    assert listener.labels.intersection(LOGOUT.audience)
