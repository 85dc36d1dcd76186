"""Saves that are cut short: parts of the server are killed at random moments while a project is being saved.

Each round changes files, workspace, packages and history of a project and saves it; whatever is killed when, the
project must open again as it was before the save or as it was to be after it, never as a mixture; a save that was
acknowledged must be there.
"""

from __future__ import annotations

import asyncio
import functools
import hashlib
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from bench import server_processes
from bench.deployr_client import CallFailed, DeployrClient
from bench.server import Server
from bench.waiting import until
from deployr.grid import processes

_FILES = 10
_CHANGING = 3
_INTEGERS = 5 * 1024 * 1024 // 4
"""Of each file: ten of 5 MiB make up the directory, three of which change with each version."""

_DATA = 1_000_000
_SECONDS = 60.0
"""Longest time in which the server must serve the project again."""

_CHANGE = """local({{
  for (file in 0:{last}) {{
    if (file < {changing} || {version} == 0) {{
      content <- seq_len({integers}L) + if (file < {changing}) {version}L * 16L + file else file
      writeBin(as.integer(content), sprintf("file-%02d.bin", file))
    }}
  }}
  unlink(list.files(pattern = "^only-"))
  cat("{version}", file = "only-{version}.txt")
  rm(list = ls(globalenv()), envir = globalenv())
  assign("state", {version}L, globalenv())
  assign("data", seq_len({data}L) + {version}L, globalenv())
  assign("only_{version}", TRUE, globalenv())
  if ({version} %% 2 == 1) library(splines) else if ("package:splines" %in% search()) detach("package:splines")
}})"""

_LOOK = """local({
  files <- list.files()
  cat(paste(files, tools::md5sum(files)), paste(ls(globalenv()), collapse = " "), state, length(data),
      format(sum(as.numeric(data)), digits = 15), "package:splines" %in% search(), sep = "\\n")
})"""


@dataclass
class SaveCrashes:
    """What became of the saves.

    Attributes:
        killed: rounds by what was killed.
        states: rounds by the state that the project had afterwards, ``old`` or ``new``.
        acknowledged: saves that were answered with success although something was killed.
        uncut: seconds of a save that nothing disturbed.
        faults: mixtures, lost saves, and servers that did not serve the project again.
    """

    killed: Counter[str] = field(default_factory=Counter)
    states: Counter[str] = field(default_factory=Counter)
    acknowledged: int = 0
    uncut: float = 0
    faults: list[str] = field(default_factory=list)


async def save_crashes(server: Server, rounds: int, victims: Sequence[str] = ()) -> SaveCrashes:
    """Run the rounds; the server runs before and after.

    Args:
        server: must have its script published, see :meth:`Server.publish_script`.
        victims: of :data:`VICTIMS`, taken in turns; none for all.
    """
    result = SaveCrashes()
    saved = await _SavedProject.make(server)
    result.uncut = await saved.change_and_save()
    await saved.reopen()
    for number in range(rounds):
        victim = (victims or list(VICTIMS))[number % len(victims or VICTIMS)]
        await _crash(server, saved, victim, result)
    return result


async def _crash(server: Server, saved: _SavedProject, victim: str, result: SaveCrashes) -> None:
    saving = asyncio.create_task(saved.change_and_save())
    await saved.begun.wait()
    await asyncio.sleep(random.uniform(0, 1.1 * result.uncut))
    await VICTIMS[victim](server)
    acknowledged = (await asyncio.gather(saving, return_exceptions=True))[0]
    result.killed[victim] += 1
    result.acknowledged += isinstance(acknowledged, float)
    try:
        await until(lambda: _serves(server), seconds=_SECONDS)
        found = await saved.reopen()
    except Exception as ex:
        result.faults.append(f"round {sum(result.killed.values())}, {victim} killed: {ex!r}")
        return
    result.states["new" if found else "old"] += 1
    if isinstance(acknowledged, float) and not found:
        result.faults.append(f"round {sum(result.killed.values())}, {victim} killed: an acknowledged save is lost")


