"""A whole server as its owner starts it, and its processes as they are seen from outside."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx

from bench.waiting import free_port
from deployr import handover
from deployr.grid import processes
from deployr.settings import PREFIX, Settings
from tests.grid.grid_support import command_line
from tests.server import Client, Server, copy_packages, record_of
from tests.waiting import wait_until

START_SECONDS = 90.0
STOP_SECONDS = 60.0
WAITING_CODE = "file.create('begun'); while (!file.exists('go')) Sys.sleep(0.02); x <- 'went on'"
"""Tells by one file of its working directory that it runs, and ends when another one is there."""

_PARTS = {"grid": "deployr.grid", "housekeeper": "deployr.housekeeper", "jobs": "deployr.jobs", "web": "gunicorn"}


class WholeServer(Server):
    """A server that ``deployr serve`` runs: supervisor, grid, web workers and housekeeper.

    Args:
        directory: of all it keeps; session users must be able to traverse it.
        environ: further settings as environment variables without their prefix.
    """

    def __init__(self, directory: Path, **environ: Any) -> None:
        values = {
            "HOME": directory / "home",
            "SERVER_BIND": f"127.0.0.1:{free_port()}",
            "GRID_SESSIONS_DIRECTORY": directory / "sessions",
            "GRID_WARM_MIN": 1,
            "GRID_WARM_MAX": 2,
        }
        self.directory = directory
        self.environ = {PREFIX + name: str(value) for name, value in (values | environ).items()}
        self._process: subprocess.Popen[bytes] | None = None
        super().__init__(Settings.load(environ=self.environ))
        copy_packages(self.settings)

    # -- from its owner's view ----------------------------------------------------------------------------

    def start(self) -> None:
        """Start it and wait until it can be used."""
        self.launch()
        # A former one may still answer calls.
        wait_until(lambda: self.process.poll() is not None or "ready at" in self.log(), START_SECONDS)
        assert self.is_ready()

    def launch(self) -> None:
        """Start it; the log begins anew."""
        with (self.directory / "log").open("wb") as log:
            self._process = subprocess.Popen(_command("serve"), env=self._environ(), stdout=log, stderr=log)

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The supervisor."""
        assert self._process
        return self._process

    def run(self, *arguments: str, text: str = "", **environ: Any) -> subprocess.CompletedProcess[str]:
        """Run a command to its end, with other settings if wanted."""
        environment = self._environ() | {PREFIX + name: str(value) for name, value in environ.items()}
        return subprocess.run(
            _command(*arguments),
            env=environment,
            input=text,
            capture_output=True,
            text=True,
            timeout=START_SECONDS,
            check=False,
        )

    def is_ready(self) -> bool:
        """Web workers answer."""
        assert self.process.poll() is None, self.log()
        with contextlib.suppress(httpx.TransportError):
            return httpx.get(f"{self.url}/r/server/info", timeout=START_SECONDS).is_success
        return False

    def stop(self) -> int:
        """SIGTERM; the exit status."""
        self.process.terminate()
        return self.process.wait(STOP_SECONDS)

    def kill(self) -> None:
        """SIGKILL of the supervisor alone."""
        self.process.kill()
        self.process.wait()

    def remove(self) -> None:
        """Kill what is left of it and remove what it kept."""
        if self._process:
            self.kill()
        processes.send_signal(self.all_processes(), signal.SIGKILL)
        shutil.rmtree(self.directory, ignore_errors=True)

    def log(self) -> str:
        """What it logged."""
        return (self.directory / "log").read_text()

    def _environ(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
        return inherited | self.environ

    # -- processes ----------------------------------------------------------------------------------------

    def part(self, name: str, former: int = 0) -> int:
        """Process id of the supervisor's child of that name; of the next one when a former one is given."""
        return wait_until(lambda: next(self._parts(name, former), 0))

    def _parts(self, name: str, former: int) -> Iterator[int]:
        for pid in processes.children(self.process.pid):
            if _PARTS[name] in command_line(pid) and is_alive(pid) and pid != former:
                yield pid

    def kill_part(self, name: str) -> int:
        """SIGKILL of a part; the process id it had."""
        pid = self.part(name)
        os.kill(pid, signal.SIGKILL)
        return pid

    def web_workers(self) -> list[int]:
        """Living children of the gunicorn master."""
        return [pid for pid in processes.children(self.part("web")) if is_alive(pid)]

    def node_parents(self) -> list[int]:
        """The warm parents of the nodes: they lead the process groups of their sessions."""
        return self._parents("nodes")

    def service_parents(self) -> list[int]:
        """The warm parents of services."""
        return self._parents("services")

    def _parents(self, directory: str) -> list[int]:
        leaders = [pid for pid in self.r_processes() if (found := processes.stat(pid)) and found.group == pid]
        return [pid for pid in leaders if f"/{directory}/" in command_line(pid)]

    def r_processes(self) -> list[int]:
        """R processes, and what they started: all that bears the grid's mark."""
        mark = str(self.settings.sessions_directory)
        return _living(lambda environ: environ.get(processes.GRID_MARKER) == mark)

    def session_directories(self) -> int:
        """How many sessions have a directory, warm ones and those whose files are kept included."""
        return len(list(self.settings.sessions_directory.glob("nodes/*/sessions/*")))

    def all_processes(self) -> list[int]:
        """Parts with their children, and R processes; not the supervisor."""
        home = self.settings.home
        return _living(lambda environ: handover.belongs_to(environ, home)) + self.r_processes()


MakeServer = Callable[..., WholeServer]


def make_directory() -> Path:
    """A short path (sockets lie below it) that session users can traverse, unlike pytest's own."""
    directory = Path(tempfile.mkdtemp(prefix="crash-", dir="/var/tmp"))
    directory.chmod(0o711)
    return directory


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "deployr", *arguments]


