"""``/realtime-services``: models are published and changed by multipart bodies (9x-facts 9)."""

from __future__ import annotations

from falcon.asgi import Response

from deployr.api.params import MalformedParameter
from deployr.api.v9.call import Call
from deployr.api.v9.replies import reply
from deployr.api.v9.services import document_path
from deployr.api.v9.uploads import read_form
from deployr.mlserver.realtime import RealtimeServices

_MODEL = "model"


class RealtimeResource:
    """Calls that publish models."""

    def __init__(self, realtime: RealtimeServices) -> None:
        self._realtime = realtime

    async def on_post_named(self, req: Call, resp: Response, name: str) -> None:
        """Publish with a version of the server's choice."""
        await self.on_post_version(req, resp, name, None)

    async def on_post_version(self, req: Call, resp: Response, name: str, version: str | None) -> None:
        """Publish."""
        fields, model = await read_form(req, _MODEL)
        if model is None:
            raise MalformedParameter("Missing parameter: model.")
        described = fields.get("description"), fields.get("operationId")
        reply(resp, document_path(await self._realtime.publish(req.caller, name, version, model, *described)), 201)

    async def on_patch_version(self, req: Call, resp: Response, name: str, version: str) -> None:
        """Change what the body has."""
        fields, model = await read_form(req, _MODEL)
        described = fields.get("description"), fields.get("operationId")
        reply(resp, document_path(await self._realtime.update(req.caller, name, version, model, *described)))
