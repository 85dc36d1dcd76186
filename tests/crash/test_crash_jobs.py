"""Processes are killed while jobs run; ``bin/soak jobs`` does the same with more of both."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bench.job_crashes import VICTIMS, job_crashes
from bench.server import Server


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    """A server to be killed in parts."""
    server = Server()
    try:
        await server.start()
        await server.publish_script()
        yield server
    finally:
        await server.stop()
        server.remove()


async def test_every_job_ends_as_it_may_and_stores_once_whatever_is_killed(server: Server) -> None:
    result = await job_crashes(server, 30, kills=2 * len(VICTIMS))
    assert result.faults == []
    assert result.ends.total() >= 30
    assert set(result.killed) == set(VICTIMS)
