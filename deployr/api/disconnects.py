"""Work that nobody waits for any more."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from deployr.api.call import Call
from deployr.api.paths import RECEIVE
from deployr.errors import DeployrError

T = TypeVar("T")


async def while_connected(call: Call, work: Coroutine[Any, Any, T]) -> T:
    """Do the work unless the client hangs up, which is how JavaScript clients cancel (client-wire-facts 13).

    The body of the call must have been read.

    Raises:
        DeployrError: the client is gone and the work was stopped.
    """
    working = asyncio.create_task(work)
    watching = asyncio.create_task(disconnected(call))
    try:
        await asyncio.wait((working, watching), return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise DeployrError("The client has hung up.")
        return working.result()
    finally:
        for task in (working, watching):
            task.cancel()
        await asyncio.wait((working, watching))


async def disconnected(call: Call) -> None:
    """Return when the client has hung up; the body of the call must have been read."""
    receive = call.scope[RECEIVE]
    while (await receive())["type"] != "http.disconnect":
        pass
