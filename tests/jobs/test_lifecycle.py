"""Listeners hear of every state of a job."""

from __future__ import annotations

import asyncio

from deployr.events.records import JobLifecycle, user_label
from deployr.grid.client import SocketGrid, Subscription
from tests.jobs.callers import submit
from tests.server import Client, Server


async def heard(subscription: Subscription, job: str, last: str) -> list[JobLifecycle]:
    """What is told of a job until it is in its last state."""
    events: list[JobLifecycle] = []
    while not events or events[-1].status != last:
        event = await subscription.receive()
        if isinstance(event, JobLifecycle) and event.job == job:
            events.append(event)
    return events


async def states(server: Server, client: Client, last: str, code: str) -> list[JobLifecycle]:
    grid = SocketGrid(server.settings.grid_socket)
    try:
        async with asyncio.timeout(30), grid.subscribe([user_label("testuser")]) as subscription:
            job = await asyncio.to_thread(submit, client, code=code, name="Told", descr="d", priority="high")
            return await heard(subscription, job, last)
    finally:
        await grid.aclose()


async def test_every_state_is_told_in_order(server: Server, testuser: Client) -> None:
    events = await states(server, testuser, "Completed", "x <- 1")
    assert [event.status for event in events] == ["Queued", "Running", "Completed"]
    last = events[-1]
    assert (last.name, last.username, last.descr, last.priority) == ("Told", "testuser", "d", "high")
    assert last.message == "Job successfully executed to completion."
    assert [bool(event.project) for event in events] == [False, False, True]


async def test_a_failure_is_told_with_its_reason(server: Server, testuser: Client) -> None:
    last = (await states(server, testuser, "Failed", "stop('on purpose')"))[-1]
    assert (last.project, "on purpose" in (last.message or "")) == (None, True)
