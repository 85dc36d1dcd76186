"""Saves of projects are cut short by kills; ``bin/soak saves`` does the same for longer."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bench.save_crashes import save_crashes
from bench.server import Server


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


@pytest.mark.parametrize(("victim", "rounds"), [("grid", 7), ("web workers", 7), ("everything", 6)])
async def test_a_project_opens_in_a_state_that_was_saved_whatever_was_killed_when(
    server: Server, victim: str, rounds: int
) -> None:
    result = await save_crashes(server, rounds, [victim])
    assert result.faults == []
    assert result.states.total() == result.killed[victim] == rounds
