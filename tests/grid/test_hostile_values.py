"""Values: anything in a workspace can be asked for; what cannot travel arrives as its class and printed form."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from deployr.encodings import model
from deployr.encodings.model import Opaque
from deployr.errors import DeployrError, SessionLost
from tests.grid.conftest import GridFactory
from tests.grid.grid_support import GridProcess, Talk, opened

OPAQUE = {
    "a function": ("x <- function(a) a + 1", ["function"]),
    "a builtin": ("x <- sum", ["function"]),
    "an environment": ("x <- new.env()", ["environment"]),
    "an environment that holds itself": ("x <- new.env(); x$x <- x", ["environment"]),
    "an S4 object": ("setClass('P', representation(a = 'numeric')); x <- new('P', a = 1)", ["P"]),
    "a model": ("x <- lm(dist ~ speed, cars)", ["lm"]),
    "a formula": ("x <- y ~ z", ["formula"]),
    "a call": ("x <- quote(f(y))", ["call"]),
    "a symbol": ("x <- quote(y)", ["name"]),
    "an expression": ("x <- expression(a, b)", ["expression"]),
    "an external pointer": ("x <- getNativeSymbolInfo('R_addTaskCallback', 'base')$address", ["NativeSymbol"]),
}


@pytest.mark.parametrize(("code", "classes"), OPAQUE.values(), ids=OPAQUE.keys())
async def test_what_cannot_travel_arrives_as_class_and_printed_form(
    session: Talk, code: str, classes: list[str]
) -> None:
    value = (await session.run(code, "x")).objects["x"]
    assert isinstance(value, Opaque)
    assert value.classes == classes
    inner = (await session.run(f"{code}; x <- list(a = 1, b = x)", "x")).objects["x"]
    assert isinstance(inner, model.RList)
    assert inner.values[0] == model.double(1)
    assert isinstance(inner.values[1], Opaque)


MISBEHAVING = {
    "a promise that fails": "delayedAssign('x', stop('promise'))",
    "an active binding that fails": "makeActiveBinding('x', function() stop('active'), globalenv())",
    "an active binding that aborts": "makeActiveBinding('x', function() invokeRestart('abort'), globalenv())",
    "a print method that fails": "print.bad <- function(x, ...) stop('print'); x <- structure(list(1), class = 'bad')",
    "a print method that aborts": (
        "print.bad <- function(x, ...) invokeRestart('abort'); x <- structure(list(1), class = 'bad')"
    ),
    "a length method that fails": "length.bad <- function(x) stop('length'); x <- structure(list(1), class = 'bad')",
    "a length method that lies": "length.bad <- function(x) 1e9; x <- structure(list(1), class = 'bad')",
    "a names method that fails": "names.bad <- function(x) stop('names'); x <- structure(list(a = 1), class = 'bad')",
    "a show method that fails": (
        "setClass('B', representation(a = 'numeric')); setMethod('show', 'B', function(object) stop('show'));"
        "x <- new('B', a = 1)"
    ),
    "a frame whose methods fail": (
        "as.list.bad <- length.bad <- `[.bad` <- `[[.bad` <- function(x, ...) stop('frame');"
        "x <- structure(list(a = 1:2), class = c('bad', 'data.frame'), row.names = 1:2)"
    ),
    "attributes that do not travel": (
        "x <- structure(1:3, units = new.env(), levels = function() 1, tzone = list(list(sum)))"
    ),
    "endless recursion in print": ("print.bad <- function(x, ...) print(x); x <- structure(list(1), class = 'bad')"),
    "a class that is not one": "x <- structure(list(1), class = c('POSIXlt', 'POSIXt'))",
    "a frame with columns of different length": (
        "x <- structure(list(a = 1:2, b = 1:3, c = sum), class = 'data.frame', row.names = c(NA, -5L))"
    ),
}


@pytest.mark.parametrize("code", MISBEHAVING.values(), ids=MISBEHAVING.keys())
async def test_an_object_that_misbehaves_harms_only_its_own_value(session: Talk, code: str) -> None:
    await session.run(code)
    outcome = await session.run("kept <- 'kept'", "x")
    assert await session.text("kept") == "kept"
    assert outcome.error is None or "x" not in outcome.objects
    listed = model.as_members(await session.call("list_objects"))
    assert {"kept", "x"} <= set(model.as_texts(listed["name"]))
    await session.call("save_workspace")
    await session.call("delete_objects", names=model.character("x"))
    assert await session.number("1 + 1") == 2


async def test_an_error_while_an_object_is_read_is_told(session: Talk) -> None:
    outcome = await session.run("delayedAssign('x', stop('no such luck'))", "x")
    assert outcome.error == "no such luck"
    assert outcome.objects == {}


async def test_objects_that_do_not_exist_are_left_out(session: Talk) -> None:
    outcome = await session.run("x <- 1", "x", "nowhere", "print")
    assert list(outcome.objects) == ["x"]


async def test_lists_nested_ten_thousand_deep_are_cut(session: Talk) -> None:
    value = (await session.run("x <- 1; for (i in 1:10000) x <- list(x)", "x")).objects["x"]
    depth = 0
    while isinstance(value, model.RList):
        value, depth = value.values[0], depth + 1
    assert 60 <= depth <= 70
    assert isinstance(value, Opaque)


async def test_deep_language_objects_are_opaque(session: Talk) -> None:
    code = "x <- quote(a); for (i in 1:5000) x <- call('f', x); x <- list(x)"
    outcome = await session.run(code, "x")
    assert outcome.error is not None or isinstance(outcome.objects["x"], model.RList)
    assert await session.number("1") == 1


async def test_a_value_of_200_megabytes_passes_through_the_grid_unstored(
    session: Talk, grid_process: GridProcess
) -> None:
    before = _peak_megabytes(grid_process.pid)
    outcome = await session.run("x <- double(25e6); x[1] <- 1; x[25e6] <- 2", "x")
    value = outcome.objects["x"]
    assert isinstance(value, model.Double)
    assert (len(value), value.values[0], value.values[-1], np.count_nonzero(value.values)) == (25_000_000, 1, 2, 2)
    assert _peak_megabytes(grid_process.pid) - before < 100


@pytest.mark.soak
async def test_a_value_of_a_gigabyte_passes_through_the_grid_unstored(session: Talk, grid_process: GridProcess) -> None:
    before = _peak_megabytes(grid_process.pid)
    outcome = await session.run("x <- double(125e6)", "x")
    value = outcome.objects["x"]
    assert isinstance(value, model.Double)
    assert len(value) == 125_000_000
    assert _peak_megabytes(grid_process.pid) - before < 100


async def test_a_value_beyond_the_limit_loses_its_session_of_r_and_is_an_error_in_python(new_grid: GridFactory) -> None:
    with new_grid(max_value=1_000_000) as process:
        grid = process.client()
        async with opened(grid) as session, opened(grid) as other:
            with pytest.raises(SessionLost):
                await session.run("x <- raw(2e6)", "x")
            assert len((await other.run("x <- raw(9e5)", "x")).objects["x"].values) == 900_000  # type: ignore[attr-defined]
        async with opened(grid, runtime="python") as python:
            # What holds one another may be larger than any memory.
            outcome = await python.run("bomb = ['x' * 100]\nfor _ in range(50): bomb = [bomb] * 10", "bomb")
            assert "too large" in (outcome.error or "")
            assert (await python.run("1")).console == "1\n"
        await grid.aclose()


async def test_inputs_of_ten_megabytes_arrive(session: Talk) -> None:
    numbers = np.arange(1_300_000, dtype=np.float64)
    outcome = await session.run("total <- sum(x)", "total", inputs={"x": model.Double(numbers)})
    assert outcome.number("total") == numbers.sum()


async def test_inputs_are_assigned_before_the_code_runs(session: Talk) -> None:
    outcome = await session.run("y <- paste0(x, '!')", "y", inputs={"x": model.character("é")})
    assert outcome.text("y") == "é!"


async def test_an_input_that_cannot_be_assigned_is_an_error(session: Talk) -> None:
    await session.run("x <- 1; lockBinding('x', globalenv())")
    outcome = await session.run("y <- 1", inputs={"x": model.double(2)})
    assert "locked" in (outcome.error or "")


async def test_the_workspace_is_saved_and_loaded(session: Talk, other_session: Talk) -> None:
    await session.run("x <- 1:3; .hidden <- 'h'; f <- function() x")
    await session.call("save_workspace")
    content = await session.read("workspace.rData", area="state")
    await other_session.write("workspace.rData", content, area="state")
    await other_session.call("load_workspace")
    assert await other_session.flag("identical(f(), 1:3) && .hidden == 'h'")


async def test_objects_are_saved_to_a_file_and_loaded_under_their_names(session: Talk, other_session: Talk) -> None:
    await session.run("x <- 1:3; y <- 2; z <- 3")
    await session.call("save_objects", file=model.character("objects"), names=model.character("x", "y"))
    content = await session.read("objects", area="state")
    await other_session.write("received", content, area="state")
    await other_session.call("load_objects", file=model.character("received"))
    assert await other_session.flag("identical(x, 1:3) && y == 2 && !exists('z')")
    await session.grid.delete_files(session.id, ["objects"], area="state")
    assert await session.grid.list_files(session.id, "state") == []


@pytest.mark.parametrize("content", [b"", b"no rData", b"RDX3\nX\n\0\0"], ids=["empty", "text", "cut"])
async def test_a_file_that_holds_no_objects_is_refused(session: Talk, content: bytes) -> None:
    await session.write("f", content, area="state")
    with pytest.raises(DeployrError, match="the file cannot be loaded as rData"):
        await session.call("load_objects", file=model.character("f"))
    with pytest.raises(DeployrError, match="object 'x' not found"):
        await session.call("save_objects", file=model.character("f"), names=model.character("x"))


async def test_objects_that_cannot_be_replaced_are_not_loaded(session: Talk) -> None:
    await session.run("x <- 1")
    await session.call("save_objects", file=model.character("f"), names=model.character("x"))
    await session.run("x <- 2; lockBinding('x', globalenv())")
    with pytest.raises(DeployrError, match="locked binding"):
        await session.call("load_objects", file=model.character("f"))
    assert await session.number("x") == 2


def _peak_megabytes(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024
