"""What happens to every call of the 9.x API: it is named, logged, and its caller found out."""

from __future__ import annotations

import asyncio
import functools
import logging
import re
import time
from typing import Any

import falcon
from falcon.asgi import Response

from deployr import logs
from deployr.api.v9.call import Call, new_correlation_id
from deployr.settings import Settings
from deployr.users.bearers import Bearers

log = logging.getLogger(__name__)

CORRELATION = "X-Correlation-ID"
"""Header that names a call; one that the client sends is kept."""

_NAME = re.compile(r"[\w.:-]{1,128}", re.ASCII)


class CorrelationMiddleware:
    """Names each call and writes its line of the log; the outermost of falcon's middlewares."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def process_request(self, req: Call, resp: Response) -> None:
        """Name the call."""
        req.settings = self._settings
        given = req.get_header(CORRELATION) or ""
        req.correlation_id = given if _NAME.fullmatch(given) else new_correlation_id()
        resp.set_header(CORRELATION, req.correlation_id)
        resp.context.started = time.perf_counter()

    async def process_response(self, req: Call, resp: Response, resource: object, req_succeeded: bool) -> None:
        """Write the line, once the reply is on its way."""
        write = functools.partial(
            logs.log_request,
            log,
            call=f"{req.method} {req.name}",
            user=req.caller.username,
            status=resp.status_code,
            error_code=None,
            duration_ms=(time.perf_counter() - resp.context.started) * 1000,
            correlation=req.correlation_id,
        )
        asyncio.get_running_loop().call_soon(write)


class BearerMiddleware:
    """Finds the caller; resources that are ``public`` need none."""

    def __init__(self, bearers: Bearers) -> None:
        self._bearers = bearers

    async def process_resource(self, req: Call, resp: Response, resource: object, params: dict[str, Any]) -> None:
        """Refuse a call without a valid token, or with a name in its path that nothing can have."""
        if req.method != "OPTIONS" and not getattr(resource, "public", False):
            req.caller = await self._bearers.find(req.bearer)
        if any("\0" in name for name in params.values()):
            raise falcon.HTTPNotFound(description="The path has a null character.")
