"""Holds: one caller makes several calls, and nobody else changes the session in between."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from deployr.encodings import model
from deployr.errors import DeployrError, ProjectBusy
from deployr.grid.client import SocketGrid
from deployr.grid.protocol import SessionSpec
from tests.grid.grid_support import GridProcess, Talk, opened, unique
from tests.waiting import eventually

_HOLDER = """
import asyncio, sys
from pathlib import Path
from deployr.grid.client import SocketGrid

async def hold():
    async with SocketGrid(Path(sys.argv[1])).hold(sys.argv[2]):
        print("held", flush=True)
        await asyncio.Event().wait()

asyncio.run(hold())
"""


async def hold_shortly(talk: Talk) -> None:
    async with talk.grid.hold(talk.id):
        pass


CHANGES: dict[str, Callable[[Talk], Awaitable[object]]] = {
    "execute": lambda talk: talk.run("1"),
    "call": lambda talk: talk.call("assign_objects", inputs=model.named_list({"x": model.double(1)})),
    "recycle": lambda talk: talk.grid.recycle(talk.id, workspace=False),
    "flush": lambda talk: talk.grid.flush(talk.id),
    "delete results": lambda talk: talk.grid.delete_results(talk.id),
    "write": lambda talk: talk.write("new.txt", b"new"),
    "update": lambda talk: talk.grid.update_file(talk.id, "here.txt", descr="described"),
    "delete": lambda talk: talk.grid.delete_files(talk.id, ["here.txt"]),
    "hold": hold_shortly,
}


@contextlib.asynccontextmanager
async def held_by_another(grid: SocketGrid, session: str) -> AsyncIterator[None]:
    """Another task holds the session."""
    begun, over = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        async with grid.hold(session):
            begun.set()
            await over.wait()

    holder = asyncio.create_task(hold())
    await begun.wait()
    try:
        yield
    finally:
        over.set()
        await holder


async def is_idle(talk: Talk) -> bool:
    return (await talk.grid.sessions(sessions=[talk.id]))[0].state == "idle"


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
async def test_others_are_refused_and_the_holder_never_is(
    session: Talk, change: Callable[[Talk], Awaitable[object]]
) -> None:
    await session.write("here.txt", b"here")
    async with held_by_another(session.grid, session.id):
        with pytest.raises(ProjectBusy):
            await change(session)
    async with session.grid.hold(session.id):
        await change(session)


async def test_a_session_that_is_held_is_busy_between_two_calls_too(session: Talk) -> None:
    async with held_by_another(session.grid, session.id):
        assert not await is_idle(session)
    assert await is_idle(session)


async def test_others_read_what_is_held(session: Talk) -> None:
    await session.write("here.txt", b"here")
    async with held_by_another(session.grid, session.id):
        assert await session.read("here.txt") == b"here"


async def test_a_hold_within_a_hold_is_that_one(session: Talk) -> None:
    async with session.grid.hold(session.id):
        await hold_shortly(session)
        assert not await is_idle(session)
        assert await session.number("1 + 1") == 2


async def test_a_hold_is_of_one_session(session: Talk, other_session: Talk) -> None:
    async with held_by_another(session.grid, session.id), other_session.grid.hold(other_session.id):
        assert await other_session.number("1 + 1") == 2


async def test_what_runs_keeps_others_from_holding(session: Talk) -> None:
    running = await session.starts("Sys.sleep(60)")
    with pytest.raises(ProjectBusy):
        await hold_shortly(session)
    await session.grid.interrupt(session.id)
    await running


async def test_others_interrupt_what_the_holder_runs(session: Talk) -> None:
    begun = asyncio.Event()

    async def hold_and_run() -> bool:
        async with session.grid.hold(session.id):
            running = await session.starts("Sys.sleep(60)")
            begun.set()
            return (await running).record.interrupted

    holder = asyncio.create_task(hold_and_run())
    await begun.wait()
    assert await session.grid.interrupt(session.id)
    assert await holder


async def test_a_hold_ends_with_what_fails_in_it(session: Talk) -> None:
    with pytest.raises(DeployrError, match="no such"):
        async with session.grid.hold(session.id):
            raise DeployrError("no such thing")
    assert await session.number("1 + 1") == 2


async def test_a_session_that_is_yet_to_be_opened_is_opened_by_its_holder_alone(grid: SocketGrid) -> None:
    spec = SessionSpec(session=unique("PROJECT"), owner="user:test")
    async with held_by_another(grid, spec.session):
        with pytest.raises(ProjectBusy):
            await grid.open(spec)
    async with grid.hold(spec.session), opened(grid, session=spec.session) as talk:
        assert await talk.number("1 + 1") == 2


async def test_the_hold_of_a_killed_process_ends_at_once(session: Talk, grid_process: GridProcess) -> None:
    command = [sys.executable, "-c", _HOLDER, str(grid_process.settings.grid_socket), session.id]
    holder = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert holder.stdout
    assert await holder.stdout.readline() == b"held\n"
    assert not await is_idle(session)
    holder.kill()
    await holder.wait()
    await eventually(lambda: is_idle(session))
    assert await session.number("1 + 1") == 2


async def test_a_session_does_not_idle_out_while_it_is_held(grid: SocketGrid) -> None:
    held = unique("PROJECT")
    async with grid.hold(held):
        await grid.open(SessionSpec(session=held, owner="user:test", idle_timeout=0.1))
        async with opened(grid, idle_timeout=0.1) as later:
            await eventually(lambda: _is_gone(grid, later.id))
        assert not await _is_gone(grid, held)
    await eventually(lambda: _is_gone(grid, held))


async def _is_gone(grid: SocketGrid, session: str) -> bool:
    return not await grid.sessions(sessions=[session])
