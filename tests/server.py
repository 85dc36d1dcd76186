"""A real server for tests: a grid process with R, and web workers under gunicorn, in a home of its own."""

from __future__ import annotations

import contextlib
import functools
import shutil
import subprocess
import sys
import tempfile
import time
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx

from bench.waiting import free_port
from deployr import handover
from deployr.grid import rpackages
from deployr.prepare import prepare
from deployr.settings import Settings
from deployr.store.database import Database
from deployr.users.accounts import Accounts

PASSWORD = "changeme"
BASIC_USER = "basic"
_WEB = [sys.executable, "-m", "gunicorn", "--config", "python:deployr.web", "deployr.api.asgi:application"]
_GRID = [sys.executable, "-m", "deployr.grid"]
_JOBS = [sys.executable, "-m", "deployr.jobs"]
_START_SECONDS = 90
_STOP_SECONDS = 60

InProcess = Callable[..., contextlib.AbstractAsyncContextManager[httpx.AsyncClient]]
"""Makes the application in the test's own process, without a grid; takes settings as :func:`running` does."""


class Server:
    """A running server."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.url = f"http://{settings.server.bind[0]}/deployr"
        self._clients: weakref.WeakSet[Client] = weakref.WeakSet()

    def client(self) -> Client:
        """A client that is not logged in."""
        client = Client(self.url)
        self._clients.add(client)
        return client

    def close_clients(self) -> None:
        """Hang up: a server that is to end waits for those who are connected."""
        for client in self._clients:
            client.http.close()

    def login(self, username: str = "testuser", password: str = PASSWORD) -> Client:
        """A client that is logged in."""
        client = self.client()
        client.succeed("/r/user/login", username=username, password=password)
        return client


class Client:
    """Speaks the API: a session with its cookie."""

    def __init__(self, url: str) -> None:
        self.http = httpx.Client(base_url=url, timeout=60)

    def post(self, call: str, *, files: Any = None, headers: Any = None, **params: Any) -> httpx.Response:
        """POST a form as clients do."""
        return self.http.post(call, data={"format": "json", **params}, files=files, headers=headers)

    def get(self, call: str, **params: Any) -> httpx.Response:
        """GET with a query; without parameters the URL is taken as it is."""
        return self.http.get(call, params={"format": "json", **params} if params else None)

    def succeed(self, call: str, *, files: Any = None, **params: Any) -> dict[str, Any]:
        """The response record of a POST that succeeds."""
        record = record_of(self.post(call, files=files, **params))
        assert record["success"], record
        return record

    def fail(self, call: str, *, status: int = 200, error_code: int = 900, **params: Any) -> dict[str, Any]:
        """The response record of a POST that fails so; refusals by HTTP status have no other code than that."""
        response = self.post(call, **params)
        record = record_of(response)
        code = error_code if status == 200 else status
        assert (response.status_code, record["success"], record["errorCode"]) == (status, False, code), record
        assert record["error"]
        return record

    def project(self, **params: Any) -> str:
        """Id of a new project."""
        return str(self.succeed("/r/project/create", **params)["project"]["project"])

    def projects(self) -> set[str]:
        """Ids of the user's projects."""
        record = record_of(self.get("/r/project/list"))
        assert record["success"], record
        return {project["project"] for project in record["projects"]}

    def execute(self, project: str, code: str, **params: Any) -> dict[str, Any]:
        """The response record of code that runs well."""
        return self.succeed("/r/project/execute/code", project=project, code=code, **params)

    def logout(self) -> dict[str, Any]:
        """Log out."""
        return self.succeed("/r/user/logout")


def record_of(response: httpx.Response) -> dict[str, Any]:
    """What is in the envelope."""
    record: dict[str, Any] = response.json()["deployr"]["response"]
    return record


@contextlib.contextmanager
def running(home: Path, **flags: Any) -> Iterator[Server]:
    """Prepare and run a server.

    Args:
        flags: settings by full name with underscores doubled for dots, e.g. ``server__csrf="required"``.
    """
    given = _named(flags)
    # Several test processes run beside one another, so each has its own user ids for sessions.
    uid_base = 300000 + free_port() * 4000
    address = [f"127.0.0.1:{free_port()}"]
    defaults = {"home": home, "server.bind": address, "grid.uid_base": uid_base, "limits.job_delay": 0}
    settings = Settings.load(flags=defaults | given)
    prepare(settings)
    copy_packages(settings)
    _create_basic_user(settings)
    environment = handover.environment(settings)
    with contextlib.ExitStack() as stack:
        for command in (_GRID, _JOBS, _WEB):
            stack.enter_context(_process(command, environment))
        server = Server(settings)
        _wait_until_ready(server)
        stack.callback(server.close_clients)
        yield server


@contextlib.contextmanager
def beside(server: Server, **flags: Any) -> Iterator[Server]:
    """More web workers of a server from :func:`running`, with other settings: the rest is that server's own.

    Quicker than a server of its own, and enough for what the settings say of web workers alone.
    """
    defaults = {"home": server.settings.home, "server.bind": [f"127.0.0.1:{free_port()}"]}
    settings = Settings.load(flags=defaults | _named(flags))
    with _process(_WEB, handover.environment(settings)), contextlib.ExitStack() as stack:
        other = Server(settings)
        _wait_until_ready(other)
        stack.callback(other.close_clients)
        yield other


def _named(flags: dict[str, Any]) -> dict[str, Any]:
    return {name.replace("__", "."): value for name, value in flags.items()}


def copy_packages(settings: Settings) -> None:
    """What a start would install."""
    shutil.copytree(packages_library(), settings.library_directory)


def packages_library() -> Path:
    """A library with the server's R packages, which this process installs once; it is removed when the process ends."""
    return Path(_home_with_packages().name) / "library"


@functools.cache
def _home_with_packages() -> tempfile.TemporaryDirectory[str]:
    home = tempfile.TemporaryDirectory(prefix="r-packages-")
    rpackages.install(Path(home.name) / "library")
    return home


@contextlib.contextmanager
def _process(command: list[str], environment: dict[str, str]) -> Iterator[None]:
    process = subprocess.Popen(command, env=environment)
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_ready(server: Server) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.TransportError):
            if server.settings.grid_socket.exists() and httpx.get(f"{server.url}/r/server/info").is_success:
                return
        time.sleep(0.05)
    raise TimeoutError("the server did not start")


def _create_basic_user(settings: Settings) -> None:
    database = Database(settings.database_url)
    try:
        Accounts(database, settings).create(BASIC_USER, "Password1", roles=["BASIC_USER"])
    finally:
        database.close()
