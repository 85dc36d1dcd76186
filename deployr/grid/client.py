"""The grid as the rest of the server sees it: one typed client, whatever carries its messages.

The local transport is a Unix socket (:class:`SocketGrid`). A connection carries one operation at a time and
goes back to a small pool after it.
"""

from __future__ import annotations

import contextlib
import contextvars
import logging
import uuid
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Collection, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol, TypeVar

import msgspec

from deployr import errors
from deployr.events.records import Event
from deployr.grid import framing, protocol
from deployr.grid.framing import FrameError, FrameStream
from deployr.grid.protocol import (
    Execution,
    ExecutionRecord,
    FileArea,
    FileInfo,
    Flag,
    Frame,
    GridStatus,
    Heard,
    Interest,
    ServicePool,
    ServiceSpec,
    SessionInfo,
    SessionSpec,
)

log = logging.getLogger(__name__)

T = TypeVar("T")

ConsoleSink = Callable[[str], None]
"""Receives console text while code runs."""


class Grid(Protocol):
    """What the server asks of the grid.

    Every method raises :class:`~deployr.errors.NodeNotResponding` (915) when the grid cannot be reached, and those that
    name a session raise :class:`~deployr.errors.SessionLost` (916) when it is not there (any more).
    """

    def hold(self, session: str) -> contextlib.AbstractAsyncContextManager[None]:
        """Keep others from changing a session while this task makes several calls that belong together.

        What others ask for meanwhile is refused, as if one call ran in it; they can read, interrupt and close. The
        session may be one that is yet to be opened. A hold within a hold of the same session is that one.

        Raises:
            ProjectBusy: another call runs in the session, or another holds it.
        """

    async def open(self, spec: SessionSpec) -> SessionInfo:
        """Open a session.

        Raises:
            NoFreeSlot: 913, no slot for this purpose and cluster, or an unknown cluster.
            UserProjectLimit, AnonymousProjectLimit, UserJobLimit: ``spec.owner_limit`` is reached.
            AlreadyExists: a session of that id is open.
            ProjectBusy: somebody holds that id, to open a session.
            NotWarm: ``spec.service`` has no warm parent yet, or can have none.
        """

    async def execute(
        self, session: str, execution: Execution, arguments: bytes, *, console: ConsoleSink | None = None
    ) -> tuple[ExecutionRecord, bytes]:
        """Run code; errors of the code are part of the record, not exceptions.

        Args:
            arguments: QAP1 of a named list: ``inputs`` (named list, assigned first) and ``robjects``
                (character vector of names to return).
            console: called with text as R prints it.

        Returns:
            The record, and the QAP1 of a named list: the objects asked for (those that exist).

        Raises:
            ProjectBusy: another call runs in the session.
            BoundaryExceeded: 914, the time limit or CPU limit was hit; the session is gone.
        """

    async def execute_stateless(
        self, spec: SessionSpec, execution: Execution, arguments: bytes, *, console: ConsoleSink | None = None
    ) -> tuple[ExecutionRecord, bytes]:
        """Run code in a session of its own that ends with the call; its files stay readable for a while."""

    async def call(self, session: str, function: str, arguments: bytes) -> bytes:
        """Run a function of the runtime (``objects.R``, ``session.R``).

        These are ``list_objects``, ``get_objects``, ``assign_objects`` and ``delete_objects``; ``save_objects`` writes
        objects to a file of the area ``state`` and ``load_objects`` reads one; ``save_workspace`` and
        ``load_workspace`` do so with the whole workspace and ``workspace.rData``. ``dump_object`` and ``undump_object``
        give and take the bytes of one object. ``mask_quit`` lets ``q()`` of R end the code that calls it, and not the
        session. A Python session saves with dill, to ``workspace.dill``; its ``undump_onnx`` takes a model of ONNX.

        Raises:
            ProjectBusy: another call runs in the session.
            DeployrError: the function failed; its message is R's.
        """

    async def recycle(self, session: str, *, workspace: bool = True, directory: bool = True) -> None:
        """Clear the workspace and empty the working directory, or one of them; history and packages stay.

        Raises:
            ProjectBusy: another call runs in the session.
            DeployrError: one of them cannot be cleared.
        """

    async def amend(self, session: str, *, context: str, idle_timeout: float, private: bool = True) -> SessionInfo:
        """Change context and idle timeout of an open session; see :class:`~deployr.grid.protocol.SessionSpec`.

        Args:
            private: false takes its private data away.
        """

    async def interrupt(self, session: str) -> bool:
        """Interrupt what runs; true when something ran."""

    async def close(self, session: str, *, keep: bool = False) -> bool:
        """End a session and remove its files; true when it was there. Never raises SessionLost.

        Args:
            keep: the files stay readable for a while.
        """

    async def sessions(self, *, sessions: list[str] | None = None, owner: str | None = None) -> list[SessionInfo]:
        """Sessions by id, of an owner, or all. Unknown ids are left out."""

    async def history(self, session: str) -> list[ExecutionRecord]:
        """Records of the session's executions, oldest first."""

    async def codes(self, session: str) -> list[str]:
        """The code that ran in the session, oldest first: of more executions than there are records of."""

    async def console(self, session: str) -> str:
        """Console text of the execution that runs, so far, or of the last one; it can be asked for while code runs."""

    async def flush(self, session: str, executions: Collection[str] = ()) -> None:
        """Throw away console text and unnamed plots of executions, or of all (none named); their records stay.

        Raises:
            ProjectBusy: another call runs in the session.
            NotFound: one of the executions is not known; then nothing is thrown away.
        """

    async def delete_results(
        self, session: str, executions: Collection[str] = (), *, filename: str | None = None
    ) -> None:
        """Delete unnamed plots of executions, or of all (none named).

        Args:
            filename: only the plot of this name, of the newest of the executions that has it.

        Raises:
            ProjectBusy: another call runs in the session.
            NotFound: one of the executions, or the plot, is not there; then nothing is deleted.
        """

    async def list_files(self, session: str, area: FileArea = "directory") -> list[FileInfo]:
        """Files of an area, by name, or the unnamed plots of all executions.

        Raises:
            TooLarge: the ``tree`` is.
        """

    def read_file(
        self, session: str, filename: str, *, area: FileArea = "directory", execution: str | None = None
    ) -> contextlib.AbstractAsyncContextManager[tuple[FileInfo, AsyncIterator[bytes]]]:
        """One file and its content as a stream.

        Raises:
            NotFound: no such regular file.
        """

    async def write_file(
        self,
        session: str,
        filename: str,
        content: AsyncIterable[bytes],
        *,
        descr: str | None = None,
        overwrite: bool = False,
        area: FileArea = "directory",
    ) -> FileInfo:
        """Write one file of the working directory or of the state; directories of the ``tree`` are made.

        Raises:
            ProjectBusy: another call runs in the session.
            AlreadyExists: the name is taken and ``overwrite`` is false.
            InvalidParameter: the name is not a plain file name.
        """

    async def update_file(
        self,
        session: str,
        filename: str,
        *,
        rename: str | None = None,
        descr: str | None = None,
        overwrite: bool = False,
    ) -> FileInfo:
        """Rename or describe a file of the working directory; what is ``None`` stays as it is.

        Raises:
            ProjectBusy: another call runs in the session.
            NotFound: there is no such file.
            AlreadyExists: the new name is taken and ``overwrite`` is false.
            InvalidParameter: the new name is not a plain file name.
        """

    async def delete_files(self, session: str, filenames: list[str], *, area: FileArea = "directory") -> None:
        """Delete files of the working directory or of the state.

        Raises:
            ProjectBusy: another call runs in the session.
            NotFound: one of them does not exist; then none is deleted.
        """

    async def warm_service(self, service: ServiceSpec, *, initial: int, most: int) -> None:
        """Give a service a pool, which is made in the background, or change the one that it has.

        Args:
            initial: forks kept ready.
            most: sessions at one time, for which other calls of the service never make room; 0 for the grid's limit.

        Raises:
            NotWarm: there can be none now.
        """

    async def pools(self) -> list[ServicePool]:
        """The pools of all services."""

    async def drop_pool(self, service: str) -> bool:
        """Take a service's pool away; true when it had one."""

    async def status(self) -> GridStatus:
        """State of the nodes."""

    async def publish(self, event: Event) -> None:
        """Tell an event to those who may hear it. Never raises: nobody's work fails for want of listeners."""

    def subscribe(self, labels: Collection[str]) -> contextlib.AbstractAsyncContextManager[Subscription]:
        """Hear events of these labels, in the order in which the grid learned of them."""


