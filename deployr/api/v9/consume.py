"""``POST /api/{name}/{version}``: calls of services (9x-facts 7)."""

from __future__ import annotations

import base64

from falcon.asgi import Response

from deployr.api.v9.call import Call
from deployr.api.v9.definitions import WebServiceResult
from deployr.api.v9.replies import reply
from deployr.mlserver.consumption import Consumed, Consumption
from deployr.mlserver.services import Services


class ConsumeResource:
    """Calls services."""

    def __init__(self, services: Services, consumption: Consumption) -> None:
        self._services = services
        self._consumption = consumption

    async def on_post(self, req: Call, resp: Response, name: str, version: str) -> None:
        """Run the service's code; that it fails is no failure of the call."""
        service = self._services.find(req.caller, name, version)
        inputs = await req.read_object()
        reply(resp, result(await self._consumption.consume(req.caller, service, inputs)))


def result(done: Consumed) -> WebServiceResult:
    """The record of what a call did."""
    return WebServiceResult(
        success=done.success,
        error_message=done.error,
        output_parameters=done.outputs,
        output_files={name: base64.b64encode(content).decode() for name, content in done.files.items()},
        console_output=done.console,
        changed_files=done.changed_files,
    )
