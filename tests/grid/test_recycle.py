"""Recycling, flushing and amending sessions through the client; the directory belongs to an attacker."""

from __future__ import annotations

from pathlib import Path

import pytest

from deployr.errors import DeployrError, NotFound, ProjectBusy, SessionLost
from deployr.grid.client import SocketGrid
from deployr.grid.files import SessionDirectory, open_directory
from tests.grid.grid_support import Talk, opened, r_string
from tests.grid.test_hostile_files import TRAPS
from tests.waiting import eventually

NAMES = "dir(all.files = TRUE, no.. = TRUE)"


@pytest.mark.parametrize("code", TRAPS.values(), ids=TRAPS.keys())
async def test_traps_are_removed(session: Talk, code: str) -> None:
    await session.run(f"{code}\ndir.create('d/e', recursive = TRUE); setwd('d/e')\n{code}")
    await session.grid.recycle(session.id)
    assert (await session.run(f"cat(basename(getwd()), length({NAMES}))")).console == "work 0"


async def test_what_links_point_to_stays(session: Talk, tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("kept")
    await session.run(f"file.symlink({r_string(tmp_path)}, 'link'); dir.create('d'); setwd('d')")
    await session.run(f"file.symlink({r_string(tmp_path)}, 'link')")
    await session.grid.recycle(session.id)
    assert (tmp_path / "kept").read_text() == "kept"


async def test_what_is_deep_and_not_writable_is_removed(session: Talk) -> None:
    await session.run("for (i in 1:300) { dir.create('deep'); file.create('f'); setwd('deep') }")
    await session.run("setwd(Sys.getenv('HOME')); dir.create('shut'); file.create('shut/f'); Sys.chmod('shut', '0')")
    await session.run("Sys.chmod('.', '500')")
    await session.grid.recycle(session.id)
    assert (await session.run(f"cat(length({NAMES}))")).console == "0"
    await session.write("new", b"works")
    assert await session.files() == ["new"]


async def test_hidden_objects_and_the_seed_go_too(session: Talk) -> None:
    await session.run("set.seed(1); .secret <- 1; makeActiveBinding('active', function() stop('read'), globalenv())")
    await session.grid.recycle(session.id)
    assert (await session.run("cat(length(ls(all.names = TRUE)))")).console == "0"


async def test_a_workspace_that_cannot_be_cleared_is_an_error(session: Talk) -> None:
    await session.run("x <- 1; lockEnvironment(globalenv())")
    with pytest.raises(DeployrError, match="locked"):
        await session.grid.recycle(session.id)


async def test_a_session_in_which_code_runs_is_left_alone(session: Talk) -> None:
    await session.run("file.create('f')")
    task = await session.starts("repeat Sys.sleep(0.01)")
    for change in (session.grid.recycle(session.id), session.grid.flush(session.id)):
        with pytest.raises(ProjectBusy):
            await change
    with pytest.raises(ProjectBusy):
        await session.grid.delete_results(session.id)
    assert await session.files() == ["f"]
    await session.grid.interrupt(session.id)
    await task


async def test_lost_sessions_are_said_to_be_lost(grid: SocketGrid) -> None:
    for change in (grid.recycle("none"), grid.flush("none"), grid.amend("none", context="", idle_timeout=0)):
        with pytest.raises(SessionLost):
            await change


async def test_descriptions_go_with_the_files(session: Talk) -> None:
    await session.write("f", b"old", descr="of the old one")
    await session.grid.recycle(session.id, workspace=False)
    await session.write("f", b"new")
    assert [info.descr for info in await session.grid.list_files(session.id)] == [None]


async def test_flushing_and_deleting_reach_the_session(session: Talk) -> None:
    first = (await session.run("cat('one'); plot(1)")).record.execution
    second = (await session.run("cat('two'); plot(2)")).record.execution
    await session.grid.delete_results(session.id, [second], filename="unnamedplot001.png")
    assert [info.execution for info in await session.grid.list_files(session.id, "results")] == [first]
    with pytest.raises(NotFound):
        await session.grid.flush(session.id, ["EXEC-none"])
    await session.grid.flush(session.id, [first])
    history = await session.grid.history(session.id)
    assert [(record.console, record.results, record.results_generated) for record in history] == [
        ("", [], 1),
        ("two", [], 1),
    ]


async def test_an_amended_session_has_another_timeout(grid: SocketGrid) -> None:
    async with opened(grid, context="before", idle_timeout=60) as talk:
        info = await grid.amend(talk.id, context="after", idle_timeout=0.01)
        assert info.context == "after"

        async def is_gone() -> bool:
            return not await grid.sessions(sessions=[talk.id])

        await eventually(is_gone)


async def test_a_directory_that_is_filled_meanwhile_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "f").touch()
    directory = SessionDirectory(open_directory(tmp_path))
    monkeypatch.setattr("deployr.grid.files._CLEAR_SECONDS", -1.0)
    with pytest.raises(DeployrError, match="cannot be emptied"):
        await directory.clear()
    directory.close()
    with pytest.raises(SessionLost):
        await directory.clear()
