"""Services at work: each call runs in a session of its own that begins with the service's state (9x-facts 7).

Sessions are forks of the service's warm parent. While there is none, or where there can be none, a plain session loads
the snapshot and runs the init code for this one call.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, TypeVar

import msgspec

from deployr.encodings import v9_json
from deployr.errors import BoundaryExceeded, NodeNotResponding, NotFound, NotWarm, SessionLost
from deployr.grid.client import Grid
from deployr.grid.protocol import Execution, ExecutionRecord, ServiceSpec, SessionSpec
from deployr.mlserver.budgets import Budget
from deployr.mlserver.records import PLOT_SIZE, RUNTIMES
from deployr.mlserver.service_records import Service
from deployr.mlserver.snapshot_contents import SnapshotContents
from deployr.projects import values
from deployr.repository.blobs import Blobs
from deployr.settings import Settings
from deployr.users.caller import Caller

T = TypeVar("T")
V = TypeVar("V")

_LARGE = 64 * 1024
"""Bytes of a value from which on it is decoded in a thread."""

_IDLE_SECONDS = 60
"""After which the grid closes the session of a web worker that is gone."""


@dataclasses.dataclass(frozen=True, slots=True)
class Consumed:
    """What a call did.

    Attributes:
        error: empty when the code ran well.
        outputs: JSON by name, of the declared outputs that exist.
        files: contents by name, of the declared output files that exist.
        changed_files: names of files that the code made or changed, plots included.
    """

    error: str
    outputs: dict[str, Any] = dataclasses.field(default_factory=dict)
    files: dict[str, bytes] = dataclasses.field(default_factory=dict)
    console: str = ""
    changed_files: list[str] = dataclasses.field(default_factory=list)

    @property
    def success(self) -> bool:
        """The code ran well."""
        return not self.error


class _CannotBegin(Exception):
    """The init code failed; the text is the interpreter's."""


