"""Node programs that use the original JavaScript clients, run against a running server."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.server import Server

JS = Path(__file__).parent / "js"
PROGRAM_SECONDS = 60


@pytest.fixture(scope="session")
def node_modules(request: pytest.FixtureRequest) -> Path:
    """The npm packages of ``js/package-lock.json``, installed below pytest's cache directory once for all runs."""
    assert request.config.cache is not None
    home = request.config.cache.mkdir("deployr-javascript-clients")
    lock = (JS / "package-lock.json").read_text()
    stamp = home / "installed"
    with (home / "lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        if not stamp.exists() or stamp.read_text() != lock:
            _install(home)
            stamp.write_text(lock)
    return home / "node_modules"


def _install(directory: Path) -> None:
    for name in ("package.json", "package-lock.json"):
        shutil.copy(JS / name, directory)
    command = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def host(server: Server) -> str:
    """The running server's address as the JavaScript clients take it."""
    return server.url.removesuffix("/deployr")


@pytest.fixture
def node(node_modules: Path, host: str) -> Callable[..., Any]:
    """Runs a program of ``js/`` with arguments, on this server or that of ``host``; returns the JSON it prints."""
    environment = {**os.environ, "NODE_PATH": str(node_modules), "TZ": "America/New_York"}

    def run(program: str, *arguments: str | Path, host: str = host) -> Any:
        command = ["node", str(JS / program), *map(str, arguments)]
        done = subprocess.run(
            command,
            env=environment | {"DEPLOYR_HOST": host},
            capture_output=True,
            text=True,
            timeout=PROGRAM_SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


@pytest.fixture
def unique() -> str:
    """A name that no other test uses."""
    return f"client test {uuid.uuid4().hex[:12]}"
