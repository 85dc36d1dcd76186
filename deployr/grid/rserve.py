"""One connection to a forked R session: Rserve's QAP1 messages in object-capability mode.

A connection is one R process. It greets with a capability; a call names it, and while R works, out-of-band
messages (console text, console reads, our own outcome and event messages) come before the reply. What user code
sends out of band can be forged: it is believed about this session only.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import struct
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from deployr.encodings import model, qap1

_HEADER = struct.Struct("<IIII")
_CALL = 0xF
_GREETING = 0x434F7352
_OUT_OF_BAND = 0x20000
_WANTS_REPLY = 0x2000
_USER_CODE = 0xFFF
_OK = 0x10001
_FAILED = 0x10002
_CHUNK = 256 * 1024
_TURN = 64

STREAM_LIMIT = 1024 * 1024
"""Bytes buffered on a connection before the session is held up."""
OUTCOME = 1
"""Out-of-band code of the outcome of an execution (``evaluate.R``)."""
EVENT = 2
"""Out-of-band code of an object published with ``revoEvent`` (``evaluate.R``)."""
MAX_OUT_OF_BAND = 16 * 1024 * 1024
"""Largest out-of-band message taken, in bytes; a larger one is drained and dropped."""


class ConnectionBroken(Exception):
    """The process is gone, or sent what is not the protocol; the session is lost."""


class Listener(Protocol):
    """Receives what R sends while a call runs."""

    def console(self, text: str) -> None:
        """Console text, standard output and standard error in order."""

    def message(self, code: int, body: bytes) -> None:
        """An out-of-band message of ours: its code and the QAP1 value."""


class _Deaf:
    """A :class:`Listener` for calls that say nothing."""

    def console(self, text: str) -> None:
        pass

    def message(self, code: int, body: bytes) -> None:
        pass


@dataclass
class ReplyHead:
    """The reply to a call, and how many bytes of its QAP1 value are still to be taken."""

    ok: bool
    left: int
    prefix: bytes = field(default=b"", repr=False)


class RserveConnection:
    """A connection to a forked session. One call at a time; the caller sees to that.

    Every method raises :class:`ConnectionBroken` when the session is lost.
    """

    runtime = "R"
    """What runs at the other end, for messages."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, max_value: int) -> None:
        self._reader = reader
        self._writer = writer
        self._max_value = max_value
        self._capability = b""

    @classmethod
    async def connect(cls, socket: Path, max_value: int) -> tuple[RserveConnection, int]:
        """Fork a session off the parent that listens on ``socket``; tells the process id that it claims to have."""
        try:
            reader, writer = await asyncio.open_unix_connection(str(socket), limit=STREAM_LIMIT)
        except OSError as ex:
            raise ConnectionBroken(str(ex)) from ex
        connection = cls(reader, writer, max_value)
        return connection, await connection.greeted()

    async def greeted(self) -> int:
        """Wait for the greeting of a new session, its process id; without one the connection is closed."""
        try:
            return await self._greeting()
        except BaseException:
            self.close()
            raise

    async def call(self, listener: Listener, name: str, options: model.RValue, arguments: bytes) -> ReplyHead:
        """Call a function of ``session.R`` and wait for the head of its reply.

        The value itself must be taken with :meth:`value` before the next call.

        Args:
            arguments: one QAP1 value, passed on unread.
        """
        name_bytes, option_bytes = qap1.encode(model.character(name)), qap1.encode(options)
        body = qap1.lang_call(self._capability, name_bytes, option_bytes, arguments)
        self._send(_CALL, body)
        await self._flush()
        for number in itertools.count(1):
            if number % _TURN == 0:
                # What is buffered already is read without waiting: a flood must not keep other sessions out.
                await asyncio.sleep(0)
            command, length = await self._message_head()
            if command & _OUT_OF_BAND and command != _GREETING:
                await self._out_of_band(listener, command, length)
            elif command & 0xFFFFFF == _OK:
                return await self._reply_head(length)
            elif command & 0xFFFFFF == _FAILED:
                await self._read(length)
                return ReplyHead(ok=False, left=0)
            else:
                break
        raise ConnectionBroken(f"unknown message {command:#x}")

    async def value(self, head: ReplyHead) -> AsyncIterator[bytes]:
        """The value behind a reply's head, or what is left of it, in chunks, unread."""
        while head.left:
            chunk, head.prefix = head.prefix or await self._some(min(head.left, _CHUNK)), b""
            head.left -= len(chunk)
            yield chunk

    async def check(self) -> None:
        """Let the process compute a little, and wait for it."""
        head = await self.call(_Deaf(), "check", model.unnamed_list(), qap1.encode(model.unnamed_list()))
        async for _ in self.value(head):
            pass
        if not head.ok:
            raise ConnectionBroken("a fork cannot compute")

    def close(self) -> None:
        """Hang up; the R process ends itself when it notices."""
        self._writer.close()

    def abort(self) -> None:
        """Drop the connection at once: a waiting call fails with :class:`ConnectionBroken`."""
        self._writer.transport.abort()

    async def _greeting(self) -> int:
        while True:
            command, length = await self._message_head()
            if command == _GREETING:
                break
            if not command & _OUT_OF_BAND:
                raise ConnectionBroken(f"no greeting but {command:#x}")
            await self._read(length)
        try:
            self._capability = bytes(qap1.read_sexp_parameter(await self._read(length)))
            return _process_id(self._capability)
        except (qap1.Qap1Error, KeyError, ValueError, TypeError) as ex:
            raise ConnectionBroken("unreadable greeting") from ex

    async def _out_of_band(self, listener: Listener, command: int, length: int) -> None:
        if length > MAX_OUT_OF_BAND:
            await self._skip(length)
            listener.console(f"[output of {length} bytes left out]\n")
            return
        body = await self._read(length)
        if command & _WANTS_REPLY:
            # A console read (browser(), scan()): an empty line each time, or R would wait for ever.
            self._send(command, qap1.encode(model.character("")))
            await self._flush()
            return
        code = command & _USER_CODE
        try:
            value = qap1.read_sexp_parameter(body)
            if code in (OUTCOME, EVENT):
                listener.message(code, bytes(value))
            elif code == 0 and (text := _console_text(value)):
                listener.console(text)
        except (qap1.Qap1Error, TypeError, ValueError) as ex:
            raise ConnectionBroken("unreadable out-of-band message") from ex

    async def _skip(self, length: int) -> None:
        if length > self._max_value:
            raise ConnectionBroken(f"out-of-band message of {length} bytes")
        while length:
            length -= len(await self._some(min(length, _CHUNK)))

    async def _reply_head(self, length: int) -> ReplyHead:
        """Strips the parameter header, so that what follows is the bare value."""
        if length == 0:
            return ReplyHead(ok=True, left=0)
        first = await self._read(min(length, 8))
        large = first[0] == qap1.DT_SEXP | qap1.LARGE
        head_length = 8 if large else 4
        size = int.from_bytes(first[1:head_length], "little")
        if first[0] & ~qap1.LARGE != qap1.DT_SEXP or size > self._max_value or size + head_length != length:
            raise ConnectionBroken(f"value of {size} bytes in a message of {length}")
        return ReplyHead(ok=True, left=size, prefix=first[head_length:])

    async def _message_head(self) -> tuple[int, int]:
        command, low, _, high = _HEADER.unpack(await self._read(_HEADER.size))
        return command, low | high << 32

    def _send(self, command: int, value: bytes) -> None:
        if self._writer.transport.is_closing():
            # uvloop raises a RuntimeError for what is written to a closed connection.
            raise ConnectionBroken("the session is gone")
        body = qap1.sexp_parameter(value)
        self._writer.write(qap1.header(command, len(body)))
        self._writer.write(body)

    async def _flush(self) -> None:
        try:
            await self._writer.drain()
        except OSError as ex:
            raise ConnectionBroken(str(ex)) from ex

    async def _read(self, length: int) -> bytes:
        if length > MAX_OUT_OF_BAND:
            raise ConnectionBroken(f"message of {length} bytes")
        try:
            return await self._reader.readexactly(length)
        except (OSError, EOFError) as ex:
            raise ConnectionBroken("the session is gone") from ex

    async def _some(self, most: int) -> bytes:
        with contextlib.suppress(OSError):
            chunk = await self._reader.read(most)
            if chunk:
                return chunk
        raise ConnectionBroken("the session is gone")


def _process_id(capability: bytes) -> int:
    decoded = qap1.decode(capability)
    if not isinstance(decoded, model.Vector):
        raise TypeError("a greeting without a process id")
    (pid,) = model.as_numbers(decoded.attributes["process"])
    return int(pid or 0)


def _console_text(value: memoryview) -> str:
    """Text of ``list("console.out" | "console.err", text)``; empty for what is none (``console.reset``)."""
    members = qap1.decode(value)
    if not isinstance(members, model.RList) or len(members) != 2:
        return ""
    kind, text = (model.as_text(member) for member in members.values)
    return text or "" if kind in ("console.out", "console.err") else ""