def _living(wanted: Callable[[dict[str, str]], bool]) -> list[int]:
    return [pid for pid in processes.all_pids() if wanted(processes.environment(pid)) and is_alive(pid)]


def is_alive(pid: int) -> bool:
    """True for a process that runs."""
    return not processes.is_zombie(pid)


# -- callers ----------------------------------------------------------------------------------------------


class LiveProject:
    """A live project of a client, a new one unless its id is given, and its R process."""

    def __init__(self, client: Client, project: str | None = None, **params: Any) -> None:
        self.client = client
        self.id = project or client.project(**params)
        self.pid = int(self.run("cat(Sys.getpid())"))

    def run(self, code: str) -> str:
        """Console output of code that runs well."""
        return str(self.client.execute(self.id, code, echooff="true")["execution"]["console"])

    def failure(self) -> int:
        """What :func:`failure_of` says of an execution."""
        return failure_of(self.client.post("/r/project/execute/code", project=self.id, code="1"))

    def is_live(self) -> bool:
        """The server takes it for live."""
        return bool(self.client.succeed("/r/project/ping", project=self.id)["project"]["live"])

    def kill(self) -> None:
        """SIGKILL of the R process."""
        os.kill(self.pid, signal.SIGKILL)

    def start_waiting(self, pool: ThreadPoolExecutor, **params: Any) -> Future[httpx.Response]:
        """Execute the waiting code in the background; returns when it runs."""
        response = pool.submit(self._execute_elsewhere, WAITING_CODE, **params)
        wait_until(lambda: self._file("begun").exists() or response.done())
        assert not response.done(), response.result().text
        return response

    def _execute_elsewhere(self, code: str, **params: Any) -> httpx.Response:
        """On a connection of its own, which does not outlive the call."""
        other = Client(str(self.client.http.base_url))
        with other.http:
            other.http.cookies.update(self.client.http.cookies)
            return other.post("/r/project/execute/code", project=self.id, code=code, **params)

    def let_go(self) -> None:
        """Let the waiting code end."""
        self._file("go").touch()

    def _file(self, name: str) -> Path:
        return Path(f"/proc/{self.pid}/cwd") / name


class SavedFile:
    """A file of testuser in the repository; ``settings`` are further parameters of the upload."""

    def __init__(self, client: Client, filename: str, content: bytes, **settings: Any) -> None:
        self._client = client
        self._content = content
        self.name = {"filename": filename, "author": "testuser"}
        client.succeed("/r/repository/file/upload", filename=filename, files={"file": content}, **settings)

    def is_intact(self) -> bool:
        """Its content comes back."""
        return self._client.get("/r/repository/file/download", **self.name).content == self._content

    def delete(self) -> None:
        """Remove it."""
        self._client.succeed("/r/repository/file/delete", filename=self.name["filename"])


def failure_of(response: httpx.Response) -> int:
    """HTTP status of a reply that tells of a failure, the errorCode of a handled one, whose status is 200."""
    record = record_of(response)
    assert not record["success"], record
    return record["errorCode"] if response.status_code == 200 else response.status_code


def create_when_possible(client: Client) -> LiveProject:
    """A new project, as soon as the server makes one again."""

    def try_once() -> str:
        with contextlib.suppress(httpx.TransportError):
            record = record_of(client.post("/r/project/create"))
            assert record["success"] or record["errorCode"] == 915, record
            return str(record["project"]["project"]) if record["success"] else ""
        return ""

    return LiveProject(client, wait_until(try_once))
