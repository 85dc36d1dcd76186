"""Crash loop: parts of the server are killed in random order while callers work.

Every answer must be right, or an error that the server documents; a caller whose web worker was killed may lose
its connection. Afterwards the server must serve again by itself, with what was saved.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from bench import server_processes
from bench.deployr_client import AUTHOR, CallFailed, DeployrClient, object_value
from bench.load import WrongAnswer
from bench.server import SCRIPT, SCRIPT_VALUE, Server

_CALLERS = 20
_DOCUMENTED = range(910, 920)
_PAUSE_SECONDS = (0.5, 3.0)
_RECOVERY_SECONDS = 30.0
_SAVED_VALUE = 42

VICTIMS: dict[str, Callable[[Server], list[int]]] = {
    "R session": server_processes.sessions,
    "Rserve parent": server_processes.rserve_parents,
    "grid": lambda server: [pid for pid in [server_processes.grid(server)] if pid],
    "web worker": server_processes.web_workers,
}


@dataclass
class CrashResult:
    """What the callers saw.

    Attributes:
        killed: kills by what was killed.
        outcomes: calls by outcome: ``right``, ``errorCode 916`` and so on, ``connection lost``.
        faults: wrong answers and errors that are not documented.
        recovery: seconds from each kill to the next right answer to an anonymous caller.
    """

    killed: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    recovery: dict[str, list[float]] = field(default_factory=dict)


async def crash_loop(server: Server, seconds: float) -> CrashResult:
    """Run the loop; the server runs before and after."""
    result = CrashResult()
    saved = await _save_project(server)
    until_time = time.monotonic() + seconds
    callers = [_anonymous_caller, _project_caller]
    async with asyncio.TaskGroup() as group:
        for number in range(_CALLERS):
            group.create_task(callers[number % 2](server, number, until_time, result))
        group.create_task(_killer(server, until_time, result))
    await server.wait_for_r()
    await _check_saved(server, saved, result)
    return result


async def _killer(server: Server, until_time: float, result: CrashResult) -> None:
    while time.monotonic() < until_time:
        await asyncio.sleep(random.uniform(*_PAUSE_SECONDS))
        kind = random.choice(list(VICTIMS))
        victims = VICTIMS[kind](server)
        if not victims:
            continue
        with contextlib.suppress(ProcessLookupError):
            os.kill(random.choice(victims), signal.SIGKILL)
            result.killed[kind] += 1
        started = time.perf_counter()
        await server.wait_for_r(_RECOVERY_SECONDS)
        result.recovery.setdefault(kind, []).append(time.perf_counter() - started)


async def _anonymous_caller(server: Server, _number: int, until_time: float, result: CrashResult) -> None:
    client = DeployrClient(server.port)
    while time.monotonic() < until_time:
        async with _noted(client, result):
            fields = {"filename": SCRIPT, "author": AUTHOR, "directory": "root", "robjects": "y"}
            response = await client.call("repository/script/execute", **fields)
            _expect(object_value(response, "y"), SCRIPT_VALUE)
    client.close()


async def _project_caller(server: Server, number: int, until_time: float, result: CrashResult) -> None:
    """Counts in a project of its own: the count shows whether any call was lost or done twice."""
    client = DeployrClient(server.port)
    while time.monotonic() < until_time:
        async with _noted(client, result):
            await client.login()
            project = await client.create_project()
            await client.execute(project, f"count <- {number}L")
            await _count(client, project, number, until_time, result)
    client.close()


async def _count(client: DeployrClient, project: str, count: int, until_time: float, result: CrashResult) -> None:
    while time.monotonic() < until_time:
        response = await client.execute(project, "count <- count + 1L", robjects="count")
        count += 1
        _expect(object_value(response, "count"), count)
        result.outcomes["right"] += 1
    await client.call("project/close", project=project)


@contextlib.asynccontextmanager
async def _noted(client: DeployrClient, result: CrashResult) -> AsyncIterator[None]:
    """Notes how the calls within ended; after a failure the caller begins anew."""
    try:
        yield
        result.outcomes["right"] += 1
    except WrongAnswer as ex:
        result.faults.append(f"wrong answer: {ex}")
    except CallFailed as ex:
        result.outcomes[f"HTTP {ex.status}, errorCode {ex.code}"] += 1
        if ex.code not in _DOCUMENTED:
            result.faults.append(str(ex))
    except (OSError, EOFError):
        result.outcomes["connection lost"] += 1
        client.close()
    else:
        return
    # Nobody hammers a server that is coming back.
    await asyncio.sleep(0.05)


async def _save_project(server: Server) -> str:
    client = DeployrClient(server.port)
    await client.login()
    project = await client.create_project()
    await client.execute(project, f"saved <- {_SAVED_VALUE}L")
    await client.call("project/save", project=project, name="soak")
    await client.call("project/close", project=project)
    client.close()
    return project


async def _check_saved(server: Server, project: str, result: CrashResult) -> None:
    client = DeployrClient(server.port)
    await client.login()
    response = await client.execute(project, "found <- saved", robjects="found")
    if object_value(response, "found") != _SAVED_VALUE:
        result.faults.append("the saved project came back with another value")
    await client.call("project/close", project=project)
    client.close()


def _expect(found: object, expected: object) -> None:
    if found != expected:
        raise WrongAnswer(f"{found!r} in the place of {expected!r}")
