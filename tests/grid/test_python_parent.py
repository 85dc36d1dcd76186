"""The warm parent of Python sessions, and its interpreter."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
from pathlib import Path

import pytest

from deployr.encodings import model
from deployr.errors import DeployrError
from deployr.grid.client import SocketGrid
from deployr.grid.python_parent import PythonConnection
from deployr.grid.rserve import ConnectionBroken
from tests.grid.conftest import GridFactory
from tests.grid.grid_support import opened
from tests.waiting import eventually


async def test_the_parent_starts_with_the_first_session_and_again_after_its_death(new_grid: GridFactory) -> None:
    with new_grid() as process:
        grid = process.client()
        assert process.python_parents() == []
        async with opened(grid, runtime="python") as first:
            [parent] = process.python_parents()
            os.kill(parent, signal.SIGKILL)
            await eventually(lambda: process.python_parents() not in ([], [parent]))
            assert (await first.run("1")).console == "1\n"
            await eventually(lambda: _waiting(grid))
            async with opened(grid, runtime="python") as second:
                assert (await second.run("2")).console == "2\n"
        await grid.aclose()


async def _waiting(grid: SocketGrid) -> int:
    return (await grid.status()).nodes[0].python_warm


async def test_an_interpreter_that_is_not_there_is_told_as_a_failure_of_the_node(new_grid: GridFactory) -> None:
    with new_grid(python="/nowhere/python") as process:
        grid = process.client()
        with pytest.raises(DeployrError) as caught:
            async with opened(grid, runtime="python"):
                pass
        assert caught.value.code == 915
        async with opened(grid) as session:
            assert await session.number("1") == 1
        await grid.aclose()


async def test_an_interpreter_without_libraries_serves_too(new_grid: GridFactory) -> None:
    with new_grid(python="/usr/bin/python3") as process:
        grid = process.client()
        async with opened(grid, runtime="python") as session:
            code = "import importlib.util\nprint(importlib.util.find_spec('numpy'))\ny = x"
            inputs = {"x": model.matrix(model.double(1, 2, 3, 4), 2, 2)}
            outcome = await session.run(code, "y", inputs=inputs)
            if outcome.console != "None\n":
                pytest.skip("the system's Python has numpy")
            assert outcome.objects["y"] == model.unnamed_list(model.double(1, 3), model.double(2, 4))
            assert (await session.run("x", inputs={"x": model.double(1, None)})).console == "[1.0, nan]\n"
            frame = model.data_frame({"a": model.integer(1, None), "b": model.factor([1, 1], ["u"])})
            assert (await session.run("x", inputs={"x": frame})).console == "{'a': [1, None], 'b': ['u', 'u']}\n"
        await grid.aclose()


async def test_a_fork_that_nobody_waits_for_any_more_keeps_no_file_open(tmp_path: Path) -> None:
    server = await asyncio.start_unix_server(lambda reader, writer: writer.close(), tmp_path / "socket")
    before = set(Path("/proc/self/fd").iterdir())
    connecting = asyncio.create_task(PythonConnection.connect(tmp_path / "socket", 1000))
    await asyncio.sleep(0)
    connecting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await connecting
    server.close()
    await eventually(lambda: set(Path("/proc/self/fd").iterdir()) <= before)


async def test_a_fork_without_descriptors_is_a_fork_that_failed(tmp_path: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, limits[1]))
    try:
        with pytest.raises(ConnectionBroken):
            await PythonConnection.connect(tmp_path / "socket", 1000)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
