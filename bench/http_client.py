"""A small HTTP/1.1 client that costs the measured machine little: one kept connection, bytes in, bytes out."""

from __future__ import annotations

import asyncio
import socket
import urllib.parse
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

_BUFFER = 16 * 1024 * 1024


@dataclass(frozen=True)
class Answer:
    """An HTTP answer: status, lower-case header names with the last value of each, body."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass
class HttpClient:
    """One caller: a kept connection, and the cookies that the server has set on it.

    ``ConnectionError`` (or ``asyncio.IncompleteReadError``) is raised when the server hangs up within an answer;
    the next call connects again.
    """

    port: int
    cookies: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    _reader: asyncio.StreamReader | None = None
    _writer: asyncio.StreamWriter | None = None

    async def get(self, path: str, fields: Mapping[str, str] | None = None) -> Answer:
        """GET with the fields in the query."""
        query = f"?{urllib.parse.urlencode(fields)}" if fields else ""
        return await self.request("GET", path + query)

    async def post(self, path: str, fields: Mapping[str, str]) -> Answer:
        """POST a form."""
        body = urllib.parse.urlencode(fields).encode()
        return await self.request("POST", path, body, "application/x-www-form-urlencoded")

    async def request(self, method: str, path: str, body: bytes = b"", content_type: str = "") -> Answer:
        """Send a request and read the whole answer."""
        reader, writer = await self._connection()
        try:
            writer.write(self._head(method, path, len(body), content_type) + body)
            _acknowledge_at_once(writer)
            answer = await _read_answer(reader)
        except BaseException:
            self.close()
            raise
        self._note_cookies(answer)
        if answer.headers.get("connection") == "close":
            self.close()
        return answer

    def close(self) -> None:
        """Close the connection; the cookies stay."""
        if self._writer is not None:
            self._writer.close()
        self._reader = self._writer = None

    async def _connection(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._reader is None or self._writer is None or self._reader.at_eof():
            self.close()
            self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self.port, limit=_BUFFER)
        return self._reader, self._writer

    def _head(self, method: str, path: str, length: int, content_type: str) -> bytes:
        headers = {"Host": f"127.0.0.1:{self.port}", **self.headers}
        if method == "POST":
            headers |= {"Content-Type": content_type, "Content-Length": str(length)}
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode()

    def _note_cookies(self, answer: Answer) -> None:
        pair = answer.headers.get("set-cookie", "").partition(";")[0]
        name, found, value = pair.partition("=")
        if found:
            self.cookies[name] = value


def _acknowledge_at_once(writer: asyncio.StreamWriter) -> None:
    """No delayed acknowledgement: a server that writes head and body apart (httpuv) would lose 40 ms a call."""
    writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)


async def _read_answer(reader: asyncio.StreamReader) -> Answer:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    fields = (line.partition(":") for line in head[1:] if line)
    headers = {name.strip().lower(): value.strip() for name, _, value in fields}
    return Answer(int(head[0].split(" ")[1]), headers, await _read_body(reader, headers))


async def _read_body(reader: asyncio.StreamReader, headers: Mapping[str, str]) -> bytes:
    if headers.get("transfer-encoding") == "chunked":
        return b"".join([chunk async for chunk in _chunks(reader)])
    if "content-length" in headers:
        return await reader.readexactly(int(headers["content-length"]))
    return await reader.read()


async def _chunks(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while True:
        length = int((await reader.readuntil(b"\r\n")).partition(b";")[0], 16)
        chunk = await reader.readexactly(length + 2)
        if length == 0:
            return
        yield chunk[:-2]
