"""Web workers are told to end."""

from __future__ import annotations

import contextlib
from concurrent.futures import ThreadPoolExecutor

import httpx

from tests.crash.processes import LiveProject
from tests.server import Server, beside, record_of
from tests.waiting import wait_until

SOONER_THAN_GUNICORN = 6.0
"""Seconds; gunicorn waits 8 for connections that stay open."""


def listens(server: Server) -> bool:
    """It takes new connections."""
    try:
        return httpx.get(f"{server.url}/r/server/info").is_success
    except httpx.TransportError:
        return False


def test_what_runs_is_answered_and_idle_connections_are_not_waited_for(
    server: Server, pool: ThreadPoolExecutor
) -> None:
    with contextlib.ExitStack() as stack, httpx.Client() as idle:
        workers = stack.enter_context(beside(server))
        assert idle.get(f"{workers.url}/r/server/info").is_success
        project = LiveProject(workers.login())
        response = project.start_waiting(pool)
        stopped = pool.submit(stack.pop_all().close)
        wait_until(lambda: not listens(workers))
        project.let_go()
        assert record_of(response.result())["success"]
        stopped.result(SOONER_THAN_GUNICORN)
