"""``/status``: the state of the server (9x-facts 13)."""

from __future__ import annotations

from falcon.asgi import Response

from deployr.api.v9.call import Call
from deployr.api.v9.definitions import StatusResponse
from deployr.api.v9.replies import reply
from deployr.mlserver.roles import Role, Roles
from deployr.mlserver.status import ServerStatus, Status


class StatusResource:
    """The call of the group of status."""

    def __init__(self, status: ServerStatus, roles: Roles) -> None:
        self._status = status
        self._roles = roles

    async def on_get(self, req: Call, resp: Response) -> None:
        """The status document."""
        self._roles.require(req.caller, Role.READER)
        green = req.settings.mlserver.compat == "9.0.1"
        reply(resp, _record(await self._status.read(), "green" if green else "pass"))


def _record(status: Status, passed: str) -> StatusResponse:
    """9.0 had another word for what is well (9x-facts 16, row 15)."""
    parts = status.components
    return StatusResponse(
        status_code=passed if status.code == "pass" else status.code,
        details=status.details,
        components=None if parts is None else {name: _record(part, passed) for name, part in parts.items()},
    )