class Subscription:
    """A subscription to events; its context is left with ``NodeNotResponding`` when the grid ends it."""

    def __init__(self, stream: FrameStream) -> None:
        self._stream = stream

    async def receive(self) -> Event | Heard:
        """The next event, or the answer to a change."""
        _, body = await self._stream.receive()
        return _events.decode(body)

    def change(self, interest: Interest) -> None:
        """Change what is heard; an answer of the same serial comes in between the events."""
        self._stream.put_head(interest)


class SocketGrid:
    """:class:`Grid` over the Unix socket of the grid process.

    Args:
        path: the socket.
        idle_connections: most connections kept for reuse.
    """

    def __init__(self, path: Path, *, idle_connections: int = 16) -> None:
        self._path = path
        self._keep = idle_connections
        self._idle: list[FrameStream] = []

    @contextlib.asynccontextmanager
    async def hold(self, session: str) -> AsyncGenerator[None]:
        if session in _holds.get():
            yield
            return
        hold = uuid.uuid4().hex
        async with self._operation(protocol.Hold(session, hold)) as stream:
            await stream.flush()
            await _receive_head(stream, Flag)
            former = _holds.set({**_holds.get(), session: hold})
            try:
                yield
            finally:
                _holds.reset(former)
                # Waited for: the caller's next call must not find its own hold.
                await stream.send_bytes(b"")
                await _receive_reply(stream, Flag)

    async def open(self, spec: SessionSpec) -> SessionInfo:
        return await self._ask(protocol.Open(spec, hold=_hold(spec.session)), SessionInfo)

    async def execute(
        self, session: str, execution: Execution, arguments: bytes, *, console: ConsoleSink | None = None
    ) -> tuple[ExecutionRecord, bytes]:
        request = protocol.Execute(session, execution, console is not None, hold=_hold(session))
        return await self._run(request, arguments, console)

    async def execute_stateless(
        self, spec: SessionSpec, execution: Execution, arguments: bytes, *, console: ConsoleSink | None = None
    ) -> tuple[ExecutionRecord, bytes]:
        request = protocol.ExecuteStateless(spec, execution, console is not None)
        return await self._run(request, arguments, console)

    async def call(self, session: str, function: str, arguments: bytes) -> bytes:
        async with self._operation(protocol.Call(session, function, hold=_hold(session))) as stream:
            await stream.send_bytes(arguments)
            await _receive_head(stream, Flag)
            return await stream.receive_bytes()

    async def recycle(self, session: str, *, workspace: bool = True, directory: bool = True) -> None:
        await self._ask(protocol.Recycle(session, workspace, directory, hold=_hold(session)), Flag)

    async def amend(self, session: str, *, context: str, idle_timeout: float, private: bool = True) -> SessionInfo:
        return await self._ask(protocol.Amend(session, context, idle_timeout, private), SessionInfo)

    async def interrupt(self, session: str) -> bool:
        return (await self._ask(protocol.Interrupt(session), Flag)).value

    async def close(self, session: str, *, keep: bool = False) -> bool:
        return (await self._ask(protocol.Close(session, keep), Flag)).value

    async def sessions(self, *, sessions: list[str] | None = None, owner: str | None = None) -> list[SessionInfo]:
        return await self._ask(protocol.ListSessions(sessions, owner), list[SessionInfo])

    async def history(self, session: str) -> list[ExecutionRecord]:
        return await self._ask(protocol.History(session), list[ExecutionRecord])

    async def codes(self, session: str) -> list[str]:
        async with self._operation(protocol.Codes(session)) as stream:
            await stream.flush()
            await _receive_head(stream, Flag)
            return msgspec.msgpack.decode(await stream.receive_bytes(), type=list[str])

    async def console(self, session: str) -> str:
        return await self._ask(protocol.Console(session), str)

    async def flush(self, session: str, executions: Collection[str] = ()) -> None:
        await self._ask(protocol.Flush(session, [*executions], hold=_hold(session)), Flag)

    async def delete_results(
        self, session: str, executions: Collection[str] = (), *, filename: str | None = None
    ) -> None:
        request = protocol.DeleteResults(session, [*executions], filename, hold=_hold(session))
        await self._ask(request, Flag)

    async def list_files(self, session: str, area: FileArea = "directory") -> list[FileInfo]:
        return await self._ask(protocol.ListFiles(session, area), list[FileInfo])

    @contextlib.asynccontextmanager
    async def read_file(
        self, session: str, filename: str, *, area: FileArea = "directory", execution: str | None = None
    ) -> AsyncGenerator[tuple[FileInfo, AsyncIterator[bytes]]]:
        async with self._operation(protocol.ReadFile(session, filename, area, execution)) as stream:
            info = await _receive_head(stream, FileInfo)
            yield info, stream.chunks()

    async def write_file(
        self,
        session: str,
        filename: str,
        content: AsyncIterable[bytes],
        *,
        descr: str | None = None,
        overwrite: bool = False,
        area: FileArea = "directory",
    ) -> FileInfo:
        request = protocol.WriteFile(session, filename, descr, overwrite, area, hold=_hold(session))
        async with self._operation(request) as stream:
            await stream.send_chunks(content)
            return await _receive_reply(stream, FileInfo)

    async def update_file(
        self,
        session: str,
        filename: str,
        *,
        rename: str | None = None,
        descr: str | None = None,
        overwrite: bool = False,
    ) -> FileInfo:
        request = protocol.UpdateFile(session, filename, rename, descr, overwrite, hold=_hold(session))
        return await self._ask(request, FileInfo)

    async def delete_files(self, session: str, filenames: list[str], *, area: FileArea = "directory") -> None:
        await self._ask(protocol.DeleteFiles(session, filenames, area, hold=_hold(session)), Flag)

    async def warm_service(self, service: ServiceSpec, *, initial: int, most: int) -> None:
        await self._ask(protocol.WarmService(service, initial, most), Flag)

    async def pools(self) -> list[ServicePool]:
        return await self._ask(protocol.ListPools(), list[ServicePool])

    async def drop_pool(self, service: str) -> bool:
        return (await self._ask(protocol.DropPool(service), Flag)).value

    async def status(self) -> GridStatus:
        return await self._ask(protocol.Status(), GridStatus)

    async def publish(self, event: Event) -> None:
        try:
            await self._ask(protocol.Publish(event), Flag)
        except errors.DeployrError as ex:
            log.warning("an event was lost: %s", ex.message)

    @contextlib.asynccontextmanager
    async def subscribe(self, labels: Collection[str]) -> AsyncGenerator[Subscription]:
        async with self._operation(protocol.Subscribe([*labels])) as stream:
            yield Subscription(stream)

    async def aclose(self) -> None:
        """Close the idle connections."""
        while self._idle:
            self._idle.pop().close()

    async def _ask(self, request: protocol.Request, reply: type[T]) -> T:
        async with self._operation(request) as stream:
            await stream.flush()
            return await _receive_reply(stream, reply)

    async def _run(
        self,
        request: protocol.Execute | protocol.ExecuteStateless,
        arguments: bytes,
        console: ConsoleSink | None,
    ) -> tuple[ExecutionRecord, bytes]:
        async with self._operation(request) as stream:
            await stream.send_bytes(arguments)
            record = await _receive_head(stream, ExecutionRecord, console)
            return record, await stream.receive_bytes()

    @contextlib.asynccontextmanager
    async def _operation(self, request: protocol.Request) -> AsyncGenerator[FrameStream]:
        """A connection with the request written; back to the pool only when the operation ran to its end."""
        stream = await self._connection()
        try:
            stream.put_head(request)
            yield stream
        except FrameError as ex:
            raise errors.NodeNotResponding("The grid is not responding.") from ex
        except errors.SessionLost as ex:
            # An operation within this one, on another session, has filled it in before.
            ex.session = ex.session or _session(request)
            raise
        finally:
            if stream.in_step and len(self._idle) < self._keep and not stream.at_eof():
                self._idle.append(stream)
            else:
                stream.close()

    async def _connection(self) -> FrameStream:
        while self._idle:
            stream = self._idle.pop()
            if not stream.at_eof():
                return stream
            stream.close()
        try:
            return await framing.connect(self._path)
        except OSError as ex:
            raise errors.NodeAway("The grid is not responding.") from ex


