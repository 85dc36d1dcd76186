"""Sessions: what every runtime must offer."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Collection
from dataclasses import dataclass
from typing import Literal, Protocol

from deployr.grid.client import ConsoleSink
from deployr.grid.protocol import Execution, ExecutionRecord
from deployr.grid.session_files import SessionFiles


@dataclass(frozen=True)
class SessionLimits:
    """Limits of one session.

    Attributes:
        console: most console text of one execution, in bytes; the rest is dropped and said so.
        interrupt_grace: seconds that interrupted code has to stop before the session is killed.
        history_depth: most executions remembered.
        history_storage: bytes of unnamed plots, beyond which those of the oldest executions go; 0 for no limit.
    """

    console: int
    interrupt_grace: float
    history_depth: int
    history_storage: int = 0


PublishedSink = Callable[[bytes], None]
"""Receives an object that code published: QAP1 of a named list of one member."""


class Value(Protocol):
    """A value on its way: its head is known, its bytes are taken once, in chunks."""

    def chunks(self) -> AsyncIterator[bytes]:
        """The QAP1 bytes."""


class Session(Protocol):
    """A live interpreter with a working directory. The node that made it calls it; one call at a time.

    ``execute`` and ``call`` are context managers: the session stays busy until the value has been taken and the
    context left. Both raise ``ProjectBusy`` when a call runs, ``SessionLost`` when the process is gone, and
    ``BoundaryExceeded`` when a limit killed it.
    """

    files: SessionFiles
    """What the session keeps on disk."""

    def execute(
        self,
        execution: Execution,
        arguments: bytes,
        console: ConsoleSink | None,
        published: PublishedSink | None = None,
    ) -> contextlib.AbstractAsyncContextManager[tuple[ExecutionRecord, Value]]:
        """Run code; language errors are part of the record.

        Args:
            console: receives console text while the code runs.
            published: receives what the code publishes to event streams while it runs.
        """

    def call(self, function: str, arguments: bytes) -> contextlib.AbstractAsyncContextManager[Value]:
        """Run one of the runtime's functions; raises ``DeployrError`` with its message when it fails."""

    async def recycle(self, *, workspace: bool, directory: bool) -> None:
        """Clear the workspace, empty the working directory, or both; ``DeployrError`` when that fails."""

    def limit_cpu(self, seconds: int) -> None:
        """Let each of its processes use so much CPU time in its life; 0 for no limit. Not while a call runs."""

    def interrupt(self) -> bool:
        """Interrupt what runs; true when something ran."""

    @property
    def state(self) -> Literal["idle", "busy", "ended"]:
        """What the session is doing; ``ended`` once its process is gone."""

    @property
    def history(self) -> list[ExecutionRecord]:
        """Records of the executions, oldest first."""

    @property
    def codes(self) -> list[str]:
        """The code of the executions, oldest first: of more than there are records of."""

    @property
    def console(self) -> str:
        """Console text of the execution that runs, so far, or of the last one."""

    def flush(self, executions: Collection[str]) -> None:
        """Throw away console text and unnamed plots of executions, or of all; ``NotFound`` for an unknown one."""

    def delete_results(self, executions: Collection[str], filename: str | None) -> None:
        """Delete unnamed plots; see :meth:`deployr.grid.client.Grid.delete_results`."""

    def end(self) -> None:
        """End the process and all it started; files stay."""

    def close(self) -> None:
        """End the process and remove the files."""
