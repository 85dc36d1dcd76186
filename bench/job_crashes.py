"""Jobs under fire: processes of the server are killed at random moments while jobs of mixed length run.

Afterwards every job must be at an end that its kind allows, must say why when it did not complete, must not have
run twice at a time, and what a job stored must be there exactly once when it completed and not at all when it did not.
"""

from __future__ import annotations

import asyncio
import random
import shutil
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench import server_processes
from bench.deployr_client import AUTHOR, CallFailed, DeployrClient
from bench.server import Server
from deployr.grid import processes

DIRECTORY = "job-crashes"
_ENDS = {"Completed", "Failed", "Aborted", "Interrupted", "Cancelled"}
_LONGEST = 240.0
"""Seconds in which the jobs must be at their ends when nothing is killed any more."""

_PAUSE = (0.3, 2.5)
"""Seconds between two kills."""

_AWAY = (OSError, EOFError, CallFailed)


@dataclass(frozen=True)
class Kind:
    """A kind of job.

    Attributes:
        work: what its code does beside leaving its trace.
        ends: how it may end: as it was meant to, or aborted.
        repeats: how many runs follow the first one.
        stores: its result goes to the repository.
        cancelled: it is cancelled at a random moment.
    """

    work: str
    ends: frozenset[str]
    repeats: int = 0
    stores: bool = False
    cancelled: bool = False


_WELL = frozenset({"Completed", "Aborted"})
KINDS = {
    "short": Kind("x <- 1", _WELL),
    "storing": Kind("Sys.sleep(0.3)", _WELL, stores=True),
    "long": Kind("Sys.sleep(2)", _WELL, stores=True),
    "failing": Kind("stop('on purpose')", frozenset({"Failed", "Aborted"})),
    "repeating": Kind("Sys.sleep(0.2)", _WELL, repeats=2),
    "cancelled": Kind("Sys.sleep(60)", frozenset({"Cancelled", "Interrupted", "Aborted"}), cancelled=True),
}


@dataclass
class JobCrashes:
    """What became of the jobs.

    Attributes:
        killed: by what was killed.
        ends: jobs by kind and end.
        stored: completed jobs whose stored files were found.
        faults: what must not be.
    """

    killed: Counter[str] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)
    stored: int = 0
    seconds: float = 0
    faults: list[str] = field(default_factory=list)


async def job_crashes(server: Server, count: int, kills: int) -> JobCrashes:
    """Send jobs, kill until all that are allowed have happened, and look at what is left."""
    result = JobCrashes()
    traces = Path(tempfile.mkdtemp(prefix="job-traces-", dir="/var/tmp"))
    traces.chmod(0o777)
    started = time.monotonic()
    try:
        fire = _UnderFire(server, traces)
        await fire.call("repository/directory/create", directory=DIRECTORY)
        killing = asyncio.create_task(_kill(server, kills, result))
        await asyncio.gather(*(fire.send(number, kind) for number, kind in enumerate(_kinds(count))))
        await killing
        await _judge(fire, await fire.ended(), result)
    finally:
        shutil.rmtree(traces, ignore_errors=True)
    result.seconds = time.monotonic() - started
    return result


def _kinds(count: int) -> list[str]:
    return [list(KINDS)[number % len(KINDS)] for number in range(count)]


