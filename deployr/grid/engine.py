"""The engine of the grid process: sessions by id, on nodes chosen by the scheduler."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import msgspec

from deployr import __version__
from deployr.encodings import model, qap1
from deployr.errors import (
    AlreadyExists,
    AnonymousProjectLimit,
    GridError,
    NotWarm,
    ProjectBusy,
    SessionLost,
    UserJobLimit,
    UserProjectLimit,
)
from deployr.events.records import MANAGEMENT
from deployr.grid import event_sources, scheduler
from deployr.grid.client import ConsoleSink
from deployr.grid.event_sources import ExecutionEvents
from deployr.grid.events import EventHub
from deployr.grid.external_data import PrivateDirectories
from deployr.grid.node import Node
from deployr.grid.protocol import Execution, ExecutionRecord, GridStatus, Purpose, SessionInfo, SessionSpec
from deployr.grid.service_parents import ServiceParents
from deployr.grid.session import Session, Value

log = logging.getLogger(__name__)

_LONGEST_CONTEXT = 200
"""Characters; users' names for things are part of it, and lists of sessions hold all of them."""

_LIMIT_ERRORS: dict[Purpose, tuple[type[GridError], str]] = {
    "authenticated": (UserProjectLimit, "The limit of live projects of this user is reached."),
    "anonymous": (AnonymousProjectLimit, "The limit of live anonymous executions is reached."),
    "asynchronous": (UserJobLimit, "The limit of live jobs of this user is reached."),
}


@dataclass
class _Entry:
    """A session that was opened and not yet closed."""

    spec: SessionSpec
    node: Node
    session: Session
    opened: float
    used: float
    keep_until: float | None = None
    """For ended stateless sessions: when their files go."""


