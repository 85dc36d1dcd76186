"""Directories below the working directory belong to an attacker too: none is left by a link or a path."""

from __future__ import annotations

from pathlib import Path

import pytest

from deployr.errors import InvalidParameter, NotFound, TooLarge
from deployr.grid import file_trees
from deployr.grid.file_trees import FileTree
from deployr.grid.files import SessionDirectory, open_directory
from tests.grid.grid_support import Talk

TRAPS = """
dir.create('in/deep', recursive = TRUE); dir.create('.hidden'); dir.create('empty')
for (path in c('top', 'in/deep/a b', '.hidden/x', 'in/.x')) writeLines(path, path)
file.symlink('/etc', 'link'); file.symlink('/etc/hostname', 'in/link'); file.symlink('..', 'in/up')
file.link('in/.x', 'in/hard'); system('mkfifo in/pipe')
"""


async def _tree(session: Talk) -> list[str]:
    return [info.filename for info in await session.grid.list_files(session.id, "tree")]


PLAIN = [".hidden/x", "in/deep/a b", "top"]


async def test_only_plain_files_are_there(session: Talk) -> None:
    assert (await session.run(TRAPS)).error is None
    assert await _tree(session) == PLAIN
    for path in PLAIN:
        assert await session.read(path, area="tree") == path.encode() + b"\n"
    for path in (
        "link/hostname",
        "in/link",
        "in/up/top",
        "in/.x",
        "in/pipe",
        "in",
        "in/deep/../../top",
        "/etc/passwd",
    ):
        with pytest.raises(NotFound):
            await session.read(path, area="tree")


async def test_nothing_is_written_through_links_or_to_odd_paths(session: Talk) -> None:
    await session.run(TRAPS)
    odd = ("link/x", "in/up/x", "top/x", "in/../x", "in/./x", "/x", "in//x", "in/", ".upload-x/x", "")
    for path in odd:
        with pytest.raises(InvalidParameter):
            await session.write(path, b"new", overwrite=True, area="tree")
    assert await _tree(session) == PLAIN


async def test_hidden_files_are_there_where_that_is_asked_for(session: Talk) -> None:
    await session.write(".env", b"new", area="all")
    await session.write("plain", b"new")
    await session.run(r"writeLines('x', '.upload-x'); writeLines('x', 'odd\\name')")
    assert [info.filename for info in await session.grid.list_files(session.id, "all")] == [".env", "plain"]
    assert await session.read(".env", area="all") == b"new"
    assert "plain" in await session.files()
    assert ".env" not in await session.files()
    await session.grid.delete_files(session.id, [".env"], area="all")
    for name in (".", "..", ".upload-x", "a/b", ".a/b"):
        with pytest.raises(InvalidParameter):
            await session.write(name, b"x", overwrite=True, area="all")


async def test_directories_that_are_made_belong_to_the_session(session: Talk) -> None:
    await session.write("a/b/c.txt", b"new", area="tree")
    assert (await session.run("file.copy('a/b/c.txt', c('a/d.txt', 'a/b/d.txt'))")).error is None
    assert await _tree(session) == ["a/b/c.txt", "a/b/d.txt", "a/d.txt"]
    assert await session.files() == []


async def test_a_tree_that_is_too_deep_is_refused(session: Talk) -> None:
    await session.run("dir.create(strrep('d/', 17), recursive = TRUE)")
    with pytest.raises(TooLarge):
        await _tree(session)


@pytest.mark.parametrize(("limit", "value"), [("_MOST_ENTRIES", 10), ("_MOST_CHARACTERS", 60)])
async def test_a_tree_of_too_many_or_too_long_names_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, value: int
) -> None:
    monkeypatch.setattr(file_trees, limit, value)
    directory = SessionDirectory(open_directory(tmp_path), hidden=True)
    for number in range(10, 20):
        (tmp_path / f"name{number}").touch()
    assert len(await FileTree(directory).files()) == 10
    (tmp_path / "name20").touch()
    with pytest.raises(TooLarge):
        await FileTree(directory).files()
    directory.close()
