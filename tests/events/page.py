"""``python -m tests.events.page > docs/events.md``: the event stream, with an example of each event from a real run."""

from __future__ import annotations

import asyncio
import json
import tempfile
from pathlib import Path
from typing import Any

import httpx

from deployr.events import streams
from deployr.grid import events as hub
from tests.server import Client, Server, running
from tests.streams import cookie_of
from tests.waiting import eventually

PAGE = Path(__file__).parents[2] / "docs" / "events.md"

MEANINGS = {
    "streamConnectEvent": ("all", "The first event of a stream: everything that is raised from here on arrives."),
    "streamDisconnectEvent": (
        "all",
        "The last one, when the server ends the stream: logout, timeout of the HTTP session, idle stream, or the end "
        "of the web worker.",
    ),
    "executionConsoleEvent": (
        "execution",
        "Console text, while the code runs, for executions with `enableConsoleEvents=true` (`consoleoff` does not "
        "matter). Text that is printed within 20 ms is gathered. A run-time error of such an execution is one more "
        "event with `success` false.",
    ),
    "executionRevoEvent": (
        "execution",
        "An object that the code published with `revoEvent(x)`, encoded as in replies; `output` is the console text "
        "before it. Always told.",
    ),
    "executionErrorEvent": (
        "execution",
        "A call that runs code failed otherwise than by a run-time error: syntax, inputs, preloads, a missing "
        "script, or the session was lost (914, 916).",
    ),
    "jobLifecycleEvent": ("job", "A job came into another state."),
    "gridActivityEvent": ("management", "A slot of the grid was taken (`isLive`) or freed."),
    "gridWarningEvent": (
        "management",
        "A limit was hit or no slot is free: `errorcode` is 910, 911, 912, 913 or 914, as text.",
    ),
    "gridHeartbeatEvent": (
        "management",
        "The state of all nodes, every `events.heartbeat` seconds while an administrator listens.",
    ),
    "securityLoginEvent": ("management", "A login; a failed one has an `error` and no `displayname`."),
    "securityLogoutEvent": ("management", "The end of an authenticated HTTP session, by logout or timeout."),
}
"""Kind of stream and meaning of each event."""

_INTRODUCTION = f"""# The event stream

This page is generated: `python -m tests.events.page > docs/events.md`. The examples are taken from a real run.

`/deployr/r/event/stream` tells what happens on the server while it happens. Clients of JavaScript reach it through
`deployr.es()`.

## Transports

The same address serves all three, on the port of the API. The caller is known by the cookie `JSESSIONID` or by
`;jsessionid=` in the URL; a caller without a session gets one with the reply.

| how | what comes |
|---|---|
| WebSocket | one message an event: `<length>!|!<json>` |
| GET or POST with `Accept: text/event-stream` | server-sent events: the JSON in a `data` line, for `onmessage` |
| any other GET or POST | an endless reply of the same messages as of a WebSocket, one after the other |

- The length is that of the JSON in UTF-16 units, as JavaScript counts. `!|!` never stands in the JSON: the bars of an
  event that has it are written `\\u007c`.
- After `events.keep_alive` seconds of silence comes a sign of life: the message `0!|!`, or an SSE comment.
- What a client sends is thrown away; a message of more than 4 KiB ends the WebSocket.
- A WebSocket's `Origin` must be the server's own address or one of `server.cors_origins`, since browsers send cookies
  with WebSockets to other sites too. What is no URL was not sent by a browser and is let through.

## Streams

| stream | who | hears |
|---|---|---|
| authenticated | a user who is logged in | executions and jobs of this user, on whichever HTTP session |
| anonymous | anybody else | executions of this HTTP session |
| management: `managementEventOnly=true` | administrators, or `events.management_roles` | grid and logins, server-wide |

| parameter | means |
|---|---|
| `httpEventOnly=true` | only executions asked for by this HTTP session, and no jobs |
| `revoEventOnly=true` | no console text |
| `project=ID`, `job=ID` | only executions (and life) of this project or job; of others' nothing is heard |

Refused are management streams of other callers, anonymous streams when `events.anonymous_streams` is off, users without
one of `events.authenticated_roles`, and more streams than `events.streams_per_caller`: a WebSocket with HTTP 403, the
others with 401 or 403 (too many: `success:false`) in the envelope.

A stream ends with the HTTP session of its user, and after `events.idle_timeout` seconds without an event.

## Delivery

Events of one session arrive in the order in which they happened. Every process tells its events to the grid process,
which passes them to the web workers that have somebody who may hear them; what nobody may hear costs next to nothing.
When the grid process ends, streams stay open and go on when it is back; when a web worker ends, its streams end.

Nobody waits for a slow listener. Each stream has a queue of {streams.MOST_EVENTS} events or
{streams.MOST_BYTES // 2**20} MiB in its web worker, and each web worker one of {hub.MOST_EVENTS} events or
{hub.MOST_BYTES // 2**20} MiB in the grid process. While a queue is more than half full, console text, grid activity,
warnings and heartbeats are left out of it (and published objects out of a web worker's). When another event finds no
room, the WebSocket is closed with code 1013, or the reply ends; a web worker makes its subscription anew.

`http`, `actorhttp` and the `context` of logins stand for HTTP sessions and let nobody in: they are the first half of
the SHA-256 of the session id, in upper case.

## Events
"""


