"""A plain Rserve for tests that ask R itself."""

from __future__ import annotations

import os
import signal
import socket
import struct
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from deployr.encodings import model, qap1
from deployr.encodings.model import RValue

SET_SEXP, EVAL, OK = 0x20, 0x03, 0x10001
DT_STRING = 4


class RConnection:
    """One R process behind one connection."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(30)
        self._socket.connect(str(path))
        assert self._receive(32).startswith(b"Rsrv0103QAP1")

    def close(self) -> None:
        self._socket.close()

    def assign(self, name: str, value: RValue) -> None:
        """Sends a value to a variable."""
        self.assign_encoded(name, qap1.encode(value))

    def assign_encoded(self, name: str, sexp: bytes) -> None:
        """Sends bytes as a value to a variable."""
        self._ask(SET_SEXP, _text_parameter(name) + qap1.sexp_parameter(sexp))

    def read(self, code: str) -> RValue:
        """The value of R code."""
        return qap1.decode(qap1.read_sexp_parameter(self._ask(EVAL, _text_parameter(code))))

    def is_identical(self, value: RValue, code: str) -> bool:
        """Whether a value sent to R is what R code makes there."""
        self.assign("sent", value)
        built = f"identical(sent, {{{code}}}, num.eq = FALSE, single.NA = FALSE)"
        return model.as_flag(self.read(built)) is True

    def sent_and_returned(self, value: RValue) -> RValue:
        """A value after a way through R's memory, serialised once there."""
        self.assign("sent", value)
        return self.read("unserialize(serialize(sent, NULL))")

    def _ask(self, command: int, body: bytes) -> bytes:
        self._socket.sendall(qap1.header(command, len(body)) + body)
        status, low, _, high = struct.unpack("<IIII", self._receive(16))
        reply = self._receive(low | high << 32)
        assert status & 0xFFFFFF == OK, f"R failed with {status:#x} {reply!r}"
        return reply

    def _receive(self, length: int) -> bytes:
        received = bytearray()
        while len(received) < length:
            piece = self._socket.recv(length - len(received))
            assert piece, "R hung up"
            received += piece
        return bytes(received)


def _text_parameter(text: str) -> bytes:
    content = text.encode() + b"\0"
    content += b"\0" * (-len(content) % 4)
    return struct.pack("<I", len(content) << 8 | DT_STRING) + content


@pytest.fixture(scope="session")
def rserve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The socket of an Rserve of this test process's own."""
    directory = tmp_path_factory.mktemp("rserve")
    path = directory / "r.sock"
    config = directory / "Rserv.conf"
    config.write_text(
        f"socket {path}\nsockmod 0700\nworkdir {directory}\ndaemon disable\nencoding utf8\ninteractive no\n"
    )
    located = subprocess.run(
        ["Rscript", "--vanilla", "-e", "cat(system.file('libs', 'Rserve', package = 'Rserve'))"],
        capture_output=True,
        text=True,
        check=True,
    )
    command = ["R", "CMD", located.stdout, "--RS-conf", str(config), "--no-save", "--slave"]
    environment = {"PATH": os.environ["PATH"], "HOME": str(directory), "LANG": "C.UTF-8", "TZ": "UTC"}
    process = subprocess.Popen(
        command, env=environment, start_new_session=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )
    try:
        _await_socket(path, process)
        yield path
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _await_socket(path: Path, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline and process.poll() is None:
        try:
            RConnection(path).close()
            return
        except OSError:
            time.sleep(0.02)
    pytest.fail("Rserve did not start")


@pytest.fixture
def r(rserve: Path) -> Iterator[RConnection]:
    """A fresh R process."""
    connection = RConnection(rserve)
    yield connection
    connection.close()


@pytest.fixture(scope="module")
def shared_r(rserve: Path) -> Iterator[RConnection]:
    """An R process for the many examples of a property."""
    connection = RConnection(rserve)
    yield connection
    connection.close()
