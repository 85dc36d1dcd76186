"""The test suite that the npm package ``rbroker`` brings along, as it is."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.server import PASSWORD, Server, running

SUITE_SECONDS = 180


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server on which jobs wait even longer than by default: the suite cancels one right after its submission.

    One web worker answers in the order of the requests: the suite asks for a job, and has it deleted by other
    requests, without waiting for the answer.
    """
    settings: dict[str, Any] = {"limits__job_delay": 1500, "server__workers": 1}
    with running(tmp_path_factory.mktemp("suites"), **settings) as server:
        yield server


@pytest.fixture
def package(node_modules: Path, host: str, tmp_path: Path) -> Path:
    """A copy of the package whose suite speaks to the running server."""
    copy = shutil.copytree(node_modules / "rbroker", tmp_path / "rbroker")
    credentials = {"username": "testuser", "password": PASSWORD}
    (copy / "test" / "config.json").write_text(json.dumps({"endpoint": host, "credentials": credentials}))
    return copy


@pytest.mark.parametrize("suite", ["discrete", "pooled", "background"])
def test_the_suite_of_the_broker_passes(node_modules: Path, package: Path, suite: str) -> None:
    done = subprocess.run(
        ["node", str(package / "test" / "specs" / f"{suite}-task-broker-test.js")],
        env={**os.environ, "NODE_PATH": str(node_modules)},
        capture_output=True,
        text=True,
        timeout=SUITE_SECONDS,
        check=False,
    )
    assert (done.returncode, "\n# ok\n" in done.stdout) == (0, True), done.stdout + done.stderr
