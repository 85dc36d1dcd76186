"""The outermost ASGI layer: mends what old clients do to URLs, and spells header names as they expect.

Clients put the session id behind the path, at the end of the query or into a path segment, send an ampersand where a
question mark belongs, and double or trail slashes (client-wire-facts 1). The Java client compares header names with
case (client-wire-facts 17).
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import unquote

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

PATH_SESSION = "deployr.path_session"
"""Key of the ASGI scope that holds the session id found in the URL."""

RECEIVE = "deployr.receive"
"""Key of the ASGI scope that holds the function that tells of a client that hangs up."""

_IN_PATH = re.compile(r"[;/]jsessionid=([^/?&;]*)", re.IGNORECASE)
_IN_QUERY = re.compile(r";jsessionid=([^&;]*)$", re.IGNORECASE)
_AMPERSAND = re.compile(r"&(?=\w+=)")
_SPELLINGS = {b"x-xsrf-token": b"X-XSRF-TOKEN", b"etag": b"ETag", b"www-authenticate": b"WWW-Authenticate"}


class PathsMiddleware:
    """Wraps an ASGI application."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket"):
            scope = normalised(scope) | {RECEIVE: receive}
            send = spelling(send)
        await self._app(scope, receive, send)


def normalised(scope: dict[str, Any]) -> dict[str, Any]:
    """The scope with path and query as documented, and the session id of the URL under ``PATH_SESSION``."""
    path = bytes(scope.get("raw_path") or b"").decode("latin-1") or scope["path"]
    query = bytes(scope["query_string"]).decode("latin-1")
    path, query, session = mended(path, query)
    return scope | {"path": path, "query_string": query.encode("latin-1"), PATH_SESSION: session}


def mended(path: str, query: str) -> tuple[str, str, str | None]:
    """Path, decoded, and query, as documented, and the session id that was in them.

    Args:
        path, query: as they were sent, percent-encoded.
    """
    path, in_path = _take(_IN_PATH, path)
    query, in_query = _take(_IN_QUERY, query)
    if not query:
        path, query = _split_at_ampersand(path)
    return _clean(path), query, in_path or in_query


def _take(pattern: re.Pattern[str], text: str) -> tuple[str, str | None]:
    """The text without what matches, and the session id in it."""
    match = pattern.search(text)
    if match is None:
        return text, None
    return text[: match.start()] + text[match.end() :], match[1]


def _split_at_ampersand(path: str) -> tuple[str, str]:
    """Path and query of a path that holds ``&name=`` and no question mark."""
    match = _AMPERSAND.search(path)
    return (path, "") if match is None else (path[: match.start()], path[match.end() :])


def _clean(path: str) -> str:
    """Decoded, with single slashes and none at the end; a plus is a blank (7x-facts 2.2)."""
    path = re.sub(r"/{2,}", "/", path).rstrip("/")
    return unquote(path.replace("+", " "), errors="replace") or "/"


def spelling(send: Send) -> Send:
    """Sends with header names spelled as clients expect."""

    async def spelled(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            headers = [(_spelled(bytes(name)), value) for name, value in message.get("headers", ())]
            message = message | {"headers": headers}
        await send(message)

    return spelled


def _spelled(name: bytes) -> bytes:
    lower = name.lower()
    return _SPELLINGS.get(lower) or b"-".join(part.capitalize() for part in lower.split(b"-"))
