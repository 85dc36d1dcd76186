"""Nodes: where sessions live. The interface, and the node on this machine."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from deployr.errors import DeployrError, NodeNotResponding
from deployr.grid import processes
from deployr.grid.files import remove_tree
from deployr.grid.parent import ParentOptions, RserveParent, StartFailed
from deployr.grid.protocol import NodeStatus, Purpose
from deployr.grid.r_session import RSession
from deployr.grid.rserve import ConnectionBroken, Greeting, RserveConnection
from deployr.grid.session import Session, SessionLimits

log = logging.getLogger(__name__)

_FORK_TRIES = 20
_WARM_SECONDS = 1.0
_BACK_OFF = (0.1, 0.5, 1.0, 2.0, 5.0)


class Node(Protocol):
    """A place for sessions. The scheduler chooses it, the grid owns the sessions it makes."""

    name: str
    purposes: tuple[Purpose, ...]
    cluster: str | None
    slots: int

    @property
    def used(self) -> int:
        """Live sessions handed out and not yet closed."""

    @property
    def healthy(self) -> bool:
        """False while the node cannot make sessions."""

    async def start(self) -> None:
        """Get ready; called once."""

    async def take(self, on_death: Callable[[], None]) -> Session:
        """A fresh session, ready to serve; the slot is used until :meth:`release`.

        Args:
            on_death: called once when the session's process dies by itself.

        Raises:
            NodeNotResponding: the node cannot make sessions now.
        """

    def release(self, session: Session) -> None:
        """The session has been ended or has died; its slot is free."""

    async def stop(self) -> None:
        """End everything the node runs."""

    def status(self) -> NodeStatus:
        """What the node is doing."""


@dataclass(frozen=True)
class NodeOptions:
    """How a local node works.

    Attributes:
        warm_min, warm_max: bounds of the number of forks kept ready.
    """

    name: str
    description: str
    purposes: tuple[Purpose, ...]
    cluster: str | None
    slots: int
    warm_min: int
    warm_max: int
    parent: ParentOptions
    limits: SessionLimits


class LocalNode:
    """R sessions on this machine, forked from one warm parent and kept ready a few ahead of demand.

    Args:
        orphans: told of every process made here.
    """

    def __init__(self, options: NodeOptions, orphans: processes.Orphans) -> None:
        self.name = options.name
        self.purposes = options.purposes
        self.cluster = options.cluster
        self.slots = options.slots
        self._options = options
        self._orphans = orphans
        self._sessions_path = options.parent.directory / "sessions"
        self._numbers = itertools.count(1)
        self._parent: RserveParent | None = None
        self._born: dict[RSession, RserveParent] = {}
        self._used: set[RSession] = set()
        self._warm: deque[RSession] = deque()
        self._promised = 0
        self._forking = 0
        self._refill = asyncio.Event()
        self._taken: deque[float] = deque(maxlen=1000)
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def used(self) -> int:
        return len(self._used) + self._promised

    @property
    def healthy(self) -> bool:
        return self._parent is not None

    async def start(self) -> None:
        remove_tree(self._options.parent.directory)
        self._sessions_path.mkdir(parents=True)
        for path in (self._options.parent.directory, self._sessions_path):
            path.chmod(0o711)
        ready = asyncio.Event()
        self._tasks = [
            asyncio.create_task(self._keep_parent(ready)),
            asyncio.create_task(self._keep_warm()),
        ]
        await ready.wait()

    async def take(self, on_death: Callable[[], None]) -> RSession:
        self._taken.append(time.monotonic())
        self._promised += 1
        try:
            session = self._next_warm() or await self._fork()
        finally:
            self._promised -= 1
        session.on_death = on_death
        self._used.add(session)
        self._refill.set()
        return session

    def release(self, session: Session) -> None:
        own = next(used for used in self._used if used is session)
        self._used.discard(own)
        self._forget(own)

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for session in [*self._born]:
            session.close()
            self._forget(session)
        if self._parent:
            self._parent.stop()
            await self._parent.wait()
            self._parent.dispose()
        remove_tree(self._options.parent.directory)

    def status(self) -> NodeStatus:
        return NodeStatus(
            name=self.name,
            description=self._options.description,
            purposes=list(self.purposes),
            cluster=self.cluster,
            slots=self.slots,
            used=self.used,
            warm=len(self._warm),
            healthy=self.healthy,
            isolated=self._options.parent.uid_base is not None,
        )

    # -- parent -------------------------------------------------------------------------------------------

    async def _keep_parent(self, ready: asyncio.Event) -> None:
        """Have a parent at all times; the sessions of a dead one live on."""
        failures = 0
        while True:
            # A fork that hangs may be due to what the parent ran to warm up: it tries without, now and then.
            parent = RserveParent(self._options.parent, next(self._numbers), warm=failures % 2 == 0)
            try:
                with self._orphans.held():
                    await parent.start()
                    self._orphans.managed.add(parent.pid or 0)
            except Exception as ex:
                # Whatever it is, the node must go on trying.
                log.error("node %s: %s", self.name, ex, exc_info=not isinstance(ex, StartFailed))
                await asyncio.sleep(_BACK_OFF[min(failures, len(_BACK_OFF) - 1)])
                failures += 1
            else:
                failures = 0
                await self._serve_from(parent, ready)
            finally:
                ready.set()

    async def _serve_from(self, parent: RserveParent, ready: asyncio.Event) -> None:
        pid = parent.pid or 0
        self._parent = parent
        self._refill.set()
        ready.set()
        try:
            await parent.wait()
            log.error("node %s: its Rserve parent died, starting another", self.name)
            self._parent = None
        finally:
            self._orphans.managed.discard(pid)
        self._dispose_if_idle(parent)

    def _dispose_if_idle(self, parent: RserveParent) -> None:
        if parent is not self._parent and parent not in self._born.values():
            parent.dispose()

    # -- sessions -----------------------------------------------------------------------------------------

    async def _fork(self) -> RSession:
        parent = self._parent
        if parent is None:
            raise NodeNotResponding(f"The grid node {self.name} is not responding.")
        for _ in range(_FORK_TRIES):
            try:
                connection, greeting = await parent.fork()
            except ConnectionBroken as ex:
                raise NodeNotResponding(f"The grid node {self.name} is not responding.") from ex
            if parent.isolated and any(greeting.uid == session.uid for session in self._born):
                # Rserve starts over at the end of its range; two live sessions must never share a user id.
                connection.abort()
                continue
            return await self._settled(parent, connection, greeting)
        raise NodeNotResponding(f"The grid node {self.name} has no free user id.")

    async def _settled(self, parent: RserveParent, connection: RserveConnection, greeting: Greeting) -> RSession:
        path = self._sessions_path / f"{greeting.pid}-{next(self._numbers)}"
        try:
            session = RSession(connection, greeting, path, self._options.limits, isolated=parent.isolated)
        except OSError as ex:
            connection.abort()
            raise NodeNotResponding(f"The grid node {self.name} cannot make a session.") from ex
        self._born[session] = parent
        self._orphans.sessions.add(session)
        try:
            await session.settle()
        except BaseException:
            session.close()
            self._forget(session)
            raise
        return session

    def _forget(self, session: RSession) -> None:
        self._orphans.sessions.discard(session)
        parent = self._born.pop(session, None)
        if parent is not None:
            self._dispose_if_idle(parent)

    # -- warm forks ---------------------------------------------------------------------------------------

    def _next_warm(self) -> RSession | None:
        while self._warm:
            session = self._warm.popleft()
            if session.state == "idle":
                return session
            session.close()
            self._forget(session)
        return None

    def _warm_target(self) -> int:
        """A tenth of the sessions asked for in the last second, within the bounds."""
        since = time.monotonic() - 1.0
        recent = sum(1 for taken in self._taken if taken > since)
        return min(max(recent // 10 + 1, self._options.warm_min), self._options.warm_max)

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
            if number < surplus or session.state != "idle":
                self._warm.remove(session)
                session.close()
                self._forget(session)

    async def _add_warm(self) -> None:
        self._forking += 1
        try:
            self._warm.append(await self._fork())
        except DeployrError as ex:
            log.warning("node %s: no warm session: %s", self.name, ex)
        finally:
            self._forking -= 1
