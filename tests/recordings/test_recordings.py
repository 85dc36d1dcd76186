"""Recorded requests of real clients, replayed from the top of each file (see :mod:`replay` and :mod:`verdicts`)."""

from __future__ import annotations

import pytest

from tests.recordings.recorded import legacy_clients
from tests.recordings.report import PAGE, failures, section
from tests.recordings.verdicts import verdicts
from tests.server import Server


@pytest.mark.parametrize("client", legacy_clients())
def test_the_server_does_what_the_client_meant(recordings_server: Server, client: str) -> None:
    found = list(verdicts(recordings_server, client))
    assert not failures(found), "\n".join(failures(found))
    assert section(client, found) in PAGE.read_text(), f"run python -m tests.recordings.report > docs/{PAGE.name}"
