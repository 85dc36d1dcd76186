"""Large files go in and out in little memory; ``bin/soak transfer`` sends larger ones."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bench.server import Server
from bench.transfer_memory import transfer_memory

MEBIBYTES = 64
MOST = 32


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    """A server that does nothing else meanwhile."""
    server = Server()
    try:
        await server.start()
        await server.publish_script()
        yield server
    finally:
        await server.stop()
        server.remove()


async def test_a_file_of_many_megabytes_is_never_in_memory_as_a_whole(server: Server) -> None:
    grown = await transfer_memory(server, MEBIBYTES)
    assert len(grown) == 6
    assert {call: growth for call, growth in grown.items() if growth > MOST} == {}
