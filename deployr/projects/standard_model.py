"""The standard execution model: preparation, execution, storing; the same for all calls that run code (7x-facts 7)."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Sequence

import msgspec

from deployr.encodings.objects import Record
from deployr.errors import DeployrError, InvalidParameter
from deployr.grid.client import Grid
from deployr.grid.protocol import Execution, ExecutionRecord, Runtime
from deployr.projects import values
from deployr.projects.preparation import Prepared, Preparing
from deployr.projects.records import ExecutionOptions, Outcome, Preparation, Project, Storing
from deployr.projects.sources import Source
from deployr.projects.storing import Stores
from deployr.users.caller import Caller


@dataclasses.dataclass(frozen=True, slots=True)
class Plan:
    """An execution whose parts were found and checked, and that has not touched a session yet."""

    caller: Caller
    options: ExecutionOptions
    prepared: Prepared
    execution: Execution

    @property
    def is_plain(self) -> bool:
        """There is nothing to do before and after the code runs."""
        return not self.prepared and not self.options.storing

    @property
    def arguments(self) -> bytes:
        """What the grid is given with the execution."""
        return values.execution_arguments(self.options.inputs, self.options.robjects)


class StandardModel:
    """Runs code with all that belongs to it."""

    def __init__(self, grid: Grid, preparing: Preparing, stores: Stores) -> None:
        self._grid = grid
        self._preparing = preparing
        self._stores = stores

    def plan(
        self,
        caller: Caller,
        source: Source,
        options: ExecutionOptions,
        *,
        blackbox: bool,
        time_limit: float = 0,
        runtime: Runtime = "r",
    ) -> Plan:
        """Check all that can be checked before a session is needed.

        Store options of anonymous callers are ignored (7x-facts 7.5), and so are adoptions into their blackbox, as they
        can have no project to adopt (7x-facts 7.2).

        Args:
            runtime: of the session that it will run in; those of projects are R's.

        Raises:
            DeployrError: as :meth:`deployr.projects.preparation.Preparing.plan` and
                :meth:`deployr.projects.storing.Stores.check`.
            InvalidParameter: R cannot read the code, or a Python session not do what is asked.
        """
        preparation = options.preparation
        if caller.is_anonymous:
            options = dataclasses.replace(options, storing=Storing())
            preparation = _without_adoption(preparation) if blackbox else preparation
        _check_runtime(source, runtime, preparation, options.storing)
        prepared = self._preparing.plan(caller, preparation)
        if options.storing:
            self._stores.check(caller, options.storing)
        execution = _execution(caller, source, options, blackbox=blackbox, time_limit=time_limit)
        return Plan(caller, options, prepared, execution)

    async def run(self, plan: Plan, project: Project) -> Outcome:
        """Run in a live session, the project's, which serves nobody else from the preparation to the storing.

        Raises:
            ProjectBusy: another call runs in the session.
            DeployrError: the preparation failed; no code was run.
        """
        if plan.is_plain:
            return await self._execute(plan, project)
        async with self._grid.hold(project.project):
            await self._preparing.apply(plan.prepared, project.project)
            return await self._store(plan, await self._execute(plan, project))

    async def _execute(self, plan: Plan, project: Project) -> Outcome:
        record, value = await self._grid.execute(project.project, plan.execution, plan.arguments)
        return await outcome(project, record, value, plan.options)

    async def _store(self, plan: Plan, outcome: Outcome) -> Outcome:
        """Store what is wanted of an execution that ran well; what cannot be stored makes it a failure."""
        if outcome.record.error is not None or not plan.options.storing:
            return outcome
        try:
            stored = await self._stores.store(plan.caller, outcome.project.project, plan.options.storing)
        except DeployrError as ex:
            record = msgspec.structs.replace(outcome.record, error=ex.message, error_code=ex.code)
            return dataclasses.replace(outcome, record=record)
        return dataclasses.replace(outcome, stored=stored)


async def outcome(project: Project, record: ExecutionRecord, value: bytes, options: ExecutionOptions) -> Outcome:
    """The outcome of what the grid ran; names of ``robjects`` that do not exist become warnings."""
    objects = await values.encoded_objects(value, options.robjects, options.encoding)
    if record.error is None:
        record = _warn_of_missing(record, options.robjects, objects)
    return Outcome(project=project, record=record, objects=objects)


def _execution(
    caller: Caller, source: Source, options: ExecutionOptions, *, blackbox: bool, time_limit: float
) -> Execution:
    """The execution as the grid runs it; of a blackbox, and of a hidden script, no code is shown."""
    if "\0" in source.code:
        raise InvalidParameter("The code has a NUL character.")
    visible = source.visible and not blackbox
    return Execution(
        execution=f"EXEC-{uuid.uuid4()}",
        code=source.code,
        tag=options.tag,
        actor=caller.username or "anonymous",
        phantom=options.phantom,
        echo=options.echo and visible,
        console=options.console,
        console_events=options.console_events,
        artifacts=options.artifacts and not blackbox,
        graphics=options.graphics,
        width=options.width,
        height=options.height,
        time_limit=time_limit,
        blackbox=not visible,
        http=caller.http_session or None,
    )


def _check_runtime(source: Source, runtime: Runtime, preparation: Preparation, storing: Storing) -> None:
    """Python has no use for files of R objects and for R packages, and makes none."""
    if source.code and source.runtime != runtime:
        raise InvalidParameter("Python scripts run by /r/repository/script calls only: projects are sessions of R.")
    of_r = preparation.workspace or preparation.packages or preparation.preloaded_objects
    if runtime == "python" and (of_r or storing.objects or storing.workspace):
        raise InvalidParameter("R objects and packages cannot be loaded into, or stored from, a session of Python.")


def _without_adoption(preparation: Preparation) -> Preparation:
    return dataclasses.replace(preparation, workspace=None, files=None, packages=None)


def _warn_of_missing(record: ExecutionRecord, names: Sequence[str], objects: Sequence[Record]) -> ExecutionRecord:
    found = {entry["name"] for entry in objects}
    missing = [f"Object not found: {name}." for name in names if name not in found]
    if not missing:
        return record
    return msgspec.structs.replace(record, warnings=[*record.warnings, *missing])
