"""Work that outlasts a restart of the database."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from deployr.store.errors import UNAVAILABLE

T = TypeVar("T")

_SECONDS = 60.0
_PAUSE_SECONDS = 1.0


async def patiently(attempt: Callable[[], Awaitable[T]]) -> T:
    """What an attempt brings that can be made again, and is while the database does not answer, for a minute.

    Raises:
        sqlalchemy.exc.SQLAlchemyError: it did not answer in all that time.
    """
    deadline = time.monotonic() + _SECONDS
    while True:
        try:
            return await attempt()
        except UNAVAILABLE:
            if time.monotonic() > deadline:
                raise
        await asyncio.sleep(_PAUSE_SECONDS)
