"""The grid process: the engine behind a Unix socket."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
from pathlib import Path

import msgspec
import uvloop

from deployr.errors import DeployrError, InternalError, NotWarm
from deployr.grid import framing, processes, protocol, user_namespaces
from deployr.grid.engine import Engine
from deployr.grid.file_trees import FileTree
from deployr.grid.files import SessionDirectory, reading
from deployr.grid.framing import FrameError, FrameStream
from deployr.grid.node import LocalNode, NodeOptions
from deployr.grid.parent import ParentOptions
from deployr.grid.protocol import ExecutionRecord, Failure, FileArea, FileInfo, Flag, Frame
from deployr.grid.service_parents import ServiceOptions, ServiceParents
from deployr.grid.session import Session, SessionLimits, Value
from deployr.settings import NodeSettings, Settings

log = logging.getLogger(__name__)

_requests = msgspec.msgpack.Decoder(protocol.Request)


class GridServer:
    """Serves the messages of :mod:`deployr.grid.protocol` from an engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._running: set[asyncio.Task[None]] = set()

    async def serve_connection(self, stream: FrameStream) -> None:
        """Serve one operation after the other until the peer hangs up."""
        try:
            with contextlib.suppress(FrameError):
                while True:
                    kind, body = await stream.receive()
                    if kind is not Frame.HEAD:
                        raise FrameError(f"{kind.name} in the place of a request")
                    await self._serve(stream, body)
        finally:
            stream.close()

    async def _serve(self, stream: FrameStream, body: bytes) -> None:
        try:
            await self._dispatch(stream, _requests.decode(body))
        except DeployrError as ex:
            _send_failure(stream, type(ex).__name__, ex.message)
        except (FrameError, asyncio.CancelledError):
            raise
        except Exception:
            log.exception("an operation failed")
            _send_failure(stream, InternalError.__name__, "Internal error of the grid.")
        await stream.flush()

    async def _dispatch(self, stream: FrameStream, request: protocol.Request) -> None:
        engine = self._engine
        match request:
            case protocol.Execute() | protocol.ExecuteStateless():
                await self._execute(stream, request)
            case protocol.Hold(session, hold):
                with engine.hold(session, hold):
                    stream.put_head(Flag(True))
                    # Ends with the hold, or raises when the holder is gone.
                    await stream.receive_bytes()
                stream.put_head(Flag(True))
            case protocol.Call(session, function):
                arguments = await stream.receive_bytes()
                async with engine.call(session, function, arguments, request.hold) as value:
                    await _send_value(stream, Flag(True), value)
            case protocol.Recycle(session, workspace, directory):
                await engine.recycle(session, workspace=workspace, directory=directory, hold=request.hold)
                stream.put_head(Flag(True))
            case protocol.Amend(session, context, idle_timeout, private):
                stream.put_head(engine.amend(session, context, idle_timeout, private))
            case protocol.Open(spec):
                stream.put_head(await engine.open(spec, request.hold))
            case protocol.Interrupt(session):
                stream.put_head(Flag(engine.interrupt(session)))
            case protocol.Close(session, keep):
                stream.put_head(Flag(engine.end(session) if keep else engine.close(session)))
            case protocol.ListSessions(sessions, owner):
                stream.put_head(engine.infos(sessions, owner))
            case protocol.History(session):
                stream.put_head(engine.entry(session).history)
            case protocol.Codes(session):
                codes = engine.entry(session).codes
                stream.put_head(Flag(True))
                await stream.send_bytes(msgspec.msgpack.encode(codes))
            case protocol.Console(session):
                stream.put_head(engine.entry(session).console)
            case protocol.Flush(session, executions):
                engine.idle_entry(session, request.hold).flush(executions)
                stream.put_head(Flag(True))
            case protocol.DeleteResults(session, executions, filename):
                engine.idle_entry(session, request.hold).delete_results(executions, filename)
                stream.put_head(Flag(True))
            case protocol.ListFiles(session, area):
                stream.put_head(await _list_files(engine.entry(session), area))
            case protocol.ReadFile():
                await self._read_file(stream, request)
            case protocol.WriteFile():
                await self._write_file(stream, request)
            case protocol.UpdateFile(session, filename, rename, descr, overwrite):
                writable = engine.idle_entry(session, request.hold).files.directory
                stream.put_head(writable.update(filename, rename=rename, descr=descr, overwrite=overwrite))
            case protocol.DeleteFiles(session, filenames, area):
                _directory(self._changeable(session, area, request.hold), area).delete(filenames)
                stream.put_head(Flag(True))
            case protocol.WarmService(service, initial, most):
                self._services.warm(service, initial, most)
                stream.put_head(Flag(True))
            case protocol.ListPools():
                stream.put_head(self._services.pools())
            case protocol.DropPool(service):
                stream.put_head(Flag(self._services.drop_pool(service)))
            case protocol.Status():
                stream.put_head(engine.status())
            case protocol.Publish(event):
                engine.events.publish(event)
                stream.put_head(Flag(True))
            case protocol.Subscribe():
                await engine.events.serve(stream, request)

    @property
    def _services(self) -> ServiceParents:
        if self._engine.services is None:
            raise NotWarm("This grid keeps no services warm.")
        return self._engine.services

    async def _execute(self, stream: FrameStream, request: protocol.Execute | protocol.ExecuteStateless) -> None:
        arguments = await stream.receive_bytes()
        run = asyncio.create_task(self._run(stream, request, arguments))
        self._running.add(run)
        run.add_done_callback(self._running.discard)
        gone = asyncio.create_task(stream.wait_closed())
        try:
            await asyncio.wait({run, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not run.done() and isinstance(request, protocol.ExecuteStateless):
                # Nobody will read what it makes. A project's execution goes on: its state is the project's.
                run.cancel()
            await run
        finally:
            gone.cancel()

    async def _run(
        self, stream: FrameStream, request: protocol.Execute | protocol.ExecuteStateless, arguments: bytes
    ) -> None:
        def console(text: str) -> None:
            stream.put(Frame.CONSOLE, text.encode())

        sink = console if request.live_console else None
        if isinstance(request, protocol.Execute):
            running = self._engine.execute(request.session, request.execution, arguments, sink, request.hold)
        else:
            running = self._engine.execute_stateless(request.spec, request.execution, arguments, sink)
        async with running as (record, value):
            await _send_value(stream, record, value)

    async def _read_file(self, stream: FrameStream, request: protocol.ReadFile) -> None:
        session = self._engine.entry(request.session)
        if request.area == "results":
            info, fd = session.files.open_plot(request.execution, request.filename)
        else:
            info, fd = _files(session, request.area).open(request.filename)
        with reading(fd, info.length) as chunks:
            stream.put_head(info)
            await stream.send_chunks(chunks)

    def _changeable(self, session: str, area: FileArea, hold: str | None) -> Session:
        """The working directory is left to the code that runs in it; the state is the server's own."""
        return self._engine.entry(session) if area == "state" else self._engine.idle_entry(session, hold)

    async def _write_file(self, stream: FrameStream, request: protocol.WriteFile) -> None:
        chunks = stream.chunks()
        try:
            files = _files(self._changeable(request.session, request.area, request.hold), request.area)
            info = await files.write(request.filename, chunks, descr=request.descr, overwrite=request.overwrite)
        except DeployrError:
            # The client sends all before it reads the answer.
            async for _ in chunks:
                pass
            raise
        stream.put_head(info)


async def _list_files(session: Session, area: FileArea) -> list[FileInfo]:
    if area == "tree":
        return await session.files.tree.files()
    return session.files.plots() if area == "results" else _directory(session, area).files()


def _files(session: Session, area: FileArea) -> SessionDirectory | FileTree:
    return session.files.tree if area == "tree" else _directory(session, area)


def _directory(session: Session, area: FileArea) -> SessionDirectory:
    if area == "all":
        return session.files.all
    return session.files.state if area == "state" else session.files.directory


async def _send_value(stream: FrameStream, head: ExecutionRecord | Flag, value: Value) -> None:
    """A value goes out as it comes in; a peer that is gone does not hold up the session."""
    chunks = value.chunks()
    try:
        stream.put_head(head)
        await stream.send_chunks(chunks)
        # What was written leaves at the end of a turn: the caller does not wait for the session's end.
        await asyncio.sleep(0)
    except FrameError:
        log.info("the caller of an execution is gone")


def _send_failure(stream: FrameStream, error: str, message: str) -> None:
    stream.put(Frame.ERROR, msgspec.msgpack.encode(Failure(error, message)))


# -- process ----------------------------------------------------------------------------------------------


def build_engine(settings: Settings, *, namespaces: bool) -> Engine:
    """The engine as configured.

    Args:
        namespaces: user namespaces can be made.
    """
    orphans = processes.Orphans()
    nodes = [
        LocalNode(_node_options(settings, node, number), orphans)
        for number, node in enumerate(settings.grid.nodes, start=1)
    ]
    services = ServiceParents(_service_options(settings, namespaces=namespaces), orphans)
    return Engine(nodes, settings.grid.stateless_keep, settings.grid.cpu_limit, tick=orphans.reap, services=services)


def _service_options(settings: Settings, *, namespaces: bool) -> ServiceOptions:
    directory = settings.sessions_directory.resolve() / "services"
    mlserver = settings.mlserver
    return ServiceOptions(
        parent=_parent_options(settings, directory, mlserver.cpu_limit),
        limits=_session_limits(settings),
        most=mlserver.warm_services,
        idle=mlserver.service_idle,
        slots=mlserver.service_calls,
        warm_max=settings.grid.warm_max,
        reserve=mlserver.service_memory_reserve,
        namespaces=namespaces,
    )


def _node_options(settings: Settings, node: NodeSettings, number: int) -> NodeOptions:
    grid = settings.grid
    # Numbered: names may differ in what no file name can hold, and sockets must have short paths.
    directory = settings.sessions_directory.resolve() / "nodes" / str(number)
    return NodeOptions(
        name=node.name,
        description=node.description,
        purposes=tuple(node.purposes),
        cluster=node.cluster,
        slots=node.slots,
        warm_min=min(grid.warm_min, grid.warm_max),
        warm_max=grid.warm_max,
        parent=_parent_options(settings, directory, _larger_limit(grid.cpu_limit, settings.mlserver.cpu_limit)),
        limits=_session_limits(settings),
    )


def _larger_limit(one: int, other: int) -> int:
    """The limit that holds for all sessions where these are those of some; 0 is none."""
    return max(one, other) if one and other else 0


def _parent_options(settings: Settings, directory: Path, cpu_limit: int) -> ParentOptions:
    grid = settings.grid
    return ParentOptions(
        directory=directory,
        library=settings.library_directory,
        grid=str(settings.sessions_directory),
        uid_base=grid.uid_base if os.geteuid() == 0 else None,
        max_value=grid.max_value,
        memory_limit=grid.memory_limit,
        cpu_limit=cpu_limit,
        python=grid.python or sys.executable,
        public_data=str(settings.public_data_directory),
    )


def _session_limits(settings: Settings) -> SessionLimits:
    return SessionLimits(
        console=settings.grid.console_limit,
        interrupt_grace=settings.grid.interrupt_grace,
        history_depth=settings.limits.history_depth,
        history_storage=settings.limits.history_storage,
    )


async def serve(settings: Settings, *, namespaces: bool) -> None:
    """Run the grid until SIGTERM or SIGINT; leaves no process behind. For the arguments see :func:`build_engine`."""
    processes.become_subreaper()
    processes.allow_open_files()
    killed = processes.kill_grid(str(settings.sessions_directory))
    if killed:
        log.warning("killed %d processes that a former run left", killed)
    engine = build_engine(settings, namespaces=namespaces)
    if os.geteuid() == 0:
        log.info("calls of a service %s", "have a user id each" if namespaces else "share its user id: no namespaces")
        engine.private_directories.shut(settings.private_data_directory)
    server = GridServer(engine)
    stop = asyncio.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signum, stop.set)
    await engine.start()
    beating = engine.beat(settings.events.heartbeat, settings.server.address)
    tasks = [asyncio.create_task(engine.watch()), asyncio.create_task(beating)]
    listener = await framing.listen(settings.grid_socket, server.serve_connection)
    log.info("grid ready")
    await stop.wait()
    for task in tasks:
        task.cancel()
    listener.close()
    await engine.stop()
    # Whatever is left of this grid, however it hid.
    processes.kill_children()
    processes.kill_grid(str(settings.sessions_directory))


def main(settings: Settings, *, namespaces: bool | None = None) -> None:
    """Entry point of the grid process.

    Args:
        namespaces: user namespaces can be made; ``None``: find out.
    """
    uvloop.run(serve(settings, namespaces=user_namespaces.available() if namespaces is None else namespaces))
