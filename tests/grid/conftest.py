"""A grid shared by the tests of a worker, sessions on it, and grids of a test's own."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from deployr.grid import user_namespaces
from deployr.grid.client import SocketGrid
from tests.grid.grid_support import IS_ROOT, GridProcess, Talk, leftovers, make_home, make_settings, opened, remove_home

GridFactory = Callable[..., contextlib.AbstractContextManager[GridProcess]]

needs_user_namespaces = pytest.mark.skipif(
    IS_ROOT and not user_namespaces.available(),
    reason="this system denies user namespaces, as chroots and containers do",
)
needs_root = pytest.mark.skipif(not IS_ROOT, reason="sessions have user ids of their own only when run as root")


@contextlib.contextmanager
def running_grid(
    environment: dict[str, str] | None = None, *, namespaces: bool | None = None, **grid: Any
) -> Iterator[GridProcess]:
    """A grid with the given settings; when it ends, no process of it may be left."""
    home = make_home()
    process = GridProcess(make_settings(home, **grid), environment, namespaces=namespaces)
    try:
        yield process
    finally:
        process.stop()
        left = leftovers(process.name)
        remove_home(home)
        assert left == []


@pytest.fixture(scope="session")
def grid_process() -> Iterator[GridProcess]:
    """The grid that most tests share."""
    with running_grid({"SERVER_SECRET": "hidden-from-r"}) as process:
        yield process


@contextlib.asynccontextmanager
async def client_of(process: GridProcess) -> AsyncIterator[SocketGrid]:
    """A client of a grid."""
    client = process.client()
    yield client
    await client.aclose()


@pytest.fixture
async def grid(grid_process: GridProcess) -> AsyncGenerator[SocketGrid]:
    """A client of the shared grid."""
    async with client_of(grid_process) as client:
        yield client


@pytest.fixture(scope="session")
def impatient_process() -> Iterator[GridProcess]:
    """A grid that waits for nobody long."""
    with running_grid(interrupt_grace=0.3, stateless_keep=1, **{"mlserver.service_idle": 1}) as process:
        yield process


@pytest.fixture
async def impatient(impatient_process: GridProcess) -> AsyncGenerator[SocketGrid]:
    """A client of the impatient grid."""
    async with client_of(impatient_process) as client:
        yield client


@pytest.fixture
async def session(grid: SocketGrid) -> AsyncGenerator[Talk]:
    """A fresh session on the shared grid."""
    async with opened(grid) as talk:
        yield talk


@pytest.fixture
async def other_session(grid: SocketGrid) -> AsyncGenerator[Talk]:
    """Another one."""
    async with opened(grid, owner="user:other") as talk:
        yield talk


@pytest.fixture
async def python(grid: SocketGrid) -> AsyncGenerator[Talk]:
    """A fresh Python session on the shared grid."""
    async with opened(grid, runtime="python") as talk:
        yield talk


@pytest.fixture
def new_grid() -> GridFactory:
    """Makes grids with settings of their own."""
    return running_grid
