"""``/services/{name}/{version}/pool``: sessions that wait for a service's calls (9x-facts 12)."""

from __future__ import annotations

from falcon.asgi import Response

from deployr.api.v9.call import Call
from deployr.api.v9.definitions import CreateOrUpdateServicePoolRequest, PoolStatus, ServicePoolStatusResponse
from deployr.api.v9.replies import reply
from deployr.mlserver.service_pools import ServicePools


class PoolsResource:
    """Calls of pools."""

    def __init__(self, pools: ServicePools) -> None:
        self._pools = pools

    async def on_post(self, req: Call, resp: Response, name: str, version: str) -> None:
        """Make the pool, or change it; it fills in the background."""
        request = await req.read(CreateOrUpdateServicePoolRequest)
        sizes = {"initial": request.initial_pool_size, "most": request.max_pool_size}
        await self._pools.set(req.caller, name, version, **sizes)
        reply(resp, "")

    async def on_get(self, req: Call, resp: Response, name: str, version: str) -> None:
        """State of the pool on each compute node."""
        found = await self._pools.status(req.caller, name, version)
        reply(resp, [_record(uri, state) for uri, state in found])

    async def on_delete(self, req: Call, resp: Response, name: str, version: str) -> None:
        """Drop the pool."""
        await self._pools.drop(req.caller, name, version)
        reply(resp, "")


def _record(uri: str, status: PoolStatus) -> ServicePoolStatusResponse:
    return ServicePoolStatusResponse(compute_node_endpoint=uri, status=status, seen_endpoint=uri, seen_status=status)
