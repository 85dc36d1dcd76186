"""Which of the two APIs a request is for: the legacy one is below the context, the 9.x one everywhere else."""

from __future__ import annotations

import re
from typing import Any

from deployr.api.paths import Receive, Send, spelling
from deployr.api.urls import CONTEXT

_LEGACY = re.compile(rf"/+{CONTEXT.strip('/')}(?![\w-])")


class Facades:
    """Hands each request to its application.

    Args:
        legacy: also sees the server start and end, for both.
        mlserver: the 9.x API.

    Attributes:
        in_flight: requests and streams that are being answered.
    """

    def __init__(self, legacy: Any, mlserver: Any) -> None:
        self._legacy = legacy
        self._mlserver = mlserver
        self.in_flight = 0

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._legacy(scope, receive, send)
            return
        self.in_flight += 1
        try:
            if scope["type"] == "http" and not _LEGACY.match(scope["path"]):
                await self._mlserver(scope, receive, spelling(send))
            else:
                await self._legacy(scope, receive, send)
        finally:
            self.in_flight -= 1
