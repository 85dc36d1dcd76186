"""One log line a call."""

from __future__ import annotations

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
        """Write the line."""
        req.close()
        logs.log_request(
            log,
            call=req.name,
            user=req.caller.username,
            status=resp.status_code,
            error_code=resp.context.get("error_code"),
            duration_ms=(time.perf_counter() - resp.context.started) * 1000,
        )
