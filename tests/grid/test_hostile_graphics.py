"""Unnamed plots: a file a page, of the kind and size asked for; named devices make artifacts."""

from __future__ import annotations

import struct

import pytest

from tests.grid.grid_support import Outcome, Talk

PNG = b"\x89PNG\r\n\x1a\n"


def plots(outcome: Outcome) -> list[str]:
    return [info.filename for info in outcome.record.results]


def png_size(content: bytes) -> tuple[int, int]:
    assert content.startswith(PNG)
    width, height = struct.unpack(">II", content[16:24])
    return width, height


async def read_plot(session: Talk, outcome: Outcome, name: str) -> bytes:
    return await session.read(name, area="results", execution=outcome.record.execution)


async def test_each_page_is_a_file(session: Talk) -> None:
    outcome = await session.run("for (i in 1:3) plot(i)")
    assert plots(outcome) == [f"unnamedplot00{page}.png" for page in (1, 2, 3)]
    contents = [await read_plot(session, outcome, name) for name in plots(outcome)]
    assert len(set(contents)) == 3
    assert [png_size(content) for content in contents] == [(480, 480)] * 3


async def test_a_device_closed_and_opened_again_goes_on_counting(session: Talk) -> None:
    outcome = await session.run("plot(1); plot(2); invisible(dev.off()); plot(3); dev.new(); plot(4)")
    assert plots(outcome) == [f"unnamedplot00{page}.png" for page in (1, 2, 3, 4)]


async def test_the_size_is_the_one_asked_for(session: Talk) -> None:
    outcome = await session.run("plot(1)", width=320, height=200)
    assert png_size(await read_plot(session, outcome, "unnamedplot001.png")) == (320, 200)


async def test_svg_is_drawn_when_asked_for(session: Talk) -> None:
    outcome = await session.run("plot(1); plot(2)", graphics="svg", width=300, height=200)
    assert plots(outcome) == ["unnamedplot001.svg", "unnamedplot002.svg"]
    content = await read_plot(session, outcome, "unnamedplot001.svg")
    assert b"<svg" in content
    assert b'width="300pt" height="200pt"' in content


@pytest.mark.parametrize("code", ["x <- 1", "par(mfrow = c(1, 2))", "dev.new()", "x <- par('mar')"])
@pytest.mark.parametrize("graphics", ["png", "svg"])
async def test_nothing_drawn_leaves_nothing(session: Talk, code: str, graphics: str) -> None:
    outcome = await session.run(code, graphics=graphics)
    assert plots(outcome) == []
    assert await session.grid.list_files(session.id, "results") == []


async def test_a_named_device_left_open_becomes_an_artifact(session: Talk) -> None:
    outcome = await session.run("png('named.png', width = 100, height = 50); plot(1)")
    assert plots(outcome) == []
    assert [info.filename for info in outcome.record.artifacts] == ["named.png"]
    assert png_size(await session.read("named.png")) == (100, 50)


async def test_plots_of_failed_code_are_kept(session: Talk) -> None:
    outcome = await session.run("plot(1)\nstop('then')")
    assert plots(outcome) == ["unnamedplot001.png"]
    assert outcome.error == "then"


async def test_lattice_and_grid_graphics_are_caught(session: Talk) -> None:
    assert plots(await session.run("library(grid); grid.newpage(); grid.circle()")) == ["unnamedplot001.png"]


async def test_demo_graphics_runs_without_asking(session: Talk) -> None:
    outcome = await session.run("demo(graphics)")
    assert outcome.error is None
    assert len(plots(outcome)) > 5


async def test_text_with_accents_is_drawn(session: Talk) -> None:
    outcome = await session.run("plot(1, main = 'é ü 日本')")
    assert plots(outcome) == ["unnamedplot001.png"]
    assert outcome.record.warnings == []


async def test_plots_of_all_executions_are_listed_by_execution(session: Talk) -> None:
    first, second = await session.run("plot(1)"), await session.run("plot(2)")
    listed = [(info.execution, info.filename) for info in await session.grid.list_files(session.id, "results")]
    assert listed == [(outcome.record.execution, "unnamedplot001.png") for outcome in (first, second)]


async def test_plots_of_a_phantom_execution_can_be_read(session: Talk) -> None:
    outcome = await session.run("plot(1)", phantom=True)
    assert await session.grid.history(session.id) == []
    assert png_size(await read_plot(session, outcome, "unnamedplot001.png")) == (480, 480)


@pytest.mark.parametrize(
    "code",
    [
        "options(device = NULL); plot(1)",
        "options(device = function(...) stop('no'))\nplot(1)",
        "graphics.off(); dev.off()",
        "png('/no/such/directory/x.png'); plot(1)",
        "plot(1); for (file in list.files(dirname(getwd()), 'x')) 1; unlink('../results', recursive = TRUE)",
    ],
)
async def test_the_next_execution_draws_whatever_the_last_one_did(session: Talk, code: str) -> None:
    await session.run(f"kept <- getOption('device')\n{code}")
    assert plots(await session.run("options(device = kept); plot(1)")) == ["unnamedplot001.png"]
