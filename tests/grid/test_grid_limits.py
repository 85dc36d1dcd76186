"""Limits of the grid: owners, slots, idle time, memory, CPU; clusters; the warm pool."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import Any

import pytest

from deployr.encodings import model
from deployr.errors import (
    AlreadyExists,
    AnonymousProjectLimit,
    BoundaryExceeded,
    NoFreeSlot,
    ProjectBusy,
    SessionLost,
    UserJobLimit,
    UserProjectLimit,
)
from deployr.grid import processes
from deployr.grid.client import SocketGrid
from deployr.grid.protocol import SessionSpec
from tests.grid.conftest import GridFactory
from tests.grid.grid_support import IS_ROOT, GridProcess, Talk, opened, run_stateless, unique
from tests.waiting import eventually


def spec(**fields: Any) -> SessionSpec:
    return SessionSpec(**({"session": unique("PROJECT"), "owner": "user:limits"} | fields))


async def test_a_busy_session_refuses_at_once(session: Talk) -> None:
    task = await session.starts("repeat {}")
    with pytest.raises(ProjectBusy):
        await session.run("1")
    with pytest.raises(ProjectBusy):
        await session.call("list_objects")
    assert (await session.grid.sessions(sessions=[session.id]))[0].state == "busy"
    await session.grid.interrupt(session.id)
    await task


async def test_files_of_a_busy_session_can_be_read_but_not_changed(session: Talk) -> None:
    await session.write("note", b"x")
    task = await session.starts("repeat {}")
    assert await session.read("note") == b"x"
    with pytest.raises(ProjectBusy):
        await session.write("note", b"y", overwrite=True)
    await session.grid.interrupt(session.id)
    await task


async def test_an_id_is_given_once(grid: SocketGrid, session: Talk) -> None:
    with pytest.raises(AlreadyExists):
        await grid.open(spec(session=session.id))
    same = spec()
    results = await asyncio.gather(*(grid.open(same) for _ in range(3)), return_exceptions=True)
    assert sorted(type(result).__name__ for result in results) == ["AlreadyExists", "AlreadyExists", "SessionInfo"]
    await grid.close(same.session)


@pytest.mark.parametrize(
    ("purpose", "error"),
    [
        ("authenticated", UserProjectLimit),
        ("anonymous", AnonymousProjectLimit),
        ("asynchronous", UserJobLimit),
    ],
)
async def test_owners_have_limits_by_purpose(grid: SocketGrid, purpose: str, error: type[Exception]) -> None:
    limited = {"owner": unique("user"), "purpose": purpose, "owner_limit": 2}
    specs = [spec(**limited) for _ in range(5)]
    results = await asyncio.gather(*(grid.open(each) for each in specs), return_exceptions=True)
    assert sorted(type(result).__name__ for result in results) == sorted(["SessionInfo"] * 2 + [error.__name__] * 3)
    async with opened(grid, **(limited | {"owner": unique("other")})):
        pass
    for each in specs:
        await grid.close(each.session)
    async with opened(grid, **limited):
        pass


async def test_an_idle_session_is_closed_and_a_busy_one_is_not_idle(grid: SocketGrid, session: Talk) -> None:
    task = await session.starts("repeat {}")
    await grid.amend(session.id, context="", idle_timeout=0.1)
    async with opened(grid, idle_timeout=0.1) as idle:
        await eventually(lambda: _is_closed(grid, idle.id))
    assert not await _is_closed(grid, session.id)
    await grid.amend(session.id, context="", idle_timeout=0)
    await grid.interrupt(session.id)
    assert (await task).record.interrupted


@pytest.mark.parametrize("kept", [True, False])
async def test_calls_that_only_read_count_as_use_where_that_is_wanted(grid: SocketGrid, kept: bool) -> None:
    async with opened(grid, kept_by_reads=kept) as session:
        await session.write("f", b"")
        for read in (
            grid.history(session.id),
            grid.console(session.id),
            grid.list_files(session.id),
            session.read("f"),
            grid.interrupt(session.id),
        ):
            [before] = await grid.sessions(sessions=[session.id])
            await asyncio.sleep(0.002)
            await read
            [after] = await grid.sessions(sessions=[session.id])
            assert (after.used > before.used) == kept


async def _is_closed(grid: SocketGrid, session: str) -> bool:
    return await grid.sessions(sessions=[session]) == []


async def test_sessions_are_listed_by_id_and_owner(grid: SocketGrid, session: Talk, other_session: Talk) -> None:
    def ids(infos: list[Any]) -> set[str]:
        return {info.session for info in infos}

    assert ids(await grid.sessions(sessions=[session.id, "PROJECT-none"])) == {session.id}
    assert ids(await grid.sessions(owner="user:other")) == {other_session.id}
    assert {session.id, other_session.id} <= ids(await grid.sessions())


async def test_files_of_a_stateless_execution_stay_for_a_while(grid: SocketGrid) -> None:
    owner, before = unique("http"), (await grid.status()).nodes[0].used
    outcome = await run_stateless(grid, "writeLines('kept', 'f'); plot(1)", owner=owner)
    await eventually(lambda: _used(grid, before))
    (info,) = await grid.sessions(owner=owner)
    assert info.state == "ended"
    kept = Talk(grid, info.session)
    assert await kept.read("f") == b"kept\n"
    assert len(await kept.read("unnamedplot001.png", area="results", execution=outcome.record.execution)) > 100
    with pytest.raises(SessionLost):
        await kept.run("1")


async def test_files_of_a_stateless_execution_go_at_last(impatient: SocketGrid) -> None:
    owner = unique("http")
    await run_stateless(impatient, "writeLines('kept', 'f')", owner=owner)
    await eventually(lambda: _has_no_session(impatient, owner))


async def test_a_stateless_execution_without_files_leaves_no_session(grid: SocketGrid) -> None:
    owner = unique("http")
    assert (await run_stateless(grid, "x <- Sys.getpid()", "x", owner=owner)).number("x")
    await eventually(lambda: _has_no_session(grid, owner))


async def _has_no_session(grid: SocketGrid, owner: str) -> bool:
    return await grid.sessions(owner=owner) == []


async def _used(grid: SocketGrid, slots: int) -> bool:
    return (await grid.status()).nodes[0].used == slots


NODES = (
    {"name": "mixed", "slots": 2},
    {"name": "jobs", "purposes": ("asynchronous",), "cluster": "Batch", "slots": 1},
)


async def test_slots_and_clusters_of_several_nodes(new_grid: GridFactory) -> None:
    with new_grid(nodes=NODES, warm_min=0) as process:
        grid = process.client()
        assert [node.name for node in (await grid.status()).nodes] == ["mixed", "jobs"]
        first = await grid.open(spec(purpose="asynchronous", cluster="bATCH"))
        assert (first.node, first.cluster) == ("jobs", "Batch")
        # The dedicated node is full: the mixed one takes what comes.
        overflow = await grid.open(spec(purpose="asynchronous"))
        assert overflow.node == "mixed"
        with pytest.raises(NoFreeSlot):
            await grid.open(spec(cluster="nowhere"))
        opened_now = await asyncio.gather(*(grid.open(spec()) for _ in range(4)), return_exceptions=True)
        assert sorted(type(result).__name__ for result in opened_now) == ["NoFreeSlot"] * 3 + ["SessionInfo"]
        await grid.close(overflow.session)
        assert (await grid.open(spec())).node == "mixed"
        await grid.aclose()


async def test_nodes_whose_names_differ_in_signs_only_do_not_mix_nor_do_their_user_ids(new_grid: GridFactory) -> None:
    nodes = ({"name": "node 1", "cluster": "a"}, {"name": "Node-1", "cluster": "b"})
    with new_grid(nodes=nodes) as process:
        grid = process.client()
        async with opened(grid, cluster="a") as one, opened(grid, cluster="b") as two:
            uids = [await talk.number("as.integer(system('id -u', intern = TRUE))") for talk in (one, two)]
            assert abs(uids[0] - uids[1]) >= 1000 or not IS_ROOT
        await grid.aclose()


async def test_limits_of_processes(new_grid: GridFactory) -> None:
    """CPU time kills (914); memory makes an R error, and the session lives."""
    with new_grid(cpu_limit=1, memory_limit=1_000_000_000, warm_min=0) as process:
        grid = process.client()
        async with opened(grid) as session:
            outcome = await session.run("x <- double(1e9)")
            assert "cannot allocate vector" in (outcome.error or "")
            with pytest.raises(BoundaryExceeded):
                await session.run("repeat {}")
            assert await _is_closed(grid, session.id)
        async with opened(grid, cpu_limit=0) as session:
            assert await session.number("{ while (proc.time()[[1L]] < 1.5) {}; 1 }") == 1
            outcome = await session.run("l <- list()\nfor (i in 1:1e6) l[[i]] <- double(1e5)")
            assert outcome.error is not None
            await session.run("rm(l); invisible(gc())")
            assert await session.number("1") == 1
        async with opened(grid, runtime="python", cpu_limit=0) as session:
            assert (await session.run("x = bytearray(2**32)")).error == "MemoryError"
            assert (await session.run("1")).console == "1\n"
        await grid.aclose()


@pytest.mark.parametrize(("runtime", "code"), [("r", "system('while :; do :; done')"), ("python", "while True: pass")])
async def test_a_session_can_have_a_limit_of_its_own_for_itself_and_what_it_starts(
    grid: SocketGrid, runtime: str, code: str
) -> None:
    async with opened(grid, runtime=runtime, cpu_limit=1) as session:
        with pytest.raises(BoundaryExceeded):
            await session.run(code)


async def test_warm_sessions_that_died_are_replaced(new_grid: GridFactory) -> None:
    with new_grid(warm_min=2, warm_max=2) as process:
        grid = process.client()
        (parent,) = process.parents()
        await eventually(lambda: len(_children(parent)) == 2)
        dead = _children(parent)
        for pid in dead:
            os.kill(pid, signal.SIGKILL)
        await eventually(lambda: len(set(_children(parent)) - set(dead)) == 2)
        for _ in range(3):
            async with opened(grid) as session:
                assert await session.number("1") == 1
        await grid.aclose()


def _children(pid: int) -> list[int]:
    return [child for child in processes.children(pid) if not processes.is_zombie(child)]


async def test_external_data_directories_are_options(grid: SocketGrid, grid_process: GridProcess) -> None:
    async with opened(grid, private_data="/priv/u") as session:
        options = "c(getOption('deployrPublicExternalDir'), getOption('deployrPrivateExternalDir'))"
        value = await session.evaluate(options)
        assert value == model.character(str(grid_process.settings.public_data_directory), "/priv/u")


async def test_history_is_kept_in_order_without_phantoms(session: Talk) -> None:
    await session.run("1", tag="first")
    await session.run("2", phantom=True)
    await session.run("stop('x')", actor="user:a")
    history = await session.grid.history(session.id)
    assert [(record.code, record.tag, record.error, record.actor) for record in history] == [
        ("1", "first", None, "anonymous"),
        ("stop('x')", None, "x", "user:a"),
    ]


async def test_what_users_call_their_things_makes_no_list_of_sessions_too_long(grid: SocketGrid) -> None:
    owner = unique("user:names")
    async with opened(grid, owner=owner, context="x" * 1_000_000) as talk:
        await grid.amend(talk.id, context="y" * 1_000_000, idle_timeout=0)
        [info] = await grid.sessions(owner=owner)
        assert info.context == "y" * 200
