"""One run of a job: a session, the standard execution model, what is stored, and the end."""

from __future__ import annotations

import asyncio
import logging
from typing import Literal

from deployr.errors import (
    BoundaryExceeded,
    DeployrError,
    GridError,
    NodeNotResponding,
    NoFreeSlot,
    ProjectBusy,
    SessionLost,
)
from deployr.grid.client import Grid
from deployr.grid.protocol import ExecutionRecord, SessionSpec
from deployr.jobs import capacity
from deployr.jobs.code import JobCode, Work
from deployr.jobs.endings import Endings
from deployr.jobs.queue import JobQueue
from deployr.jobs.records import Ending, Job
from deployr.mlserver.snapshot_contents import SnapshotContents
from deployr.projects.external_data import ExternalData
from deployr.projects.job_projects import JobProjects, job_project
from deployr.projects.saved_rows import SavedState
from deployr.projects.standard_model import StandardModel
from deployr.projects.storing import Collected, Stores
from deployr.store.patience import patiently

log = logging.getLogger(__name__)

COMPLETED = "Job successfully executed to completion."
"""``statusMsg`` of a run that went well (7x-facts 17.2)."""

CONTEXT = "Job: "
"""The context of a job's session begins so."""

Opened = Literal["begun", "given back", "over"]
"""What became of a claimed job: in the queue again, as it has to wait; over, when it was cancelled or can never run."""

_INTERRUPTED = Ending(state="Interrupted", message="Job interrupted.")
_STOPPED = Ending(state="Aborted", message="The server was stopped while the job ran.")


class JobRun:
    """Runs one claimed job.

    Attributes:
        job: as it was claimed; its session has the id that its project will have.
    """

    def __init__(
        self,
        job: Job,
        *,
        queue: JobQueue,
        grid: Grid,
        code: JobCode,
        model: StandardModel,
        stores: Stores,
        projects: JobProjects,
        endings: Endings,
        external_data: ExternalData,
        snapshots: SnapshotContents,
    ) -> None:
        self.job = job
        self._session = job.session or ""
        self._queue = queue
        self._grid = grid
        self._code = code
        self._model = model
        self._stores = stores
        self._projects = projects
        self._endings = endings
        self._external_data = external_data
        self._snapshots = snapshots
        self._cancelled = False
        self._is_executing = False

    async def open(self) -> Opened:
        """Give the job a session, and let it begin."""
        try:
            await self._grid.open(self._spec())
        except DeployrError as ex:
            if await self._may_find_room(ex):
                self._queue.give_back(self.job)
                return "given back"
            await self._fail_at_once(ex)
            return "over"
        if self._begin():
            return "begun"
        await self._close()
        self._queue.give_back(self.job)
        return "over"

    async def run(self) -> None:
        """Run the code and end the job; to be called after :meth:`open`."""
        try:
            ending, collected = await self._attempt()
            await patiently(lambda: self._end(ending, collected))
        except asyncio.CancelledError:
            await self._end(_STOPPED)
            raise
        except Exception:
            log.exception("a job could not be ended")
        finally:
            await asyncio.shield(self._close())

    async def cancel(self) -> None:
        """Interrupt the code; to be called again until the run has ended, as code may begin or go on after it."""
        self._cancelled = True
        if self._is_executing:
            try:
                await self._grid.interrupt(self._session)
            except DeployrError as ex:
                log.info("a job could not be interrupted: %s", ex.message)

    # -- sessions -----------------------------------------------------------------------------------------

    def _spec(self) -> SessionSpec:
        return SessionSpec(
            session=self._session,
            owner=f"user:{self.job.owner}",
            purpose="asynchronous",
            cluster=self.job.cluster,
            context=f"{CONTEXT}{self.job.name}.",
            job=self.job.job,
            private_data=self._external_data.private(self.job.owner),
        )

    async def _may_find_room(self, reason: DeployrError) -> bool:
        """Whether the grid may have a session for the job later."""
        if not isinstance(reason, NoFreeSlot):
            return isinstance(reason, GridError)
        return capacity.is_known((await self._grid.status()).nodes, self.job.cluster)

    def _begin(self) -> bool:
        """Let the job run; false when it was cancelled, or taken away, before."""
        begun = self._queue.begin(self.job)
        if begun is not None:
            self.job = begun
        return begun is not None

    async def _fail_at_once(self, reason: DeployrError) -> None:
        if self._begin():
            await self._endings.end(self.job, Ending(state="Failed", message=reason.message))
        else:
            self._queue.give_back(self.job)

    async def _close(self) -> None:
        try:
            await self._grid.close(self._session)
        except DeployrError as ex:
            # The sweep of the runner closes it when the grid is there again.
            log.info("the session of a job could not be closed: %s", ex.message)

    # -- the run ------------------------------------------------------------------------------------------

    async def _attempt(self) -> tuple[Ending, Collected | None]:
        """How the run went, as far as is known before its end is written."""
        try:
            work = await patiently(lambda: self._code.plan(self.job))
            record = await self._execute(work)
            ending = _ending_of(record)
            if ending.state != "Completed" or not work.storing:
                return ending, None
            return ending, await self._stores.collect(work.plan.caller, self._session, work.storing)
        except (BoundaryExceeded, NodeNotResponding, SessionLost) as ex:
            return Ending(state="Aborted", message=ex.message), None
        except DeployrError as ex:
            return Ending(state="Failed", message=ex.message), None
        except Exception:
            log.exception("a job failed for a reason of the server's own")
            return Ending(state="Failed", message="Internal server error."), None

    async def _execute(self, work: Work) -> ExecutionRecord:
        if self._cancelled:
            raise DeployrError(_INTERRUPTED.message)
        project = job_project(self._session, self.job.name, self.job.descr, self.job.owner)
        self._is_executing = True
        try:
            for sha256 in work.snapshots:
                await self._snapshots.restore(self._session, "r", sha256)
            return (await self._model.run(work.plan, project)).record
        finally:
            self._is_executing = False

    async def _end(self, ending: Ending, collected: Collected | None = None) -> None:
        """End the run as it went; as interrupted, when it was cancelled, however far it came."""
        ending, state = await self._with_state(ending)
        try:
            if await self._endings.end(self.job, ending, collected=collected, state=state):
                return
        except DeployrError as ex:
            ending, state = Ending(state="Failed", message=ex.message, time_code=ending.time_code), None
            if await self._endings.end(self.job, ending):
                return
        await self._end_interrupted()

    async def _end_interrupted(self) -> None:
        ending, state = await self._with_state(_INTERRUPTED)
        if not await self._endings.end(self.job, ending, state=state):
            log.warning("a job was taken from this process; what it did is thrown away")

    async def _with_state(self, ending: Ending) -> tuple[Ending, SavedState | None]:
        """The ending with the state of the session for the project, if there will be one and it is still there."""
        if not self.job.store_project or ending.state not in ("Completed", "Interrupted"):
            return ending, None
        try:
            return ending, await self._projects.capture(self._session)
        except (GridError, ProjectBusy) as ex:
            if ending.state == "Interrupted":
                return ending, None
            return Ending(state="Aborted", message=ex.message, time_code=ending.time_code), None
        except DeployrError as ex:
            return Ending(state="Failed", message=f"The project cannot be saved: {ex.message}"), None


def _ending_of(record: ExecutionRecord) -> Ending:
    if record.interrupted:
        return Ending(state="Aborted", message="The R code was interrupted.", time_code=record.time_code)
    if record.error is not None:
        return Ending(state="Failed", message=record.error, time_code=record.time_code)
    return Ending(state="Completed", message=COMPLETED, time_code=record.time_code)
