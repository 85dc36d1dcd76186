"""What each error becomes in the 9.x API, in one place: a status and the Error record (9x-facts 14)."""

from __future__ import annotations

import logging
from typing import Any

import falcon
from falcon.asgi import App, Response

from deployr import errors
from deployr.api.errors import NO_DATABASE, unstorable
from deployr.api.v9 import replies
from deployr.api.v9.bodies import UnsupportedBody
from deployr.api.v9.call import Call
from deployr.api.v9.definitions import Error
from deployr.encodings.errors import EncodingError
from deployr.mlserver.sessions import SessionGone
from deployr.store.errors import UNAVAILABLE, UNSTORABLE

log = logging.getLogger(__name__)

_STATUSES: dict[type[Exception], int] = {
    UnsupportedBody: 415,
    errors.NotAuthenticated: 401,
    errors.BadCredentials: 401,
    errors.LoginNotPermitted: 401,
    errors.AccountDisabled: 401,
    errors.AccountLocked: 401,
    errors.PasswordExpired: 401,
    errors.PermissionDenied: 403,
    errors.NotFound: 404,
    errors.SessionLost: 404,
    errors.AlreadyExists: 409,
    errors.ProjectBusy: 409,
    errors.BoundaryExceeded: 404,
    SessionGone: 410,
    errors.TooLarge: 413,
    errors.InternalError: 500,
    errors.GridError: 503,
}
"""The first that fits counts; all others are faults of the request."""

_BUSY = "The session is busy with another call."
"""There are no projects in this API."""


def register(app: App[Call, Response]) -> None:
    """Let the application answer every error with the Error record."""
    app.add_error_handler(Exception, _handle_unexpected)
    app.add_error_handler(falcon.HTTPError, _handle_http)
    app.add_error_handler(errors.DeployrError, _handle)
    app.add_error_handler(EncodingError, _handle)
    for kind in UNAVAILABLE:
        app.add_error_handler(kind, _handle_unavailable)
    app.add_error_handler(UNSTORABLE, _handle_unstorable)


def status_of(error: Exception) -> int:
    """HTTP status of an error."""
    return next((status for kind, status in _STATUSES.items() if isinstance(error, kind)), 400)


async def _handle(req: Call, resp: Response, ex: Exception, params: dict[str, Any]) -> None:
    status = status_of(ex)
    if status == 500:
        log.error("a call failed: %s", ex, extra={"fields": {"correlation": req.correlation_id}})
    if status == 401:
        resp.set_header("WWW-Authenticate", "Bearer")
    _answer(resp, status, _BUSY if isinstance(ex, errors.ProjectBusy) else str(ex), type(ex).__name__)


async def _handle_http(req: Call, resp: Response, ex: falcon.HTTPError, params: dict[str, Any]) -> None:
    if ex.headers:
        resp.set_headers(dict(ex.headers))
    _answer(resp, ex.status_code, ex.description or ex.title or str(ex.status), type(ex).__name__)


async def _handle_unavailable(req: Call, resp: Response, ex: Exception, params: dict[str, Any]) -> None:
    log.error("the database does not respond: %s", ex, extra={"fields": {"correlation": req.correlation_id}})
    await _handle_http(req, resp, NO_DATABASE, params)


async def _handle_unstorable(req: Call, resp: Response, ex: Exception, params: dict[str, Any]) -> None:
    await _handle(req, resp, unstorable(), params)


async def _handle_unexpected(req: Call, resp: Response, ex: Exception, params: dict[str, Any]) -> None:
    log.exception("a call failed", exc_info=ex, extra={"fields": {"correlation": req.correlation_id}})
    _answer(resp, 500, "Internal server error.", "InternalServerError")


def _answer(resp: Response, status: int, message: str, kind: str) -> None:
    replies.reply(resp, Error(message=message, exception_type=kind, code=status), status)
