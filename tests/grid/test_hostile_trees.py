"""Directories below the working directory belong to an attacker too: none is left by a link or a path."""

from __future__ import annotations

import pytest

from deployr.errors import InvalidParameter, NotFound, TooLarge
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


@pytest.mark.parametrize(
    "code", ["dir.create(strrep('d/', 17), recursive = TRUE)", "system('seq 100001 | xargs touch')"]
)
async def test_a_tree_without_measure_is_refused(session: Talk, code: str) -> None:
    await session.run(code)
    with pytest.raises(TooLarge):
        await _tree(session)
