"""Python's warm parent, and connections to the sessions forked from it (``deployr/grid/python/``).

They speak what Rserve's speak, but for console text: standard output and standard error of a session and of all it
starts are a pipe that the grid reads. So children cannot get the messages out of step, and what C code prints is seen.
"""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import os
import socket
from collections.abc import Iterator, Sequence
from pathlib import Path

from deployr.encodings import model
from deployr.grid.parent import WarmParent
from deployr.grid.rserve import STREAM_LIMIT, ConnectionBroken, Listener, ReplyHead, RserveConnection

PROGRAM = Path(__file__).parent / "python" / "launch.py"
_PIPE_BYTES = 65536


class PythonParent(WarmParent):
    """The configured interpreter, with what is installed there of numpy, pandas and matplotlib loaded."""

    program = "Python"

    def _command(self) -> Sequence[str]:
        first, last = map(str, self._session_ids or ("", ""))
        warm = "yes" if self._warm else "no"
        # Isolated: neither the server's environment nor its working directory say what is imported.
        arguments = (str(self._directory / "socket"), first, last, str(self._options.max_value), warm)
        return self._options.python, "-I", str(self._program_path), *arguments

    @property
    def _program_path(self) -> Path:
        return PROGRAM

    async def _connect(self, socket: Path, max_value: int) -> tuple[RserveConnection, int]:
        return await PythonConnection.connect(socket, max_value)

    def _environment(self) -> dict[str, str]:
        # matplotlib: no display, and its caches where sessions do not look.
        return super()._environment() | {"MPLBACKEND": "Agg", "MPLCONFIGDIR": str(self._directory / "tmp")}


class ConsolePipe:
    """The grid's end of a session's standard output. What comes while nobody listens is dropped."""

    def __init__(self) -> None:
        self._fd, self.far_end = os.pipe()
        os.set_blocking(self._fd, False)
        self._listener: Listener | None = None
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        asyncio.get_running_loop().add_reader(self._fd, self._take)

    @contextlib.contextmanager
    def heard_by(self, listener: Listener) -> Iterator[None]:
        """Tell a listener all that is written meanwhile."""
        self._listener = listener
        try:
            yield
            self._take_rest()
        finally:
            self._listener = None
            self._decoder.reset()

    def close(self) -> None:
        """Let go of it; who still writes is killed for it."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            asyncio.get_running_loop().remove_reader(fd)
            os.close(fd)

    def _take_rest(self) -> None:
        """What was written before now is in the pipe, which holds no more than this."""
        left = _PIPE_BYTES
        while left > 0 and (taken := self._take()):
            left -= taken
        self._tell(b"", final=True)

    def _take(self) -> int:
        """Take what is there now; how many bytes."""
        if self._fd < 0:
            return 0
        try:
            content = os.read(self._fd, _PIPE_BYTES)
        except BlockingIOError:
            return 0
        if not content:
            # Nobody can write any more.
            self.close()
        self._tell(content)
        return len(content)

    def _tell(self, content: bytes, *, final: bool = False) -> None:
        if self._listener and (text := self._decoder.decode(content, final)):
            self._listener.console(text)


class PythonConnection(RserveConnection):
    """A connection to a forked Python session, with its console."""

    runtime = "Python"

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, max_value: int, console: ConsolePipe
    ) -> None:
        super().__init__(reader, writer, max_value)
        self._console = console

    @classmethod
    async def connect(cls, socket: Path, max_value: int) -> tuple[RserveConnection, int]:
        """Fork a session off the parent that listens on ``socket``, and give it its console."""
        try:
            console = ConsolePipe()
        except OSError as ex:
            raise ConnectionBroken(str(ex)) from ex
        with contextlib.ExitStack() as failed:
            failed.callback(console.close)
            try:
                reader, writer = await _connected(socket, console.far_end)
            except OSError as ex:
                raise ConnectionBroken(str(ex)) from ex
            failed.pop_all()
        connection = cls(reader, writer, max_value, console)
        return connection, await connection.greeted()

    async def call(self, listener: Listener, name: str, options: model.RValue, arguments: bytes) -> ReplyHead:
        with self._console.heard_by(listener):
            return await super().call(listener, name, options, arguments)

    def close(self) -> None:
        self._console.close()
        super().close()

    def abort(self) -> None:
        self._console.close()
        super().abort()


async def _connected(path: Path, pipe: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection that the pipe's end, which is closed, was sent over."""
    connected = socket.socket(socket.AF_UNIX)
    try:
        connected.setblocking(False)
        connected.connect(str(path))
        socket.send_fds(connected, [b"c"], [pipe])
        return await asyncio.open_unix_connection(sock=connected, limit=STREAM_LIMIT)
    except BaseException:
        connected.close()
        raise
    finally:
        os.close(pipe)
