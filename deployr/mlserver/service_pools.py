"""Pools of services: sessions that wait for their calls (9x-facts 12)."""

from __future__ import annotations

import itertools

from deployr.errors import InvalidParameter, PermissionDenied
from deployr.grid.client import Grid
from deployr.grid.protocol import ServicePool
from deployr.mlserver.compute_nodes import ComputeNodes
from deployr.mlserver.consumption import Consumption
from deployr.mlserver.roles import Role, Roles
from deployr.mlserver.service_records import Service
from deployr.mlserver.services import Services
from deployr.users.caller import Caller

MAX_SIZE = 1000
"""Most sessions of a pool."""


class ServicePools:
    """Makes and drops pools. All raise ``NotFound`` for a service that does not exist."""

    def __init__(
        self, services: Services, consumption: Consumption, nodes: ComputeNodes, roles: Roles, grid: Grid
    ) -> None:
        self._services = services
        self._consumption = consumption
        self._nodes = nodes
        self._roles = roles
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
        service = self._changeable(caller, name, version)
        await self._grid.warm_service(self._consumption.spec(service), initial=initial, most=most)

    async def status(self, caller: Caller, name: str, version: str) -> list[tuple[str, ServicePool]]:
        """URI of each compute node, and the pool: all nodes of this machine share it."""
        service = self._services.find(caller, name, version)
        pool = await self._grid.service_pool(self._consumption.spec(service).service)
        uris = itertools.islice(self._nodes.uris(), MAX_SIZE)
        return [(f"{uri}/", pool) for uri in uris if self._nodes.node_of(uri) is not None]

    async def drop(self, caller: Caller, name: str, version: str) -> None:
        """Take a service's pool away, if it has one.

        Raises:
            PermissionDenied: the caller may not change the service.
        """
        await self._grid.drop_pool(self._consumption.spec(self._changeable(caller, name, version)).service)

    def _changeable(self, caller: Caller, name: str, version: str) -> Service:
        self._roles.require(caller, Role.CONTRIBUTOR)
        service = self._services.find(caller, name, version)
        if not self._roles.may_change(caller, service.owner):
            raise PermissionDenied(f"The service belongs to {service.owner}.")
        return service


def _check_sizes(initial: int, most: int) -> None:
    for name, size in (("InitialPoolSize", initial), ("MaxPoolSize", most)):
        if not 0 <= size <= MAX_SIZE:
            raise InvalidParameter(f"Parameter {name} is not between 0 and {MAX_SIZE}.")
    if initial > most:
        raise InvalidParameter("Parameter InitialPoolSize is greater than MaxPoolSize.")
