"""The server and a plain model of the documented rules agree on every answer."""

from __future__ import annotations

from tests.repository_model.accounts import live_repository
from tests.repository_model.machine import run_machine
from tests.server import Server


def test_the_server_answers_as_the_rules_say(server: Server) -> None:
    with live_repository(server.settings, server.url) as live:
        counts = run_machine(live, steps=300)
    assert counts.total() >= 300
