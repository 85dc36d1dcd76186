"""The R session: a :class:`deployr.grid.session.Session` in a forked Rserve process. Python's speak the same."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from deployr.encodings import model, qap1
from deployr.errors import BoundaryExceeded, DeployrError, GridError, NotFound, ProjectBusy, SessionLost
from deployr.grid import processes
from deployr.grid.client import ConsoleSink
from deployr.grid.cpu import CpuLimit
from deployr.grid.past_code import PastCode
from deployr.grid.protocol import Execution, ExecutionRecord, FileInfo
from deployr.grid.rserve import EVENT, OUTCOME, ConnectionBroken, ReplyHead, RserveConnection
from deployr.grid.session import PublishedSink, SessionLimits, Value
from deployr.grid.session_files import SessionFiles

_NOTHING = qap1.encode(model.unnamed_list())
_NO_OPTIONS = model.unnamed_list()
_SETTLE_SECONDS = 10.0
_INTERRUPT_SECONDS = 0.05


@dataclass
class _RserveValue:
    connection: RserveConnection
    head: ReplyHead

    async def chunks(self) -> AsyncIterator[bytes]:
        if not self.head.ok:
            yield _NOTHING
        async for chunk in self.connection.value(self.head):
            yield chunk

    async def drain(self) -> None:
        """Throw away what was not taken: the next call needs the connection in step."""
        async for _ in self.chunks():
            pass


class _Listener:
    """Collects what comes out of band during one call: console text within its limit, and the outcome.

    Args:
        limit: of the console text, in bytes.
        keep: the console text is wanted in the end, and not only while it comes.
        live: receives the console text.
        published: receives what the code publishes.
    """

    def __init__(
        self,
        limit: int,
        *,
        keep: bool = True,
        live: ConsoleSink | None = None,
        published: PublishedSink | None = None,
    ) -> None:
        self._left = limit
        self._keep = keep
        self._texts: list[str] = []
        self._live = live
        self._published = published
        self._outcome: bytes | None = None

    def console(self, text: str) -> None:
        if self._left <= 0:
            return
        encoded = text.encode()
        if len(encoded) > self._left:
            text = encoded[: self._left].decode(errors="ignore") + "\n[console output limit reached]\n"
        self._left -= len(encoded)
        if self._keep:
            self._texts.append(text)
        if self._live:
            self._live(text)

    def message(self, code: int, body: bytes) -> None:
        if code == OUTCOME:
            self._outcome = body
        elif code == EVENT and self._published:
            self._published(body)

    @property
    def text(self) -> str:
        return "".join(self._texts)

    def outcome(self) -> dict[str, model.RValue]:
        """What ``evaluate.R`` says of the execution; empty when nothing usable came."""
        try:
            return model.as_members(qap1.decode(self._outcome)) if self._outcome else {}
        except (ValueError, TypeError):
            return {}


class RSession:
    """A :class:`~deployr.grid.session.Session` in a forked Rserve process, or in one of Python that speaks as it does.

    Args:
        connection: to the fork, which has greeted.
        process: the fork.
        path: directory of the session; made here.
        limits: see :class:`~deployr.grid.session.SessionLimits`.
        isolated: no other session has its user id.
        on_death: called once when the process is gone without having been ended.

    Attributes:
        rehearsed: see :meth:`rehearse`.
    """

    def __init__(
        self,
        connection: RserveConnection,
        process: processes.Identity,
        path: Path,
        limits: SessionLimits,
        *,
        isolated: bool,
        on_death: Callable[[], None] = lambda: None,
    ) -> None:
        self.pid = process.pid
        self.uid = process.uid
        self.isolated = isolated
        self.marker = path.name
        self.on_death = on_death
        self.rehearsed = False
        self._connection = connection
        self._limits = limits
        self._busy = False
        self._ended = False
        self._died_of_limit = False
        self._interrupted = False
        self._signal_may_wait = False
        self._history: list[ExecutionRecord] = []
        self._past_code = PastCode()
        self._running: _Listener | None = None
        self._interrupt_timer: asyncio.TimerHandle | None = None
        self._cpu_limit = CpuLimit(process.pid, 0, self._limit_hit)
        is_ours = process.uid == os.geteuid()
        self._pidfd = os.pidfd_open(process.pid)
        try:
            self.files = SessionFiles(path, None if is_ours else (process.uid, process.gid))
        except BaseException:
            os.close(self._pidfd)
            raise
        asyncio.get_running_loop().add_reader(self._pidfd, self._process_gone)

    async def settle(self) -> None:
        """Move the process into its directory; it serves after that.

        Raises:
            SessionLost: the process failed meanwhile.
        """
        options = {"directory": model.character(str(self.files.path)), "marker": model.character(self.marker)}
        async with self._calling(_SETTLE_SECONDS):
            await self._run_own("enter", model.named_list(options))

    async def rehearse(self) -> None:
        """Run what callers often do, so that theirs is not the first time; it leaves nothing behind.

        Raises:
            SessionLost: the process failed meanwhile.
        """
        async with self._calling(_SETTLE_SECONDS):
            self.rehearsed = True
            await self._run_own("rehearse", _NO_OPTIONS)

    @contextlib.asynccontextmanager
    async def execute(
        self,
        execution: Execution,
        arguments: bytes,
        console: ConsoleSink | None,
        published: PublishedSink | None = None,
    ) -> AsyncIterator[tuple[ExecutionRecord, Value]]:
        started, started_ms = time.perf_counter(), _now_ms()
        listener = _Listener(self._limits.console, keep=execution.console, live=console, published=published)
        async with self._calling(execution.time_limit):
            before = await self.files.directory.snapshot() if execution.artifacts else {}
            options = _execution_options(execution, self.files.plots_path(execution.execution))
            reply = await self._running_ask(options, arguments, listener)
            record = _record(
                execution,
                listener,
                self._connection.runtime,
                started_ms,
                total=round((time.perf_counter() - started) * 1000),
                results=self.files.collect_plots(execution.execution),
                artifacts=await self.files.directory.changed_since(before) if execution.artifacts else [],
            )
            self._remember(execution, record)
            if record.results:
                self._limit_plots()
            value = _RserveValue(self._connection, reply)
            yield record, value
            await value.drain()

    @contextlib.asynccontextmanager
    async def call(self, function: str, arguments: bytes) -> AsyncIterator[Value]:
        async with self._calling():
            value = await self._call(function, arguments)
            yield value
            await value.drain()

    async def recycle(self, *, workspace: bool, directory: bool) -> None:
        async with self._calling():
            parts = {"workspace": model.logical(workspace), "directory": model.logical(directory)}
            value = await self._call("recycle", qap1.encode(model.named_list(parts)))
            await value.drain()
            if directory:
                await self.files.directory.clear()

    def limit_cpu(self, seconds: int) -> None:
        self._cpu_limit = CpuLimit(self.pid, seconds, self._limit_hit)

    @property
    def console(self) -> str:
        if self._running is not None:
            return self._running.text
        return self._history[-1].console if self._history else ""

    def interrupt(self) -> bool:
        """A signal outside of a call would hit the next one, so it is sent only while one runs.

        One that comes before the call's code has begun waits for it.
        """
        if not self._busy or self._ended:
            return False
        self._interrupted = True
        # R first: it acts on the signal when it comes back from waiting for a child that the signal ended.
        processes.send_signal_by_pidfd(self._pidfd, signal.SIGINT)
        if self._interrupt_timer is None:
            self._interrupt_children(time.monotonic() + self._limits.interrupt_grace)
        return True

    def _interrupt_children(self, deadline: float) -> None:
        """R waits in C code for a child's output and does not see the signal before that ends.

        Repeated until the call ends, since R may have been about to start the child, and a kill at the deadline.
        """
        if self._ended or time.monotonic() > deadline:
            self._kill()
            return
        processes.send_signal(reversed(processes.descendants(self.pid)), signal.SIGINT)
        loop = asyncio.get_running_loop()
        self._interrupt_timer = loop.call_later(_INTERRUPT_SECONDS, self._interrupt_children, deadline)

    @property
    def state(self) -> Literal["idle", "busy", "ended"]:
        return "ended" if self._ended else "busy" if self._busy else "idle"

    @property
    def history(self) -> list[ExecutionRecord]:
        return self._history

    @property
    def codes(self) -> list[str]:
        return [*self._past_code.texts, *(record.code for record in self._history)]

    def flush(self, executions: Collection[str]) -> None:
        self.delete_results(executions, None)
        self._amend_history(executions, lambda record: msgspec.structs.replace(record, console=""))

    def delete_results(self, executions: Collection[str], filename: str | None) -> None:
        known = {*self.files.drawn, *(record.execution for record in self._history)}
        for execution in executions:
            if execution not in known:
                raise NotFound(f"Execution not found: {execution}.")
        self.files.delete_plots(executions, filename)
        self._amend_history(
            executions, lambda record: msgspec.structs.replace(record, results=self.files.plots(record.execution))
        )

    def end(self) -> None:
        if self._ended:
            return
        self._ended = True
        # What the session left in the background is found by the node's sweep.
        processes.kill_tree(self.pid, self._pidfd)
        self._stop_watching()
        self._connection.abort()

    def close(self) -> None:
        self.end()
        self.files.close()

    # -- calls --------------------------------------------------------------------------------------------

    @contextlib.asynccontextmanager
    async def _calling(self, time_limit: float = 0) -> AsyncIterator[None]:
        """One call: refuses a second, and turns a broken connection into the error it means."""
        if self._ended:
            raise self._lost()
        if self._busy:
            raise ProjectBusy
        self._busy = True
        self._signal_may_wait |= self._interrupted
        self._interrupted = False
        self._cpu_limit.start()
        timer = asyncio.get_running_loop().call_later(time_limit, self._limit_hit) if time_limit else None
        settled = False
        try:
            yield
            settled = True
        except ConnectionBroken as ex:
            self._process_gone()
            raise self._lost() from ex
        except DeployrError:
            settled = True
            raise
        finally:
            self._cpu_limit.stop()
            if timer:
                timer.cancel()
            if self._interrupt_timer:
                self._interrupt_timer.cancel()
                self._interrupt_timer = None
            if not settled:
                # Left in the middle (the caller went away): the connection is out of step.
                self._kill()
            self._busy = False

    async def _ask(
        self, function: str, options: model.RValue, arguments: bytes, listener: _Listener | None = None
    ) -> ReplyHead:
        listener = listener or _Listener(0)
        if self._signal_may_wait:
            # The interrupt of an earlier call may have come after it; it must not hit this one.
            self._signal_may_wait = False
            await self._throw_away_call()
            if self._interrupted:
                processes.send_signal_by_pidfd(self._pidfd, signal.SIGINT)
        return await self._connection.call(listener, function, options, arguments)

    async def _running_ask(self, options: model.RValue, arguments: bytes, listener: _Listener) -> ReplyHead:
        """Run code; meanwhile its console text can be looked at."""
        self._running = listener
        try:
            return await self._ask("execute", options, arguments, listener)
        finally:
            self._running = None

    async def _call(self, function: str, arguments: bytes) -> _RserveValue:
        """Run one of the runtime's functions."""
        listener = _Listener(0)
        reply = await self._ask(function, _NO_OPTIONS, arguments, listener)
        value = _RserveValue(self._connection, reply)
        outcome = listener.outcome()
        if not reply.ok or "error" in outcome:
            await value.drain()
            raise DeployrError(_error_text(outcome, self._connection.runtime))
        return value

    async def _run_own(self, function: str, options: model.RValue) -> None:
        """Run what every session runs before it serves."""
        reply = await self._ask(function, options, _NOTHING)
        if not reply.ok:
            raise SessionLost(f"The {self._connection.runtime} session failed to start.")
        await _RserveValue(self._connection, reply).drain()

    async def _throw_away_call(self) -> None:
        reply = await self._connection.call(_Listener(0), "nothing", _NO_OPTIONS, _NOTHING)
        await _RserveValue(self._connection, reply).drain()

    # -- history ------------------------------------------------------------------------------------------

    def _remember(self, execution: Execution, record: ExecutionRecord) -> None:
        if execution.phantom:
            return
        self._history.append(record)
        while len(self._history) > self._limits.history_depth:
            gone = self._history.pop(0)
            self._past_code.add(gone.code)
            self.files.forget_plots(gone.execution)

    def _limit_plots(self) -> None:
        """Those of phantom executions, of which there is no record, are limited in number as the records are."""
        recorded = {record.execution for record in self._history}
        phantoms = [execution for execution in self.files.drawn if execution not in recorded]
        for execution in phantoms[: -self._limits.history_depth]:
            self.files.forget_plots(execution)
        storage = self._limits.history_storage
        gone = self.files.beyond(storage) if storage else []
        if gone:
            self.delete_results(gone, None)

    def _amend_history(self, executions: Collection[str], change: Callable[[ExecutionRecord], ExecutionRecord]) -> None:
        """Change the records of executions, or of all."""
        self._history = [
            change(record) if not executions or record.execution in executions else record for record in self._history
        ]

    # -- process ------------------------------------------------------------------------------------------

    def _process_gone(self) -> None:
        """The process died, whatever its connection says: children may hold that open."""
        if self._ended:
            return
        self._kill()
        self._ended = True
        self._stop_watching()
        self._connection.abort()
        self.on_death()

    def _limit_hit(self) -> None:
        self._died_of_limit = True
        self._kill()

    def _kill(self) -> None:
        if self._ended:
            return
        processes.kill_tree(self.pid, self._pidfd)
        if self.isolated:
            processes.kill_users({self.uid})

    def _stop_watching(self) -> None:
        asyncio.get_running_loop().remove_reader(self._pidfd)
        os.close(self._pidfd)
        self._pidfd = -1

    def _lost(self) -> GridError:
        if self._died_of_limit:
            return BoundaryExceeded("The R boundary limit was exceeded; the session has been ended.")
        return SessionLost(f"The {self._connection.runtime} session is not responding; it has been ended.")


