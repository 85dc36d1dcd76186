"""Executions that fail before there is anything to execute: bad inputs, preloads or scripts (7x-facts 18.3)."""

from __future__ import annotations

import falcon
from falcon.asgi import Response

from deployr.api.call import Call
from deployr.api.errors import status_of
from deployr.errors import DeployrError, GridError
from deployr.events.records import ExecutionError
from deployr.grid.client import Grid

_EXECUTING = frozenset(("/r/project/execute/code", "/r/project/execute/script", "/r/repository/script/execute"))


class FailedExecutionsMiddleware:
    """Tells the caller's event streams; what fails while it runs is told by the grid."""

    def __init__(self, grid: Grid) -> None:
        self._grid = grid

    async def process_response(self, req: Call, resp: Response, resource: object, req_succeeded: bool) -> None:
        """Look at the failure of the call, if there was one."""
        failure = resp.context.get("failure")
        if req.name in _EXECUTING and isinstance(failure, DeployrError) and _is_told(failure):
            caller = req.caller
            event = ExecutionError(
                owner=caller.owner, project=req.project, http=caller.http_session, error=failure.message
            )
            await self._grid.publish(event)


def _is_told(failure: DeployrError) -> bool:
    """Calls that may not be made, or are malformed, are no executions."""
    return not isinstance(failure, GridError) and status_of(failure) == falcon.HTTP_200
