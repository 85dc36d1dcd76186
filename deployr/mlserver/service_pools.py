"""Pools of services: sessions that wait for their calls (9x-facts 12).

A pool is a wish in the database. The grid is told of it at once, and again whenever it has forgotten: so a pool is
there until it, or its service, is deleted, whatever was restarted meanwhile.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
from collections.abc import Iterable
from typing import Literal

import sqlalchemy as sa

from deployr.errors import DeployrError, GridError, InvalidParameter
from deployr.grid.client import Grid
from deployr.grid.protocol import ServicePool
from deployr.mlserver import pool_rows, service_rows
from deployr.mlserver.compute_nodes import ComputeNodes
from deployr.mlserver.consumption import Consumption
from deployr.mlserver.pool_rows import Wish
from deployr.mlserver.service_records import Service
from deployr.mlserver.services import Services
from deployr.store.database import Database
from deployr.users.caller import Caller

log = logging.getLogger(__name__)

PoolState = Literal["Success", "Pending", "NotFound"]
"""``Pending`` until as many sessions wait as should at first; ``NotFound`` without a pool."""

MAX_SIZE = 1000
"""Most sessions of a pool."""

_KEEP_SECONDS = 2.0
"""Between two looks at what the grid has."""


class ServicePools:
    """Makes and drops pools. Calls raise ``NotFound`` for a service that does not exist."""

    def __init__(
        self,
        database: Database,
        services: Services,
        consumption: Consumption,
        nodes: ComputeNodes,
        grid: Grid,
    ) -> None:
        self._database = database
        self._services = services
        self._consumption = consumption
        self._nodes = nodes
        self._grid = grid

    async def set(self, caller: Caller, name: str, version: str, *, initial: int, most: int) -> None:
        """Give a service a pool, which is made in the background, or change the one that it has.

        Args:
            initial: sessions that wait.
            most: sessions at one time; 0 for no limit of its own.

        Raises:
            InvalidParameter: the sizes cannot be.
            PermissionDenied: the caller may not change the service.
        """
        _check_sizes(initial, most)
        with self._services.changing(caller, name, version) as (connection, service):
            pool_rows.write(connection, service, initial, most)
        await self._warm(service, initial, most)

    async def status(self, caller: Caller, name: str, version: str) -> list[tuple[str, PoolState]]:
        """URI of each compute node, and the state of the pool: all nodes of this machine share it."""
        service = self._services.find(caller, name, version)
        with self._database.reading() as connection:
            is_wanted = pool_rows.exists(connection, service)
        state = await self._state(service) if is_wanted else "NotFound"
        uris = itertools.islice(self._nodes.uris(), MAX_SIZE)
        return [(f"{uri}/", state) for uri in uris if self._nodes.node_of(uri) is not None]

    async def drop(self, caller: Caller, name: str, version: str) -> None:
        """Take a service's pool away, if it has one.

        Raises:
            PermissionDenied: the caller may not change the service.
        """
        with self._services.changing(caller, name, version) as (connection, service):
            pool_rows.delete(connection, service)
        with contextlib.suppress(GridError):
            await self._grid.drop_pool(service.address)

    async def serve(self, stop: asyncio.Event) -> None:
        """Let the grid have the pools until told to stop; for the process that runs jobs."""
        while not stop.is_set():
            try:
                # A grid that does not respond, as at each start, is asked again; the supervisor tells when it has died.
                with contextlib.suppress(GridError):
                    await self._keep()
            except (DeployrError, sa.exc.SQLAlchemyError) as ex:
                log.warning("pools: %s", ex)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), _KEEP_SECONDS)

    async def _keep(self) -> None:
        """Let the grid have the pools that are wished for as they are now, and no others."""
        # In this order: a wish is written before the grid is told, so that a pool without one was dropped.
        present = await self._grid.pools()
        with self._database.reading() as connection:
            wishes = pool_rows.read(connection)
        for address in {pool.service for pool in present} - {wish.address for wish in wishes}:
            await self._grid.drop_pool(address)
        for wish in _missing(wishes, present):
            with self._database.reading() as connection:
                service = service_rows.find(connection, wish.name, wish.version)
            if service is not None:
                await self._warm(service, wish.initial, wish.most)

    async def _warm(self, service: Service, initial: int, most: int) -> None:
        """Ask the grid; when it cannot now it is asked again."""
        with contextlib.suppress(GridError):
            await self._grid.warm_service(self._consumption.spec(service), initial=initial, most=most)

    async def _state(self, service: Service) -> PoolState:
        """State of a pool that is wished for."""
        with contextlib.suppress(GridError):
            for pool in await self._grid.pools():
                if (pool.service, pool.revision) == (service.address, service.revision) and pool.is_filled:
                    return "Success"
        return "Pending"


def _missing(wishes: Iterable[Wish], present: Iterable[ServicePool]) -> list[Wish]:
    """The wishes that the grid does not fulfil as they are now."""
    fulfilled = {(pool.service, pool.revision, pool.initial, pool.most) for pool in present}
    return [wish for wish in wishes if (wish.address, wish.revision, wish.initial, wish.most) not in fulfilled]


def _check_sizes(initial: int, most: int) -> None:
    for name, size in (("InitialPoolSize", initial), ("MaxPoolSize", most)):
        if not 0 <= size <= MAX_SIZE:
            raise InvalidParameter(f"Parameter {name} is not between 0 and {MAX_SIZE}.")
    if initial > most:
        raise InvalidParameter("Parameter InitialPoolSize is greater than MaxPoolSize.")
