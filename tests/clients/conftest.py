"""Node programs that use the original JavaScript clients, run against a running server."""

from __future__ import annotations

import json
import os
import subprocess
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.clients.installing import npm_packages
from tests.server import PASSWORD, Server

JS = Path(__file__).parent / "js"
PROGRAM_SECONDS = 180


@pytest.fixture(scope="session")
def node_modules(request: pytest.FixtureRequest) -> Path:
    """The npm packages of ``js/package-lock.json``."""
    return npm_packages(request.config, "deployr-javascript-clients", JS)


@pytest.fixture
def host(server: Server) -> str:
    """The running server's address as the JavaScript clients take it."""
    return server.url.removesuffix("/deployr")


@pytest.fixture
def api(host: str) -> Iterator[httpx.Client]:
    """testuser's connection to the 9.x API."""
    with httpx.Client(base_url=host, timeout=60) as client:
        login = {"username": "testuser", "password": PASSWORD}
        token = client.post("/login", json=login).raise_for_status().json()["access_token"]
        client.headers["Authorization"] = f"Bearer {token}"
        yield client


@pytest.fixture
def printed(node_modules: Path, host: str) -> Callable[..., str]:
    """Runs a program of Node with arguments, on this server or that of ``host``; returns what it prints."""
    environment = {**os.environ, "NODE_PATH": str(node_modules), "TZ": "America/New_York"}

    def run(program: Path, *arguments: str | Path, host: str = host) -> str:
        command = ["node", str(program), *map(str, arguments)]
        done = subprocess.run(
            command,
            env=environment | {"DEPLOYR_HOST": host},
            capture_output=True,
            text=True,
            timeout=PROGRAM_SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.fixture
def node(printed: Callable[..., str]) -> Callable[..., Any]:
    """Runs a program of ``js/`` as ``printed`` does; returns the JSON it prints."""
    return lambda program, *arguments, **options: json.loads(printed(JS / program, *arguments, **options))


@pytest.fixture
def unique() -> str:
    """A name that no other test uses."""
    return f"client test {uuid.uuid4().hex[:12]}"
