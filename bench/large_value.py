"""A value of 1 GB on its way from R: the grid relays it in little memory, and others do not wait for it."""

from __future__ import annotations

import asyncio
import time
import uuid
from dataclasses import dataclass, field

from bench import server_processes
from bench.load import WrongAnswer
from bench.memory import resident_memory
from bench.server import Server
from deployr.encodings import model, qap1
from deployr.grid.client import SocketGrid
from deployr.grid.protocol import Execution, SessionSpec

_BYTES = 2**30


@dataclass
class ValueResult:
    """How the value travelled.

    Attributes:
        seconds: from the request to its last byte.
        memory: resident memory of the grid before, at its highest and after, in MiB.
        others: seconds that calls of another session took meanwhile.
    """

    seconds: float = 0
    memory: list[float] = field(default_factory=list)
    others: list[float] = field(default_factory=list)


async def large_value(server: Server) -> ValueResult:
    """Fetch the value once.

    Raises:
        WrongAnswer: it is not what R made.
    """
    grid = SocketGrid(server.home / "run" / "grid.sock")
    large, other = await _open(grid), await _open(grid)
    result = ValueResult()
    await _run(grid, large, f"x <- raw({_BYTES}); x[{_BYTES}] <- as.raw(7)")
    result.memory.append(_memory(server))
    highest = result.memory[0]
    started = time.perf_counter()
    fetch = asyncio.create_task(grid.call(large, "get_objects", _names("x")))
    while not fetch.done():
        called = time.perf_counter()
        await _run(grid, other, "x<-1+1")
        result.others.append(time.perf_counter() - called)
        highest = max(highest, _memory(server))
        await asyncio.sleep(0.02)
    result.seconds = time.perf_counter() - started
    value = fetch.result()
    if len(value) < _BYTES or value[-1] != 7:
        raise WrongAnswer(f"{len(value)} bytes that end in {value[-8:]!r}")
    for session in (large, other):
        await grid.close(session)
    result.memory += [highest, _memory(server)]
    await grid.aclose()
    return result


async def _open(grid: SocketGrid) -> str:
    spec = SessionSpec(session=f"PROJECT-{uuid.uuid4()}", owner="user:soak")
    return (await grid.open(spec)).session


async def _run(grid: SocketGrid, session: str, code: str) -> None:
    execution = Execution(execution=f"EXEC-{uuid.uuid4()}", code=code)
    record, _ = await grid.execute(session, execution, qap1.encode(model.named_list({})))
    if record.error:
        raise WrongAnswer(record.error)


def _names(*names: str) -> bytes:
    return qap1.encode(model.named_list({"names": model.character(*names)}))


def _memory(server: Server) -> float:
    pid = server_processes.grid(server)
    return resident_memory(pid) if pid else 0.0
