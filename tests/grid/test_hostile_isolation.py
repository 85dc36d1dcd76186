"""Isolation: environment, directories and user ids, proved from inside R."""

from __future__ import annotations

import asyncio
import os
import stat
from pathlib import Path

import pytest

from deployr.encodings import model
from deployr.errors import SessionLost
from deployr.grid import processes
from deployr.grid.client import SocketGrid
from deployr.grid.processes import UserIds
from deployr.grid.protocol import Execution
from tests.grid.conftest import needs_root
from tests.grid.grid_support import (
    GridProcess,
    Talk,
    command_line,
    encode_arguments,
    is_alive,
    opened,
    r_string,
    run_stateless,
)
from tests.waiting import eventually

READS = "tryCatch({{ suppressWarnings({0}); TRUE }}, error = function(e) FALSE)"


async def test_the_environment_holds_nothing_of_the_server(session: Talk) -> None:
    names = set(model.as_texts(await session.evaluate("names(Sys.getenv())")))
    assert not await session.flag("any(grepl('hidden-from-r', Sys.getenv()))")
    assert "SERVER_SECRET" not in names
    assert not [
        name for name in names if name.startswith("DEPLOYR_") and name not in ("DEPLOYR_GRID", "DEPLOYR_SESSION")
    ]


async def test_children_start_with_the_same_environment(session: Talk) -> None:
    assert not await session.flag("any(grepl('hidden-from-r', system('env', intern = TRUE)))")


async def test_the_locale_is_utf8_and_threads_are_limited(session: Talk) -> None:
    assert await session.flag("l10n_info()[['UTF-8']]")
    assert await session.text("Sys.getenv('OMP_NUM_THREADS')") == "1"


async def test_the_workspace_is_empty_at_start(session: Talk) -> None:
    assert await session.number("length(setdiff(ls(globalenv(), all.names = TRUE), '.value'))") == 0


async def test_the_working_directory_is_empty_at_start_and_home(session: Talk) -> None:
    assert await session.number("length(list.files(all.files = TRUE, no.. = TRUE))") == 0
    assert await session.flag("normalizePath('~') == getwd() && Sys.getenv('PWD') == getwd()")


async def test_files_are_closed_to_others(session: Talk) -> None:
    assert await session.flag(
        "writeLines('x', 'f'); dir.create('d'); all(format(file.mode(c('f', 'd'))) == c('600', '700'))"
    )


async def test_each_session_has_its_own_directories(session: Talk, other_session: Talk) -> None:
    for expression in ("getwd()", "tempdir()", "Sys.getenv('TMPDIR')", "Sys.getenv('R_SESSION_TMPDIR')"):
        assert await session.text(expression) != await other_session.text(expression)
    assert await session.flag("dir.exists(tempdir()) && file.create(tempfile())")


async def test_directories_are_gone_after_close(grid: SocketGrid) -> None:
    async with opened(grid) as session:
        places = [Path(await session.text(place)) for place in ("getwd()", "tempdir()")]
        await session.run("file.create('a', tempfile())")
    await eventually(lambda: not any(place.exists() for place in (*places, places[0].parent)))


async def test_directories_of_any_depth_are_removed(grid: SocketGrid) -> None:
    async with opened(grid) as session:
        place = Path(await session.text("getwd()"))
        script = "import os\nfor _ in range(1200):\n  os.mkdir('d')\n  os.chdir('d')\n  os.mkdir('e')"
        await session.run(f"system2('python3', c('-c', shQuote({r_string(script)})))")
        assert await session.grid.list_files(session.id) == []
    await eventually(lambda: not place.parent.exists())


async def test_closed_directories_are_removed(grid: SocketGrid) -> None:
    async with opened(grid) as session:
        place = Path(await session.text("getwd()"))
        await session.run("dir.create('d'); file.create('d/f'); Sys.chmod('d', '000'); Sys.chmod('.', '000')")
    await eventually(lambda: not place.parent.exists())


async def test_no_file_descriptor_of_the_server_is_inherited(session: Talk, grid_process: GridProcess) -> None:
    pid = await session.pid()
    links = [str(entry.readlink()) for entry in Path(f"/proc/{pid}/fd").iterdir()]
    files = [link for link in links if link.startswith("/") and link != "/dev/null"]
    assert all(link.endswith("/rserve.log") for link in files)
    # The connection to the grid, and nothing that listens.
    listening = {line.split()[6] for line in Path("/proc/net/unix").read_text().splitlines() if "/socket" in line}
    inodes = {link.removeprefix("socket:[").removesuffix("]") for link in links if link.startswith("socket:")}
    states = {line.split()[6]: line.split()[5] for line in Path("/proc/net/unix").read_text().splitlines()[1:]}
    assert listening
    assert [states.get(inode) for inode in inodes] == ["03"]


