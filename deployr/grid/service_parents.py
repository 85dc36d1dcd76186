"""Services that are in use: the warm parent of each, started when it is first asked for, stopped when nobody asks.

A service whose parent does not come up, or whose code does not survive a fork, is left to plain sessions for a while.
"""

from __future__ import annotations

import asyncio
import functools
import itertools
import logging
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from deployr.errors import DeployrError, NoFreeSlot, NotWarm
from deployr.grid import processes
from deployr.grid.files import remove_tree
from deployr.grid.parent import ParentOptions
from deployr.grid.protocol import NodeStatus, Purpose, Runtime, ServicePool, ServiceSpec
from deployr.grid.r_session import RSession
from deployr.grid.service_parent import PythonServiceParent, RServiceParent
from deployr.grid.session import Session, SessionLimits
from deployr.grid.warm_forks import NodePlace, WarmForks

log = logging.getLogger(__name__)

_UNFIT_SECONDS = 60.0
_MOST_DEATHS = 3
"""Sessions that die one after the other, from which on a service does not survive a fork."""


@dataclass(frozen=True)
class ServiceOptions:
    """How services are served.

    Attributes:
        parent: of all parents; ``directory`` is that of all services.
        most: parents at one time; the one that was used the longest ago makes room.
        idle: seconds without a call after which a parent is stopped.
        slots: sessions of one service at one time.
        warm_max: most forks of a service that are kept ready on demand.
        reserve: bytes of the machine's memory that parents leave free.
        namespaces: user namespaces can be made; see :mod:`deployr.grid.service_parent`.
    """

    parent: ParentOptions
    limits: SessionLimits
    most: int
    idle: float
    slots: int
    warm_max: int
    reserve: int
    namespaces: bool


class ServiceNode:
    """The sessions of one state of a service, as a :class:`~deployr.grid.node.Node`.

    Attributes:
        pool_sizes: forks kept ready and most sessions of its pool, ``None`` without one; a pool is not stopped.
        asked: when it was last used, by the monotonic clock.
    """

    purposes: tuple[Purpose, ...] = ()
    cluster: str | None = None

    def __init__(self, service: ServiceSpec, options: ServiceOptions, orphans: processes.Orphans, number: int) -> None:
        self.name = f"service {service.service}"
        self.service = service
        self.slots = options.slots
        self.pool_sizes: tuple[int, int] | None = None
        self.asked = time.monotonic()
        self._deaths = 0
        self._used: set[Session] = set()
        self._promised = 0
        self._options = options
        self._place = NodePlace(
            name=self.name,
            sessions=options.parent.directory / str(number) / "sessions",
            parent=replace(options.parent, directory=options.parent.directory / str(number)),
            limits=options.limits,
            warm_min=1,
            warm_max=max(1, options.warm_max),
            orphans=orphans,
        )
        kind = RServiceParent if service.runtime == "r" else PythonServiceParent
        make = functools.partial(kind, service=service, namespaces=options.namespaces)
        self._forks = WarmForks(self._place, make)

    @property
    def used(self) -> int:
        return len(self._used) + self._promised

    @property
    def healthy(self) -> bool:
        return self._forks.healthy

    @property
    def is_hopeless(self) -> bool:
        """Its sessions die, or do not come up: the code does not survive a fork."""
        return max(self._deaths, self._forks.stillborn) >= _MOST_DEATHS

    def resize(self, initial: int, most: int) -> None:
        """Give it a pool."""
        self.pool_sizes = initial, most
        self.slots = most or self._options.slots
        self._place.warm_min, self._place.warm_max = initial, max(initial, 1)

    def unpool(self) -> None:
        """Take its pool away."""
        self.pool_sizes = None
        self.slots = self._options.slots
        self._place.warm_min, self._place.warm_max = 1, max(1, self._options.warm_max)

    @property
    def is_filled(self) -> bool:
        """As many forks wait, or are in use, as should wait at least."""
        return self.healthy and self._forks.warm + self.used >= self._place.warm_min

    async def start(self) -> None:
        self._place.sessions.mkdir(parents=True)
        for path in (self._place.parent.directory, self._place.sessions):
            path.chmod(0o711)
        await self._forks.start()

    async def take(self, on_death: Callable[[], None], runtime: Runtime = "r") -> RSession:
        self.asked = time.monotonic()
        if self.used >= self.slots:
            raise NoFreeSlot("The service has no free slot at this time.")
        self._promised += 1
        try:
            session = await self._forks.take()
        except DeployrError as ex:
            raise NotWarm("The parent of the service makes no sessions now.") from ex
        finally:
            self._promised -= 1
        session.on_death = functools.partial(self._died, on_death)
        self._used.add(session)
        return session

    def release(self, session: Session) -> None:
        self._used.discard(session)
        self.asked = time.monotonic()
        if isinstance(session, RSession):
            self._deaths = 0 if session.history else self._deaths
            self._forks.forget(session)

    async def stop(self) -> None:
        await self._forks.stop()
        await asyncio.to_thread(remove_tree, self._place.parent.directory)

    def status(self) -> NodeStatus:
        return NodeStatus(
            name=self.name,
            purposes=[],
            cluster=None,
            slots=self.slots,
            used=self.used,
            warm=self._forks.warm,
            healthy=self.healthy,
            isolated=self._options.parent.uid_base is not None and self._options.namespaces,
        )

    def _died(self, on_death: Callable[[], None]) -> None:
        self._deaths += 1
        on_death()


