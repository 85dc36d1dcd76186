"""``/r/event/stream``: events as they happen, over WebSocket, as server-sent events, or as an endless reply.

All three carry the same events. A WebSocket message is ``<length>!|!<json>``, which is what JavaScript clients know
(7x-facts 18.1); the endless reply of a plain GET or POST is the same messages one after the other; a request that
accepts ``text/event-stream`` gets the bare JSON in ``data`` lines.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import urlsplit

import falcon
from falcon.asgi import Response, WebSocket

from deployr.api.call import Call
from deployr.api.disconnects import disconnected
from deployr.api.params import Params, read_params
from deployr.api.request_log import log_call
from deployr.api.sessions import set_cookie
from deployr.errors import NotAuthenticated, PermissionDenied
from deployr.events.frames import KEEP_ALIVE, Frame
from deployr.events.listeners import Kind, Listener
from deployr.events.queues import Overflow
from deployr.events.streams import Stream, Streams
from deployr.projects.records import Content
from deployr.settings import Settings
from deployr.users.caller import Caller

log = logging.getLogger(__name__)

_SSE_TYPE = "text/event-stream"
_TRY_AGAIN_LATER = 1013
"""Code with which a WebSocket is closed whose client does not keep up."""


class EventResource:
    """The event stream."""

    def __init__(self, streams: Streams, settings: Settings) -> None:
        self._streams = streams
        self._settings = settings

    async def on_websocket(self, req: Call, ws: WebSocket) -> None:
        """Serve a WebSocket; a refused one gets HTTP 403, since a handshake has no envelope."""
        started, status = time.perf_counter(), 403
        try:
            check_origin(req, self._settings)
            listener = self._listener(req, await read_params(req, self._settings))
            async with self._streams.open(listener) as stream:
                await ws.accept(_subprotocol(ws), [("Set-Cookie", set_cookie(req))] if req.session_is_new else None)
                status = 101
                await _serve(ws, stream)
        finally:
            log_call(req, status, started)

    async def on_get_stream(self, req: Call, resp: Response) -> None:
        """Stream over HTTP."""
        params = await req.read_params()
        listener = self._listener(req, params)
        opened = contextlib.AsyncExitStack()
        stream = await opened.enter_async_context(self._streams.open(listener))
        watching = asyncio.create_task(disconnected(req))
        watching.add_done_callback(lambda _: stream.end())
        opened.callback(watching.cancel)
        as_sse = req.client_accepts(_SSE_TYPE) and _SSE_TYPE in (req.get_header("Accept") or "")
        resp.content_type = _SSE_TYPE if as_sse else "text/plain;charset=UTF-8"
        resp.set_header("Cache-Control", "no-store")
        # Proxies that gather replies would hold events back.
        resp.set_header("X-Accel-Buffering", "no")
        resp.stream = Content(_chunks(stream, _sse if as_sse else _message), opened.aclose)

    on_post_stream = on_get_stream
    on_websocket_stream = on_websocket

    def _listener(self, req: Call, params: Params) -> Listener:
        """Who listens to what.

        Raises:
            NotAuthenticated, PermissionDenied: the policies do not allow it.
        """
        management = params.flag("managementEventOnly")
        return Listener(
            kind=self._kind(req.caller, management),
            username=req.caller.username,
            http_session=req.caller.http_session,
            http_only=params.flag("httpEventOnly"),
            revo_only=params.flag("revoEventOnly"),
            project=params.text("project"),
            job=params.text("job"),
        )

    def _kind(self, caller: Caller, management: bool) -> Kind:
        policies = self._settings.events
        if caller.is_anonymous:
            if management or not policies.anonymous_streams:
                raise NotAuthenticated()
            return "anonymous"
        wanted = policies.management_roles if management else policies.authenticated_roles
        if wanted and caller.roles.isdisjoint(wanted):
            raise PermissionDenied("Your roles do not allow this event stream.")
        return "management" if management else "authenticated"


def check_origin(req: Call, settings: Settings) -> None:
    """Refuse pages of other sites: a browser sends the session's cookie with their WebSockets too.

    What is no URL was not sent by a browser; the JavaScript client on node sends host and port (client-wire-facts 12).

    Raises:
        PermissionDenied: the request comes from a page of a site that may not call the API.
    """
    origin = req.get_header("Origin")
    if origin is None or ("://" not in origin and origin != "null"):
        return
    own = {req.netloc, urlsplit(settings.server.context_url or req.url).netloc}
    allowed = settings.server.cors_origins
    if origin.partition("://")[2] not in own and origin not in allowed and "*" not in allowed:
        raise PermissionDenied("Pages of this origin may not open event streams.")


def _subprotocol(ws: WebSocket) -> str | None:
    """The JavaScript client names one, and would hang up without it (7x-facts 18.1)."""
    return "http" if "http" in ws.subprotocols else None


async def _serve(ws: WebSocket, stream: Stream) -> None:
    """Send until either side ends the stream; what the client sends is thrown away."""
    reading = asyncio.create_task(_read_away(ws))
    reading.add_done_callback(lambda _: stream.end())
    try:
        async for frame in stream.frames():
            await ws.send_text(KEEP_ALIVE if frame is None else frame.message)
    except falcon.WebSocketDisconnected:
        pass
    except Overflow:
        await ws.close(_TRY_AGAIN_LATER)
    finally:
        reading.cancel()
        await asyncio.wait((reading,))


async def _read_away(ws: WebSocket) -> None:
    with contextlib.suppress(falcon.WebSocketDisconnected, falcon.OperationNotAllowed):
        while True:
            with contextlib.suppress(falcon.PayloadTypeError):
                await ws.receive_text()


async def _chunks(stream: Stream, encode: Callable[[Frame | None], bytes]) -> AsyncIterator[bytes]:
    with contextlib.suppress(Overflow):
        async for frame in stream.frames():
            yield encode(frame)


def _message(frame: Frame | None) -> bytes:
    return (KEEP_ALIVE if frame is None else frame.message).encode()


def _sse(frame: Frame | None) -> bytes:
    return b": keep-alive\n\n" if frame is None else b"data: " + frame.json + b"\n\n"


class EventsMiddleware:
    """Looks after the streams of a web worker while it runs."""

    def __init__(self, streams: Streams, interval: float) -> None:
        self._streams = streams
        self._interval = interval
        self._keeper: asyncio.Task[None] | None = None

    async def process_startup(self, scope: dict[str, Any], event: dict[str, Any]) -> None:
        """Begin to look now and then whether those who listen are still logged in."""
        self._keeper = asyncio.create_task(self._keep_for_ever())

    async def process_shutdown(self, scope: dict[str, Any], event: dict[str, Any]) -> None:
        """End what is left."""
        if self._keeper:
            self._keeper.cancel()
        self._streams.close()

    async def _keep_for_ever(self) -> None:
        while True:
            await asyncio.sleep(self._interval)
            try:
                await self._streams.end_abandoned()
            except Exception:
                log.exception("looking after the event streams failed")
