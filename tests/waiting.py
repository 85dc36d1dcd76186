"""Waiting for what nobody tells of: conditions that are looked at again and again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


def wait_until(condition: Callable[[], T], seconds: float = 60.0) -> T:
    """The value of a condition as soon as it holds."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, "the condition did not become true in time"
        time.sleep(0.02)
    return value


async def eventually(condition: Callable[[], object], seconds: float = 60.0) -> None:
    """As :func:`wait_until`, beside a running event loop; the condition may be asynchronous."""
    end = time.monotonic() + seconds
    while True:
        holds = condition()
        if isinstance(holds, Awaitable):
            holds = await holds
        if holds:
            return
        assert time.monotonic() < end, "the condition did not become true in time"
        await asyncio.sleep(0.02)
