"""The row of the event stream: what a thousand listeners cost, and how soon all of them have heard a line."""

from __future__ import annotations

import asyncio
import base64
import os
import re
import statistics
import time
from collections.abc import Awaitable, Callable
from typing import cast

from bench.deployr_client import DeployrClient
from bench.load import Contestant, WrongAnswer, compete
from bench.report import Number
from bench.rows import Bench, project_callers

_LISTENERS = 1000
_CALLERS = 8
_PATIENCE = 30.0
_LINE = re.compile(rb"line (\d+) at ([\d.]+)\\n")


class _Listener(asyncio.Protocol):
    """A WebSocket that notes when lines arrive; it asks the measured machine for as little as possible.

    Attributes:
        delays: seconds by number of the line.
    """

    def __init__(self, cookie: str, port: int) -> None:
        self._request = (
            f"GET /deployr/r/event/stream HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nCookie: JSESSIONID={cookie}\r\n"
            f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}\r\n\r\n"
        )
        self._opened = asyncio.Event()
        self._rest = b""
        self.transport: asyncio.Transport | None = None
        self.delays: dict[int, float] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are no subclass of asyncio's.
        self.transport = cast(asyncio.Transport, transport)
        self.transport.write(self._request.encode())

    def data_received(self, data: bytes) -> None:
        now = time.time()
        self._rest += data
        if b"streamConnectEvent" in self._rest:
            self._opened.set()
        end = 0
        for match in _LINE.finditer(self._rest):
            self.delays[int(match[1])] = now - float(match[2])
            end = match.end()
        self._rest = self._rest[max(end, len(self._rest) - 4096) :]

    async def opened(self) -> None:
        """Return when the server has said that the stream is open."""
        async with asyncio.timeout(_PATIENCE):
            await self._opened.wait()


async def event_stream(bench: Bench) -> None:
    """Executions beside a thousand listeners, and console lines to all of them."""
    client = DeployrClient(bench.server.port)
    await client.login()
    alone, beside = [], []
    for _ in range(bench.rounds):
        alone.append(await _rate(bench))
        listeners = await _listen(client)
        beside.append(await _rate(bench))
        await _hang_up(listeners)
    listeners = await _listen(client)
    delays = await _delays(client, listeners, 20)
    await _hang_up(listeners)
    await client.call("user/logout")
    client.close()
    kept = statistics.median(with_ / without for with_, without in zip(beside, alone, strict=True))
    cuts = statistics.quantiles(delays, n=100, method="inclusive")
    bench.report.numbers += [
        Number("j", f"rate of executions beside {_LISTENERS} listeners", kept * 100, "%", 80, "at least"),
        Number("j", f"a console line at {_LISTENERS} listeners, p50", cuts[49] * 1e3, "ms"),
        Number("j", f"a console line at {_LISTENERS} listeners, p99", cuts[98] * 1e3, "ms", 1000),
    ]


async def _rate(bench: Bench) -> float:
    """Executions a second of callers of the user who listens."""
    callers = await project_callers(bench.server, _CALLERS)
    contestant = Contestant("deployr execute/code", [caller for caller, _ in callers], bench.calls(200))
    await compete([contestant], 1)
    for _, close in callers:
        await close()
    return contestant.rate


async def _listen(client: DeployrClient) -> list[_Listener]:
    loop = asyncio.get_running_loop()
    listeners = [_Listener(client.cookies["JSESSIONID"], client.port) for _ in range(_LISTENERS)]
    for listener in listeners:
        await loop.create_connection(lambda listener=listener: listener, "127.0.0.1", client.port)
        await listener.opened()
    return listeners


async def _delays(client: DeployrClient, listeners: list[_Listener], lines: int) -> list[float]:
    """Seconds from R's printing to each listener's hearing.

    Raises:
        WrongAnswer: a listener did not hear all lines.
    """
    project = await client.create_project()
    code = f"for (i in 1:{lines}) {{ cat(sprintf('line %d at %.6f\\n', i, as.numeric(Sys.time()))); Sys.sleep(0.3) }}"
    await client.execute(project, code, enableConsoleEvents="true", echooff="true")
    await asyncio.sleep(1)
    if any(len(listener.delays) != lines for listener in listeners):
        raise WrongAnswer("a listener has missed a line")
    return [delay for listener in listeners for delay in listener.delays.values()]


async def _hang_up(listeners: list[_Listener]) -> None:
    for listener in listeners:
        if listener.transport is not None:
            listener.transport.abort()
    # Until the web workers have noticed.
    await asyncio.sleep(1)


ROWS: dict[str, Callable[[Bench], Awaitable[None]]] = {"j": event_stream}
