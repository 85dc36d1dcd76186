"""The event streams of a web worker: each event is encoded once and put into the queue of everybody who hears it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import Counter, defaultdict
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection

from deployr.errors import DeployrError
from deployr.events.feed import Feed
from deployr.events.frames import Frame, event_frame, stream_frame
from deployr.events.listeners import Listener
from deployr.events.queues import BoundedQueue
from deployr.events.records import Event, ExecutionRevo, SecurityLogout
from deployr.grid.client import Grid
from deployr.settings import EventSettings

log = logging.getLogger(__name__)

MOST_EVENTS = 2000
"""Events that wait for one client."""
MOST_BYTES = 32 * 1024 * 1024

_LARGE = 256 * 1024
"""Bytes of a published object from which on it is encoded in a thread, so that other calls go on."""

LiveSessions = Callable[[Collection[str]], set[str]]
"""Those of the HTTP sessions, by digest, that somebody is still logged in on."""


class Stream:
    """What one client gets to hear."""

    def __init__(self, listener: Listener, settings: EventSettings) -> None:
        self.listener = listener
        self._settings = settings
        self._queue: BoundedQueue[Frame | None] = BoundedQueue(MOST_EVENTS, MOST_BYTES)

    async def frames(self) -> AsyncIterator[Frame | None]:
        """The connect event, then events as they come; ``None`` when it is time for a sign of life.

        Ends with the disconnect event when the server ends the stream.

        Raises:
            Overflow: the client does not keep up.
        """
        yield self._own_frame("Connect")
        spoke = time.monotonic()
        while True:
            try:
                async with asyncio.timeout(self._settings.keep_alive):
                    frame = await self._queue.get()
            except TimeoutError:
                if self._settings.idle_timeout and time.monotonic() - spoke > self._settings.idle_timeout:
                    break
                yield None
                continue
            if frame is None:
                break
            yield frame
            spoke = time.monotonic()
        yield self._own_frame("Disconnect")

    def put(self, frame: Frame, *, droppable: bool) -> None:
        """Queue an event."""
        self._queue.put(frame, len(frame.json), droppable=droppable)

    def end(self) -> None:
        """Let the stream end after what is queued."""
        self._queue.put(None, 0)

    def _own_frame(self, kind: str) -> Frame:
        return stream_frame("Connect" if kind == "Connect" else "Disconnect", *self._who)

    @property
    def _who(self) -> tuple[str, str]:
        return self.listener.whoami, self.listener.http_session


class Streams:
    """All streams of a web worker.

    Args:
        live_sessions: looked at now and then, should word of a logout have been lost.
    """

    def __init__(self, grid: Grid, live_sessions: LiveSessions, settings: EventSettings) -> None:
        self._live_sessions = live_sessions
        self._settings = settings
        self._feed = Feed(grid, self._deliver)
        self._heard: defaultdict[str, set[Stream]] = defaultdict(set)
        self._callers: Counter[str] = Counter()

    @contextlib.asynccontextmanager
    async def open(self, listener: Listener) -> AsyncGenerator[Stream]:
        """A stream, which hears everything that is raised from here on.

        Raises:
            DeployrError: the caller, or all callers together, have too many streams.
        """
        self._check_room(listener)
        stream = Stream(listener, self._settings)
        self._callers[listener.owner] += 1
        for label in listener.labels:
            self._heard[label].add(stream)
        try:
            await self._feed.follow(listener.labels)
            yield stream
        finally:
            self._forget(stream)
            self._feed.unfollow(listener.labels)

    def end_all(self) -> None:
        """End all streams: the web worker stops."""
        for stream in self._all():
            stream.end()

    async def end_abandoned(self) -> None:
        """End streams whose users have logged out, or whose HTTP sessions have idled out."""
        streams = [stream for stream in self._all() if stream.listener.username is not None]
        digests = {stream.listener.http_session for stream in streams}
        live = await asyncio.to_thread(self._live_sessions, digests) if digests else set()
        for stream in streams:
            if stream.listener.http_session not in live:
                stream.end()

    def close(self) -> None:
        """End the subscription to events."""
        self._feed.close()

    def _check_room(self, listener: Listener) -> None:
        if self._callers[listener.owner] >= self._settings.streams_per_caller:
            raise DeployrError("You have too many event streams open.")
        if self._callers.total() >= self._settings.streams or (listener.username is None and self._is_half_anonymous()):
            raise DeployrError("The server has too many event streams open.")

    def _is_half_anonymous(self) -> bool:
        """Nobody counts who is behind anonymous HTTP sessions: half of the room is left to users."""
        anonymous = sum(count for owner, count in self._callers.items() if owner.startswith("http:"))
        return anonymous >= max(1, self._settings.streams // 2)

    def _forget(self, stream: Stream) -> None:
        self._callers[stream.listener.owner] -= 1
        if not self._callers[stream.listener.owner]:
            del self._callers[stream.listener.owner]
        for label in stream.listener.labels:
            self._heard[label].discard(stream)
            if not self._heard[label]:
                del self._heard[label]

    def _all(self) -> set[Stream]:
        return {stream for streams in self._heard.values() for stream in streams}

    async def _deliver(self, event: Event) -> None:
        concerned = {stream for label in event.audience for stream in self._heard.get(label, ())}
        hearing = [stream for stream in concerned if stream.listener.hears(event)]
        if hearing:
            await self._put(event, hearing)
        if isinstance(event, SecurityLogout):
            for stream in concerned:
                if stream.listener.http_session == event.http and stream.listener.username is not None:
                    stream.end()

    async def _put(self, event: Event, streams: Collection[Stream]) -> None:
        try:
            frame = await _encoded(event)
        except ValueError as ex:
            log.warning("an event was left out: %s", ex)
            return
        for stream in streams:
            stream.put(frame, droppable=event.droppable)


async def _encoded(event: Event) -> Frame:
    if isinstance(event, ExecutionRevo) and len(event.object) > _LARGE:
        return await asyncio.to_thread(event_frame, event)
    return event_frame(event)
