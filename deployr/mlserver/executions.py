"""Code in sessions of the 9.x API: run, watched, cancelled (9x-facts 10)."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterable, Sequence
from pathlib import PurePath
from typing import Any

from deployr.encodings import v9_json
from deployr.encodings.model import RValue
from deployr.errors import InvalidParameter
from deployr.grid.client import Grid
from deployr.grid.protocol import Execution, ExecutionRecord, FileInfo
from deployr.mlserver.records import PLOT_SIZE, Executed, MlSession
from deployr.mlserver.sessions import Sessions
from deployr.projects import values
from deployr.users.caller import Caller

_CANCELLED = "The execution was cancelled."


class SessionExecutions:
    """Runs code in the caller's sessions. All raise ``NotFound`` for a session that he does not have."""

    def __init__(self, sessions: Sessions, grid: Grid) -> None:
        self._sessions = sessions
        self._grid = grid

    async def execute(
        self,
        caller: Caller,
        session_id: str,
        code: str,
        inputs: Sequence[tuple[str, Any]] = (),
        outputs: Sequence[str] = (),
    ) -> Executed:
        """Run code; that it fails is part of the answer.

        Args:
            inputs: names and JSON of values to assign before.
            outputs: names of objects to return after.

        Raises:
            EncodingError: an input is no value that can be assigned.
            InvalidParameter: the code has a NUL character.
            ProjectBusy: another call runs in the session.
            SessionLost: the session has died.
        """
        session = self._sessions.find(caller, session_id)
        arguments = await asyncio.to_thread(_arguments, session, inputs, outputs)
        async with self._grid.hold(session.id):
            record, value = await self._grid.execute(session.id, _execution(code, session.owner), arguments)
            plots = await self._keep_plots(session, record)
        found = await asyncio.to_thread(_encoded, value, outputs)
        return Executed(_error(record), found, record.console, _changed(record.artifacts, plots))

    async def cancel(self, caller: Caller, session_id: str) -> None:
        """Interrupt what runs, if anything does; the session stays usable."""
        await self._grid.interrupt(self._sessions.find(caller, session_id).id)

    async def console(self, caller: Caller, session_id: str) -> str:
        """Console text of the execution that runs, so far, or of the last one."""
        return await self._grid.console(self._sessions.find(caller, session_id).id)

    async def history(self, caller: Caller, session_id: str) -> list[str]:
        """The code of all executions, oldest first; some 8 million characters of it are remembered at least."""
        return await self._grid.codes(self._sessions.find(caller, session_id).id)

    async def _keep_plots(self, session: MlSession, record: ExecutionRecord) -> list[str]:
        """Plots become files of the working directory, under names that are free there."""
        if not record.results:
            return []
        taken = {info.filename for info in await self._grid.list_files(session.id)}
        names = []
        for plot in record.results:
            names.append(_free_name(plot.filename, taken))
            taken.add(names[-1])
            reading = self._grid.read_file(session.id, plot.filename, area="results", execution=record.execution)
            async with reading as (_, content):
                await self._grid.write_file(session.id, names[-1], content)
        await self._grid.delete_results(session.id, [record.execution])
        return names


def _execution(code: str, actor: str) -> Execution:
    if "\0" in code:
        raise InvalidParameter("The code has a NUL character.")
    return Execution(
        execution=f"EXEC-{uuid.uuid4()}", code=code, actor=actor, echo=False, width=PLOT_SIZE, height=PLOT_SIZE
    )


def _arguments(session: MlSession, inputs: Iterable[tuple[str, Any]], outputs: Sequence[str]) -> bytes:
    is_python = session.runtime == "Python"
    read: dict[str, RValue] = {name: v9_json.decode(value, name=name, for_python=is_python) for name, value in inputs}
    return values.execution_arguments(read, outputs)


def _encoded(value: bytes, outputs: Sequence[str]) -> dict[str, Any]:
    found = values.members(value)
    return {name: v9_json.encode(found[name]) for name in outputs if name in found}


def _error(record: ExecutionRecord) -> str:
    return _CANCELLED if record.interrupted else record.error or ""


def _changed(artifacts: Iterable[FileInfo], plots: Sequence[str]) -> list[str]:
    return [*(info.filename for info in artifacts), *plots]


def _free_name(filename: str, taken: set[str]) -> str:
    path, number = PurePath(filename), 1
    name = filename
    while name in taken:
        name, number = f"{path.stem}-{number}{path.suffix}", number + 1
    return name
