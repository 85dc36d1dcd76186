"""From a job's parameters to code that can be run: what it asks for is looked up as its owner would see it now."""

from __future__ import annotations

import asyncio
import dataclasses

import msgspec

from deployr.errors import PermissionDenied
from deployr.jobs import rows
from deployr.jobs.records import Job, Read, Request
from deployr.jobs.services import Chain, ChainSources
from deployr.projects.external_sources import ExternalSources
from deployr.projects.records import Storing
from deployr.projects.sources import Source
from deployr.projects.standard_model import Plan, StandardModel
from deployr.projects.storing import Stores
from deployr.repository.blobs import Blobs
from deployr.store.database import Database
from deployr.users.accounts import Accounts
from deployr.users.caller import Caller


@dataclasses.dataclass(frozen=True, slots=True)
class Work:
    """What a run does.

    Attributes:
        snapshots: SHA-256 of snapshots that are loaded before.
        storing: what is stored after it: that is apart, since it is stored with the job's end.
    """

    plan: Plan
    snapshots: tuple[str, ...]
    storing: Storing


class JobCode:
    """Plans the runs of jobs."""

    def __init__(
        self,
        database: Database,
        blobs: Blobs,
        accounts: Accounts,
        sources: ChainSources,
        external: ExternalSources,
        model: StandardModel,
        stores: Stores,
        read: Read,
    ) -> None:
        self._database = database
        self._blobs = blobs
        self._accounts = accounts
        self._sources = sources
        self._external = external
        self._model = model
        self._stores = stores
        self._read = read

    async def plan(self, job: Job) -> Work:
        """What the run of a job does.

        Raises:
            DeployrError: something that the job asks for is not there or not for its owner, or R cannot read the code.
        """
        request = await self._read(await self._parameters(job))
        caller = self._accounts.caller(job.owner, job.job)
        chain = await self._chain(caller, request)
        storing = request.options.storing
        if storing:
            self._stores.check(caller, storing)
        options = dataclasses.replace(request.options, storing=Storing(), phantom=False)
        plan = self._model.plan(caller, chain.source, options, blackbox=False)
        return Work(plan, chain.snapshots, storing)

    async def _parameters(self, job: Job) -> dict[str, str]:
        with self._database.reading() as connection:
            text, blob = rows.parameters(connection, job.job)
        content = text if blob is None else await asyncio.to_thread(self._blobs.read, blob)
        return msgspec.json.decode(content or "{}", type=dict[str, str])

    async def _chain(self, caller: Caller, request: Request) -> Chain:
        if request.code and not caller.may_run_code:
            raise PermissionDenied("Your roles allow the execution of repository scripts only.")
        chain = await self._sources.load(caller, request.scripts)
        external = await self._external.load(caller, request.external)
        source = chain.source.then(external).then(Source(request.code or "", visible=True))
        return dataclasses.replace(chain, source=source)