def _execution_options(execution: Execution, results: Path) -> model.RValue:
    return model.named_list(
        {
            "code": model.character(execution.code),
            "hidden": model.logical(execution.blackbox),
            "echo": model.logical(execution.echo),
            "results": model.character(str(results)),
            "graphics": model.character(execution.graphics),
            "width": model.double(execution.width),
            "height": model.double(execution.height),
        }
    )


def _record(
    execution: Execution,
    listener: _Listener,
    runtime: str,
    started_ms: int,
    *,
    total: int,
    results: list[FileInfo],
    artifacts: list[FileInfo],
) -> ExecutionRecord:
    outcome = listener.outcome()
    failed = not outcome or "error" in outcome or "interrupted" in outcome
    return ExecutionRecord(
        execution=execution.execution,
        code="" if execution.blackbox else execution.code,
        tag=execution.tag,
        actor=execution.actor,
        time_start=started_ms,
        time_code=min(total, round(model.as_number(outcome["elapsed"]) or 0)) if "elapsed" in outcome else total,
        time_total=total,
        console=listener.text,
        warnings=[text or "" for text in model.as_texts(outcome["warnings"])] if "warnings" in outcome else [],
        error=_error_text(outcome, runtime) if failed else None,
        error_code=900 if failed else None,
        syntax_error="syntax" in outcome,
        interrupted="interrupted" in outcome,
        results=results,
        results_generated=len(results),
        artifacts=artifacts,
    )


def _error_text(outcome: dict[str, model.RValue], runtime: str) -> str:
    if "interrupted" in outcome:
        return "The execution was interrupted."
    if "error" not in outcome:
        return f"The {runtime} code ended without a result."
    return model.as_text(outcome["error"]) or f"{runtime} error"


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
