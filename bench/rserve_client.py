"""The bare engine: a plain Rserve, and a client that connects, evaluates one line and hangs up.

Messages are QAP1's: a 16-byte header (command, length, two words unused here) and typed parameters, each with
a byte of type and three of length.
"""

from __future__ import annotations

import asyncio
import struct
from pathlib import Path

from bench.waiting import until
from deployr.grid.parent import rserve_binary
from deployr.grid.processes import die_with_parent

_HEADER = struct.Struct("<IIII")
_GREETING_BYTES = 32
_COMMAND_EVAL = 3
_OK = 0x10001
_TYPE_STRING = 4
_TYPE_SEXP = 10
_ARRAY_OF_INTEGER = 32


class RserveFailed(Exception):
    """Rserve did not start, or answered with an error."""


class PlainRserve:
    """An Rserve with its defaults, listening on a Unix socket.

    Args:
        directory: empty directory for its socket, configuration and output.
    """

    def __init__(self, directory: Path) -> None:
        self.socket = directory / "socket"
        self._directory = directory
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it and wait until it answers."""
        configuration = self._directory / "rserve.conf"
        configuration.write_text(f"daemon disable\nsocket {self.socket}\nworkdir {self._directory / 'work'}\n")
        with (self._directory / "output").open("wb") as output:
            self._process = await asyncio.create_subprocess_exec(
                "R", "CMD", str(rserve_binary()), "--RS-conf", str(configuration), "--no-save", "--slave",
                stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
                preexec_fn=die_with_parent,
            )  # fmt: skip
        await until(self._answers, seconds=30)

    async def stop(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.kill()
            await self._process.wait()

    async def _answers(self) -> bool:
        try:
            return await evaluate(self.socket, "1L") == 1
        except (OSError, EOFError):
            return False


async def evaluate(socket: Path, code: str) -> int:
    """Fork a session, evaluate code whose value is one integer, and hang up.

    Raises:
        RserveFailed: it answered with an error or another type of value.
    """
    reader, writer = await asyncio.open_unix_connection(str(socket))
    try:
        await reader.readexactly(_GREETING_BYTES)
        writer.write(_message(_COMMAND_EVAL, code))
        status, length, _, _ = _HEADER.unpack(await reader.readexactly(_HEADER.size))
        body = await reader.readexactly(length)
    finally:
        writer.close()
    if status & 0xFFFFFF != _OK or body[0] != _TYPE_SEXP or body[4] != _ARRAY_OF_INTEGER:
        raise RserveFailed(f"status {status:#x}, value {body[:16]!r}")
    return int.from_bytes(body[8:12], "little", signed=True)


def _message(command: int, text: str) -> bytes:
    content = text.encode() + b"\0"
    content += b"\0" * (-len(content) % 4)
    parameter = bytes([_TYPE_STRING]) + len(content).to_bytes(3, "little") + content
    return _HEADER.pack(command, len(parameter), 0, 0) + parameter
