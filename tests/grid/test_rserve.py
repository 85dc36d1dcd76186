"""Connections to forked sessions."""

from __future__ import annotations

import asyncio
import contextlib
import socket

import pytest
import uvloop

from deployr.grid.rserve import ConnectionBroken, RserveConnection


def test_a_call_on_a_connection_that_was_dropped_is_told_that_the_session_is_gone() -> None:
    """On the grid's own event loop, which takes it for a mistake to write there."""

    async def call() -> None:
        near, far = socket.socketpair()
        with far:
            reader, writer = await asyncio.open_unix_connection(sock=near)
            connection = RserveConnection(reader, writer, max_value=1000)
            connection.abort()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
            await connection.check()

    with pytest.raises(ConnectionBroken):
        uvloop.run(call())
