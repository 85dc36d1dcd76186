"""The hub of events: what is published reaches those who subscribed, and nobody waits for them."""

from __future__ import annotations

import pytest

from deployr.errors import NodeNotResponding
from deployr.events.records import Event, ExecutionConsole, ExecutionError, ExecutionRevo
from deployr.grid.client import SocketGrid, Subscription
from deployr.grid.protocol import Heard, Interest
from tests.grid.grid_support import opened, unique


def error(owner: str, text: str) -> ExecutionError:
    """An event that may not be dropped."""
    return ExecutionError(owner=owner, error=text)


async def next_event(subscription: Subscription) -> Event:
    """The next event; answers to changes are left out."""
    while isinstance(message := await subscription.receive(), Heard):
        pass
    return message


async def test_events_reach_those_who_asked_for_their_label_in_their_order(grid: SocketGrid) -> None:
    mine, other = unique("user:hub"), unique("user:hub")
    async with grid.subscribe([mine]) as subscription:
        assert await subscription.receive() == Heard(0)
        for number in range(20):
            await grid.publish(error(other, "not mine"))
            await grid.publish(error(mine, str(number)))
        heard = [await next_event(subscription) for _ in range(20)]
        assert heard == [error(mine, str(number)) for number in range(20)]


async def test_what_is_heard_changes_as_it_is_asked_for(grid: SocketGrid) -> None:
    first, second = unique("user:hub"), unique("user:hub")
    async with grid.subscribe([first]) as subscription:
        await subscription.receive()
        subscription.change(Interest(7, add=[second], remove=[first]))
        assert await subscription.receive() == Heard(7)
        await grid.publish(error(first, "no more"))
        await grid.publish(error(second, "now"))
        assert await next_event(subscription) == error(second, "now")


async def test_the_console_is_told_only_of_executions_that_ask_for_it(grid: SocketGrid) -> None:
    owner = unique("user:hub")
    async with grid.subscribe([owner]) as subscription, opened(grid, owner=owner) as talk:
        await subscription.receive()
        await talk.run("cat('silent')")
        await talk.run("cat('told')", console_events=True, http="digest")
        heard = await next_event(subscription)
        assert isinstance(heard, ExecutionConsole)
        assert (heard.output, heard.project, heard.http) == ("told", talk.id, "digest")


async def test_events_of_a_job_carry_its_id(grid: SocketGrid) -> None:
    owner = unique("user:hub")
    async with grid.subscribe([owner]) as subscription, opened(grid, owner=owner, job="JOB-1") as talk:
        await subscription.receive()
        await talk.run("revoEvent(1)")
        heard = await next_event(subscription)
        assert isinstance(heard, ExecutionRevo)
        assert (heard.job, heard.project) == ("JOB-1", talk.id)


async def test_a_subscriber_that_does_not_read_loses_its_connection_and_holds_up_nobody(grid: SocketGrid) -> None:
    with pytest.raises(NodeNotResponding):
        await be_deaf(grid, unique("user:hub"))


async def be_deaf(grid: SocketGrid, label: str) -> None:
    """Subscribe, read nothing while more is published than waits for anybody, then read."""
    async with grid.subscribe([label]) as deaf:
        await deaf.receive()
        for _ in range(100):
            await grid.publish(error(label, "x" * 1_000_000))
        async with grid.subscribe([label]) as hearing:
            await hearing.receive()
            await grid.publish(error(label, "after"))
            assert await next_event(hearing) == error(label, "after")
        while True:
            await next_event(deaf)
