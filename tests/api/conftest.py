"""Fixtures of the API's tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from deployr.api.app import create_app
from deployr.prepare import prepare
from deployr.settings import Settings
from tests.server import InProcess


@pytest.fixture
def in_process(tmp_path: Path) -> InProcess:
    """Makes the application in this process, with its database but without a grid; takes settings as flags."""

    @asynccontextmanager
    async def start(scheme: str = "http", **flags: object) -> AsyncIterator[httpx.AsyncClient]:
        given = {name.replace("__", "."): value for name, value in flags.items()}
        settings = Settings.load(flags={"home": tmp_path, "grid.sessions_directory": str(tmp_path / "s")} | given)
        prepare(settings)
        transport = httpx.ASGITransport(app=create_app(settings))
        async with httpx.AsyncClient(transport=transport, base_url=f"{scheme}://test/deployr") as client:
            yield client

    return start
