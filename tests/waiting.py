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
    while True:
        # Asked for before it is looked at: a machine that stands still is no reason to give up.
        is_late = time.monotonic() > end
        if value := condition():
            return value
        assert not is_late, "the condition did not become true in time"
        time.sleep(0.02)


async def eventually(condition: Callable[[], object], seconds: float = 60.0) -> None:
    """As :func:`wait_until`, beside a running event loop; the condition may be asynchronous."""
    end = time.monotonic() + seconds
    while True:
        is_late = time.monotonic() > end
        holds = condition()
        if isinstance(holds, Awaitable):
            holds = await holds
        if holds:
            return
        assert not is_late, "the condition did not become true in time"
        await asyncio.sleep(0.02)
