"""Every operation of every release is answered with its documented status, and a body that fits the document."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from deployr.api.v9.definitions import RELEASES, Release
from tests.api.v9.walk import WALKED, walk
from tests.server import Server

DOCUMENTED = json.loads((Path(__file__).parent / "documented.json").read_text())["operations"]


@pytest.mark.parametrize("release", RELEASES)
def test_every_operation_is_answered_as_documented(server: Server, release: Release) -> None:
    found = walk(server, release)
    wanted = {item["operationId"]: item["success"] for item in DOCUMENTED if release in item["versions"]}
    assert {name: status for name, status in found.items() if name in wanted} == wanted
    assert set(found) == {item["operationId"] for item in DOCUMENTED}, "each operation is asked for"
    assert found == json.loads(WALKED.read_text())[release], "run python -m tests.api.v9.walk"