_holds: contextvars.ContextVar[Mapping[str, str]] = contextvars.ContextVar("holds", default=MappingProxyType({}))
"""What the running task holds: names of holds by session. Every request of the task finds its own here."""


def _hold(session: str) -> str | None:
    return _holds.get().get(session)


def _session(request: protocol.Request) -> str | None:
    """The session that a request is about."""
    about = getattr(request, "spec", request)
    return getattr(about, "session", None)


_events: msgspec.msgpack.Decoder[Event | Heard] = msgspec.msgpack.Decoder(Event | Heard)
_decoders: dict[Any, msgspec.msgpack.Decoder[Any]] = {}


async def _receive_reply(stream: FrameStream, kind: type[T]) -> T:
    """A reply that has no content behind its head."""
    reply = await _receive_head(stream, kind)
    stream.in_step = True
    return reply


async def _receive_head(stream: FrameStream, kind: type[T], console: ConsoleSink | None = None) -> T:
    """The reply's head; raises what the grid raised."""
    while True:
        frame, body = await stream.receive()
        if frame is Frame.HEAD:
            decoder = _decoders.get(kind)
            if decoder is None:
                decoder = _decoders[kind] = msgspec.msgpack.Decoder(kind)
            reply: T = decoder.decode(body)
            return reply
        if frame is Frame.ERROR:
            stream.in_step = True
            failure = msgspec.msgpack.decode(body, type=protocol.Failure)
            raise getattr(errors, failure.error, errors.DeployrError)(failure.message)
        if frame is Frame.CONSOLE:
            if console is not None:
                console(body.decode("utf-8", "replace"))
            continue
        raise FrameError(f"{frame.name} in the place of HEAD")
