"""200 anonymous executions by 20 callers, again and again: nothing wrong, nothing left, nothing growing."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from bench import rows, server_processes
from bench.load import Contestant, compete
from bench.server import Server
from bench.waiting import until

_CALLERS = 20
_CALLS = 10
_WARM_MOST = 8
_SETTLE_SECONDS = 15.0


@dataclass
class BatchResult:
    """What the batches left.

    Attributes:
        batches: of 200 calls each; a wrong answer ends the run.
        rates: calls a second of each batch.
        memory: resident memory of grid and web workers after each batch, in MiB.
        files: open files of the same.
    """

    batches: int = 0
    rates: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)
    files: list[int] = field(default_factory=list)


async def anonymous_batches(server: Server, seconds: float) -> BatchResult:
    """Run batches for a time, at least two.

    Raises:
        WrongAnswer: a call was answered wrongly.
        CallFailed: a call failed.
        TimeoutError: R processes were left behind after a batch.
    """
    result = BatchResult()
    end = time.monotonic() + seconds
    batch = Contestant("batch", rows.script_callers(server, _CALLERS), _CALLS)
    while result.batches < 2 or time.monotonic() < end:
        await compete([batch], 1)
        await until(lambda: _only_warm_left(server), seconds=_SETTLE_SECONDS)
        memory, files = server_processes.footprint(server)
        result.batches += 1
        result.rates.append(batch.rounds[-1].rate)
        result.memory.append(memory)
        result.files.append(files)
    return result


async def _only_warm_left(server: Server) -> bool:
    return len(server_processes.sessions(server)) <= _WARM_MOST
