"""Requests as bytes, for what no HTTP library would send."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

import httpx

from tests.server import Server

_TIMEOUT = 120
CONTEXT = "/deployr"
FORM = "application/x-www-form-urlencoded"


class Wire:
    """A connection, kept while the server keeps it."""

    def __init__(self, server: Server) -> None:
        parts = urlsplit(server.url)
        self._address = str(parts.hostname), int(parts.port or 80)
        self._socket: socket.socket | None = None

    def exchange(self, request: bytes, method: str = "POST") -> httpx.Response:
        """Send the bytes and read one reply; a server that has closed an idle connection gets them once more."""
        reused = self._socket is not None
        try:
            return self.receive(self.send(request), method)
        except (http.client.RemoteDisconnected, ConnectionError):
            self.close()
            if not reused:
                raise
        return self.receive(self.send(request), method)

    def send(self, *pieces: bytes) -> socket.socket:
        """Send without reading; the server may answer, and hang up, before it has read all."""
        if self._socket is None:
            self._socket = socket.create_connection(self._address, _TIMEOUT)
        for piece in pieces:
            self._socket.sendall(piece)
        return self._socket

    def send_all(self, pieces: Iterable[bytes]) -> socket.socket:
        """Send pieces until the server has had enough."""
        connection = self.send()
        try:
            for piece in pieces:
                connection.sendall(piece)
        except ConnectionError:
            pass
        return connection

    def receive(self, connection: socket.socket, method: str = "POST") -> httpx.Response:
        """Read one reply."""
        reply = http.client.HTTPResponse(connection, method=method)
        reply.begin()
        body = reply.read()
        if reply.will_close:
            self.close()
        headers = [(name, value) for name, value in reply.getheaders() if name.lower() != "content-encoding"]
        return httpx.Response(reply.status, headers=headers, content=body)

    def close(self) -> None:
        """Hang up."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def head(target: str | bytes, headers: Mapping[str, str], method: str = "POST") -> bytes:
    """Request line and headers; the target is sent as it is, below the context."""
    raw = target if isinstance(target, bytes) else target.encode()
    lines = [f"{method} {CONTEXT}".encode() + raw + b" HTTP/1.1", b"Host: localhost"]
    lines += [f"{name}: {value}".encode() for name, value in headers.items()]
    return b"\r\n".join(lines) + b"\r\n\r\n"


def request(
    target: str | bytes,
    body: bytes = b"",
    *,
    kind: str | None = FORM,
    method: str = "POST",
    headers: Mapping[str, str] | None = None,
) -> bytes:
    """A whole request of a body of that type, with its length."""
    given = {"Content-Type": kind} if kind is not None else {}
    return head(target, {**given, "Content-Length": str(len(body)), **(headers or {})}, method) + body


def multipart(boundary: str, *parts: tuple[str, bytes]) -> bytes:
    """A multipart body of parts, each with its header lines."""
    pieces = [f"--{boundary}\r\n{lines}\r\n\r\n".encode() + content + b"\r\n" for lines, content in parts]
    return b"".join(pieces) + f"--{boundary}--\r\n".encode()


def field(name: str, value: str) -> tuple[str, bytes]:
    """A part that is a parameter."""
    return f'Content-Disposition: form-data; name="{name}"', value.encode()


def file(content: bytes = b"x", filename: str = "x") -> tuple[str, bytes]:
    """The part that is the file."""
    return f'Content-Disposition: form-data; name="file"; filename="{filename}"', content
