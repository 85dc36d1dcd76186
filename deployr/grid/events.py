"""The hub of events: the grid process passes what any process raises to the web workers that have listeners.

A web worker subscribes by labels (:mod:`deployr.events.records`); an event that nobody may hear is thrown away before
it is encoded. Each subscriber has a bounded queue (:mod:`deployr.events.queues`): one that does not keep up loses its
connection, and whoever raised the event never waits.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter

import msgspec

from deployr.events.queues import BoundedQueue, Overflow
from deployr.events.records import Event, ExecutionRevo
from deployr.grid.framing import FrameError, FrameStream
from deployr.grid.protocol import Frame, Heard, Interest, Subscribe

MOST_EVENTS = 20000
"""Events that wait for one web worker."""
MOST_BYTES = 64 * 1024 * 1024

_encoder = msgspec.msgpack.Encoder()
_interests = msgspec.msgpack.Decoder(Interest)


class EventHub:
    """All subscribers of the grid."""

    def __init__(self) -> None:
        self._subscribers: set[_Subscriber] = set()
        self._labels: Counter[str] = Counter()

    def is_heard(self, label: str) -> bool:
        """Whether somebody listens to what has this label; what nobody hears need not be made."""
        return self._labels[label] > 0

    def publish(self, event: Event) -> None:
        """Pass an event on; never waits, never raises."""
        heard = {label for label in event.audience if self.is_heard(label)}
        if not heard:
            return
        body = _encoder.encode(event)
        # A flood of published objects ends the streams of its owner, but never the subscription of a web worker.
        droppable = event.droppable or isinstance(event, ExecutionRevo)
        for subscriber in self._subscribers:
            if not heard.isdisjoint(subscriber.labels):
                subscriber.queue.put(body, len(body), droppable=droppable)

    async def serve(self, stream: FrameStream, request: Subscribe) -> None:
        """Serve one subscriber until it hangs up.

        Raises:
            FrameError: it hung up, or did not keep up.
        """
        subscriber = _Subscriber()
        self._subscribers.add(subscriber)
        self._change(subscriber, Interest(0, add=request.labels))
        sending = asyncio.create_task(subscriber.send(stream))
        listening = asyncio.create_task(self._listen(stream, subscriber))
        try:
            await asyncio.wait((sending, listening), return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._change(subscriber, Interest(0, remove=[*subscriber.labels]))
            self._subscribers.discard(subscriber)
            for task in (sending, listening):
                task.cancel()
            await asyncio.wait((sending, listening))
        raise FrameError("the subscription has ended")

    async def _listen(self, stream: FrameStream, subscriber: _Subscriber) -> None:
        with contextlib.suppress(FrameError, msgspec.DecodeError):
            while True:
                _, body = await stream.receive()
                self._change(subscriber, _interests.decode(body))

    def _change(self, subscriber: _Subscriber, interest: Interest) -> None:
        added = subscriber.labels.union(interest.add) - subscriber.labels
        removed = subscriber.labels.intersection(interest.remove)
        subscriber.labels = (subscriber.labels | added) - removed
        self._labels.update(added)
        self._labels.subtract(removed)
        for label in removed:
            if not self._labels[label]:
                del self._labels[label]
        # Behind what was raised before, so that the answer means: everything from here on.
        subscriber.queue.put(_encoder.encode(Heard(interest.serial)), 0)


class _Subscriber:
    """A web worker."""

    def __init__(self) -> None:
        self.labels: set[str] = set()
        self.queue: BoundedQueue[bytes] = BoundedQueue(MOST_EVENTS, MOST_BYTES)

    async def send(self, stream: FrameStream) -> None:
        with contextlib.suppress(FrameError, Overflow):
            while True:
                stream.put(Frame.HEAD, await self.queue.get())
                await stream.flush()
