"""The client and the server of the grid: connections, back-pressure, callers and grids that are gone."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import pytest

from deployr.errors import InternalError, NodeNotResponding, NotFound, SessionLost
from deployr.grid import framing, protocol
from deployr.grid.client import SocketGrid
from deployr.grid.engine import Engine
from deployr.grid.protocol import Execution, Frame, GridStatus
from deployr.grid.server import GridServer
from tests.grid.grid_support import GridProcess, Talk, encode_arguments, opened, stream, unique
from tests.waiting import eventually


async def test_a_grid_that_is_not_there_is_915(tmp_path: Path) -> None:
    grid = SocketGrid(tmp_path / "nothing.sock")
    with pytest.raises(NodeNotResponding) as caught:
        await grid.status()
    assert caught.value.code == 915


class _Failing(Engine):
    def status(self) -> GridStatus:
        raise ZeroDivisionError


async def test_a_failure_of_the_grid_is_told_from_a_call_that_is_wrong(tmp_path: Path) -> None:
    listener = await framing.listen(tmp_path / "grid", GridServer(_Failing([], stateless_keep=1)).serve_connection)
    grid = SocketGrid(tmp_path / "grid")
    with pytest.raises(InternalError):
        await grid.status()
    await grid.aclose()
    listener.close()


async def test_connections_are_used_again(grid: SocketGrid, session: Talk) -> None:
    await session.run("1")
    (kept,) = grid._idle
    for code in ("1", "stop('x')"):
        await session.run(code)
    with pytest.raises(NotFound):
        await session.read("nothing")
    assert grid._idle == [kept]


async def test_a_reply_left_in_the_middle_costs_its_connection_only(grid: SocketGrid, session: Talk) -> None:
    await session.run("writeBin(raw(5e6), 'f')")
    async with grid.read_file(session.id, "f") as (info, chunks):
        assert len(await anext(chunks)) < info.length
    assert grid._idle == []
    assert len(await session.read("f")) == 5_000_000
    assert len(grid._idle) == 1


async def test_no_more_connections_are_kept_than_wanted(grid_process: GridProcess) -> None:
    grid = SocketGrid(grid_process.settings.grid_socket, idle_connections=2)
    await asyncio.gather(*(grid.status() for _ in range(10)))
    assert len(grid._idle) == 2
    await grid.aclose()
    assert grid._idle == []


async def test_a_reader_that_stalls_on_100_megabytes_does_not_stall_other_sessions(
    grid_process: GridProcess, session: Talk, other_session: Talk
) -> None:
    peer = await framing.connect(grid_process.settings.grid_socket)
    peer.put_head(protocol.Execute(session.id, Execution(execution=unique("EXEC"), code="x <- double(12.5e6)")))
    await peer.send_bytes(encode_arguments(["x"]))
    assert (await peer.receive())[0] is Frame.HEAD
    # The value waits in R and in the socket; nobody reads it.
    for _ in range(20):
        await other_session.run("1")
    assert (await session.grid.sessions(sessions=[session.id]))[0].state == "busy"
    assert len(await peer.receive_bytes()) > 100_000_000
    peer.close()
    await eventually(lambda: _is_idle(session))


async def test_a_caller_gone_in_the_middle_of_a_value_leaves_the_session_in_step(
    grid_process: GridProcess, session: Talk
) -> None:
    peer = await framing.connect(grid_process.settings.grid_socket)
    peer.put_head(protocol.Execute(session.id, Execution(execution=unique("EXEC"), code="x <- double(5e6)")))
    await peer.send_bytes(encode_arguments(["x"]))
    await peer.receive()
    await peer.receive()
    peer.close()
    await eventually(lambda: _is_idle(session))
    assert await session.number("1 + 1") == 2


async def test_a_caller_gone_in_the_middle_of_an_upload_leaves_nothing(
    grid_process: GridProcess, session: Talk
) -> None:
    # Looked at from outside: code that runs meanwhile would have the upload refused.
    work = Path(await session.text("getwd()"))
    peer = await framing.connect(grid_process.settings.grid_socket)
    peer.put_head(protocol.WriteFile(session.id, "f"))
    peer.put(Frame.DATA, b"half")
    await peer.flush()
    await eventually(lambda: len(list(work.iterdir())) == 1)
    peer.close()
    await eventually(lambda: not list(work.iterdir()))


async def _is_idle(session: Talk) -> bool:
    return (await session.grid.sessions(sessions=[session.id]))[0].state == "idle"


@pytest.mark.parametrize("frame", [(Frame.HEAD, b"garbage"), (Frame.DATA, b"x"), (Frame.HEAD, b"\x81\xa4type\xa4none")])
async def test_a_request_that_makes_no_sense_harms_nobody(
    grid_process: GridProcess, session: Talk, frame: tuple[Frame, bytes]
) -> None:
    peer = await framing.connect(grid_process.settings.grid_socket)
    peer.put(*frame)
    await peer.flush()
    with contextlib.suppress(framing.FrameError):
        assert (await peer.receive())[0] is Frame.ERROR
    peer.close()
    assert await session.number("1") == 1


async def test_unknown_sessions_are_lost(grid: SocketGrid) -> None:
    nobody = Talk(grid, "PROJECT-nobody")
    for ask in (
        nobody.run("1"),
        nobody.call("list_objects"),
        grid.interrupt(nobody.id),
        grid.history(nobody.id),
        grid.list_files(nobody.id),
        nobody.read("f"),
        grid.write_file(nobody.id, "f", stream(b"x" * 1_000_000)),
        grid.delete_files(nobody.id, ["f"]),
    ):
        with pytest.raises(SessionLost):
            await ask
    assert not await grid.close(nobody.id)


async def test_many_callers_share_the_grid(grid: SocketGrid) -> None:
    async def caller(number: int) -> float:
        async with opened(grid) as session:
            for _ in range(5):
                await session.run(f"x <- {number}")
            return await session.number("x")

    assert await asyncio.gather(*(caller(number) for number in range(10))) == list(range(10))


async def test_any_client_reaches_any_session(grid_process: GridProcess, session: Talk) -> None:
    await session.run("x <- 42")
    another = grid_process.client()
    assert await Talk(another, session.id).number("x") == 42
    await another.aclose()