async def capture(server: Server) -> dict[str, dict[str, Any]]:
    """An example of each event, by type; of those with several faces the more telling one."""
    admin, user = server.login("admin"), server.login()
    heard: dict[str, dict[str, Any]] = {}
    listeners = [
        asyncio.create_task(_listen(server, admin, {"managementEventOnly": "true"}, heard)),
        asyncio.create_task(_listen(server, user, {}, heard)),
    ]
    await eventually(lambda: "streamConnectEvent" in heard, seconds=60)
    await asyncio.to_thread(_make_events, server, user)
    raised = MEANINGS.keys() - {"streamDisconnectEvent", "securityLogoutEvent"}
    await eventually(lambda: heard.keys() == raised, seconds=60)
    await asyncio.to_thread(user.logout)
    await listeners[1]
    admin.logout()
    await listeners[0]
    for client in (admin, user):
        client.http.close()
    return heard


def _make_events(server: Server, user: Client) -> None:
    project = user.project()
    for code in ("x <- rnorm(3)", "revoEvent(x)"):
        user.execute(project, code, enableConsoleEvents=True)
    user.post("/r/project/execute/code", project=project, code="x y")
    user.post("/r/project/create", cluster="elsewhere")
    user.succeed("/r/job/submit", name="Sample Job", code="x <- 1", priority="low")
    stranger = server.client()
    stranger.post("/r/user/login", username="george", password="wrong")
    stranger.http.close()


async def _listen(server: Server, client: Client, query: dict[str, str], heard: dict[str, dict[str, Any]]) -> None:
    headers = {"Accept": "text/event-stream", "Cookie": cookie_of(client)}
    async with (
        httpx.AsyncClient(timeout=60) as http,
        http.stream("GET", f"{server.url}/r/event/stream", headers=headers, params=query) as response,
    ):
        async for line in response.aiter_lines():
            if line.startswith("data: "):
                message = json.loads(line.removeprefix("data: "))
                heard.setdefault(message["deployr"]["response"]["event"]["type"], message)


def page(examples: dict[str, dict[str, Any]]) -> str:
    """The page, given an example of each event."""
    parts = [_INTRODUCTION]
    for kind, (stream, meaning) in MEANINGS.items():
        example = json.dumps(examples[kind], indent=2)
        parts.append(f"### {kind}\n\nStreams: {stream}. {meaning}\n\n```json\n{example}\n```\n")
    return "\n".join(parts)


def main() -> None:
    """Print the page."""
    settings: dict[str, Any] = {"events__heartbeat": 1.0, "server__log_level": "error"}
    with tempfile.TemporaryDirectory() as directory, running(Path(directory), **settings) as server:
        examples = asyncio.run(capture(server))
    print(page(examples), end="")


if __name__ == "__main__":
    main()
