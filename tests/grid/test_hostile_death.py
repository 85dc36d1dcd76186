"""Death: of a session, of its parent, of the grid. It is noticed at once and nothing is left behind."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest

from deployr.errors import BoundaryExceeded, NodeNotResponding, SessionLost
from deployr.events.records import ExecutionError
from deployr.grid.client import SocketGrid
from deployr.grid.protocol import Execution, SessionSpec
from tests.grid.conftest import GridFactory
from tests.grid.grid_support import (
    IS_ROOT,
    Talk,
    encode_arguments,
    is_alive,
    leftovers,
    opened,
    run_stateless,
    unique,
)
from tests.waiting import eventually, wait_until

HIDDEN = "env -i setsid" if IS_ROOT else "setsid"
"""Runs what the grid finds as well as it can hide: by its user id, or else by its environment."""


async def is_gone(session: Talk) -> bool:
    return await session.grid.sessions(sessions=[session.id]) == []


@pytest.mark.parametrize(
    "code", ["q()", "quit(status = 3)", "tools::pskill(Sys.getpid(), 9)", "tools::pskill(Sys.getpid(), 11)"]
)
async def test_a_session_that_ends_itself_is_lost_at_once(session: Talk, code: str) -> None:
    with pytest.raises(SessionLost):
        await session.run(code)
    with pytest.raises(SessionLost):
        await session.run("1")
    assert await is_gone(session)


async def test_quit_does_not_harm_other_sessions(session: Talk, other_session: Talk) -> None:
    with pytest.raises(SessionLost):
        await session.run("q()")
    assert await other_session.flag("file.create(tempfile())")
    assert [info.filename for info in (await other_session.run("plot(1)")).record.results] == ["unnamedplot001.png"]


async def test_death_is_noticed_although_a_child_holds_the_connection(session: Talk) -> None:
    await session.run("system('sleep 600 &')")
    with pytest.raises(SessionLost):
        await session.run("tools::pskill(Sys.getpid(), 9)")


async def test_death_of_an_idle_session_is_noticed(session: Talk) -> None:
    os.kill(await session.pid(), signal.SIGKILL)
    await eventually(lambda: is_gone(session))


BACKGROUND = {
    "a child": "system('sleep 300 & echo $! > pid')",
    "nohup": "system('nohup sleep 300 >/dev/null 2>&1 & echo $! > pid')",
    "setsid": "system('setsid sleep 300 & echo $! > pid')",
    "a double fork": "system('(sh -c \"echo \\\\$\\\\$ > pid; exec sleep 300\" &) &')",
    "a daemon without environment": (
        "system('env -i /usr/bin/setsid /bin/sh -c \"echo \\\\$\\\\$ > pid; exec /bin/sleep 300\" &')"
    ),
    "a forked R": "p <- parallel::mcparallel(Sys.sleep(300))\nwriteLines(as.character(p$pid), 'pid')",
    "a forked R in a group of its own": (
        "p <- parallel:::mcfork(TRUE)\n"
        "if (inherits(p, 'masterProcess')) { Sys.sleep(300); parallel:::mcexit(0L) }\n"
        "writeLines(as.character(p$pid), 'pid')"
    ),
}


@pytest.mark.parametrize("code", BACKGROUND.values(), ids=BACKGROUND.keys())
async def test_background_children_are_gone_after_close(grid: SocketGrid, code: str) -> None:
    async with opened(grid) as session:
        await session.run(code)
        await eventually(lambda: _child(session))
        child = await _child(session)
        if code != BACKGROUND["a daemon without environment"]:
            assert is_alive(child)
    await eventually(lambda: not is_alive(child))


async def _child(session: Talk) -> int:
    if "pid" not in await session.files():
        return 0
    return int(await session.read("pid") or 0)


async def test_background_children_live_as_long_as_their_session(session: Talk) -> None:
    await session.run("system('nohup sleep 300 >/dev/null 2>&1 & echo $! > pid')")
    child = await _child(session)
    outcome = await run_stateless(session.grid, "x <- system('sleep 300 >/dev/null & echo $!', intern = TRUE)", "x")
    # The sweep of the grid that kills this one looks at the other too.
    await eventually(lambda: not is_alive(int(outcome.text("x") or 0)))
    assert is_alive(child)


async def test_a_stateless_loop_ends_with_its_caller(grid: SocketGrid) -> None:
    spec = SessionSpec(session=unique("STATELESS"), owner="http:test", purpose="anonymous")
    running = asyncio.create_task(
        grid.execute_stateless(spec, Execution(execution=unique("EXEC"), code="repeat {}"), encode_arguments())
    )
    await eventually(lambda: _is_busy(grid, spec.session))
    running.cancel()
    await eventually(lambda: _is_closed(grid, spec.session))


async def test_a_loop_in_a_project_goes_on_without_its_caller_and_can_be_interrupted(session: Talk) -> None:
    go = Path(await session.text("getwd()"), "go")
    task = await session.starts("repeat if (file.exists('go')) file.create('went on')")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    go.touch()
    await eventually((go.parent / "went on").exists)
    assert await _is_busy(session.grid, session.id)
    assert await session.grid.interrupt(session.id)
    await eventually(lambda: _is_idle(session.grid, session.id))
    interrupted = (await session.grid.history(session.id))[-1]
    assert interrupted.interrupted


async def _state(grid: SocketGrid, session: str) -> str | None:
    infos = await grid.sessions(sessions=[session])
    return infos[0].state if infos else None


async def _is_busy(grid: SocketGrid, session: str) -> bool:
    return await _state(grid, session) == "busy"


async def _is_idle(grid: SocketGrid, session: str) -> bool:
    return await _state(grid, session) == "idle"


async def _is_closed(grid: SocketGrid, session: str) -> bool:
    return await _state(grid, session) is None


async def test_a_session_closed_while_it_runs_is_lost_to_its_caller(session: Talk) -> None:
    pid = await session.pid()
    task = await session.starts("repeat {}")
    assert await session.grid.close(session.id)
    with pytest.raises(SessionLost):
        await task
    await eventually(lambda: not is_alive(pid))


async def test_the_time_limit_kills(session: Talk) -> None:
    with pytest.raises(BoundaryExceeded):
        await session.run("repeat {}", time_limit=0.3)
    assert await is_gone(session)


async def test_a_killed_grid_leaves_nothing_to_the_next_one(new_grid: GridFactory) -> None:
    with new_grid() as process:
        grid = process.client()
        await grid.open(SessionSpec(session="PROJECT-1", owner="user:a"))
        session = Talk(grid, "PROJECT-1")
        await session.run(f"system('{HIDDEN} sh -c \"echo \\\\$\\\\$ > pid; exec sleep 300\" &')")
        await eventually(lambda: _child(session))
        daemon = await _child(session)
        pid = await session.pid()
        task = await session.starts("repeat {}")
        process.kill()
        with pytest.raises(NodeNotResponding):
            await task
        with pytest.raises(NodeNotResponding) as caught:
            await grid.status()
        assert caught.value.code == 915
        await grid.publish(ExecutionError(owner="user:nobody", error="unheard"))
        assert is_alive(pid)
        process.start()
        assert not is_alive(pid)
        wait_until(lambda: not is_alive(daemon))
        assert await grid.sessions() == []
        with pytest.raises(SessionLost):
            await session.run("1")
        async with opened(grid) as fresh:
            assert await fresh.number("1") == 1
        await grid.aclose()


async def test_sigterm_leaves_no_process(new_grid: GridFactory) -> None:
    with new_grid() as process:
        grid = process.client()
        await grid.open(SessionSpec(session="PROJECT-1", owner="user:a"))
        session = Talk(grid, "PROJECT-1")
        await session.run(f"system('{HIDDEN} sleep 300 &')")
        task = await session.starts("repeat {}")
        assert len(leftovers(process.name)) >= 3
        process.stop()
        with pytest.raises((SessionLost, NodeNotResponding)):
            await task
        assert leftovers(process.name) == []
        assert not list((process.settings.sessions_directory / "nodes").glob("*/sessions/*"))
        await grid.aclose()
