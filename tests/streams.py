"""Event streams as tests listen to them: over WebSocket, the messages taken apart as the JavaScript client does."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator
from typing import Any

import websockets

from tests.server import Client, Server

PATIENCE = 60


class Listening:
    """An open stream."""

    def __init__(self, socket: websockets.ClientConnection) -> None:
        self.socket = socket

    async def next(self) -> dict[str, Any]:
        """The next event, signs of life left out; ``whoami`` of the envelope goes with it."""
        async with asyncio.timeout(PATIENCE):
            while True:
                found = event_of(str(await self.socket.recv()))
                if found:
                    return found

    async def until(self, kind: str, **fields: Any) -> dict[str, Any]:
        """The first event of this type that has these fields; those before it are thrown away."""
        while True:
            event = await self.next()
            if event["type"] == kind and fields.items() <= event.items():
                return event

    async def output(self, end: str) -> str:
        """Console text up to what ends so."""
        text = ""
        while end not in text:
            event = await self.until("executionConsoleEvent")
            text += event["output"]
        return text

    async def closed(self) -> list[str]:
        """Types of the events until the server ends the stream."""
        types = []
        with contextlib.suppress(websockets.ConnectionClosed):
            while True:
                types.append((await self.next())["type"])
        return types


def event_of(message: str) -> dict[str, Any] | None:
    """The event of a message; ``None`` for a sign of life."""
    prefix, text = message.split("!|!")
    assert int(prefix) == len(text.encode("utf-16-le")) // 2
    if not text:
        return None
    response = json.loads(text)["deployr"]["response"]
    event: dict[str, Any] = response["event"] | {"whoami": response["whoami"]}
    return event


def stream_url(server: Server, query: str = "") -> str:
    """The address as clients build it; a query may begin with an ampersand."""
    return f"{server.url.replace('http', 'ws', 1)}/r/event/stream{query}"


def cookie_of(client: Client) -> str:
    """The client's cookie as a request sends it."""
    return f"JSESSIONID={client.http.cookies['JSESSIONID']}"


@contextlib.asynccontextmanager
async def listening(
    server: Server, client: Client | None = None, query: str = "", **headers: str
) -> AsyncGenerator[Listening]:
    """A stream of the client's HTTP session, after its first event."""
    own = {"Cookie": cookie_of(client)} if client else {}
    async with websockets.connect(
        stream_url(server, query), additional_headers=own | headers, open_timeout=PATIENCE
    ) as socket:
        stream = Listening(socket)
        assert (await stream.next())["type"] == "streamConnectEvent"
        yield stream
