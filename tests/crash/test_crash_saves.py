"""Saves of projects are cut short by kills; ``bin/soak saves`` does the same for longer."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bench.save_crashes import VICTIMS, save_crashes
from bench.server import Server

ROUNDS = 2 * len(VICTIMS)


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    """A server to be killed as a whole too, with a script by which it is seen to be ready."""
    server = Server()
    try:
        await server.start()
        await server.publish_script()
        yield server
    finally:
        await server.stop()
        server.remove()


async def test_a_project_opens_in_a_state_that_was_saved_whatever_was_killed_when(server: Server) -> None:
    result = await save_crashes(server, ROUNDS)
    assert result.faults == []
    assert result.states.total() == ROUNDS
    assert set(result.killed) == set(VICTIMS)
