"""A server for recordings: a cluster ``cluster1``, any passwords, shell scripts, and the accounts that clients name."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from tests.recordings.stage import make_others
from tests.server import Server, running

_FLAGS = {
    "grid__nodes": [{"name": "Node", "cluster": "cluster1"}],
    "security__password_upper_case": False,
    "security__password_alphanumeric": False,
    "shell__enabled": True,
}


@contextlib.contextmanager
def replay_server(home: Path) -> Iterator[Server]:
    """Run the server."""
    with running(home, **_FLAGS) as server:
        make_others(server)
        yield server
