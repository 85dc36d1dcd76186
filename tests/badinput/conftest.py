"""A server that many bad requests are sent to, and what must be the same after each of them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from deployr.grid.client import SocketGrid
from tests.badinput import processes_seen
from tests.badinput import stage as stages
from tests.badinput.stage import Stage
from tests.badinput.wire import Wire
from tests.server import PASSWORD, Server, running

MAX_UPLOAD = 1_000_000
_SECRETS = (PASSWORD, "Password1", "hunter2")


@pytest.fixture(scope="session")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the server writes to stderr."""
    return tmp_path_factory.mktemp("log") / "server.log"


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, log: Path) -> Iterator[Server]:
    """A running server with low limits, shared by the tests of this process."""
    home = tmp_path_factory.mktemp("deployr")
    with contextlib.ExitStack() as stack:
        with _stderr_to(log):
            server = stack.enter_context(running(home, limits__max_upload=MAX_UPLOAD))
        yield server


@pytest.fixture(scope="session")
def stage(server: Server) -> Stage:
    """What the requests aim at."""
    return stages.build(server)


@pytest.fixture
def wire(server: Server) -> Iterator[Wire]:
    """A raw connection."""
    connection = Wire(server)
    yield connection
    connection.close()


@pytest.fixture(autouse=True)
def unharmed(stage: Stage, log: Path) -> Iterator[None]:
    """After each test the project works, and the log tells of no failure and no secret."""
    seen = log.stat().st_size
    yield
    value = stage.testuser.execute(stage.project, stages.KEPT, robjects=stages.KEPT)["workspace"]["objects"][0]["value"]
    assert value == 42.0
    written = log.read_bytes()[seen:].decode()
    assert "Traceback" not in written, written
    assert "level=error" not in written, written
    session = stage.testuser.http.cookies["JSESSIONID"]
    assert [secret for secret in (*_SECRETS, session) if secret in written] == []


@pytest.fixture(autouse=True, scope="module")
def nothing_lost(stage: Stage) -> Iterator[None]:
    """After each module what was kept is as it was, no session is left over, and no file lies where it should not."""
    before, sessions = stage.kept(), _sessions(stage.server)
    yield
    assert stage.kept() == before
    assert _escaped(stage.server) == []
    _eventually_gone(stage.server, sessions)


def _sessions(server: Server) -> set[str]:
    async def ask() -> set[str]:
        grid = SocketGrid(server.settings.grid_socket)
        try:
            return {info.session for info in await grid.sessions() if info.state != "ended"}
        finally:
            await grid.aclose()

    return asyncio.run(ask())


def _eventually_gone(server: Server, sessions: set[str]) -> None:
    most = len(sessions) + server.settings.grid.warm_max + 2
    deadline = time.monotonic() + 60
    while _sessions(server) - sessions or processes_seen.r_processes(server) > most:
        assert time.monotonic() < deadline, (_sessions(server) - sessions, processes_seen.r_processes(server), most)
        time.sleep(0.05)


def _escaped(server: Server) -> list[Path]:
    """Files of names that tests tried to write elsewhere; blobs have names of their own."""
    places = [server.settings.home, server.settings.home.parent, Path("/tmp"), Path("/"), Path("/etc"), Path.cwd()]
    sessions = server.settings.sessions_directory
    return [path for place in (*places, sessions, sessions.parent) for path in place.glob("*escaped*")]


@contextlib.contextmanager
def _stderr_to(path: Path) -> Iterator[None]:
    """Let processes that are started meanwhile write there for good."""
    saved = os.dup(2)
    with path.open("wb") as file:
        os.dup2(file.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
