"""The warm parent: everything loaded once, and a fork for every connection."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import itertools
import os
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

from . import figures, randomness, services
from .console import Console
from .messages import Connection
from .session import Session
from .workspace import Workspace

_BACKLOG = 64
_HIGHEST_DESCRIPTOR = 65536
_LIBRARIES = ("numpy", "numpy.linalg", "numpy.ma", "numpy.random", "pandas", "matplotlib.pyplot", "dill")
_PR_SET_DUMPABLE = 4


def serve(path: str, first_uid: str, last_uid: str, most: str, warm: str, service: str = "") -> None:
    """Listen and fork, for ever.

    Args:
        path: socket to listen on.
        first_uid, last_uid: user ids for sessions, taken in turn; empty when they share this process's.
        most: largest value relayed, in bytes.
        warm: ``yes`` to load libraries and to run common code first.
        service: directory of the service that sessions begin with.
    """
    # The event loop that starts programs leaves copies of their streams open.
    os.closerange(3, _HIGHEST_DESCRIPTOR)
    if warm == "yes":
        _warm_up()
    workspace = Workspace(sys.modules["__main__"].__dict__)
    generators = randomness.Generators()
    if service:
        services.load(workspace, Path(service))
        generators.keep_changed()
    uids = itertools.cycle(range(int(first_uid), int(last_uid) + 1)) if first_uid else itertools.repeat(None)
    listener = _listen(path)
    # Nobody waits for sessions here: the grid watches them.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    gc.collect()
    # What is here already is not looked at again, since that would copy it into every fork.
    gc.freeze()
    for connection, uid in zip(_connections(listener), uids, strict=False):
        if _fork() == 0:
            listener.close()
            _become_session(connection, uid, workspace, generators, int(most))
        connection.close()


def _listen(path: str) -> socket.socket:
    """Under another name first, so that who finds the socket can connect."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(f"{path}.new")
    listener.listen(_BACKLOG)
    Path(f"{path}.new").rename(path)
    return listener


def _connections(listener: socket.socket) -> Iterator[socket.socket]:
    while True:
        yield listener.accept()[0]


def _fork() -> int:
    """Process id of the child, 0 in it, -1 when there can be none."""
    try:
        return os.fork()
    except OSError:
        return -1


def _become_session(
    connection: socket.socket, uid: int | None, workspace: Workspace, generators: randomness.Generators, most: int
) -> None:
    """Be the session of a connection; the process ends with it."""
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        # With the connection comes the pipe for console text.
        _, [pipe], _, _ = socket.recv_fds(connection, 1, 1)
        os.set_inheritable(pipe, False)
        console = Console(pipe)
        if uid is not None:
            _become_user(uid)
        generators.begin()
        sys.argv = [""]
        sys.breakpointhook = lambda *arguments, **options: None
        Session(Connection(connection), console, workspace, most).serve()
    finally:
        os._exit(1)


def _become_user(uid: int) -> None:
    """A user and a group of its own."""
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    # Else the process could not look at itself in /proc, as the start of programs does.
    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 1, 0, 0, 0)


def _warm_up() -> None:
    """Load what is installed, and run each code path once."""
    for name in _LIBRARIES:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    figures.prepare()