async def test_the_status_says_whether_sessions_are_isolated(grid: SocketGrid) -> None:
    assert [node.isolated for node in (await grid.status()).nodes] == [os.geteuid() == 0]


# -- with root ----------------------------------------------------------------------------------------------


@needs_root
async def test_user_and_group_ids_are_the_sessions_own(session: Talk, other_session: Talk) -> None:
    code = "paste(system('id -u; id -g; id -G', intern = TRUE), collapse = ' ')"
    ids = [await talk.text(code) for talk in (session, other_session)]
    for text in ids:
        uid, gid, groups = map(int, text.split())
        assert uid >= 200000
        assert uid == gid == groups
    assert ids[0] != ids[1]


@needs_root
async def test_ids_cannot_be_changed_back(session: Talk) -> None:
    status = (Path("/proc") / str(await session.pid()) / "status").read_text()
    lines = dict(
        line.split(":\t") for line in status.splitlines() if line.startswith(("Uid", "Gid", "CapEff", "Groups"))
    )
    assert "0" not in lines["Uid"].split() + lines["Gid"].split() + lines["Groups"].split()
    assert int(lines["CapEff"], 16) == 0


@pytest.fixture
async def secrets(session: Talk, other_session: Talk, grid_process: GridProcess) -> dict[str, str]:
    """What a session must not reach, by what it is."""
    settings = grid_process.settings
    (settings.home / "deployr.db").write_text("secret")
    await other_session.run("writeLines('secret', 'private.txt'); writeLines('s', file.path(tempdir(), 't')); plot(1)")
    plots = (await other_session.grid.list_files(other_session.id, "results"))[0].execution
    work = Path(await other_session.text("getwd()"))
    await other_session.call("save_workspace")
    [parent_directory] = [log.parent for log in settings.sessions_directory.glob("nodes/*/parent-*/rserve.log")]
    return {
        "the home directory": str(settings.home),
        "the database": str(settings.home / "deployr.db"),
        "the grid's socket": str(settings.grid_socket),
        "the secret key": str(settings.home / "secret.key"),
        "the parent's log": str(parent_directory / "rserve.log"),
        "the parent's socket": str(parent_directory / "socket"),
        "all temporary directories": str(parent_directory / "tmp"),
        "all sessions": str(work.parent.parent),
        "another session": str(work.parent),
        "another working directory": str(work),
        "another session's file": str(work / "private.txt"),
        "another temporary directory": await other_session.text("tempdir()"),
        "another session's plots": f"{work.parent}/{plots}/unnamedplot001.png",
        "another session's state": str(work.parent / "state" / "workspace.rData"),
        "another process' memory": f"/proc/{await other_session.pid()}/environ",
        "the grid's environment": f"/proc/{grid_process.pid}/environ",
    }


@needs_root
async def test_nothing_of_the_server_or_another_session_can_be_read(session: Talk, secrets: dict[str, str]) -> None:
    for what, path in secrets.items():
        assert not await session.flag(READS.format(f"readBin({r_string(path)}, 'raw', 1)")), what
        listed = await session.number(f"length(list.files({r_string(path)}, all.files = TRUE, no.. = TRUE))")
        assert listed == 0, what
        assert not await session.flag(f"file.copy({r_string(path)}, 'copy')"), what
        assert await session.number(f"system(paste('cat', {r_string(path)}, '>/dev/null 2>&1'))") != 0, what


@needs_root
async def test_nothing_of_the_server_or_another_session_can_be_written(session: Talk, secrets: dict[str, str]) -> None:
    for what, path in secrets.items():
        if what != "all temporary directories":
            made = await session.flag(f"suppressWarnings(file.create(file.path({r_string(path)}, 'mine')))")
            assert not made, what
        assert not await session.flag(f"suppressWarnings(file.remove({r_string(path)}))"), what
        assert not await session.flag(f"suppressWarnings(file.rename({r_string(path)}, 'mine'))"), what