class _UnderFire:
    """A caller who asks again whatever the server could not answer."""

    def __init__(self, server: Server, traces: Path) -> None:
        self._server = server
        self._traces = traces
        self._client: DeployrClient | None = None
        self._turn = asyncio.Lock()

    async def call(self, call: str, **fields: str) -> dict[str, Any]:
        """Ask until it is answered; a call that was carried out and not answered is made twice."""
        end = time.monotonic() + _LONGEST
        while True:
            try:
                async with self._turn:
                    return await (await self._logged_in()).call(call, **fields)
            except _AWAY as ex:
                if isinstance(ex, CallFailed) and ex.code not in (0, 401, 915) and ex.status != 500:
                    raise
                if time.monotonic() > end:
                    raise
                self._client = None
                await asyncio.sleep(0.1)

    async def _logged_in(self) -> DeployrClient:
        if self._client is None:
            client = DeployrClient(self._server.port)
            await client.login()
            self._client = client
        return self._client

    async def send(self, number: int, kind: str) -> None:
        """Send a job; cancel it after a while if it is of that kind."""
        await asyncio.sleep(random.uniform(0, 5))
        fields = {"name": f"{kind} {number}", "code": self._code(number, kind), "priority": random.choice(_PRIORITIES)}
        if KINDS[kind].stores:
            fields |= {"storefile": f"{number}.txt", "storedirectory": DIRECTORY, "storenewversion": "true"}
        call = "job/schedule" if KINDS[kind].repeats else "job/submit"
        if KINDS[kind].repeats:
            fields |= {"schedrepeat": str(KINDS[kind].repeats), "schedinterval": "500"}
        job = (await self.call(call, **fields))["job"]["job"]
        if KINDS[kind].cancelled:
            await asyncio.sleep(random.uniform(0, 6))
            await self.call("job/cancel", job=job)
            # One that was sent twice, as its first answer was lost, has to be cancelled twice.
            for twin in await self._named(f"{kind} {number}"):
                await self.call("job/cancel", job=twin["job"])

    def _code(self, number: int, kind: str) -> str:
        """Every run has a file, since each has a user id of its own, with the times of its begin and its end."""
        trace = f"'{self._traces}/{number}-', Sys.getpid(), sep = ''"
        time_line = f"cat(sprintf('%.6f\\n', Sys.time()), file = paste({trace}), append = TRUE)"
        steps = [time_line, f"cat('{number}', file = '{number}.txt')", KINDS[kind].work, time_line]
        return "; ".join(steps)

    def overlaps(self, number: int) -> bool:
        """A run of the job began while another one was under way, so far as their traces tell."""
        runs = [[float(line) for line in path.read_text().split()] for path in self._traces.glob(f"{number}-*")]
        began = [run[0] for run in runs if run]
        return any(run[0] < other < run[1] for run in runs if len(run) == 2 for other in began)

    async def _named(self, name: str) -> list[dict[str, Any]]:
        return [job for job in (await self.call("job/list"))["jobs"] if job["name"] == name]

    async def ended(self) -> list[dict[str, Any]]:
        """All jobs, as soon as they are at their ends."""
        end = time.monotonic() + _LONGEST
        while True:
            jobs: list[dict[str, Any]] = (await self.call("job/list"))["jobs"]
            if all(job["status"] in _ENDS for job in jobs) or time.monotonic() > end:
                return jobs
            await asyncio.sleep(0.2)

    async def stored(self, number: int) -> list[str]:
        """The versions of the file that a job stores."""
        try:
            reply = await self.call("repository/file/list", directory=DIRECTORY, filename=f"{number}.txt")
        except CallFailed:
            return []
        return [file["version"] or "latest" for file in reply["repository"]["files"]]

    async def content(self, number: int) -> bytes:
        """The content of that file."""
        fields = {"author": AUTHOR, "directory": DIRECTORY, "filename": f"{number}.txt"}
        return (await (await self._logged_in()).send("repository/file/download", **fields)).body

    async def has_project(self, job: dict[str, Any]) -> bool:
        """The job's project is there, under its name."""
        try:
            reply = await self.call("project/about", project=job["project"])
        except CallFailed:
            return False
        return bool(reply["project"]["name"] == f"{job['name']} (Job)")


_PRIORITIES = ("low", "medium", "high")


# -- what must hold ---------------------------------------------------------------------------------------


async def _judge(fire: _UnderFire, jobs: list[dict[str, Any]], result: JobCrashes) -> None:
    completed: Counter[int] = Counter()
    for job in jobs:
        kind, number = job["name"].split()
        result.ends[f"{kind} {job['status']}"] += 1
        completed[int(number)] += job["status"] == "Completed"
        if job["status"] not in KINDS[kind].ends:
            result.faults.append(f"{job['name']} ended {job['status']}: {job['statusMsg']}")
        if not job["statusMsg"]:
            result.faults.append(f"{job['name']} ended {job['status']} and does not say why")
        if job["status"] == "Completed" and not await fire.has_project(job):
            result.faults.append(f"{job['name']} completed without its project")
    sent_once = [int(name.split()[1]) for name, times in Counter(job["name"] for job in jobs).items() if times == 1]
    result.faults += [f"job {number} ran twice at a time" for number in sent_once if fire.overlaps(number)]
    for number in {int(job["name"].split()[1]) for job in jobs if KINDS[job["name"].split()[0]].stores}:
        await _judge_stored(fire, number, completed[number], result)


async def _judge_stored(fire: _UnderFire, number: int, completed: int, result: JobCrashes) -> None:
    """A job that completed has added one version; its twin, if it was sent twice, another."""
    versions = await fire.stored(number)
    if len(versions) != completed:
        result.faults.append(f"job {number} completed {completed} times and its file has {len(versions)} versions")
    elif completed and await fire.content(number) != str(number).encode():
        result.faults.append(f"job {number} stored something else")
    result.stored += min(completed, len(versions))


# -- what is killed ---------------------------------------------------------------------------------------


async def _kill(server: Server, kills: int, result: JobCrashes) -> None:
    victims = list(VICTIMS)
    for number in range(kills):
        await asyncio.sleep(random.uniform(*_PAUSE))
        victim = victims[number % len(victims)]
        processes.send_signal([await _found(VICTIMS[victim], server)], signal.SIGKILL)
        result.killed[victim] += 1


async def _found(find: Callable[[Server], int | None], server: Server) -> int:
    """The process to be killed: one that was killed before takes a while to be there again."""
    while (pid := find(server)) is None:  # noqa: ASYNC110
        await asyncio.sleep(0.05)
    return pid


def _one(pids: list[int]) -> int | None:
    return random.choice(pids) if pids else None


VICTIMS: dict[str, Callable[[Server], int | None]] = {
    "jobs process": lambda server: server_processes.part(server, "deployr.jobs"),
    "R session": lambda server: _one(server_processes.sessions(server)),
    "web worker": lambda server: _one(server_processes.web_workers(server)),
    "grid": server_processes.grid,
    "Rserve parent": lambda server: _one(server_processes.rserve_parents(server)),
}
