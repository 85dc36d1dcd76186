"""The events that a web worker needs, from the grid: one subscription for all its streams, made anew when it breaks."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Set

from deployr.errors import DeployrError
from deployr.events.records import Event
from deployr.grid.client import Grid, Subscription
from deployr.grid.protocol import Heard, Interest

log = logging.getLogger(__name__)

_RETRY_SECONDS = 0.2
_PATIENCE_SECONDS = 10.0
"""How long a new stream waits for the grid before it opens without it."""


class Feed:
    """Subscribed while somebody follows something.

    Args:
        deliver: called with each event, in their order.
    """

    def __init__(self, grid: Grid, deliver: Callable[[Event], Awaitable[None]]) -> None:
        self._grid = grid
        self._deliver = deliver
        self._labels: Counter[str] = Counter()
        self._subscription: Subscription | None = None
        self._reader: asyncio.Task[None] | None = None
        self._asked = 0
        self._answered = 0
        self._moved = asyncio.Event()

    async def follow(self, labels: Collection[str]) -> None:
        """Hear what has these labels; when this returns, nothing of what is raised from then on is missed.

        A grid that does not answer is not waited for: the subscription is made as soon as it is there.
        """
        new = [label for label in labels if not self._labels[label]]
        self._labels.update(labels)
        self._ask(add=new)
        if self._reader is None:
            self._reader = asyncio.create_task(self._read_for_ever())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE_SECONDS):
                await self._answer(self._asked)

    def unfollow(self, labels: Collection[str]) -> None:
        """Undo one :meth:`follow`."""
        self._labels.subtract(labels)
        gone = [label for label in labels if not self._labels[label]]
        for label in gone:
            del self._labels[label]
        self._ask(remove=gone)
        if not self._labels:
            self.close()

    def close(self) -> None:
        """End the subscription."""
        if self._reader is not None:
            self._reader.cancel()
            self._reader = None

    def _ask(self, add: Collection[str] = (), remove: Collection[str] = ()) -> None:
        if add or remove:
            self._asked += 1
            if self._subscription is not None:
                self._subscription.change(Interest(self._asked, add=[*add], remove=[*remove]))

    async def _answer(self, serial: int) -> None:
        while self._answered < serial:
            await self._moved.wait()

    def _note_answer(self, serial: int) -> None:
        self._answered = serial
        self._moved.set()
        self._moved = asyncio.Event()

    async def _read_for_ever(self) -> None:
        while True:
            try:
                await self._read()
            except DeployrError as ex:
                log.warning("the subscription to events has ended: %s", ex.message)
            except Exception:
                # Whatever it is, the streams of this web worker must not stay deaf.
                log.exception("the subscription to events has failed")
            await asyncio.sleep(_RETRY_SECONDS)

    async def _read(self) -> None:
        asked, labels = self._asked, set(self._labels)
        async with self._grid.subscribe(labels) as subscription:
            self._subscription = subscription
            if self._asked != asked:
                subscription.change(self._changes_since(labels))
            try:
                while True:
                    message = await subscription.receive()
                    if isinstance(message, Heard):
                        self._note_answer(message.serial or asked)
                    else:
                        await self._deliver(message)
            finally:
                self._subscription = None

    def _changes_since(self, labels: Set[str]) -> Interest:
        """What was asked for while the connection was made."""
        wanted = self._labels.keys()
        return Interest(self._asked, add=[*(wanted - labels)], remove=[*(labels - wanted)])
