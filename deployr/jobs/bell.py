"""Wakes the jobs processes of this machine when there is something new for them.

A ring is a datagram without content on a socket that each of them has in the server's run directory. It may get lost:
they look by themselves now and then.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import uuid
from collections.abc import Iterator
from pathlib import Path

_PREFIX = "jobs-"


def ring(directory: Path) -> None:
    """Wake whoever listens in the directory; never waits, never fails."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as bell:
        for path in directory.glob(f"{_PREFIX}*"):
            with contextlib.suppress(OSError):
                bell.sendto(b"", str(path))


@contextlib.contextmanager
def listening(directory: Path, woken: asyncio.Event) -> Iterator[None]:
    """Set the event at every ring; needs a running loop."""
    _remove_forsaken(directory)
    path = directory / f"{_PREFIX}{uuid.uuid4().hex[:12]}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as ear:
        ear.bind(str(path))
        loop = asyncio.get_running_loop()
        loop.add_reader(ear, _heard, ear, woken)
        try:
            yield
        finally:
            loop.remove_reader(ear)
            path.unlink(missing_ok=True)


def _heard(ear: socket.socket, woken: asyncio.Event) -> None:
    with contextlib.suppress(OSError):
        while True:
            ear.recv(1)
            woken.set()


def _remove_forsaken(directory: Path) -> None:
    """Remove the sockets of processes that were killed."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as probe:
        for path in directory.glob(f"{_PREFIX}*"):
            try:
                probe.connect(str(path))
            except ConnectionRefusedError:
                path.unlink(missing_ok=True)
            except OSError:
                continue
