"""The workspace of Python sessions: listed, read, written, saved."""

from __future__ import annotations

import pytest

from deployr.encodings import model
from deployr.errors import DeployrError
from deployr.grid.client import SocketGrid
from deployr.grid.python.workspace import WORKSPACE_FILE
from tests.grid.grid_support import Talk, opened

SAVED = """
import os, threading
base = 10
def f(x): return os.sep + str(x + base)
shared = []
pair = (shared, shared)
generator = (i for i in range(3))
"""


async def test_objects_are_listed_read_set_and_deleted(python: Talk) -> None:
    await python.call(
        "assign_objects", inputs=model.named_list({"a": model.double(1, 2, 3), "b": model.character("t")})
    )
    await python.run("import os\n_hidden = 1\nl = {'x': 1, 'y': 'z'}\ndef f(): pass")
    listed = model.as_members(await python.call("list_objects"))
    assert model.as_texts(listed["name"]) == ["a", "b", "f", "l"]
    assert model.as_texts(listed["type"]) == ["vector", "primitive", "object", "list"]
    assert model.as_texts(listed["rclass"]) == ["numeric", "character", "function", "list"]
    assert model.as_flags(listed["branch"]) == [False, False, False, True]
    members = model.as_members(await python.call("list_objects", root=model.character("l")))
    assert model.as_texts(members["name"]) == ["x", "y"]
    found = await python.call("get_objects", names=model.character("a"), start=model.double(2), length=model.double(1))
    assert found == model.named_list({"a": model.row(model.double(2))})
    await python.call("delete_objects", names=model.character("a", "b"))
    listed = model.as_members(await python.call("list_objects", filter=model.character("f")))
    assert model.as_texts(listed["name"]) == ["f"]


async def test_listings_are_filtered_and_paged(python: Talk) -> None:
    await python.run("a, b, c, d = 1, 's', len, [1, 2]")
    for wanted, names in (
        ({"clazz": model.character("str")}, ["b"]),
        ({"clazz": model.character("numeric")}, ["d"]),
        ({"restrict": model.logical(True)}, ["a", "b", "d"]),
        ({"pagesize": model.double(2), "pageoffset": model.double(1)}, ["b", "c"]),
        ({"filter": model.character("none")}, []),
    ):
        listed = model.as_members(await python.call("list_objects", **wanted))
        assert model.as_texts(listed["name"]) == names


async def test_what_cannot_be_done_is_told(python: Talk) -> None:
    await python.run("x = 1")
    for function, arguments, message in (
        ("delete_objects", {"names": model.character("x", "y")}, "object 'y' not found"),
        ("list_objects", {"root": model.character("x")}, "object 'x' has no members"),
        ("load_objects", {"file": model.character("none.dill")}, "FileNotFoundError"),
        ("undump_object", {"name": model.character("y"), "content": model.raw(b"garbage")}, "cannot be loaded"),
        ("attach_packages", {}, "no such function: attach_packages"),
    ):
        with pytest.raises(DeployrError, match=message):
            await python.call(function, **arguments)
    assert (await python.run("x")).console == "1\n"


async def test_the_workspace_is_saved_and_loaded_with_dill(grid: SocketGrid, python: Talk) -> None:
    await python.run(SAVED)
    await python.call("save_workspace")
    content = await python.read(WORKSPACE_FILE, area="state")
    async with opened(grid, runtime="python") as other:
        await other.write(WORKSPACE_FILE, content, area="state")
        await other.call("load_workspace")
        assert (await other.run("base = 20\nf(1), pair[0] is pair[1]")).console == "('/21', True)\n"
        assert (await other.run("'generator' in dir()")).console == "False\n"


async def test_what_a_saved_workspace_refers_to_in_vain_does_not_keep_the_rest_from_it(
    grid: SocketGrid, python: Talk
) -> None:
    await python.run("import enum\nclass E(enum.Enum):\n    A = 1\none, kept = E.A, 7")
    await python.run("open('gone.py', 'w').close()\nimport gone")
    await python.call("save_workspace")
    async with opened(grid, runtime="python") as other:
        await other.write(WORKSPACE_FILE, await python.read(WORKSPACE_FILE, area="state"), area="state")
        await other.call("load_workspace")
        names = "[name for name in ('E', 'one', 'kept', 'gone', 'enum') if name in globals()]"
        assert (await other.run(names)).console == "['kept', 'enum']\n"


async def test_external_data_is_named_in_the_environment(grid: SocketGrid) -> None:
    async with opened(grid, runtime="python", private_data="/some/where") as python:
        assert (await python.run("import os; os.environ['DEPLOYR_PRIVATE_DATA']")).console == "'/some/where'\n"


async def test_an_object_travels_as_the_bytes_of_dill(grid: SocketGrid, python: Talk) -> None:
    await python.run("def f(x): return x * 2")
    content = await python.call("dump_object", name=model.character("f"))
    async with opened(grid, runtime="python") as other:
        await other.call("undump_object", name=model.character("g"), content=content)
        assert (await other.run("g(21)")).console == "42\n"
    with pytest.raises(DeployrError, match="object 'none' not found"):
        await python.call("dump_object", name=model.character("none"))
