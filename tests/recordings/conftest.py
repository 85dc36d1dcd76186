"""The server that recordings are replayed against."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.recordings.replay_server import replay_server
from tests.server import Server


@pytest.fixture(scope="session")
def recordings_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with all that recordings take for granted."""
    with replay_server(tmp_path_factory.mktemp("recordings")) as server:
        yield server
