"""Rows about projects: how fast they come and go, alone and in pools; how fast large ones are saved and reopened."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable

from bench.deployr_client import DeployrClient, object_value
from bench.load import Caller, Contestant, WrongAnswer, compete
from bench.report import Number
from bench.rows import Bench

_MANY = 8
_POOL = 20
_MEGABYTES = 100
_DOUBLES = _MEGABYTES * 1_000_000 // 8
_DATA = f"set.seed(1); data <- rnorm({_DOUBLES})"

_IN_R = """
{data}
seconds <- function(call) cat(system.time(call)[["elapsed"]], "")
file <- tempfile(tmpdir = "{directory}")
seconds(save.image(file, compress = FALSE))
seconds(load(file))
seconds(save.image(file))
seconds(load(file))
"""
"""Prints seconds: save and load uncompressed, then as R does it by default."""


# -- (f) temporary projects come and go -------------------------------------------------------------------


async def create_and_close(bench: Bench) -> None:
    """A temporary project is made and closed again."""
    contestants = []
    for callers, calls in ((1, 60), (_MANY, 25)):
        each = [await _creating_caller(bench) for _ in range(callers)]
        contestants.append(Contestant("deployr create + close", each, bench.calls(calls)))
    await compete(contestants, bench.rounds)
    bench.report.add_timings("f", contestants)
    bench.report.numbers += [
        Number("f", f"temporary projects created and closed, callers: {len(one.callers)}", one.rate, "projects/s")
        for one in contestants
    ]


async def _creating_caller(bench: Bench) -> Caller:
    client = DeployrClient(bench.server.port)
    await client.login()

    async def call() -> bytes:
        project = await client.create_project()
        response = await client.call("project/close", project=project)
        return b"closed" if response["project"]["project"] == project else b"another"

    return Caller(call, _expect_closed)


def _expect_closed(answer: bytes) -> None:
    if answer != b"closed":
        raise WrongAnswer(f"{answer!r} project was closed")


# -- (g) a pool -------------------------------------------------------------------------------------------


async def pool(bench: Bench) -> None:
    """Seconds until a pool of temporary projects is there; each of them works."""
    client = DeployrClient(bench.server.port)
    await client.login()
    seconds = []
    for _ in range(bench.rounds):
        started = time.perf_counter()
        response = await client.call("project/pool", poolsize=str(_POOL))
        seconds.append(time.perf_counter() - started)
        projects = [str(project["project"]) for project in response["projects"]]
        await _check_pool(bench, client, projects)
    bench.report.numbers += [
        Number("g", f"a pool of {_POOL} projects, median", statistics.median(seconds), "s", 3),
        Number("g", "the slowest", max(seconds), "s", 3),
    ]


async def _check_pool(bench: Bench, client: DeployrClient, projects: list[str]) -> None:
    """All of them execute, at the same time, and are closed."""

    async def run(number: int, project: str) -> object:
        other = DeployrClient(bench.server.port, cookies=client.cookies, headers=client.headers)
        response = await other.execute(project, f"y <- {number} * 2L", robjects="y")
        await other.call("project/close", project=project)
        other.close()
        return object_value(response, "y")

    found = await asyncio.gather(*(run(number, project) for number, project in enumerate(projects)))
    if found != [number * 2 for number in range(_POOL)]:
        raise WrongAnswer(f"{found} of a pool")


# -- (h) a large workspace --------------------------------------------------------------------------------


async def save_and_reopen(bench: Bench) -> None:
    """A project with a large workspace is saved and opened again, beside R's own files on the same disk."""
    client = DeployrClient(bench.server.port)
    await client.login()
    project = str((await client.call("project/create", projectname="Large"))["project"]["project"])
    await client.execute(project, _DATA)
    rounds = [
        await _saved_and_reopened(client, project, number) + await _in_r() for number in range(min(bench.rounds, 5))
    ]
    await client.call("project/delete", project=project)
    names = (
        "project saved", "project reopened",
        "save.image(compress = FALSE)", "its load", "save.image, compressed", "its load, compressed",
    )  # fmt: skip
    rates = [_MEGABYTES / statistics.median(seconds) for seconds in zip(*rounds, strict=True)]
    bench.report.numbers += [Number("h", name, rate, "MB/s") for name, rate in zip(names, rates, strict=True)]
    for name, mine, theirs in (("save", 0, 2), ("reopen", 1, 3)):
        times = statistics.median(seconds[mine] / seconds[theirs] for seconds in rounds)
        bench.report.numbers.append(Number("h", f"time to {name} beside R, uncompressed", times, "x"))


async def _saved_and_reopened(client: DeployrClient, project: str, number: int) -> tuple[float, ...]:
    """Seconds of the save, and of the first call after the project was closed."""
    await client.execute(project, f"data[1] <- {number}")
    started = time.perf_counter()
    await client.call("project/save", project=project)
    saved = time.perf_counter() - started
    await client.call("project/close", project=project, disableautosave="true")
    started = time.perf_counter()
    response = await client.execute(project, "y <- c(length(data), data[1])", robjects="y")
    reopened = time.perf_counter() - started
    if object_value(response, "y") != [_DOUBLES, number]:
        raise WrongAnswer("the workspace is not as it was saved")
    return saved, reopened


async def _in_r() -> tuple[float, ...]:
    """Seconds of ``_IN_R``."""
    with tempfile.TemporaryDirectory(prefix="deployr-bench-save-") as directory:
        command = ["Rscript", "--vanilla", "-e", _IN_R.format(data=_DATA, directory=directory)]
        process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        return tuple(float(seconds) for seconds in (await process.communicate())[0].split())


ROWS: dict[str, Callable[[Bench], Awaitable[None]]] = {
    "f": create_and_close,
    "g": pool,
    "h": save_and_reopen,
}
