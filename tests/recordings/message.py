"""A raw HTTP request: taken apart, changed, put together again, and read as its client meant it."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from urllib.parse import parse_qsl, unquote_plus

Change = Callable[[bytes], bytes]

_LENGTH = re.compile(rb"(?im)^(Content-Length: *)\d+")
_CHUNKED = re.compile(rb"(?im)^Transfer-Encoding: *chunked")
_PATH_SESSION = re.compile(r"[;/]jsessionid=[^/?&;]*", re.IGNORECASE)


@dataclasses.dataclass(frozen=True)
class Message:
    """A request.

    Attributes:
        head: start line and headers, without the blank line.
        chunks: the body; one chunk where the client sent a length.
        chunked: the body's framing.
    """

    head: bytes
    chunks: tuple[bytes, ...]
    chunked: bool

    @classmethod
    def parse(cls, raw: bytes) -> Message:
        """Take a request apart."""
        head, _, body = raw.partition(b"\r\n\r\n")
        if _CHUNKED.search(head):
            return cls(head, tuple(_chunks(body)), True)
        return cls(head, (body,) if body else (), False)

    def encode(self) -> bytes:
        """The request's bytes, with the lengths that its body now has."""
        if self.chunked:
            framed = (b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in (*self.chunks, b""))
            return self.head + b"\r\n\r\n" + b"".join(framed)
        head = _LENGTH.sub(rb"\g<1>%d" % len(self.body), self.head)
        return head + b"\r\n\r\n" + self.body

    def changed(self, change: Change) -> Message:
        """The request with start line, headers and each chunk changed; no recorded id lies across two chunks."""
        return Message(change(self.head), tuple(map(change, self.chunks)), self.chunked)

    # -- what the client meant ----------------------------------------------------------------------------

    @property
    def body(self) -> bytes:
        """The body without its framing."""
        return b"".join(self.chunks)

    @property
    def method(self) -> str:
        """E.g. ``GET``."""
        return self._start_line[0]

    @property
    def target(self) -> str:
        """Path and query as sent."""
        return self._start_line[1]

    @property
    def _start_line(self) -> list[str]:
        first, _, rest = self.head.partition(b"\r\n")[0].decode().partition(" ")
        return [first, *rest.rsplit(" ", 1)]

    def header(self, name: str) -> str | None:
        """A header's value."""
        match = re.search(rb"(?im)^%s: *(.*?)\r?$" % name.encode(), self.head)
        return match[1].decode() if match else None

    def segments(self, call: str) -> list[str]:
        """What a path-style URL appends to the call; a plus is a blank."""
        path = _PATH_SESSION.sub("", self.target.partition("?")[0])
        rest = path.partition(call)[2]
        return [unquote_plus(segment) for segment in rest.split("/") if segment]

    def params(self) -> Params:
        """The parameters, wherever they travel."""
        query = re.sub(r";jsessionid=[^&]*$", "", self.target.partition("?")[2])
        values = dict(parse_qsl(query))
        kind = self.header("Content-Type") or ""
        if kind.startswith("multipart/"):
            fields, file = _multipart(kind, self.body)
            return Params(values | fields, file)
        return Params(values | dict(parse_qsl(self.body.decode())), None)


@dataclasses.dataclass(frozen=True)
class Params:
    """Parameters; what is empty was not given."""

    values: dict[str, str]
    file: bytes | None

    def text(self, *names: str) -> str | None:
        """The first one that is given."""
        return next((self.values[name] for name in names if self.values.get(name)), None)

    def flag(self, *names: str) -> bool:
        """A boolean; false when it is not given."""
        return (self.text(*names) or "").lower() == "true"

    def names(self, *names: str) -> list[str]:
        """A comma list without empty places."""
        return [name for name in (self.text(*names) or "").split(",") if name]


def _chunks(body: bytes) -> list[bytes]:
    chunks: list[bytes] = []
    while body:
        size, _, rest = body.partition(b"\r\n")
        chunks.append(rest[: int(size, 16)])
        body = rest[int(size, 16) + 2 :]
    assert chunks.pop() == b""
    return chunks


def _multipart(kind: str, body: bytes) -> tuple[dict[str, str], bytes | None]:
    """Fields and file; .NET, which writes ``form-data;name=`` without a blank, encodes fields as in forms."""
    boundary = kind.partition("boundary=")[2].encode()
    fields: dict[str, str] = {}
    file: bytes | None = None
    for part in (b"\r\n" + body).split(b"\r\n--" + boundary)[1:-1]:
        head, _, content = part.partition(b"\r\n\r\n")
        name = re.findall(rb' ?name="([^"]*)"', head)[0].decode()
        if name == "file":
            file = content
        else:
            fields[name] = unquote_plus(content.decode()) if b"form-data;name" in head else content.decode()
    return fields, file
