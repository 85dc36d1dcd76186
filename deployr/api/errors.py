"""What each error becomes in HTTP, in one place (7x-facts 2.4 and 20).

A refusal by HTTP status has that status as its ``errorCode`` too: JavaScript programs listen for ``deployr-io:401``
and the like, which their library takes from the body where it is JSON (client-wire-facts 6).
"""

from __future__ import annotations

import logging
from typing import Any

import falcon
from falcon.asgi import App, Response, WebSocket

from deployr import errors
from deployr.api import envelope
from deployr.api.call import Call
from deployr.api.params import MalformedParameter
from deployr.store.errors import UNAVAILABLE, UNSTORABLE

log = logging.getLogger(__name__)

_STATUSES: dict[type[errors.DeployrError], str] = {
    MalformedParameter: falcon.HTTP_400,
    errors.NotAuthenticated: falcon.HTTP_401,
    errors.PermissionDenied: falcon.HTTP_403,
    errors.ProjectBusy: falcon.HTTP_409,
}
"""All others are handled failures: HTTP 200 and ``success: false``."""


NO_DATABASE = falcon.HTTPServiceUnavailable(description="The database does not respond.", retry_after=5)
"""Callers may try again."""


class InvalidToken(errors.PermissionDenied):
    """A call of an authenticated session without its ``X-XSRF-TOKEN``."""


def register(app: App[Call, Response]) -> None:
    """Let the application answer every error in the envelope."""
    app.add_error_handler(Exception, _handle_unexpected)
    app.add_error_handler(falcon.HTTPError, _handle_http)
    app.add_error_handler(errors.DeployrError, _handle)
    for kind in UNAVAILABLE:
        app.add_error_handler(kind, _handle_unavailable)
    app.add_error_handler(UNSTORABLE, _handle_unstorable)


def status_of(error: errors.DeployrError) -> str:
    """HTTP status line of an error."""
    return next((status for kind, status in _STATUSES.items() if isinstance(error, kind)), falcon.HTTP_200)


def unstorable() -> errors.InvalidParameter:
    """What a caller is told of a value that the database cannot hold."""
    return errors.InvalidParameter("A parameter has a value that cannot be stored.")


async def _handle(
    req: Call, resp: Response | None, ex: errors.DeployrError, params: dict[str, Any], ws: WebSocket | None = None
) -> None:
    status = status_of(ex)
    if resp is not None:
        resp.context.failure = ex
    await _answer(req, resp, ws, status, ex.message, ex.code if status == falcon.HTTP_200 else int(status[:3]))


async def _handle_http(
    req: Call, resp: Response | None, ex: falcon.HTTPError, params: dict[str, Any], ws: WebSocket | None = None
) -> None:
    if resp is not None and ex.headers:
        resp.set_headers(dict(ex.headers))
    await _answer(req, resp, ws, ex.status, ex.description or ex.title or str(ex.status), ex.status_code)


async def _handle_unavailable(
    req: Call, resp: Response | None, ex: Exception, params: dict[str, Any], ws: WebSocket | None = None
) -> None:
    log.error("the database does not respond: %s", ex)
    await _handle_http(req, resp, NO_DATABASE, params, ws)


async def _handle_unstorable(
    req: Call, resp: Response | None, ex: Exception, params: dict[str, Any], ws: WebSocket | None = None
) -> None:
    await _handle(req, resp, unstorable(), params, ws)


async def _handle_unexpected(
    req: Call, resp: Response | None, ex: Exception, params: dict[str, Any], ws: WebSocket | None = None
) -> None:
    log.exception("a call failed", exc_info=ex)
    await _answer(req, resp, ws, falcon.HTTP_500, "Internal server error.", 500)


async def _answer(
    req: Call, resp: Response | None, ws: WebSocket | None, status: str | int, error: str, code: int
) -> None:
    """A WebSocket has no reply to carry the envelope: it is refused or closed."""
    if resp is not None:
        resp.status = status
        await req.read_format()
        envelope.fail(req, resp, error, code)
    elif ws is not None:
        await ws.close()
