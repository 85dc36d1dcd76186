"""Interrupts: what runs stops, what comes next is not hit, and what does not stop is killed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest

from deployr.errors import SessionLost
from deployr.grid.client import SocketGrid
from tests.grid.grid_support import Talk, is_alive, opened
from tests.waiting import eventually

LOOPS = {
    "a loop": "repeat {}",
    "Sys.sleep": "Sys.sleep(60)",
    "system": "system('sleep 60')",
    "system2 with output": "system2('sh', c('-c', shQuote('echo a; sleep 60')))",
    "an interned command": "x <- system('sleep 60', intern = TRUE)",
    "a loop in a function": "f <- function() for (i in 1:1e9) i\nf()",
    "mclapply": "parallel::mclapply(1:2, function(i) Sys.sleep(60), mc.cores = 2)",
    "a finaliser of a loop": "f <- function() { on.exit(cat('left\\n')); repeat {} }\nf()",
    "a swallowed error": "repeat try(stop('x'), silent = TRUE)",
}


@pytest.mark.parametrize("code", LOOPS.values(), ids=LOOPS.keys())
async def test_an_interrupt_stops_it_and_the_session_lives(session: Talk, code: str) -> None:
    await session.run("kept <- 42")
    task = await session.starts(f"{code}\nnever <- 1")
    assert await session.grid.interrupt(session.id)
    outcome = await task
    assert outcome.record.interrupted
    assert outcome.console.startswith("<begun>\n")
    assert await session.number("kept") == 42
    assert not await session.flag("exists('never')")


async def test_an_interrupted_execution_keeps_the_warnings_it_showed(session: Talk) -> None:
    code = "f <- function() { warning('before'); writeLines('1', 'warned'); repeat {} }\nf()"
    task = asyncio.create_task(session.run(code))
    await eventually(lambda: _has(session, "warned"))
    await session.grid.interrupt(session.id)
    outcome = await task
    assert outcome.record.warnings == ["before"]
    assert "before" in outcome.console


async def test_a_line_that_an_interrupt_cut_off_is_not_of_the_next_execution(session: Talk) -> None:
    task = asyncio.create_task(session.run("cat('cut '); writeLines('1', 'said'); repeat {}"))
    await eventually(lambda: _has(session, "said"))
    await session.grid.interrupt(session.id)
    assert (await task).console.endswith("cut ")
    assert (await session.run("cat('next')")).console == "next"


async def test_an_interrupt_between_calls_has_nothing_to_interrupt(session: Talk) -> None:
    assert not await session.grid.interrupt(session.id)
    assert await session.number("1") == 1


async def test_an_interrupt_that_comes_before_the_code_has_begun_waits_for_it(session: Talk) -> None:
    for _ in range(300):
        task = asyncio.create_task(session.run("repeat {}"))
        while not await session.grid.interrupt(session.id):
            assert not task.done()
        assert (await task).record.interrupted


async def test_a_latched_interrupt_does_not_hit_the_next_call(session: Talk) -> None:
    """C code that ends before it looks for interrupts leaves the signal pending."""
    for _ in range(3):
        task = await session.starts("invisible(sort(runif(3e6)))")
        await session.grid.interrupt(session.id)
        await task
        outcome = await session.run("x <- 0\nfor (i in 1:1e5) x <- x + 1", "x")
        assert not outcome.record.interrupted
        assert outcome.number("x") == 1e5


async def test_a_flood_of_interrupts_harms_nothing(session: Talk) -> None:
    task = await session.starts("repeat {}")
    await asyncio.gather(*(session.grid.interrupt(session.id) for _ in range(50)))
    assert (await task).record.interrupted
    assert await session.number("1 + 1") == 2


@pytest.fixture
async def ended_soon(impatient: SocketGrid) -> AsyncGenerator[Talk]:
    """A session that is killed soon when it takes no interrupt."""
    async with opened(impatient) as talk:
        yield talk


async def test_code_that_ignores_interrupts_is_killed_after_the_grace(ended_soon: Talk) -> None:
    pid = await ended_soon.pid()
    code = "repeat tryCatch({ writeLines('1', 'caught'); repeat {} }, interrupt = function(e) NULL)"
    task = asyncio.create_task(ended_soon.run(code))
    await eventually(lambda: _has(ended_soon, "caught"))
    await ended_soon.grid.interrupt(ended_soon.id)
    with pytest.raises(SessionLost):
        await task
    await eventually(lambda: not is_alive(pid))
    assert await ended_soon.grid.sessions(sessions=[ended_soon.id]) == []


async def test_children_that_ignore_interrupts_are_killed_after_the_grace(ended_soon: Talk) -> None:
    task = await ended_soon.starts("system(\"trap '' INT; sleep 600 & echo $! > pid; wait; wait\")")
    await eventually(lambda: _has(ended_soon, "pid"))
    child = int(await ended_soon.read("pid"))
    await ended_soon.grid.interrupt(ended_soon.id)
    with pytest.raises(SessionLost):
        await task
    await eventually(lambda: not is_alive(child))


async def test_interrupted_plots_are_kept(session: Talk) -> None:
    task = asyncio.create_task(session.run("plot(1)\nwriteLines('1', 'drawn')\nrepeat {}"))
    await eventually(lambda: _has(session, "drawn"))
    await session.grid.interrupt(session.id)
    assert [info.filename for info in (await task).record.results] == ["unnamedplot001.png"]


async def test_reading_the_objects_asked_for_can_be_interrupted(session: Talk) -> None:
    await session.run("makeActiveBinding('x', function() { writeLines('1', 'read'); repeat {} }, globalenv())")
    task = asyncio.create_task(session.run("cat('')", "x"))
    await eventually(lambda: _has(session, "read"))
    assert await session.grid.interrupt(session.id)
    assert (await task).objects == {}
    assert await session.number("1") == 1


async def _has(session: Talk, filename: str) -> bool:
    return filename in await session.files() and await session.read(filename) != b""
