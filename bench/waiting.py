"""Ports, and waiting for the processes that a run starts."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable

_reserved: list[socket.socket] = []


def free_port() -> int:
    """A TCP port of the loopback address that nobody listens on, and that no other process is given meanwhile."""
    probe = socket.socket()
    # Bound so, and not listening, it is in the way of those who look for a port, and not of servers.
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    probe.bind(("127.0.0.1", 0))
    _reserved.append(probe)
    return int(probe.getsockname()[1])


async def until(condition: Callable[[], Awaitable[bool]], *, seconds: float) -> None:
    """Return when a condition of another process holds; it is tried every 10 ms, since nothing tells us.

    Raises:
        TimeoutError: it did not hold in time.
    """
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def listens(port: int) -> bool:
    """True when somebody listens on the port."""
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True
