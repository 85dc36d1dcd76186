"""One log line a call."""

from __future__ import annotations

import asyncio
import logging
import time

from falcon.asgi import Response

from deployr import logs
from deployr.api.call import Call

log = logging.getLogger(__name__)


class RequestLogMiddleware:
    """Logs each call when its reply is known; the outermost of falcon's middlewares."""

    async def process_request(self, req: Call, resp: Response) -> None:
        """Note the time."""
        resp.context.started = time.perf_counter()

    async def process_response(self, req: Call, resp: Response, resource: object, req_succeeded: bool) -> None:
        """Write the line, once the reply is on its way."""
        req.close()
        error_code = resp.context.get("error_code")
        asyncio.get_running_loop().call_soon(log_call, req, resp.status_code, resp.context.started, error_code)


def log_call(req: Call, status: int, started: float, error_code: int | None = None) -> None:
    """Log one call, when its reply is known or its WebSocket has ended.

    Args:
        status: of HTTP.
        started: clock of :func:`time.perf_counter`.
    """
    logs.log_request(
        log,
        call=req.name,
        user=req.caller.username,
        status=status,
        error_code=error_code,
        duration_ms=(time.perf_counter() - started) * 1000,
    )
