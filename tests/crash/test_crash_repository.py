"""Web workers are killed while they change the repository; ``bin/soak repository`` kills more, and for longer."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bench.repository_crashes import CHANGES, repository_crashes
from bench.server import Server

ROUNDS = len(CHANGES)


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    """A server of this test's own."""
    server = Server()
    try:
        await server.start()
        yield server
    finally:
        await server.stop()
        server.remove()


async def test_the_repository_is_as_before_or_as_after_the_call_that_was_cut_short(server: Server) -> None:
    result = await repository_crashes(server, ROUNDS, ["web workers"])
    assert result.faults == []
    assert result.killed == {"web workers": ROUNDS}
    assert result.states.total() == ROUNDS