@needs_root
async def test_no_socket_of_the_server_can_be_connected(session: Talk, secrets: dict[str, str]) -> None:
    script = "import socket, sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1])"
    for what in ("the grid's socket", "the parent's socket"):
        code = f"system2('python3', c('-c', shQuote({r_string(script)}), shQuote({r_string(secrets[what])})))"
        outcome = await session.run(f"x <- {code}", "x")
        assert outcome.number("x") == 1
        assert "PermissionError" in outcome.console


@needs_root
async def test_no_other_process_can_be_signalled(session: Talk, other_session: Talk, grid_process: GridProcess) -> None:
    targets = [await other_session.pid(), grid_process.pid, *grid_process.parents()]
    code = "; ".join(f"tools::pskill({pid}, 9)" for pid in targets)
    await session.run(code)
    # A session is in its parent's process group, as is every other; the signal reaches the session alone.
    with pytest.raises(SessionLost):
        await session.run(f"system('kill -9 -{grid_process.parents()[0]}')")
    assert all(is_alive(pid) for pid in targets)
    assert await other_session.number("1") == 1


@needs_root
async def test_killing_everything_kills_only_oneself(session: Talk, other_session: Talk) -> None:
    with pytest.raises(SessionLost):
        await session.run("system('kill -9 -1')")
    assert await other_session.number("1") == 1


@needs_root
async def test_no_other_process_can_be_traced(session: Talk, other_session: Talk, grid_process: GridProcess) -> None:
    for pid in (await other_session.pid(), grid_process.pid):
        script = f"import ctypes; print(ctypes.CDLL(None, use_errno=True).ptrace(16, {pid}, 0, 0))"
        assert await session.text(f"system2('python3', c('-c', shQuote({r_string(script)})), stdout = TRUE)") == "-1"


async def test_plots_are_not_looked_for_behind_a_link(session: Talk, tmp_path: Path) -> None:
    (tmp_path / "unnamedplot001.png").write_text("not a plot of this session")
    execution = Execution(
        execution="EXEC-linked", code=f"file.symlink({r_string(str(tmp_path))}, '../EXEC-linked')\nplot(1)"
    )
    record, _ = await session.grid.execute(session.id, execution, encode_arguments())
    assert record.results == []
    assert await session.grid.list_files(session.id, "results") == []


@needs_root
async def test_a_fork_bomb_is_bounded_and_gone_after_close(grid: SocketGrid, other_session: Talk) -> None:
    async with opened(grid) as session:
        uid = int(await session.number("as.integer(system('id -u', intern = TRUE))"))
        bomb = "system('f() { sleep 600 & f; }; f >/dev/null 2>&1 &', ignore.stderr = TRUE)"
        task = asyncio.create_task(session.run(bomb, console=None))
        await eventually(lambda: len(_processes_of(uid)) > 20)
        assert await other_session.number("1") == 1
        assert len(_processes_of(uid)) <= 1000
    await asyncio.gather(task, return_exceptions=True)
    await eventually(lambda: not _processes_of(uid))


def _processes_of(uid: int) -> list[int]:
    return [pid for pid in processes.all_pids() if processes.owner(pid) == uid and not processes.is_zombie(pid)]


@needs_root
def test_ranges_of_user_ids_are_disjoint(tmp_path: Path) -> None:
    ranges = [UserIds(700000, 10, tmp_path) for _ in range(3)]
    assert [(ids.first, ids.last) for ids in ranges] == [(700000, 700009), (700010, 700019), (700020, 700029)]
    ranges[1].release()
    assert UserIds(700000, 10, tmp_path).first == 700010


@needs_root
async def test_stateless_executions_cannot_read_each_other(grid: SocketGrid) -> None:
    first = await run_stateless(grid, "x <- getwd(); writeLines('secret', 'f.txt')", "x")
    path = r_string(f"{first.text('x')}/f.txt")
    second = await run_stateless(grid, f"x <- {READS.format(f'readLines({path})')}", "x")
    assert second.flag("x") is False


@needs_root
async def test_the_warm_parent_is_alive_and_owned_by_root(grid_process: GridProcess) -> None:
    for pid in grid_process.parents():
        assert processes.owner(pid) == 0
        assert "Rserve" in command_line(pid)


@needs_root
def test_sockets_and_logs_of_the_server_are_closed(grid_process: GridProcess) -> None:
    for parent in (grid_process.settings.sessions_directory / "nodes").glob("*/parent-*"):
        [log] = parent.glob("*.log")
        for path in (parent / "socket", log):
            assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0
