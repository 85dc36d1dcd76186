"""Documented calls that this server does not have yet; they say so in the envelope."""

from __future__ import annotations

from falcon.asgi import Response

from deployr.api.call import Call
from deployr.errors import DeployrError

UNBUILT: tuple[str, ...] = ()


class UnbuiltResource:
    """Answers all calls of ``UNBUILT``."""

    async def on_get(self, req: Call, resp: Response, **_path: str) -> None:
        """Refuse."""
        raise DeployrError(f"The call {req.name} is not built yet.")

    on_post = on_get
