"""The session's end of the connection to the grid: Rserve's messages, see :mod:`deployr.grid.rserve`."""

from __future__ import annotations

import os
import socket
import struct
from dataclasses import dataclass

from . import sexp
from .sexp import Sexp

_HEADER = struct.Struct("<IIII")
_GREETING = 0x434F7352
_OUT_OF_BAND = 0x20000
_OUTCOME = 1
_OK = 0x10001


@dataclass
class Call:
    """A call of the grid: function, options by the grid, arguments by who asked it."""

    name: str
    options: Sexp
    arguments: Sexp


class Connection:
    """Calls in, outcomes and values out. The process ends with it: nothing else could reach the session."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        # A child of the session must not speak for it.
        os.register_at_fork(after_in_child=connected.close)

    def greet(self) -> None:
        """Say who this process is, in the capability that calls are made with."""
        process = sexp.integers(os.getpid())
        self._send(_GREETING, sexp.sexp(sexp.INTEGER, struct.pack("<i", 0), {"process": process}))

    def receive(self) -> Call:
        """Wait for a call."""
        _, low, _, high = _HEADER.unpack(self._read(_HEADER.size))
        call, _ = sexp.read(sexp.parameter(self._read(low | high << 32)))
        _, name, options, arguments = call.members()
        return Call(name.texts()[0] or "", options, arguments)

    def send_outcome(self, outcome: dict[str, bytes]) -> None:
        """What became of a call, before its value."""
        self._send(_OUT_OF_BAND | _OUTCOME, sexp.named_list(outcome))

    def reply(self, value: bytes) -> None:
        """The value of a call."""
        self._send(_OK, value)

    def _send(self, command: int, value: bytes) -> None:
        head = sexp.header(sexp.PARAMETER, len(value))
        length = len(head) + len(value)
        self._write(_HEADER.pack(command, length & 0xFFFFFFFF, 0, length >> 32) + head)
        self._write(value)

    def _write(self, content: bytes) -> None:
        try:
            self._socket.sendall(content)
        except OSError:
            os._exit(0)

    def _read(self, length: int) -> bytes:
        content = bytearray()
        while len(content) < length:
            try:
                chunk = self._socket.recv(min(length - len(content), 1 << 20))
            except OSError:
                chunk = b""
            if not chunk:
                os._exit(0)
            content += chunk
        return bytes(content)
