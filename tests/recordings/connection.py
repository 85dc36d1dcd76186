"""A client's TCP connection: raw requests out, replies in."""

from __future__ import annotations

import dataclasses
import http.client
import json
import select
import socket
from typing import Any

_TIMEOUT = 60


@dataclasses.dataclass(frozen=True)
class Reply:
    """A reply.

    Attributes:
        headers: names as the server spelled them.
    """

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        """A header by its exact spelling."""
        return next((value for key, value in self.headers if key == name), None)

    @property
    def cookies(self) -> list[str]:
        """All ``Set-Cookie`` headers."""
        return [value for name, value in self.headers if name == "Set-Cookie"]

    @property
    def is_json(self) -> bool:
        """Whether a client takes it for JSON."""
        return (self.header("Content-Type") or "").startswith("application/json")

    @property
    def record(self) -> dict[str, Any]:
        """What is in the envelope."""
        record: dict[str, Any] = json.loads(self.body)["deployr"]["response"]
        return record


class Connection:
    """Opened when first used; again when the server closed it."""

    def __init__(self, host: str, port: int) -> None:
        self._address = host, port
        self._socket: socket.socket | None = None

    def send(self, request: bytes, method: str) -> Reply:
        """Send a request as it is and read one reply."""
        if self._socket is not None and self._is_stale(self._socket):
            self.close()
        if self._socket is None:
            self._socket = socket.create_connection(self._address, _TIMEOUT)
        self._socket.sendall(request)
        response = http.client.HTTPResponse(self._socket, method=method)
        response.begin()
        reply = Reply(response.status, response.getheaders(), response.read())
        if response.will_close:
            self.close()
        return reply

    def close(self) -> None:
        """Hang up."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    @staticmethod
    def _is_stale(idle: socket.socket) -> bool:
        """Nothing can be read from an idle connection but its end."""
        return bool(select.select([idle], [], [], 0)[0])
