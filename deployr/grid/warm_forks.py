"""Sessions of one runtime on a node: its warm parent, and forks that are kept ready a few ahead of demand."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from deployr.errors import DeployrError, NodeAway, NodeNotResponding
from deployr.grid import processes
from deployr.grid.parent import ParentOptions, StartFailed, WarmParent
from deployr.grid.r_session import RSession
from deployr.grid.rserve import ConnectionBroken, RserveConnection
from deployr.grid.session import SessionLimits

log = logging.getLogger(__name__)

_FORK_TRIES = 20
_WARM_SECONDS = 1.0
_REFILL_SECONDS = 0.01
_QUIET_SECONDS = 0.02
"""Without a caller, after which forks that wait rehearse: calls that come one after the other need the processors."""
_BACK_OFF = (0.1, 0.5, 1.0, 2.0, 5.0)


@dataclass
class NodePlace:
    """What the runtimes of a node share.

    Attributes:
        name: of the node.
        sessions: directory of the sessions' directories.
        warm_min, warm_max: bounds of the number of forks kept ready.
        orphans: told of every process made here.
        numbers: no two parents or sessions have the same.
    """

    name: str
    sessions: Path
    parent: ParentOptions
    limits: SessionLimits
    warm_min: int
    warm_max: int
    orphans: processes.Orphans
    numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))


class WarmForks:
    """Sessions forked from one warm parent.

    Args:
        make_parent: makes a parent of the runtime; called as a class of :class:`WarmParent` is.

    Attributes:
        stillborn: forks, one after the other, that failed before they served.
    """

    def __init__(self, place: NodePlace, make_parent: Callable[..., WarmParent]) -> None:
        self._place = place
        self._make_parent = make_parent
        self.stillborn = 0
        self._parent: WarmParent | None = None
        self._born: dict[RSession, WarmParent] = {}
        self._warm: deque[RSession] = deque()
        self._forking = 0
        self._refill = asyncio.Event()
        self._taken: deque[float] = deque(maxlen=1000)
        self._forked = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._ready = asyncio.Event()

    @property
    def healthy(self) -> bool:
        """False while there is no parent to fork from."""
        return self._parent is not None

    @property
    def warm(self) -> int:
        """Forks that wait."""
        return len(self._warm)

    async def start(self) -> None:
        """Have a parent from now on; returns when it serves, or has failed for the first time. Once is enough."""
        if not self._tasks:
            works = self._keep_parent(), self._keep_warm(), self._rehearse()
            self._tasks = [asyncio.create_task(work) for work in works]
        await self._ready.wait()

    async def take(self) -> RSession:
        """A fresh session.

        Raises:
            NodeNotResponding: none can be made now.
            DeployrError: the one that was made failed before it served.
        """
        self._taken.append(time.monotonic())
        session = self._next_warm() or await self._fork()
        # While others wait, making the next one can: the caller's code needs processors and grid first.
        asyncio.get_running_loop().call_later(_REFILL_SECONDS if self._warm else 0, self._refill.set)
        return session

    def forget(self, session: RSession) -> None:
        """A session has ended."""
        self._place.orphans.sessions.discard(session)
        parent = self._born.pop(session, None)
        if parent is not None:
            self._dispose_if_idle(parent)

    async def stop(self) -> None:
        """End everything."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._ready.set()
        for session in [*self._born]:
            session.close()
            self.forget(session)
        if self._parent:
            self._parent.stop()
            await self._parent.wait()
            self._parent.dispose()

    # -- parent -------------------------------------------------------------------------------------------

    async def _keep_parent(self) -> None:
        """Have a parent at all times; the sessions of a dead one live on."""
        failures = 0
        while True:
            # A fork that hangs may be due to what the parent ran to warm up: it tries without, now and then.
            parent = self._make_parent(self._place.parent, next(self._place.numbers), warm=failures % 2 == 0)
            try:
                with self._place.orphans.held():
                    await parent.start()
                    self._place.orphans.managed.add(parent.pid or 0)
            except Exception as ex:
                # Whatever it is, the node must go on trying.
                log.error("node %s: %s", self._place.name, ex, exc_info=not isinstance(ex, StartFailed))
                self._ready.set()
                await asyncio.sleep(_BACK_OFF[min(failures, len(_BACK_OFF) - 1)])
                failures += 1
            else:
                failures = 0
                await self._serve_from(parent)

    async def _serve_from(self, parent: WarmParent) -> None:
        pid = parent.pid or 0
        self._parent = parent
        self._refill.set()
        self._ready.set()
        try:
            await parent.wait()
            log.error("node %s: its %s parent died, starting another", self._place.name, parent.program)
            self._parent = None
        finally:
            self._place.orphans.managed.discard(pid)
        self._dispose_if_idle(parent)

    def _dispose_if_idle(self, parent: WarmParent) -> None:
        if parent is not self._parent and parent not in self._born.values():
            parent.dispose()

    # -- sessions -----------------------------------------------------------------------------------------

    async def _fork(self) -> RSession:
        parent = self._parent
        if parent is None:
            raise NodeAway(f"The grid node {self._place.name} is not responding.")
        for _ in range(_FORK_TRIES):
            try:
                connection, process = await parent.fork()
            except ConnectionBroken as ex:
                raise NodeAway(f"The grid node {self._place.name} is not responding.") from ex
            if parent.isolated and any(process.uid == session.uid for session in self._born):
                # The parent starts over at the end of its range; two live sessions must never share a user id.
                connection.abort()
                continue
            return await self._settled(parent, connection, process)
        raise NodeNotResponding(f"The grid node {self._place.name} has no free user id.")

    async def _settled(self, parent: WarmParent, connection: RserveConnection, process: processes.Identity) -> RSession:
        path = self._place.sessions / f"{process.pid}-{next(self._place.numbers)}"
        try:
            session = RSession(connection, process, path, self._place.limits, isolated=parent.isolated)
        except OSError as ex:
            connection.abort()
            raise NodeNotResponding(f"The grid node {self._place.name} cannot make a session.") from ex
        self._born[session] = parent
        self._place.orphans.sessions.add(session)
        try:
            await parent.furnish(session.files)
            await session.settle()
        except BaseException as ex:
            if isinstance(ex, DeployrError):
                self.stillborn += 1
            session.close()
            self.forget(session)
            raise
        self.stillborn = 0
        return session

    # -- warm forks ---------------------------------------------------------------------------------------

    def _next_warm(self) -> RSession | None:
        """One that waits, and does not rehearse just now."""
        session = next((session for session in self._warm if session.state == "idle"), None)
        if session:
            self._warm.remove(session)
        return session

    def _warm_target(self) -> int:
        """A tenth of the sessions asked for in the last second, within the bounds."""
        since = time.monotonic() - 1.0
        recent = sum(1 for taken in self._taken if taken > since)
        return min(max(recent // 10 + 1, self._place.warm_min), self._place.warm_max)

    async def _keep_warm(self) -> None:
        async with asyncio.TaskGroup() as forks:
            while True:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_WARM_SECONDS):
                        await self._refill.wait()
                self._refill.clear()
                self._prune_warm()
                missing = self._warm_target() - len(self._warm) - self._forking
                for _ in range(missing if self._parent else 0):
                    forks.create_task(self._add_warm())

    def _prune_warm(self) -> None:
        """Let go of those that died, and of those that demand no longer asks for."""
        surplus = len(self._warm) - self._warm_target()
        for number, session in enumerate([*self._warm]):
            if session.state == "ended" or (number < surplus and session.state == "idle"):
                self._warm.remove(session)
                session.close()
                self.forget(session)

    async def _add_warm(self) -> None:
        self._forking += 1
        try:
            self._warm.append(await self._fork())
            self._forked.set()
        except DeployrError as ex:
            log.warning("node %s: no warm session: %s", self._place.name, ex)
        except Exception:
            # Whatever it is, the next one may come up.
            log.exception("node %s: no warm session", self._place.name)
        finally:
            self._forking -= 1

    async def _rehearse(self) -> None:
        """Let forks that wait rehearse, one at a time, in quiet moments."""
        while True:
            await self._forked.wait()
            self._forked.clear()
            while session := self._unrehearsed():
                if (left := self._quiet_in()) > 0:
                    await asyncio.sleep(left)
                    continue
                parent = self._born[session]
                try:
                    await session.rehearse()
                except Exception as ex:
                    # Whatever it is, the next one may come through.
                    unexpected = not isinstance(ex, DeployrError)
                    log.warning("node %s: a session failed to rehearse: %s", self._place.name, ex, exc_info=unexpected)
                    # Its siblings would fail as well.
                    parent.rehearses = False
                    session.end()
                    self._refill.set()

    def _unrehearsed(self) -> RSession | None:
        waiting = (session for session in self._warm if session.state == "idle" and not session.rehearsed)
        return next((session for session in waiting if self._born[session].rehearses), None)

    def _quiet_in(self) -> float:
        """Seconds until no caller has come for a while."""
        return self._taken[-1] + _QUIET_SECONDS - time.monotonic() if self._taken else 0.0