class _SavedProject:
    """A persistent project and the version that it was last seen in.

    Attributes:
        begun: set when the save of a change was sent.
    """

    def __init__(self, server: Server, client: DeployrClient, project: str) -> None:
        self._server = server
        self._client = client
        self._project = project
        self._versions: list[int] = []
        self._next = 0
        self.begun = asyncio.Event()

    @classmethod
    async def make(cls, server: Server) -> _SavedProject:
        """A project whose first version is saved."""
        client = DeployrClient(server.port)
        await client.login()
        reply = await client.call("project/create", projectname="Saved under fire")
        made = cls(server, client, reply["project"]["project"])
        await made.change_and_save()
        await made.reopen()
        return made

    async def change_and_save(self) -> float:
        """Make the next version and save it; the seconds that the save took."""
        self.begun.clear()
        self._next = version = self._next + 1 if self._versions else 0
        try:
            await self._client.execute(self._project, _change(version), tag=str(version), echooff="true")
        finally:
            self.begun.set()
        started = time.perf_counter()
        await self._client.call("project/save", project=self._project, descr=str(version))
        return time.perf_counter() - started

    async def reopen(self) -> bool:
        """Open it as it was saved; true when that is the version of the last change.

        Raises:
            AssertionError: it is neither that version nor the one before, or a mixture.
        """
        self._client.close()
        await self._close()
        found = await self._look()
        candidates = [self._versions, [*self._versions, self._next]]
        for versions in candidates:
            if versions and found == _expected(versions):
                self._versions = versions
                return versions[-1] == self._next
        raise AssertionError(f"a mixture: {_unlike(found, candidates)}")

    async def _close(self) -> None:
        """End the session without saving, if it has outlived the crash."""

        async def is_closed() -> bool:
            try:
                await self._client.call("project/close", project=self._project, disableautosave="true")
            except CallFailed as ex:
                # The grid is coming back, or the interrupted save still holds the project.
                if ex.code not in (915, 409):
                    raise
                return False
            return True

        await until(is_closed, seconds=_SECONDS)

    async def _look(self) -> list[str]:
        """All that makes up the state, a text each."""
        reply = await self._client.execute(self._project, _LOOK, phantom="true", echooff="true")
        history = await self._client.call("project/execute/history", project=self._project, filterdepth="500")
        tags = [item["tag"] for item in history["execution"]["history"]]
        return [*reply["execution"]["console"].splitlines(), reply["project"]["descr"], ",".join(tags)]


def _change(version: int) -> str:
    return _CHANGE.format(last=_FILES - 1, changing=_CHANGING, integers=_INTEGERS, data=_DATA, version=version)


def _expected(versions: Sequence[int]) -> list[str]:
    """What :meth:`_SavedProject._look` finds in the last of these versions."""
    version = versions[-1]
    total = _DATA * (_DATA + 1) // 2 + _DATA * version
    return [
        *(f"file-{file:02}.bin {_md5(file, version if file < _CHANGING else 0)}" for file in range(_FILES)),
        f"only-{version}.txt {hashlib.md5(b'%d' % version).hexdigest()}",
        f"data only_{version} state",
        str(version),
        str(_DATA),
        str(total),
        str(version % 2 == 1).upper(),
        str(version),
        ",".join(map(str, versions)),
    ]


def _unlike(found: Sequence[str], candidates: Sequence[Sequence[int]]) -> str:
    """What is not as it should be, by the version that it is held against."""
    differing = {versions[-1]: sorted({*found} ^ {*_expected(versions)}) for versions in candidates if versions}
    return ", ".join(f"unlike version {version}: {texts}" for version, texts in differing.items())


@functools.lru_cache(maxsize=64)
def _md5(file: int, version: int) -> str:
    content = np.arange(1, _INTEGERS + 1, dtype="<i4") + version * 16 + file
    return hashlib.md5(content.astype("<i4").tobytes()).hexdigest()


# -- what is killed ---------------------------------------------------------------------------------------


async def _kill_grid(server: Server) -> None:
    grid = server_processes.grid(server)
    assert grid
    os.kill(grid, signal.SIGKILL)


async def _kill_web_workers(server: Server) -> None:
    """All of them: any may hold the save."""
    processes.send_signal(server_processes.web_workers(server), signal.SIGKILL)


async def _kill_everything(server: Server) -> None:
    """The supervisor first, which would start the others again; then the server is started anew."""
    victims = [server.pid, *processes.descendants(server.pid), *server_processes.r_processes(server)]
    processes.send_signal(victims, signal.SIGKILL)
    assert server.process
    await server.process.wait()
    await server.start()


VICTIMS: dict[str, Callable[[Server], Awaitable[None]]] = {
    "grid": _kill_grid,
    "web workers": _kill_web_workers,
    "everything": _kill_everything,
}


async def _serves(server: Server) -> bool:
    """Web workers and the grid answer."""
    client = DeployrClient(server.port)
    try:
        await client.login()
        await client.call("project/list")
    except (OSError, EOFError, CallFailed):
        return False
    finally:
        client.close()
    return True