@dataclass
class Engine:
    """All live sessions.

    Args:
        nodes: where sessions live.
        stateless_keep: seconds that the files of a stateless execution stay readable.
        cpu_limit: CPU seconds of sessions of whose own limit nothing is said; 0 for none.
        tick: called about once a second beside the engine's own checks.
        events: tells what happens to those who listen.
        services: the warm parents of services.
    """

    nodes: Sequence[Node]
    stateless_keep: float
    cpu_limit: int = 0
    tick: Callable[[], object] = lambda: None
    events: EventHub = field(default_factory=EventHub)
    services: ServiceParents | None = None
    private_directories: PrivateDirectories = field(default_factory=PrivateDirectories)
    _entries: dict[str, _Entry] = field(default_factory=dict)
    _opening: dict[str, SessionSpec] = field(default_factory=dict)
    _holds: dict[str, str] = field(default_factory=dict)

    async def start(self) -> None:
        """Start all nodes; services are started when they are asked for."""
        if self.services:
            self.services.start()
        await asyncio.gather(*(node.start() for node in self.nodes))

    async def stop(self) -> None:
        """End everything."""
        for session in list(self._entries):
            self.close(session)
        services = [self.services.stop()] if self.services else []
        await asyncio.gather(*(node.stop() for node in self.nodes), *services)

    @contextlib.contextmanager
    def hold(self, session: str, hold: str) -> Iterator[None]:
        """Refuse changes of a session, open or not, that do not come with this hold.

        Raises:
            ProjectBusy: a call runs in it, or it has another hold.
        """
        entry = self._entries.get(session)
        if session in self._holds or (entry and entry.session.state == "busy"):
            raise ProjectBusy
        self._holds[session] = hold
        try:
            yield
        finally:
            del self._holds[session]

    async def open(self, spec: SessionSpec, hold: str | None = None) -> SessionInfo:
        """Open a session; see :meth:`deployr.grid.client.Grid.open`."""
        self._check_hold(spec.session, hold)
        spec = msgspec.structs.replace(spec, context=spec.context[:_LONGEST_CONTEXT])
        if spec.session in self._entries or spec.session in self._opening:
            raise AlreadyExists(f"The session {spec.session} is open already.")
        try:
            self._check_limit(spec)
            node = self._node(spec)
        except NotWarm:
            raise
        except GridError as ex:
            self.events.publish(event_sources.warning(ex, spec))
            raise
        self._opening[spec.session] = spec
        try:
            entry = self._entries[spec.session] = await self._placed(spec, node)
        finally:
            del self._opening[spec.session]
        self.events.publish(event_sources.activity(spec, node.name, is_live=True))
        return self._info(entry)

    def entry(self, session: str) -> Session:
        """The session of that id, ended stateless ones included, for calls that change nothing that it keeps.

        Raises:
            SessionLost: it is not there (any more).
        """
        entry = self._find(session)
        if entry.spec.kept_by_reads:
            entry.used = time.time()
        return entry.session

    @contextlib.asynccontextmanager
    async def execute(
        self, session: str, execution: Execution, arguments: bytes, console: ConsoleSink | None, hold: str | None = None
    ) -> AsyncIterator[tuple[ExecutionRecord, Value]]:
        """Run code in a session."""
        entry = self._touch(session, hold)
        async with self._run(entry, execution, arguments, console) as outcome:
            yield outcome
        entry.used = time.time()

    @contextlib.asynccontextmanager
    async def execute_stateless(
        self, spec: SessionSpec, execution: Execution, arguments: bytes, console: ConsoleSink | None
    ) -> AsyncIterator[tuple[ExecutionRecord, Value]]:
        """Run code in a session of its own; what files it leaves stay readable for a while."""
        await self.open(spec)
        entry = self._find(spec.session)
        keep = False
        try:
            async with self._run(entry, execution, arguments, console) as (record, value):
                keep = bool(record.results or record.artifacts)
                yield record, value
        finally:
            # It may have died, or have been closed by another caller, while its value was on the way.
            if keep and self._entries.get(spec.session) is entry:
                self.end(spec.session)
            else:
                self.close(spec.session)

    @contextlib.asynccontextmanager
    async def _run(
        self, entry: _Entry, execution: Execution, arguments: bytes, console: ConsoleSink | None
    ) -> AsyncIterator[tuple[ExecutionRecord, Value]]:
        """Run code, and tell those who listen."""
        events = ExecutionEvents(self.events, entry.spec, execution, console)
        try:
            running = entry.session.execute(execution, arguments, events.console, events.published)
            async with running as (record, value):
                events.finished(record)
                yield record, value
        except GridError as ex:
            events.failed(ex)
            raise

    @contextlib.asynccontextmanager
    async def call(
        self, session: str, function: str, arguments: bytes, hold: str | None = None
    ) -> AsyncIterator[Value]:
        """Run a function of the runtime."""
        entry = self._touch(session, hold)
        async with entry.session.call(function, arguments) as value:
            yield value
        entry.used = time.time()

    async def recycle(self, session: str, *, workspace: bool, directory: bool, hold: str | None = None) -> None:
        """Clear the workspace, empty the working directory, or both."""
        entry = self._touch(session, hold)
        await entry.session.recycle(workspace=workspace, directory=directory)
        entry.used = time.time()

    def amend(self, session: str, context: str, idle_timeout: float, private: bool) -> SessionInfo:
        """Change what was said of a session when it was opened."""
        entry = self._find(session)
        if not private:
            self._leave_private(entry)
        context = context[:_LONGEST_CONTEXT]
        entry.spec = msgspec.structs.replace(entry.spec, context=context, idle_timeout=idle_timeout)
        return self._info(entry)

    def idle_entry(self, session: str, hold: str | None = None) -> Session:
        """The session of that id, for calls that change what it keeps.

        Raises:
            ProjectBusy: another call runs in it, or somebody else holds it.
            SessionLost: it is not there (any more).
        """
        return self._touch(session, hold).session

    def interrupt(self, session: str) -> bool:
        """Interrupt what runs."""
        return self.entry(session).interrupt()

    def close(self, session: str) -> bool:
        """End a session and remove its files; true when it was there."""
        entry = self._entries.pop(session, None)
        if entry is None:
            return False
        entry.session.close()
        if entry.keep_until is None:
            self._release(entry)
        return True

    def end(self, session: str) -> bool:
        """End a session, whose slot is free then, and keep its files for a while; true when it was there."""
        entry = self._entries.get(session)
        if entry is None:
            return False
        if entry.keep_until is None:
            entry.session.end()
            self._release(entry)
            entry.keep_until = time.time() + self.stateless_keep
        return True

    def infos(self, sessions: list[str] | None, owner: str | None) -> list[SessionInfo]:
        """Sessions by id, of an owner, or all."""
        entries = self._entries.values() if sessions is None else map(self._entries.get, sessions)
        return [self._info(entry) for entry in entries if entry and owner in (None, entry.spec.owner)]

    def status(self) -> GridStatus:
        """State of the nodes."""
        return GridStatus(version=__version__, nodes=[node.status() for node in self.nodes])

    async def beat(self, seconds: float, server: str) -> None:
        """Tell the state of the server's nodes to those who listen, so often; runs for ever."""
        while True:
            await asyncio.sleep(seconds)
            if self.events.is_heard(MANAGEMENT):
                nodes = [(node.status(), self._live(node)) for node in self.nodes]
                self.events.publish(event_sources.heartbeat(server, nodes))

    async def watch(self) -> None:
        """Enforce idle timeouts and remove kept files; runs for ever, off every request's path."""
        while True:
            await asyncio.sleep(1)
            try:
                self._sweep()
            except Exception:
                log.exception("sweep failed")

    def _sweep(self) -> None:
        now = time.time()
        for session, entry in list(self._entries.items()):
            idle = entry.spec.idle_timeout and now - entry.used > entry.spec.idle_timeout
            kept_long_enough = entry.keep_until is not None and now > entry.keep_until
            if kept_long_enough or (idle and self._state(entry) == "idle"):
                self.close(session)
        if self.services:
            self.services.sweep()
        self.tick()

    def _live(self, node: Node) -> list[SessionSpec]:
        return [entry.spec for entry in self._entries.values() if entry.node is node and entry.keep_until is None]

    def _release(self, entry: _Entry) -> None:
        entry.node.release(entry.session)
        self._leave_private(entry)
        self.events.publish(event_sources.activity(entry.spec, entry.node.name, is_live=False))

    def _find(self, session: str) -> _Entry:
        entry = self._entries.get(session)
        if entry is None:
            raise SessionLost("The session is not responding; it is no longer there.")
        return entry

    def _touch(self, session: str, hold: str | None) -> _Entry:
        entry = self._find(session)
        self._check_hold(session, hold)
        if entry.session.state == "busy":
            raise ProjectBusy
        entry.used = time.time()
        return entry

    def _check_hold(self, session: str, hold: str | None) -> None:
        """A hold that is lost is none: another call may have come in between."""
        if self._holds.get(session) != hold:
            raise ProjectBusy

    def _state(self, entry: _Entry) -> Literal["idle", "busy", "ended"]:
        """A session that is held is busy, between two of its holder's calls too."""
        state = entry.session.state
        return "busy" if state == "idle" and entry.spec.session in self._holds else state

    def _info(self, entry: _Entry) -> SessionInfo:
        return SessionInfo(
            session=entry.spec.session,
            owner=entry.spec.owner,
            purpose=entry.spec.purpose,
            node=entry.node.name,
            cluster=entry.node.cluster,
            context=entry.spec.context,
            directory=str(entry.session.files.work_path),
            state=self._state(entry),
            opened=round(entry.opened * 1000),
            used=round(entry.used * 1000),
        )

    def _check_limit(self, spec: SessionSpec) -> None:
        if spec.owner_limit is None:
            return
        live = [entry.spec for entry in self._entries.values() if entry.keep_until is None]
        same = [s for s in [*live, *self._opening.values()] if (s.owner, s.purpose) == (spec.owner, spec.purpose)]
        if len(same) >= spec.owner_limit:
            error, text = _LIMIT_ERRORS[spec.purpose]
            raise error(text)

    def _node(self, spec: SessionSpec) -> Node:
        if spec.service is None:
            return scheduler.choose(self.nodes, spec.purpose, spec.cluster)
        if self.services is None:
            raise NotWarm("This grid keeps no services warm.")
        return self.services.node(spec.service)

    async def _placed(self, spec: SessionSpec, node: Node) -> _Entry:
        """A session on the node that is ready: nobody sees it, or could interrupt it, before that."""
        session = await node.take(lambda: self._died(spec.session), spec.runtime)
        session.limit_cpu(self.cpu_limit if spec.cpu_limit is None else spec.cpu_limit)
        now = time.time()
        entry = _Entry(spec, node, session, opened=now, used=now)
        try:
            if spec.private_data:
                await self._open_private(entry, spec.private_data)
        except BaseException:
            session.close()
            node.release(session)
            self._leave_private(entry)
            raise
        return entry

    async def _open_private(self, entry: _Entry, directory: str) -> None:
        arguments = model.named_list({"private_data": model.character(directory)})
        if entry.session.files.uid is not None:
            self.private_directories.admit(Path(directory), entry.session.files.uid)
        async with entry.session.call("configure", qap1.encode(arguments)):
            pass

    def _leave_private(self, entry: _Entry) -> None:
        if entry.spec.private_data and entry.session.files.uid is not None:
            self.private_directories.dismiss(Path(entry.spec.private_data), entry.session.files.uid)

    def _died(self, session: str) -> None:
        """The process died by itself: nothing of the session is left to serve."""
        log.warning("the process of a session died")
        self.close(session)
