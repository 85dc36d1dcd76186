"""The event stream over HTTP: server-sent events, and the messages of WebSockets as an endless reply."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import httpx
import pytest

from deployr.users.http_sessions import digest_of
from tests.server import Client, Server, beside
from tests.streams import cookie_of, event_of
from tests.waiting import eventually

SSE = {"Accept": "text/event-stream"}


@contextlib.asynccontextmanager
async def reply(
    server: Server, client: Client | None = None, method: str = "GET", *, headers: dict[str, str] = SSE, **sent: Any
) -> AsyncGenerator[httpx.Response]:
    """A reply that does not end."""
    own = {"Cookie": cookie_of(client)} if client else {}
    async with (
        httpx.AsyncClient(timeout=60) as http,
        http.stream(method, f"{server.url}/r/event/stream", headers=headers | own, **sent) as response,
    ):
        assert response.status_code == 200
        yield response


async def events(response: httpx.Response) -> AsyncIterator[dict[str, Any]]:
    """The events of a stream of server-sent events."""
    async for line in response.aiter_lines():
        if line.startswith("data: "):
            yield json.loads(line.removeprefix("data: "))["deployr"]["response"]["event"]


async def messages(response: httpx.Response) -> AsyncIterator[dict[str, Any]]:
    """The events of messages that follow one another, each with its length before it."""
    buffer = ""
    async for text in response.aiter_text():
        buffer += text
        while "!|!" in buffer:
            prefix, _, rest = buffer.partition("!|!")
            if len(rest) < int(prefix):
                break
            event = event_of(f"{prefix}!|!{rest[: int(prefix)]}")
            buffer = rest[int(prefix) :]
            if event:
                yield event


async def execute(client: Client, code: str) -> None:
    """Run code while the test goes on."""
    await asyncio.to_thread(lambda: client.execute(client.project(), code, enableConsoleEvents=True))


async def test_server_sent_events_are_the_events_as_json(server: Server, testuser: Client) -> None:
    async with reply(server, testuser) as response:
        assert response.headers["content-type"] == "text/event-stream"
        stream = events(response)
        assert (await anext(stream))["type"] == "streamConnectEvent"
        await execute(testuser, "cat('a!|!b\\n')\nrevoEvent(1)")
        texts = [await anext(stream) for _ in range(3)]
        assert "a!|!b" in "".join(event["output"] for event in texts)


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_an_endless_reply_has_the_messages_of_websockets(server: Server, testuser: Client, method: str) -> None:
    sent = {"params": {"revoEventOnly": "true"}} if method == "GET" else {"data": {"revoEventOnly": "true"}}
    async with reply(server, testuser, method, headers={}, **sent) as response:
        stream = messages(response)
        assert (await anext(stream))["type"] == "streamConnectEvent"
        await execute(testuser, "cat('text')\nrevoEvent(7)")
        assert (await anext(stream))["object"]["value"] == 7.0


async def test_a_logout_ends_the_reply(server: Server) -> None:
    client = server.login()
    async with reply(server, client) as response:
        stream = events(response)
        await anext(stream)
        await asyncio.to_thread(client.logout)
        assert [event["type"] async for event in stream] == ["streamDisconnectEvent"]


async def test_an_anonymous_caller_gets_the_session_that_the_stream_belongs_to(server: Server) -> None:
    async with reply(server) as response:
        shown = (await anext(events(response)))["http"]
        assert shown == digest_of(response.cookies["JSESSIONID"])[:32].upper()


def test_refusals_are_in_the_envelope(server: Server, testuser: Client) -> None:
    server.client().fail("/r/event/stream", status=401, managementEventOnly=True)
    testuser.fail("/r/event/stream", status=403, managementEventOnly=True)
    testuser.fail("/r/event/stream", status=400, managementEventOnly="perhaps")


def test_head_opens_no_stream(server: Server) -> None:
    assert httpx.head(f"{server.url}/r/event/stream").status_code in (200, 405)


async def test_silent_streams_get_signs_of_life(server: Server) -> None:
    settings: dict[str, Any] = {"events__keep_alive": 0.2}
    with beside(server, **settings) as quick:
        async with reply(quick) as response:
            lines = response.aiter_lines()
            for _ in range(3):
                await _until(lines, ": keep-alive")
        async with reply(quick, headers={}) as response:
            texts = response.aiter_text()
            for _ in range(3):
                await _until(texts, "0!|!")


async def _until(pieces: AsyncIterator[str], sought: str) -> None:
    """Read on until a piece has what is sought."""
    while sought not in await anext(pieces):
        pass


async def test_a_client_that_hangs_up_leaves_no_stream_behind(server: Server) -> None:
    settings: dict[str, Any] = {"server__workers": 1, "events__streams_per_caller": 1}
    with beside(server, **settings) as narrow:
        client = narrow.login()
        for _ in range(3):
            await eventually(lambda: _opens(narrow, client))
        client.http.close()


async def _opens(server: Server, client: Client) -> bool:
    """Whether a stream can be opened; it is hung up on at once."""
    async with reply(server, client) as response:
        return response.headers["content-type"] == "text/event-stream"