class ServiceParents:
    """The services in use, by name."""

    def __init__(self, options: ServiceOptions, orphans: processes.Orphans) -> None:
        self._options = options
        self._orphans = orphans
        self._numbers = itertools.count(1)
        self._nodes: dict[str, ServiceNode] = {}
        self._leaving: list[ServiceNode] = []
        self._unfit: dict[tuple[str, str], float] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Remove what a grid that was killed has left: numbers begin anew."""
        remove_tree(self._options.parent.directory)

    def node(self, service: ServiceSpec) -> ServiceNode:
        """The node of a service's latest state; the first call for it starts one in the background.

        Raises:
            NotWarm: it is not ready, or there can be none.
        """
        node = self._current(service)
        node.asked = time.monotonic()
        if not node.healthy:
            raise NotWarm("The service is getting ready.")
        return node

    def warm(self, service: ServiceSpec, initial: int, most: int) -> None:
        """Give a service a pool; see :meth:`deployr.grid.client.Grid.warm_service`."""
        node = self._current(service)
        node.resize(initial, most)

    def pools(self) -> list[ServicePool]:
        """The pools of all services."""
        return [_pool(node, *node.pool_sizes) for node in self._nodes.values() if node.pool_sizes]

    def drop_pool(self, service: str) -> bool:
        """Take a service's pool away; true when it had one."""
        node = self._nodes.get(service)
        if node is None or not node.pool_sizes:
            return False
        node.unpool()
        return True

    def sweep(self) -> None:
        """Stop what is not used, what there is no memory for, and what was replaced and has no sessions left."""
        now = time.monotonic()
        for node in [*self._nodes.values()]:
            if node.is_hopeless:
                self._give_up(node)
            elif not node.pool_sizes and not node.used and now - node.asked > self._options.idle:
                self._retire(node)
        if self._is_memory_short():
            self._make_room()
        for node in [node for node in self._leaving if not node.used]:
            self._leaving.remove(node)
            self._run(node.stop())
        self._unfit = {key: until for key, until in self._unfit.items() if until > now}

    async def stop(self) -> None:
        """End everything."""
        for task in [*self._tasks]:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(node.stop() for node in [*self._nodes.values(), *self._leaving]))
        remove_tree(self._options.parent.directory)

    def _current(self, service: ServiceSpec) -> ServiceNode:
        """The node that serves this state, which is started when there is none.

        Raises:
            NotWarm: there can be none now; the pool of another state stays until there can.
        """
        node = self._nodes.get(service.service)
        if node and node.service.revision == service.revision:
            return node
        if node and not node.pool_sizes:
            self._retire(node)
        return self._begun(service)

    def _begun(self, service: ServiceSpec) -> ServiceNode:
        """A node that is starting, and takes the place and the pool of one of another state.

        Raises:
            NotWarm: there can be none now.
        """
        if (service.service, service.revision) in self._unfit:
            raise NotWarm("The service cannot be kept warm.")
        if not self._has_room(service):
            self._make_room()
        if not self._has_room(service):
            raise NotWarm("There is no room for another warm service.")
        node = ServiceNode(service, self._options, self._orphans, next(self._numbers))
        former = self._nodes.get(service.service)
        if former and former.pool_sizes:
            node.resize(*former.pool_sizes)
            self._retire(former)
        self._nodes[service.service] = node
        self._run(self._start(node))
        return node

    async def _start(self, node: ServiceNode) -> None:
        try:
            await node.start()
        except OSError:
            log.exception("%s has no directory", node.name)
        if not node.healthy and self._nodes.get(node.service.service) is node:
            self._give_up(node)

    def _give_up(self, node: ServiceNode) -> None:
        log.warning("%s cannot be kept warm; it runs in plain sessions", node.name)
        self._unfit[node.service.service, node.service.revision] = time.monotonic() + _UNFIT_SECONDS
        self._retire(node)

    def _retire(self, node: ServiceNode) -> None:
        """No new sessions; it is stopped when it has none left."""
        del self._nodes[node.service.service]
        self._leaving.append(node)

    def _make_room(self) -> None:
        """Let go of the one that was used the longest ago, if there is one that nobody uses."""
        unused = [node for node in self._nodes.values() if not node.used and not node.pool_sizes]
        if unused:
            self._retire(min(unused, key=lambda node: node.asked))

    def _has_room(self, service: ServiceSpec) -> bool:
        """For a node of this service, in the place of the one that it may have."""
        others = self._nodes.keys() - {service.service}
        return len(others) < self._options.most and not self._is_memory_short()

    def _is_memory_short(self) -> bool:
        return available_memory() < self._options.reserve

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _pool(node: ServiceNode, initial: int, most: int) -> ServicePool:
    service, revision = node.service.service, node.service.revision
    return ServicePool(service=service, revision=revision, initial=initial, most=most, is_filled=node.is_filled)


def available_memory() -> int:
    """Bytes that programs can have without swapping."""
    lines = Path("/proc/meminfo").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
