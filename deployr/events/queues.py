"""Queues between those who raise events and those who hear them, bounded so that nobody waits for a slow listener.

The rule: while a queue is more than half full, events that may be dropped (console text, activity, warnings,
heartbeats) are left out. When an event that may not be dropped finds no room, the listener has stopped listening, and
is given up as a whole rather than told half the truth.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class Overflow(Exception):
    """The listener does not keep up."""


class BoundedQueue(Generic[T]):
    """First in, first out; one consumer.

    Args:
        most: items.
        most_bytes: bytes of all items.
    """

    def __init__(self, most: int, most_bytes: int) -> None:
        self._most = most
        self._most_bytes = most_bytes
        self._items: deque[tuple[T, int]] = deque()
        self._bytes = 0
        self._changed = asyncio.Event()
        self._overflown = False

    def __len__(self) -> int:
        return len(self._items)

    def put(self, item: T, size: int, *, droppable: bool = False) -> None:
        """Add an item, unless the rule says otherwise; never waits, never raises."""
        # One item of any size finds room in an empty queue.
        share = self._share(size) if self._items else 0.0
        if droppable and share > 0.5:
            return
        if share > 1:
            self._overflown = True
        else:
            self._items.append((item, size))
            self._bytes += size
        self._changed.set()

    async def get(self) -> T:
        """The next item.

        Raises:
            Overflow: an item found no room, perhaps long ago; those before it are gone too.
        """
        while not self._items and not self._overflown:
            self._changed.clear()
            await self._changed.wait()
        if self._overflown:
            raise Overflow
        item, size = self._items.popleft()
        self._bytes -= size
        return item

    def _share(self, size: int) -> float:
        """How full the queue would be."""
        return max((len(self._items) + 1) / self._most, (self._bytes + size) / self._most_bytes)