class Consumption:
    """Calls services.

    Args:
        as_code: gives the code that a realtime service stands for.
    """

    def __init__(
        self,
        grid: Grid,
        blobs: Blobs,
        contents: SnapshotContents,
        as_code: Callable[[Service], Service],
        settings: Settings,
    ) -> None:
        self._as_code = as_code
        self._grid = grid
        self._blobs = blobs
        self._contents = contents
        self._time_limit = settings.mlserver.service_time_limit
        self._cpu_limit = settings.mlserver.cpu_limit
        self._most = settings.limits.max_upload

    async def consume(self, caller: Caller, service: Service, inputs: Mapping[str, Any]) -> Consumed:
        """Call a service; that its code fails is part of the answer.

        Args:
            inputs: JSON by name.

        Raises:
            InvalidParameter, EncodingError: an input is of another type; the text names it.
            NoFreeSlot: there is no room.
            NodeNotResponding: the process died meanwhile.
            TooLarge: the output files are.
        """
        service = self._as_code(service)
        is_large = any(isinstance(value, list | dict) for value in inputs.values())
        arguments = await _computed(_arguments, service, inputs, is_large=is_large)
        try:
            return await self._consume(self._spec(caller, service), service, arguments)
        except _CannotBegin as ex:
            return Consumed(str(ex))
        except BoundaryExceeded:
            return Consumed("The code ran for too long.")
        except SessionLost as ex:
            raise NodeNotResponding("The process of the service died before it had answered.") from ex

    def spec(self, service: Service) -> ServiceSpec:
        """The service's state as the grid knows it."""
        service = self._as_code(service)
        return ServiceSpec(
            service=service.address,
            revision=service.revision,
            runtime=RUNTIMES[service.runtime],
            snapshot=str(self._blobs.path(service.snapshot)) if service.snapshot else None,
            init_code=service.init_code,
            code=service.code,
        )

    async def _consume(self, warm: SessionSpec, service: Service, arguments: bytes) -> Consumed:
        execution = self._execution(service.code, service.owner)
        if not service.output_files:
            with contextlib.suppress(NotWarm):
                return await self._run_at_once(warm, service, execution, arguments)
        async with self._session(warm, service) as session:
            record, value = await self._grid.execute(session, execution, arguments)
            files = await self._output_files(session, service, record)
            return await _consumed(service, record, value, files)

    async def _run_at_once(
        self, warm: SessionSpec, service: Service, execution: Execution, arguments: bytes
    ) -> Consumed:
        """One message to the grid instead of three."""
        record, value = await self._grid.execute_stateless(warm, execution, arguments)
        if record.artifacts or record.results:
            # The grid has kept them, which nobody wants.
            await self._grid.close(warm.session)
        return await _consumed(service, record, value, {})

    def _spec(self, caller: Caller, service: Service) -> SessionSpec:
        return SessionSpec(
            session=f"SERVICE-{uuid.uuid4()}",
            owner=caller.owner,
            runtime=RUNTIMES[service.runtime],
            context=f"Service {service.name} {service.version}",
            idle_timeout=_IDLE_SECONDS,
            cpu_limit=self._cpu_limit,
            service=self.spec(service),
        )

    @contextlib.asynccontextmanager
    async def _session(self, warm: SessionSpec, service: Service) -> AsyncIterator[str]:
        """A session that begins with the service's state, and ends."""
        try:
            try:
                await self._grid.open(warm)
            except NotWarm:
                await self._open_plain(warm, service)
            yield warm.session
        finally:
            # A grid that is gone has no session left, and what the call ran into is to be told.
            with contextlib.suppress(NodeNotResponding):
                await self._grid.close(warm.session)

    async def _open_plain(self, warm: SessionSpec, service: Service) -> None:
        session = warm.session
        await self._grid.open(msgspec.structs.replace(warm, service=None))
        if warm.runtime == "r":
            await self._grid.call(session, "mask_quit", values.arguments())
        if service.snapshot:
            await self._contents.restore(session, warm.runtime, service.snapshot)
        if service.init_code:
            execution = self._execution(service.init_code, service.owner)
            record, _ = await self._grid.execute(session, execution, values.execution_arguments({}, []))
            if record.error is not None:
                raise _CannotBegin(record.error)

    def _execution(self, code: str, actor: str) -> Execution:
        return Execution(
            execution=f"EXEC-{uuid.uuid4()}",
            code=code,
            actor=actor,
            echo=False,
            width=PLOT_SIZE,
            height=PLOT_SIZE,
            time_limit=self._time_limit,
        )

    async def _output_files(self, session: str, service: Service, record: ExecutionRecord) -> dict[str, bytes]:
        plots = {plot.filename for plot in record.results}
        budget, found = Budget(self._most), {}
        for name in service.output_files:
            with contextlib.suppress(NotFound):
                found[name] = await self._read(session, name, budget, is_plot=name in plots)
        return found

    async def _read(self, session: str, name: str, budget: Budget, *, is_plot: bool) -> bytes:
        """A file of the working directory, or a plot of that name."""
        reading = self._grid.read_file(session, name, area="results" if is_plot else "all")
        async with reading as (_, chunks):
            return b"".join([chunk async for chunk in budget.spent_by(chunks)])


async def _consumed(service: Service, record: ExecutionRecord, value: bytes, files: dict[str, bytes]) -> Consumed:
    outputs = await _computed(_outputs, service, value, is_large=len(value) > _LARGE)
    return Consumed(record.error or "", outputs, files, record.console, _changed(record))


async def _computed(function: Callable[[Service, V], T], service: Service, given: V, *, is_large: bool) -> T:
    """What a function computes; in a thread when that may take long, so that other calls go on."""
    return await asyncio.to_thread(function, service, given) if is_large else function(service, given)


def _arguments(service: Service, inputs: Mapping[str, Any]) -> bytes:
    """QAP1 of inputs and names of outputs: a missing input is null, undeclared ones are ignored (9x-facts 7)."""
    for_python = service.runtime == "Python"
    read = {
        item.name: v9_json.decode(inputs.get(item.name), item.type, name=item.name, for_python=for_python)
        for item in service.inputs
    }
    return values.execution_arguments(read, [item.name for item in service.outputs])


def _outputs(service: Service, value: bytes) -> dict[str, Any]:
    found = values.members(value)
    return {item.name: v9_json.encode(found[item.name], item.type) for item in service.outputs if item.name in found}


def _changed(record: ExecutionRecord) -> list[str]:
    """Files, and plots as if they were files."""
    return list(dict.fromkeys(info.filename for info in (*record.artifacts, *record.results)))
