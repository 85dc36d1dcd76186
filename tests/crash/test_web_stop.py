"""Web workers are told to end."""

from __future__ import annotations

import asyncio
import contextlib
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.crash.processes import LiveProject
from tests.server import Server, beside, record_of
from tests.streams import listening
from tests.waiting import wait_until


def listens(server: Server) -> bool:
    """It takes new connections."""
    try:
        return httpx.get(f"{server.url}/r/server/info").is_success
    except httpx.TransportError:
        return False


def test_what_runs_is_answered_and_idle_connections_are_not_waited_for(
    server: Server, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    # So long gunicorn waits for connections that stay open.
    monkeypatch.setenv("GUNICORN_CMD_ARGS", "--graceful-timeout 600")
    with contextlib.ExitStack() as stack, httpx.Client() as idle:
        workers = stack.enter_context(beside(server))
        assert idle.get(f"{workers.url}/r/server/info").is_success
        project = LiveProject(workers.login())
        response = project.start_waiting(pool)
        stopped = pool.submit(stack.pop_all().close)
        wait_until(lambda: not listens(workers))
        project.let_go()
        assert record_of(response.result())["success"]
        stopped.result(30)


async def test_streams_end_at_once(server: Server) -> None:
    with contextlib.ExitStack() as stack:
        workers = await asyncio.to_thread(stack.enter_context, beside(server))
        async with listening(workers) as stream:
            stopping = asyncio.create_task(asyncio.to_thread(stack.close))
            assert await stream.closed() == ["streamDisconnectEvent"]
            await stopping
