"""A client of the 9.x API."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from deployr.api.app import create_app
from deployr.prepare import prepare
from deployr.settings import Settings
from tests.server import BASIC_USER, PASSWORD, Server

Login = Callable[..., "Api"]
InProcess = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


class Api:
    """Speaks the API with a bearer token."""

    def __init__(self, server: Server, username: str, password: str) -> None:
        self.http = httpx.Client(base_url=server.url.removesuffix("/deployr"), timeout=60)
        self.username, self.password = username, password
        self.tokens: dict[str, Any] = {}
        self.login()

    def login(self) -> None:
        """Log in, anew."""
        body = {"username": self.username, "password": self.password}
        self.use(self.http.post("/login", json=body).raise_for_status().json())

    def use(self, tokens: dict[str, Any]) -> None:
        """Send this pair's access token from now on."""
        self.tokens = tokens
        self.http.headers["Authorization"] = f"Bearer {tokens['access_token']}"

    def expect(self, status: int, method: str, path: str, **request: Any) -> Any:
        """The JSON of a reply of this status; failures carry the Error record. An empty body is ``None``."""
        response = self.http.request(method, path, **request)
        assert response.status_code == status, response.text
        if status >= 400:
            assert set(response.json()) == {"message", "link", "exceptionType", "code", "fields"}
            assert response.json()["message"]
        return response.json() if response.content else None


@pytest.fixture
def login(server: Server) -> Iterator[Login]:
    """Makes a client; the power user's without arguments."""
    made: list[Api] = []

    def make(username: str = "testuser", password: str = PASSWORD) -> Api:
        made.append(Api(server, username, password))
        return made[-1]

    yield make
    for api in made:
        api.http.close()


@pytest.fixture
def api(login: Login) -> Api:
    """A client of the power user, a Contributor."""
    return login()


@pytest.fixture
def owner(login: Login) -> Api:
    """A client of the administrator, an Owner."""
    return login("admin")


@pytest.fixture
def reader(login: Login) -> Api:
    """A client of a basic user, a Reader."""
    return login(BASIC_USER, "Password1")


@pytest.fixture
def nobody(server: Server) -> Iterator[httpx.Client]:
    """A client without a token."""
    with httpx.Client(base_url=server.url.removesuffix("/deployr"), timeout=60) as client:
        yield client


@pytest.fixture
def root(tmp_path: Path) -> InProcess:
    """Makes the application in this process, without a grid; takes settings as flags."""

    @asynccontextmanager
    async def start(**flags: object) -> AsyncIterator[httpx.AsyncClient]:
        given = {name.replace("__", "."): value for name, value in flags.items()}
        settings = Settings.load(flags={"home": tmp_path, "grid.sessions_directory": str(tmp_path / "s")} | given)
        prepare(settings)
        transport = httpx.ASGITransport(app=create_app(settings))
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            yield client

    return start
