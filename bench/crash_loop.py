"""Crash loop: parts of the server are killed in random order while callers work.

Every answer must be right, or an error that the server documents; a caller whose web worker was killed may lose
its connection. Afterwards the server must serve again by itself, with all that it has stored.
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
        memory: resident memory of grid and web workers before and afterwards, in MiB.
        stored: numbers of the scripts whose upload was acknowledged.
        recovery: seconds from each kill to the next right answer to an anonymous caller.
    """

    killed: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)
    stored: list[int] = field(default_factory=list)
    recovery: dict[str, list[float]] = field(default_factory=dict)


async def crash_loop(server: Server, seconds: float) -> CrashResult:
    """Run the loop; the server runs before and after."""
    result = CrashResult()
    result.memory.append(server_processes.footprint(server)[0])
    until_time = time.monotonic() + seconds
    callers = [_anonymous_caller, _project_caller]
    async with asyncio.TaskGroup() as group:
        for number in range(_CALLERS):
            group.create_task(callers[number % 2](server, number, until_time, result))
        group.create_task(_uploader(server, until_time, result))
        group.create_task(_killer(server, until_time, result))
    await server.wait_for_r()
    await _check_stored(server, result)
    result.memory.append(server_processes.footprint(server)[0])
    return result


async def _killer(server: Server, until_time: float, result: CrashResult) -> None:
    kinds: list[str] = []
    while time.monotonic() < until_time:
        await asyncio.sleep(random.uniform(*_PAUSE_SECONDS))
        # Each kind once in a random order, then again.
        kinds = kinds or random.sample(list(VICTIMS), len(VICTIMS))
        kind = kinds.pop()
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
            _expect(await _run_script(client, SCRIPT), SCRIPT_VALUE)
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


async def _uploader(server: Server, until_time: float, result: CrashResult) -> None:
    """Stores small scripts; those that the server has acknowledged must be there afterwards."""
    client = DeployrClient(server.port)
    while time.monotonic() < until_time:
        async with _noted(client, result):
            await client.login()
            while time.monotonic() < until_time:
                number = len(result.stored)
                await client.upload_script(_stored_name(number), f"y <- {number}L")
                result.stored.append(number)
                await asyncio.sleep(0.2)
    client.close()


async def _check_stored(server: Server, result: CrashResult) -> None:
    client = DeployrClient(server.port)
    for number in result.stored:
        async with _noted(client, result):
            _expect(await _run_script(client, _stored_name(number)), number)
    client.close()


def _stored_name(number: int) -> str:
    return f"soak-{number}.R"


async def _run_script(client: DeployrClient, filename: str) -> object:
    """Value of ``y`` after a stateless run."""
    fields = {"filename": filename, "author": AUTHOR, "directory": "root", "robjects": "y"}
    return object_value(await client.call("repository/script/execute", **fields), "y")


def _expect(found: object, expected: object) -> None:
    if found != expected:
        raise WrongAnswer(f"{found!r} in the place of {expected!r}")
