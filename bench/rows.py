"""The rows of the comparison; each puts its contestants side by side and says what was reached."""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import xml.etree.ElementTree as ElementTree
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import orjson

from bench import rserve_client
from bench.deployr_client import AUTHOR, DeployrClient, object_value, read_response
from bench.http_client import Answer, HttpClient
from bench.load import Caller, Contestant, WrongAnswer, compete, ratio_of_medians, ratio_of_rates
from bench.memory import private_memory
from bench.plumber import FRAME_SOURCE, Plumber
from bench.report import Number, Report
from bench.rserve_client import PlainRserve
from bench.server import SCRIPT, SCRIPT_CODE, SCRIPT_VALUE, Server
from deployr.grid import processes

_MANY = 8
_SESSIONS = 50
_FRAME_ROWS = 100_000


@dataclass(frozen=True)
class Bench:
    """What the rows measure, all of it running.

    Attributes:
        quick: fewer calls and rounds.
    """

    server: Server
    plumber: Plumber
    rserve: PlainRserve
    report: Report
    quick: bool

    @property
    def rounds(self) -> int:
        """Turns of each contestant."""
        return 3 if self.quick else 7

    def calls(self, calls: int) -> int:
        """Calls of one caller in one turn."""
        return max(1, calls // 5) if self.quick else calls


# -- (a) a stateless script, each call in a fresh R process -----------------------------------------------


async def anonymous_script(bench: Bench) -> None:
    """A published one-line script run by nobody in particular, beside other ways to run the same line."""
    for callers, calls in ((1, 60), (_MANY, 25)):
        contestants = [
            Contestant("deployr script/execute", script_callers(bench.server, callers), bench.calls(calls)),
            Contestant("bare Rserve fork", _rserve_callers(bench.rserve, callers), bench.calls(calls)),
            Contestant("plumber (one process)", _plumber_callers(bench.plumber, callers), bench.calls(calls)),
            Contestant("cold Rscript", [_rscript_caller()] * callers, 1 if bench.quick else 2),
        ]
        await compete(contestants, bench.rounds)
        bench.report.add_timings("a", contestants)
        deployr, bare, _, cold = contestants
        who = "one caller" if callers == 1 else f"{callers} callers"
        limit = 3.0 if callers == 1 else None
        bench.report.numbers += [
            Number("a", f"p50 to bare Rserve, {who}", ratio_of_medians(deployr, bare), "x", limit),
            Number("a", f"rate to cold Rscript, {who}", ratio_of_rates(deployr, cold), "x", 20, "at least"),
        ]


def script_callers(server: Server, callers: int) -> list[Caller]:
    def caller(client: DeployrClient) -> Caller:
        fields = {"filename": SCRIPT, "author": AUTHOR, "directory": "root", "robjects": "y"}
        call = "repository/script/execute"
        return Caller(
            lambda: _body(client.send(call, **fields)),
            lambda body: _expect(object_value(_response(call, body), "y"), SCRIPT_VALUE),
        )

    return [caller(DeployrClient(server.port)) for _ in range(callers)]


def _rserve_callers(rserve: PlainRserve, callers: int) -> list[Caller]:
    async def call() -> bytes:
        return b"%d" % await rserve_client.evaluate(rserve.socket, SCRIPT_CODE)

    return [Caller(call, lambda value: _expect(int(value), SCRIPT_VALUE))] * callers


def _plumber_callers(plumber: Plumber, callers: int) -> list[Caller]:
    def caller(client: HttpClient) -> Caller:
        return Caller(
            lambda: _body(client.post("/run", {"code": SCRIPT_CODE})),
            lambda body: _expect(orjson.loads(body), [SCRIPT_VALUE]),
        )

    return [caller(HttpClient(plumber.port)) for _ in range(callers)]


def _rscript_caller() -> Caller:
    async def call() -> bytes:
        command = ["Rscript", "--vanilla", "-e", f"cat({SCRIPT_CODE.partition('<-')[2]})"]
        process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        return (await process.communicate())[0]

    return Caller(call, lambda text: _expect(int(text), SCRIPT_VALUE))


# -- (b) code on a live project ---------------------------------------------------------------------------


async def live_project(bench: Bench) -> None:
    """``x<-1+1`` on live projects, each caller on its own."""
    one, many = [await project_callers(bench.server, callers) for callers in (1, _MANY)]
    contestants = [
        Contestant("deployr execute/code", [caller for caller, _ in one], bench.calls(200)),
        Contestant("deployr execute/code", [caller for caller, _ in many], bench.calls(200)),
    ]
    await compete(contestants, bench.rounds)
    bench.report.add_timings("b", contestants)
    bench.report.numbers += [
        Number("b", "p50, one caller", contestants[0].p50 * 1e3, "ms", 5),
        Number("b", f"rate, {_MANY} callers on {_MANY} projects", contestants[1].rate, "calls/s", 500, "at least"),
    ]
    for _, close in [*one, *many]:
        await close()


async def project_callers(server: Server, callers: int) -> list[tuple[Caller, Callable[[], Awaitable[None]]]]:
    """Callers on projects of their own, each with what closes its project."""
    return [await _project_caller(server) for _ in range(callers)]


async def _project_caller(server: Server) -> tuple[Caller, Callable[[], Awaitable[None]]]:
    client, project = await _open_project(server)
    call = "project/execute/code"
    caller = Caller(
        lambda: _body(client.send(call, project=project, code="x<-1+1")),
        lambda body: _expect(_response(call, body)["execution"]["code"], "x<-1+1"),
    )
    return caller, lambda: _close_project(client, project)


async def _open_project(server: Server) -> tuple[DeployrClient, str]:
    client = DeployrClient(server.port)
    await client.login()
    return client, await client.create_project()


async def _close_project(client: DeployrClient, project: str) -> None:
    await client.call("project/close", project=project)
    client.close()


# -- (c) a data frame -------------------------------------------------------------------------------------


async def data_frame(bench: Bench) -> None:
    """A frame of 100,000 rows and three columns, as JSON and as XML."""
    client, project = await _open_project(bench.server)
    await client.execute(project, FRAME_SOURCE.read_text())
    contestants = [
        Contestant("deployr workspace/get, JSON", [_frame_caller(client, project)], bench.calls(5)),
        Contestant("plumber, default serializer", [_plumber_frame_caller(bench.plumber)], bench.calls(5)),
        Contestant("deployr workspace/get, XML", [_xml_frame_caller(client, project)], bench.calls(5)),
    ]
    await compete(contestants, bench.rounds)
    bench.report.add_timings("c", contestants)
    deployr, plumber, _ = contestants
    bench.report.numbers += [
        Number("c", "p50 of the frame as JSON", deployr.p50 * 1e3, "ms", 80),
        Number("c", "times faster than plumber", ratio_of_medians(plumber, deployr), "x", 3, "at least"),
    ]
    await _close_project(client, project)


def _frame_caller(client: DeployrClient, project: str) -> Caller:
    call = "project/workspace/get"
    fields = {"format": "json", "project": project, "name": "frame"}

    def check(body: bytes) -> None:
        columns = {column["name"]: column["value"] for column in object_value(_response(call, body), "frame")}
        _check_frame(columns["amount"], columns["count"], columns["label"])

    return Caller(lambda: _body(client.get(f"/deployr/r/{call}", fields)), check)


def _xml_frame_caller(client: DeployrClient, project: str) -> Caller:
    fields = {"format": "xml", "project": project, "name": "frame"}

    def check(body: bytes) -> None:
        # The object comes twice, in `objects` and as `object`; a column is a `value` that holds `value`s.
        values = ElementTree.fromstring(body).iterfind(".//objects//value")
        texts = [value.text or "" for value in values if not len(value)]
        amounts, counts, labels = (texts[n * _FRAME_ROWS : (n + 1) * _FRAME_ROWS] for n in range(3))
        _check_frame([float(amount) for amount in amounts], [int(float(count)) for count in counts], labels)

    return Caller(lambda: _body(client.get("/deployr/r/project/workspace/get", fields)), check)


def _plumber_frame_caller(plumber: Plumber) -> Caller:
    client = HttpClient(plumber.port)

    def check(body: bytes) -> None:
        records = orjson.loads(body)
        _check_frame(*([record[name] for record in records] for name in ("amount", "count", "label")))

    return Caller(lambda: _body(client.get("/frame")), check)


def _check_frame(amounts: list[float], counts: list[int], labels: list[str]) -> None:
    _expect(round(amounts[0], 4), 0.2655)
    _expect(round(statistics.fmean(amounts), 3), 0.5)
    _expect(counts, list(range(1, _FRAME_ROWS + 1)))
    _expect(labels, [f"row-{count:06d}" for count in range(1, _FRAME_ROWS + 1)])


# -- (d) start --------------------------------------------------------------------------------------------


async def start(bench: Bench) -> None:
    """From the start of an installed server to the first answer of R."""
    seconds = []
    for _ in range(1 if bench.quick else 3):
        await bench.server.stop()
        seconds.append(await bench.server.first_answer_of_r())
    bench.report.numbers.append(Number("d", "start to first answer of R", statistics.median(seconds), "s", 6))


# -- (e) memory -------------------------------------------------------------------------------------------


async def session_memory(bench: Bench) -> None:
    """Private memory of live sessions that have run one line, and of the same after a full collection."""
    client = DeployrClient(bench.server.port)
    await client.login()
    projects = [await client.create_project() for _ in range(_SESSIONS)]
    for project in projects:
        await client.execute(project, "x<-1+1")
    # Which process is whose is asked afterwards: the question costs memory too.
    used = await _memory_of_forks(bench.server)
    pids = [await _process_of(client, project) for project in projects]
    for project in projects:
        await client.execute(project, "invisible(gc())")
    bench.report.numbers += [
        Number("e", "private memory of a session", statistics.median(used[pid] for pid in pids), "MiB", 20),
        Number("e", "the largest of 50", max(used[pid] for pid in pids), "MiB", 20),
        Number("e", "after gc()", statistics.median(map(private_memory, pids)), "MiB"),
    ]
    for project in projects:
        await client.call("project/close", project=project)


async def _process_of(client: DeployrClient, project: str) -> int:
    response = await client.execute(project, "pid <- Sys.getpid()", robjects="pid")
    return int(object_value(response, "pid"))


async def _memory_of_forks(server: Server) -> dict[int, float]:
    """Private memory of every process below the supervisor."""
    found: dict[int, float] = {}
    waiting = [server.pid]
    while waiting:
        children = processes.children(waiting.pop())
        waiting += children
        for pid in children:
            with contextlib.suppress(OSError):
                found[pid] = private_memory(pid)
    return found


# -- common -----------------------------------------------------------------------------------------------


async def _body(answer: Awaitable[Answer]) -> bytes:
    return (await answer).body


def _response(call: str, body: bytes) -> dict[str, Any]:
    return read_response(call, Answer(200, {}, body))


def _expect(found: object, expected: object) -> None:
    if found != expected:
        raise WrongAnswer(f"{str(found)[:200]} in the place of {str(expected)[:200]}")


ROWS: dict[str, Callable[[Bench], Awaitable[None]]] = {
    "a": anonymous_script,
    "b": live_project,
    "c": data_frame,
    "d": start,
    "e": session_memory,
}
