"""HTTP sessions: the cookie ``JSESSIONID``, the id in URLs, and the token against cross-site requests.

What old clients need (client-wire-facts 4): exactly one cookie, on the first reply already and always at login; an id
that survives login; the token's header on every reply.
"""

from __future__ import annotations

import asyncio
import dataclasses
import hmac
import logging
from typing import Any

from falcon.asgi import Response, WebSocket

from deployr.api.call import Call
from deployr.api.errors import InvalidToken
from deployr.api.paths import PATH_SESSION
from deployr.api.urls import CONTEXT
from deployr.settings import Settings
from deployr.users.caller import Caller
from deployr.users.http_sessions import HttpSessions, digest_of

log = logging.getLogger(__name__)

TOKEN = "X-XSRF-TOKEN"  # noqa: S105 -- the name of the header
LOGIN = f"{CONTEXT}/r/user/login"

_COOKIE = "JSESSIONID"
_READING = frozenset((
    "about", "console", "diff", "download", "export", "fetch", "get", "history", "info", "interrupt", "list", "ping",
    "print", "query", "render", "stream",
))  # fmt: skip
"""Calls that clients GET without a token; they change nothing, or interrupt, or are opened in a browser by design."""

_CHANGING = ("externalsource", "storefile", "storeobject", "storeworkspace")
"""Parameters with which rendering a script changes something, or runs code that nobody has published."""


class SessionsMiddleware:
    """Finds out who calls, and answers with cookie and token."""

    def __init__(self, sessions: HttpSessions, settings: Settings) -> None:
        self._sessions = sessions
        self._settings = settings
        self._flusher: asyncio.Task[None] | None = None

    async def process_startup(self, scope: dict[str, Any], event: dict[str, Any]) -> None:
        """Begin to write down which sessions are in use."""
        self._flusher = asyncio.create_task(self._flush_for_ever())

    async def process_shutdown(self, scope: dict[str, Any], event: dict[str, Any]) -> None:
        """Write down the last ones."""
        if self._flusher:
            self._flusher.cancel()
        await asyncio.to_thread(self._sessions.flush)

    async def process_request(self, req: Call, resp: Response) -> None:
        """Give the call its session; one of nobody when the client presents none that is ours."""
        req.settings = self._settings
        self._find_session(req)
        if not req.caller.is_anonymous:
            self._sessions.touch(req.caller.http_session)

    async def process_request_ws(self, req: Call, ws: WebSocket) -> None:
        """As :meth:`process_request`; a WebSocket changes nothing, and its origin is checked where it is accepted."""
        req.settings = self._settings
        self._find_session(req)
        if not req.caller.is_anonymous:
            self._sessions.touch(req.caller.http_session)

    async def process_resource(self, req: Call, resp: Response, resource: object, params: dict[str, Any]) -> None:
        """Refuse a call of a logged-in user that another site may have sent."""
        if self._settings.server.csrf == "required" and not req.caller.is_anonymous and _needs_token(req):
            expected = self._sessions.csrf_token(req.session_id)
            if not hmac.compare_digest((req.get_header(TOKEN) or "").encode(), expected.encode()):
                raise InvalidToken("The X-XSRF-TOKEN is missing or wrong.")

    async def process_response(self, req: Call, resp: Response, resource: object, req_succeeded: bool) -> None:
        """Tell the client its session, unless it knows; login says it again."""
        if req.session_is_new or (req.path == LOGIN and req_succeeded):
            resp.append_header("Set-Cookie", set_cookie(req))
        if self._settings.server.csrf != "off":
            resp.set_header(TOKEN, self._sessions.csrf_token(req.session_id))
        if not req.caller.is_anonymous:
            # The call itself was no idleness, however long it took.
            self._sessions.touch(req.caller.http_session)

    def _find_session(self, req: Call) -> None:
        """The first id that somebody is logged in on, else the first one that is ours, else a new one."""
        from_url = req.scope.get(PATH_SESSION)
        # A login on an id that came in a URL would let whoever wrote the URL into the session.
        candidates = [*_cookie_ids(req), *([from_url] if from_url and req.path != LOGIN else [])]
        # Where the database does not answer, the reply must not tell the client another session.
        req.session_id = next(filter(self._sessions.is_ours, candidates), "")
        anonymous: tuple[str, Caller] | None = None
        for candidate in candidates:
            caller = self._sessions.find(candidate)
            if caller is not None and not caller.is_anonymous:
                return _adopt(req, candidate, caller)
            if caller is not None and anonymous is None:
                anonymous = candidate, caller
        if anonymous is not None:
            return _adopt(req, *anonymous)
        new = self._sessions.issue()
        _adopt(req, new, Caller(http_session=digest_of(new)))
        req.session_is_new = True
        return None

    async def _flush_for_ever(self) -> None:
        while True:
            await asyncio.sleep(self._sessions.interval)
            try:
                await asyncio.to_thread(self._sessions.flush)
            except Exception:
                # The notes are kept, the next round writes them.
                log.exception("writing down the sessions in use failed")


def set_cookie(req: Call) -> str:
    """The ``Set-Cookie`` of the call's session."""
    secure = "; Secure" if req.scheme in ("https", "wss") else ""
    return f"{_COOKIE}={req.session_id}; Path={CONTEXT}; HttpOnly{secure}"


def _adopt(req: Call, session_id: str, caller: Caller) -> None:
    req.session_id = session_id
    req.caller = dataclasses.replace(caller, address=req.remote_addr)
    req.session_is_new = False


def _needs_token(req: Call) -> bool:
    """All POSTs but the login, which hands the token out (7x-facts 2.6); and GETs that change something."""
    if req.method == "GET":
        return req.name.rpartition("/")[2] not in _READING or any(req.get_param(name) for name in _CHANGING)
    return req.method == "POST" and req.path != LOGIN


def _cookie_ids(req: Call) -> list[str]:
    """Values of the cookie; JavaScript clients send the whole ``Set-Cookie`` text, which begins with it as well."""
    pairs = (pair.strip().partition("=") for pair in (req.get_header("Cookie") or "").split(";"))
    return [value.strip('"') for name, _, value in pairs if name == _COOKIE]
