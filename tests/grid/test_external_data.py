"""External data: sessions of a user, which have different user ids, share a directory that no other session enters."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from deployr.grid import external_data
from deployr.grid.client import SocketGrid
from deployr.grid.external_data import PrivateDirectories
from deployr.grid.protocol import SessionSpec
from deployr.settings import Settings
from tests.grid.conftest import GridFactory, needs_root
from tests.grid.grid_support import GridProcess, Talk, opened, r_string, unique

pytestmark = needs_root

_LIST = "system.posix_acl_access"


@pytest.fixture
def private(grid_process: GridProcess, request: pytest.FixtureRequest) -> Path:
    """A user's directory, as the server makes it."""
    return make_private(grid_process.settings, request.node.name)


def make_private(settings: Settings, name: str) -> Path:
    external_data.prepare(settings)
    directory = settings.private_data_directory / name
    directory.mkdir(mode=0o700)
    return directory


async def writes(talk: Talk, path: Path) -> bool:
    """The session's code can write a file, and read it again."""
    code = f"tryCatch({{ writeLines('x', {r_string(path)}); readLines({r_string(path)}) == 'x' }}, error = \\(e) FALSE)"
    return await talk.flag(f"suppressWarnings({code})")


async def reads(talk: Talk, path: Path) -> bool:
    """The session's code can read a file."""
    return await talk.flag(f"file.access({r_string(path)}, 4) == 0")


async def test_sessions_of_a_user_write_what_each_other_wrote(grid: SocketGrid, private: Path) -> None:
    file = private / "a.txt"
    async with opened(grid, private_data=str(private)) as first:
        assert await writes(first, file)
        assert await first.flag(f"dir.create({r_string(private / 'sub')})")
        assert await writes(first, private / "sub" / "b.txt")
        writer = await first.number("file.info('.')$uid")
    async with opened(grid, private_data=str(private)) as second:
        assert await second.number("file.info('.')$uid") != writer
        assert await writes(second, file)
        assert await writes(second, private / "sub" / "b.txt")
        assert await second.number(f"unlink({r_string(private / 'sub')}, recursive = TRUE)") == 0


async def test_no_other_session_enters(grid: SocketGrid, private: Path) -> None:
    file = private / "a.txt"
    async with opened(grid, private_data=str(private)) as owner, opened(grid, owner="user:other") as other:
        assert await writes(owner, file)
        assert not await reads(other, file)
        assert not await writes(other, private / "b.txt")
        assert await other.number(f"length(list.files({r_string(private)}))") == 0
        assert await other.number(f"length(list.files({r_string(private.parent)}))") == 0


async def test_a_session_that_ends_is_not_let_in_any_more(grid: SocketGrid, private: Path) -> None:
    async with opened(grid, private_data=str(private)):
        admitted = os.getxattr(private, _LIST)
    assert len(os.getxattr(private, _LIST)) < len(admitted)


async def test_a_session_loses_its_private_data_when_it_is_no_longer_its_users_alone(
    grid: SocketGrid, private: Path
) -> None:
    async with opened(grid, private_data=str(private)) as talk:
        assert await writes(talk, private / "a.txt")
        await grid.amend(talk.id, context="shared", idle_timeout=0, private=False)
        assert not await reads(talk, private / "a.txt")


async def test_what_a_killed_grid_let_in_is_out_when_the_next_one_starts(new_grid: GridFactory) -> None:
    with new_grid() as process:
        private = make_private(process.settings, "user")
        client = process.client()
        await client.open(SessionSpec(session=unique("PROJECT"), owner="user:test", private_data=str(private)))
        admitted = os.getxattr(private, _LIST)
        process.kill()
        process.start()
        assert len(os.getxattr(private, _LIST)) < len(admitted)
        await client.aclose()


async def test_all_sessions_read_what_is_public_and_write_there_when_they_may(
    grid: SocketGrid, grid_process: GridProcess
) -> None:
    external_data.prepare(grid_process.settings)
    public = grid_process.settings.public_data_directory
    (public / "all.txt").write_text("all")
    async with opened(grid) as first, opened(grid, owner="user:other") as second:
        assert await reads(first, public / "all.txt")
        assert not await writes(first, public / "new.txt")
        public.chmod(0o1777)
        assert await writes(first, public / "new.txt")
        assert await reads(second, public / "new.txt")
    public.chmod(0o755)


def test_links_in_the_place_of_private_directories_are_left_alone(tmp_path: Path) -> None:
    outside, base = tmp_path / "outside", tmp_path / "private"
    outside.mkdir()
    base.mkdir()
    (base / "link").symlink_to(outside)
    PrivateDirectories().shut(base)
    assert _LIST not in os.listxattr(outside)
