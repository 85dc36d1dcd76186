"""The working directory belongs to an attacker: only plain files are seen, read and replaced."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from deployr.errors import AlreadyExists, DeployrError, InvalidParameter, NotFound, ProjectBusy, SessionLost
from deployr.grid.files import SessionDirectory, open_directory
from tests.grid.grid_support import IS_ROOT, Talk, r_string, stream

TRAPS = {
    "a symbolic link to a file": "file.symlink('/etc/hostname', 'trap')",
    "a symbolic link to a directory": "file.symlink('/etc', 'trap')",
    "a dangling link": "file.symlink('/nowhere', 'trap')",
    "a FIFO": "system('mkfifo trap')",
    "a directory": "dir.create('trap')",
    "a socket": ("system2('python3', c('-c', shQuote('import socket; socket.socket(socket.AF_UNIX).bind(\"trap\")')))"),
    "a hard link": "writeLines('x', '.first'); file.link('.first', 'trap')",
}


@pytest.mark.parametrize("code", TRAPS.values(), ids=TRAPS.keys())
async def test_what_is_no_plain_file_is_not_there(session: Talk, code: str) -> None:
    outcome = await session.run(f"writeLines('fine', 'plain')\n{code}")
    assert [info.filename for info in outcome.record.artifacts] == ["plain"]
    assert await session.files() == ["plain"]
    with pytest.raises(NotFound):
        await session.read("trap")
    with pytest.raises(NotFound):
        await session.grid.delete_files(session.id, ["plain", "trap"])
    assert await session.files() == ["plain"]
    with pytest.raises(AlreadyExists):
        await session.write("trap", b"new")


@pytest.mark.parametrize("code", [code for what, code in TRAPS.items() if what != "a directory"])
async def test_an_upload_replaces_a_trap_and_follows_nothing(session: Talk, code: str) -> None:
    await session.run(f"writeLines('untouched', '.target')\n{code}\nfile.symlink('.target', 'link')")
    await session.write("trap", b"new", overwrite=True)
    await session.write("link", b"new", overwrite=True)
    assert await session.read("trap") == b"new"
    assert await session.text("readLines('.target')") == "untouched"


async def test_a_link_in_the_place_of_the_saved_workspace_is_told_and_not_followed(session: Talk) -> None:
    await session.run("file.symlink('/etc', '../state')")
    with pytest.raises(DeployrError, match="no directory for the workspace"):
        await session.grid.list_files(session.id, "state")


async def test_others_have_their_turns_while_a_large_directory_is_looked_at(tmp_path: Path) -> None:
    for number in range(1000):
        (tmp_path / str(number)).touch()
    directory = SessionDirectory(open_directory(tmp_path))
    looking = asyncio.create_task(directory.snapshot())
    await asyncio.sleep(0)
    assert not looking.done()
    assert len(directory.files()) == 1000
    assert len(await looking) == 1000
    directory.close()


def test_a_file_that_may_not_be_deleted_is_told(tmp_path: Path) -> None:
    (tmp_path / "f").touch()
    tmp_path.chmod(0o555)
    directory = SessionDirectory(open_directory(tmp_path))
    with _no_root(), pytest.raises(DeployrError, match="cannot be deleted"):
        directory.delete(["f"])
    directory.close()


@contextlib.contextmanager
def _no_root() -> Iterator[None]:
    """As a user whom permissions bind."""
    uid = os.geteuid()
    if IS_ROOT:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(uid)


async def test_a_directory_is_not_replaced(session: Talk) -> None:
    await session.run("dir.create('trap')")
    with pytest.raises(InvalidParameter):
        await session.write("trap", b"new", overwrite=True)


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../up", "a/b", "/etc/passwd", ".hidden", "a\\b", "a\nb", "a\0b", "x" * 256]
)
async def test_names_that_are_not_plain_are_refused(session: Talk, name: str) -> None:
    with pytest.raises(InvalidParameter):
        await session.write(name, b"x")
    with pytest.raises(NotFound):
        await session.read(name)
    with pytest.raises(NotFound):
        await session.grid.delete_files(session.id, [name])


async def test_names_in_any_script_are_plain(session: Talk) -> None:
    for name in ("ümläut 1.txt", "日本.csv", "'quoted\" $(x)", "-rf"):
        await session.write(name, b"x")
        assert await session.read(name) == b"x"
    assert len(await session.files()) == 4


@pytest.mark.parametrize("name", [r"a\\377b", r"out\\134x.csv", r"a\\tb"])
async def test_names_that_nobody_could_ask_for_are_not_listed(session: Talk, name: str) -> None:
    outcome = await session.run(rf"""system("touch \"$(printf '{name}')\"")""")
    assert await session.number("length(list.files())") == 1
    assert outcome.record.artifacts == []
    assert await session.files() == []


async def test_a_sparse_giant_is_seen_but_costs_nothing(session: Talk) -> None:
    await session.run("system('truncate -s 8T giant')")
    (info,) = await session.grid.list_files(session.id)
    assert info.length == 8 * 2**40
    async with session.grid.read_file(session.id, "giant") as (_, chunks):
        assert await anext(chunks) == bytes(256 * 1024)
    assert await session.number("1") == 1


async def test_a_file_that_shrinks_while_it_is_read_is_filled_with_zeros(session: Talk) -> None:
    await session.run("writeBin(raw(5e6) | as.raw(1), 'f')")
    async with session.grid.read_file(session.id, "f") as (info, chunks):
        content = await anext(chunks)
        await session.run("file.create('f')")
        content += b"".join([chunk async for chunk in chunks])
    assert len(content) == info.length == 5_000_000
    assert content[:1000] == b"\1" * 1000
    assert content[-1000:] == bytes(1000)


async def test_an_upload_appears_whole_or_not_at_all(session: Talk) -> None:
    async def broken() -> object:
        yield b"half"
        raise RuntimeError("the caller is gone")

    with pytest.raises(RuntimeError):
        await session.grid.write_file(session.id, "f", broken())  # type: ignore[arg-type]
    assert await session.files() == []
    assert await session.number("length(list.files(all.files = TRUE, no.. = TRUE))") == 0


async def test_two_uploads_of_one_name_do_not_mix(session: Talk) -> None:
    contents = [bytes([number]) * 3_000_000 for number in range(1, 4)]
    uploads = (session.grid.write_file(session.id, "f", stream(content), overwrite=True) for content in contents)
    await asyncio.gather(*uploads)
    assert await session.read("f") in contents


async def test_only_one_of_two_uploads_without_overwrite_wins(session: Talk) -> None:
    uploads = (session.grid.write_file(session.id, "f", stream(b"x" * 100_000)) for _ in range(5))
    results = await asyncio.gather(*uploads, return_exceptions=True)
    assert sorted(type(result).__name__ for result in results) == ["AlreadyExists"] * 4 + ["FileInfo"]


async def test_an_uploaded_file_belongs_to_the_session(session: Talk) -> None:
    await session.write("f", b"line\n", descr="a note")
    assert await session.flag("file.access('f', 2) == 0 && readLines('f') == 'line' && format(file.mode('f')) == '600'")
    assert [info.descr for info in await session.grid.list_files(session.id)] == ["a note"]
    await session.run("cat('more', file = 'f', append = TRUE)")
    assert await session.read("f") == b"line\nmore"


async def test_a_refused_upload_leaves_the_connection_usable(session: Talk) -> None:
    for _ in range(3):
        with pytest.raises(InvalidParameter):
            await session.write("../f", b"x" * 3_000_000)
    assert await session.number("1") == 1


async def test_an_upload_to_a_session_closed_meanwhile_is_lost(session: Talk, other_session: Talk) -> None:
    """The directory's descriptor may by then be another file's."""

    async def slow() -> object:
        yield b"first"
        await session.grid.close(session.id)
        await other_session.run("1")
        yield b"second"

    with pytest.raises((InvalidParameter, SessionLost)):
        await session.grid.write_file(session.id, "f", slow())  # type: ignore[arg-type]
    assert await other_session.files() == []


async def test_a_file_is_renamed_and_described(session: Talk) -> None:
    await session.write("a", b"content", descr="a note")
    info = await session.grid.update_file(session.id, "a", rename="b")
    assert (info.filename, info.length, info.descr) == ("b", 7, "a note")
    info = await session.grid.update_file(session.id, "b", descr="another")
    assert (info.filename, info.descr) == ("b", "another")
    assert await session.grid.list_files(session.id) == [info]


async def test_a_renamed_file_replaces_another_only_when_it_may(session: Talk) -> None:
    await session.write("a", b"a")
    await session.write("b", b"b", descr="goes with it")
    with pytest.raises(AlreadyExists):
        await session.grid.update_file(session.id, "a", rename="b")
    info = await session.grid.update_file(session.id, "a", rename="b", overwrite=True)
    assert (info.descr, await session.files(), await session.read("b")) == (None, ["b"], b"a")


@pytest.mark.parametrize("name", ["../f", ".hidden", "a/b", ""])
async def test_a_file_is_not_renamed_to_what_is_no_name(session: Talk, name: str) -> None:
    await session.write("f", b"x")
    with pytest.raises(InvalidParameter):
        await session.grid.update_file(session.id, "f", rename=name, overwrite=True)
    assert await session.files() == ["f"]


async def test_links_are_not_renamed(session: Talk) -> None:
    await session.run("file.symlink('/etc/passwd', 'link')")
    with pytest.raises(NotFound):
        await session.grid.update_file(session.id, "link", rename="f")


async def test_files_are_left_to_the_code_that_runs(session: Talk) -> None:
    await session.write("f", b"x")
    running = await session.starts("Sys.sleep(600)")
    for change in (
        session.grid.update_file(session.id, "f", rename="g"),
        session.grid.delete_files(session.id, ["f"]),
        session.grid.write_file(session.id, "g", stream(b"x")),
    ):
        with pytest.raises(ProjectBusy):
            await change
    assert await session.read("f") == b"x"
    await session.grid.interrupt(session.id)
    await running


async def test_listings_stop_at_ten_thousand_files(session: Talk) -> None:
    outcome = await session.run("invisible(file.create(sprintf('f%05d', 1:10500)))", artifacts=False)
    assert outcome.error is None
    assert len(await session.files()) == 10_000


async def test_a_removed_working_directory_ends_no_more_than_its_files(session: Talk) -> None:
    await session.run("unlink(getwd(), recursive = TRUE)")
    assert (await session.run("cat('alive')")).console == "alive"
    assert await session.files() == []


# -- artifacts ----------------------------------------------------------------------------------------------


async def test_artifacts_are_files_created_or_changed(session: Talk) -> None:
    await session.write("untouched", b"1")
    await session.write("changed", b"1")
    await session.write("removed", b"1")
    code = "writeLines('22', 'changed'); writeLines('x', 'created'); file.remove('removed'); writeLines('h', '.hidden')"
    outcome = await session.run(code)
    assert [info.filename for info in outcome.record.artifacts] == ["changed", "created"]
    assert (await session.run("1")).record.artifacts == []


async def test_a_change_that_keeps_the_length_is_seen(session: Talk) -> None:
    await session.run("writeLines('a', 'f')")
    # Times of files come in ticks of up to 10 ms.
    await asyncio.sleep(0.02)
    assert [info.filename for info in (await session.run("writeLines('b', 'f')")).record.artifacts] == ["f"]


async def test_artifacts_below_directories_are_not_listed(session: Talk) -> None:
    outcome = await session.run("dir.create('d'); writeLines('x', 'd/f')")
    assert outcome.record.artifacts == []


async def test_artifacts_are_not_looked_for_when_not_wanted(session: Talk) -> None:
    assert (await session.run("writeLines('x', 'f')", artifacts=False)).record.artifacts == []


async def test_artifacts_are_found_wherever_code_has_gone(session: Talk, tmp_path: Path) -> None:
    outcome = await session.run(
        f"home <- getwd(); setwd({r_string(tmp_path.anchor)}); writeLines('x', file.path(home, 'f'))"
    )
    assert [info.filename for info in outcome.record.artifacts] == ["f"]
