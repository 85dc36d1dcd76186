"""Nodes: where sessions live. The interface, and the node on this machine."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from deployr.grid import processes
from deployr.grid.files import remove_tree
from deployr.grid.parent import ParentOptions, RserveParent
from deployr.grid.protocol import NodeStatus, Purpose, Runtime
from deployr.grid.python_parent import PythonParent
from deployr.grid.r_session import RSession
from deployr.grid.session import Session, SessionLimits
from deployr.grid.warm_forks import NodePlace, WarmForks


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

    async def take(self, on_death: Callable[[], None], runtime: Runtime = "r") -> Session:
        """A fresh session, ready to serve; the slot is used until :meth:`release`.

        Args:
            on_death: called once when the session's process dies by itself.

        Raises:
            NodeNotResponding: the node cannot make sessions now.
            DeployrError: the one that was made failed before it served.
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
    """Sessions on this machine, forked from warm parents: R's from the start on, Python's from its first session on.

    Args:
        orphans: told of every process made here.
    """

    def __init__(self, options: NodeOptions, orphans: processes.Orphans) -> None:
        self.name = options.name
        self.purposes = options.purposes
        self.cluster = options.cluster
        self.slots = options.slots
        self._options = options
        place = NodePlace(
            name=options.name,
            sessions=options.parent.directory / "sessions",
            parent=options.parent,
            limits=options.limits,
            warm_min=options.warm_min,
            warm_max=options.warm_max,
            orphans=orphans,
        )
        self._sessions_path = place.sessions
        self._r = WarmForks(place, RserveParent)
        self._python = WarmForks(place, PythonParent)
        self._used: dict[RSession, WarmForks] = {}
        self._promised = 0

    @property
    def used(self) -> int:
        return len(self._used) + self._promised

    @property
    def healthy(self) -> bool:
        return self._r.healthy

    async def start(self) -> None:
        remove_tree(self._options.parent.directory)
        self._sessions_path.mkdir(parents=True)
        for path in (self._options.parent.directory, self._sessions_path):
            path.chmod(0o711)
        await self._r.start()

    async def take(self, on_death: Callable[[], None], runtime: Runtime = "r") -> RSession:
        forks = self._r if runtime == "r" else self._python
        self._promised += 1
        try:
            await forks.start()
            session = await forks.take()
        finally:
            self._promised -= 1
        session.on_death = on_death
        self._used[session] = forks
        return session

    def release(self, session: Session) -> None:
        own = next(used for used in self._used if used is session)
        self._used.pop(own).forget(own)

    async def stop(self) -> None:
        await asyncio.gather(self._r.stop(), self._python.stop())
        remove_tree(self._options.parent.directory)

    def status(self) -> NodeStatus:
        return NodeStatus(
            name=self.name,
            description=self._options.description,
            purposes=list(self.purposes),
            cluster=self.cluster,
            slots=self.slots,
            used=self.used,
            warm=self._r.warm + self._python.warm,
            healthy=self.healthy,
            isolated=self._options.parent.uid_base is not None,
            python_used=sum(forks is self._python for forks in self._used.values()),
            python_warm=self._python.warm,
        )
