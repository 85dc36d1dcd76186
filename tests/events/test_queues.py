"""Queues: order, what is left out, and when a listener is given up."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployr.events.queues import BoundedQueue, Overflow


async def drained(queue: BoundedQueue[int]) -> list[int]:
    """All items that wait."""
    return [await queue.get() for _ in range(len(queue))]


@given(st.lists(st.tuples(st.integers(0, 60), st.booleans())))
async def test_what_is_not_left_out_comes_in_its_order_within_the_limits(items: list[tuple[int, bool]]) -> None:
    queue: BoundedQueue[int] = BoundedQueue(most=1000, most_bytes=100)
    for number, (size, _) in enumerate(items):
        queue.put(number, size, droppable=True)
    kept = await drained(queue)
    assert kept == sorted(kept)
    assert sum(items[number][0] for number in kept[1:]) <= 100


async def test_what_may_be_dropped_is_left_out_of_a_queue_that_is_half_full() -> None:
    queue: BoundedQueue[int] = BoundedQueue(most=4, most_bytes=1000)
    for number in range(4):
        queue.put(number, 1, droppable=True)
    queue.put(99, 1)
    assert await drained(queue) == [0, 1, 99]


async def test_an_item_that_may_not_be_dropped_and_finds_no_room_gives_the_listener_up() -> None:
    queue: BoundedQueue[int] = BoundedQueue(most=2, most_bytes=1000)
    for number in range(3):
        queue.put(number, 1)
    with pytest.raises(Overflow):
        await queue.get()


async def test_a_single_item_of_any_size_finds_room() -> None:
    queue: BoundedQueue[int] = BoundedQueue(most=2, most_bytes=10)
    queue.put(1, 1000)
    assert await queue.get() == 1


async def test_the_consumer_waits_until_there_is_something() -> None:
    queue: BoundedQueue[int] = BoundedQueue(most=2, most_bytes=10)
    waiting = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    assert not waiting.done()
    queue.put(7, 1)
    assert await waiting == 7
