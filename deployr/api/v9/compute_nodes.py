"""``/computenodes``: the list of compute nodes (9x-facts 12)."""

from __future__ import annotations

from collections.abc import Callable

from falcon.asgi import Response

from deployr.api.v9.call import Call
from deployr.api.v9.definitions import GetComputeNodesResponse, UpdateComputeNodesRequest
from deployr.api.v9.replies import reply, reply_empty
from deployr.mlserver.compute_nodes import ComputeNodes
from deployr.mlserver.roles import Role, Roles


class ComputeNodesResource:
    """Calls of the group of centralized configuration; Owners change, all who have a role look."""

    def __init__(self, nodes: ComputeNodes, roles: Roles) -> None:
        self._nodes = nodes
        self._roles = roles

    async def on_get(self, req: Call, resp: Response) -> None:
        """The entries as they were given."""
        self._roles.require(req.caller, Role.READER)
        reply(resp, GetComputeNodesResponse(compute_nodes=self._nodes.entries()))

    async def on_post(self, req: Call, resp: Response) -> None:
        """Replace the list."""
        await self._change(req, resp, self._nodes.set)

    async def on_put(self, req: Call, resp: Response) -> None:
        """Add entries."""
        await self._change(req, resp, self._nodes.add)

    async def on_delete(self, req: Call, resp: Response) -> None:
        """Remove entries."""
        await self._change(req, resp, self._nodes.remove)

    async def _change(self, req: Call, resp: Response, change: Callable[[list[str]], None]) -> None:
        self._roles.require(req.caller, Role.OWNER)
        request = await req.read(UpdateComputeNodesRequest)
        change(request.entries)
        reply_empty(resp)
