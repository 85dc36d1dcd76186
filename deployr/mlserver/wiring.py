"""The parts of the 9.x API, wired by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from deployr.grid.client import Grid
from deployr.mlserver.batch_consumption import BatchConsumption
from deployr.mlserver.batch_runner import BatchRunner
from deployr.mlserver.batches import Batches
from deployr.mlserver.compute_nodes import ComputeNodes
from deployr.mlserver.consumption import Consumption
from deployr.mlserver.executions import SessionExecutions
from deployr.mlserver.realtime import RealtimeServices
from deployr.mlserver.roles import Roles
from deployr.mlserver.service_pools import ServicePools
from deployr.mlserver.service_scripts import ServiceScripts
from deployr.mlserver.services import Services
from deployr.mlserver.session_content import SessionContent
from deployr.mlserver.sessions import Sessions
from deployr.mlserver.snapshot_contents import SnapshotContents
from deployr.mlserver.snapshots import Snapshots
from deployr.mlserver.status import ServerStatus
from deployr.projects.sources import ScriptSources
from deployr.repository.blobs import Blobs
from deployr.settings import Settings
from deployr.store.database import Database
from deployr.users.accounts import Accounts
from deployr.users.ldap import LdapDirectory


class MLServer:
    """What the calls of the 9.x API work with; see :class:`deployr.backend.Backend`.

    Args:
        ring: wakes the process that runs batches.
    """

    def __init__(
        self,
        settings: Settings,
        database: Database,
        grid: Grid,
        blobs: Blobs,
        sources: ScriptSources,
        directory: LdapDirectory | None,
        ring: Callable[[], None],
    ) -> None:
        self._settings = settings
        self._database = database
        self._blobs = blobs
        self.roles = Roles(settings.mlserver)
        self.compute_nodes = ComputeNodes(database, len(settings.grid.nodes))
        self.status = ServerStatus(database, grid, self.compute_nodes, directory, settings)
        self.sessions = Sessions(database, grid, self.roles, settings)
        self.executions = SessionExecutions(self.sessions, grid)
        self.session_content = SessionContent(self.sessions, grid)
        self.snapshot_contents = SnapshotContents(grid, blobs, settings)
        self.snapshots = Snapshots(database, self.sessions, self.snapshot_contents, blobs, self.roles)
        self.services = Services(database, self.roles, self.snapshots.find)
        self.service_scripts = ServiceScripts(sources)
        self.realtime_services = RealtimeServices(self.services, self.roles, grid, self.snapshot_contents, blobs)
        self.consumption = Consumption(grid, blobs, self.snapshot_contents, self.realtime_services.as_code, settings)
        self.service_pools = ServicePools(database, self.services, self.consumption, self.compute_nodes, grid)
        self.batches = Batches(database, blobs, self.services, most=settings.mlserver.batch_parallel, ring=ring)

    def batch_runner(self, accounts: Accounts, woken: asyncio.Event) -> BatchRunner:
        """What runs batches, for the one process that does."""
        limits = self._settings.mlserver
        consume = BatchConsumption(accounts, self.services, self.consumption, self._blobs)
        return BatchRunner(
            self._database, consume, most=limits.batch_parallel, kept=limits.batch_kept * 1000, woken=woken
        )
