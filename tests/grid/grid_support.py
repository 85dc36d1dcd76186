"""What the grid's tests share: a grid process of their own, and sessions that are easy to talk to."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import itertools
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncGenerator, AsyncIterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from deployr.encodings import model, qap1
from deployr.encodings.model import RValue
from deployr.grid import processes
from deployr.grid.client import ConsoleSink, SocketGrid
from deployr.grid.protocol import Execution, ExecutionRecord, SessionSpec
from deployr.settings import Settings
from tests.waiting import wait_until

T = TypeVar("T")

IS_ROOT = os.geteuid() == 0
DEADLINE = 60.0
PATIENCE = 600
"""Seconds, which no test lasts."""
PYTHON_PROGRAM = os.environ.get("DEPLOYR_GRID_PYTHON") or sys.executable
"""Interpreter of Python sessions."""
_START = """
import json, logging, sys
logging.basicConfig(level=logging.INFO)
from deployr.grid.server import main
from deployr.settings import Settings
main(Settings.from_json(sys.stdin.buffer.read()), namespaces=json.loads(sys.argv[1]))
"""

_numbers = itertools.count(1)


@functools.cache
def python_has(module: str) -> bool:
    """Whether the interpreter of Python sessions has a module installed."""
    return subprocess.run([PYTHON_PROGRAM, "-I", "-c", f"import {module}"], capture_output=True).returncode == 0


def unique(prefix: str) -> str:
    """An id that no other test uses."""
    return f"{prefix}-{os.getpid()}-{next(_numbers)}"


def make_home() -> Path:
    """A short path (sockets lie below it) that session users can traverse, unlike pytest's own."""
    home = Path(tempfile.mkdtemp(prefix="grid-", dir="/var/tmp"))
    home.chmod(0o711)
    return home


def make_settings(home: Path, **grid: Any) -> Settings:
    """Settings of a small grid below ``home``, in which nothing ends because a machine is slow.

    Names with a dot are of other groups.
    """
    flags = (
        {"warm_min": 1, "warm_max": 2, "interrupt_grace": PATIENCE, "stateless_keep": PATIENCE, "cpu_limit": 0}
        | {"python": PYTHON_PROGRAM, "mlserver.warm_services": 4}
        | grid
    )
    values = {"home": home / "home", "grid.sessions_directory": str(home / "sessions")}
    named = {name if "." in name else f"grid.{name}": value for name, value in flags.items()}
    settings = Settings.load(environ={}, flags=values | named)
    settings.prepare_home()
    return settings


class GridProcess:
    """A grid in a process of its own, as the supervisor starts it.

    Args:
        namespaces: false where the machine is to be taken for one that denies user namespaces.
    """

    def __init__(
        self, settings: Settings, environment: Mapping[str, str] | None = None, *, namespaces: bool | None = None
    ) -> None:
        self.settings = settings
        self._namespaces = namespaces
        self._environment = dict(os.environ) | dict(environment or {})
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def pid(self) -> int:
        """Of the grid process."""
        assert self._process
        return self._process.pid

    @property
    def name(self) -> str:
        """Marks every process of this grid in its environment."""
        return str(self.settings.sessions_directory)

    def start(self) -> None:
        """Start it and wait until it listens."""
        self.settings.grid_socket.unlink(missing_ok=True)
        with (self.settings.home / "grid.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _START, json.dumps(self._namespaces)],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env=self._environment,
                start_new_session=True,
            )
        assert self._process.stdin
        self._process.stdin.write(self.settings.to_json())
        self._process.stdin.close()
        wait_until(self._listens)

    def _listens(self) -> bool:
        with socket.socket(socket.AF_UNIX) as probe, contextlib.suppress(OSError):
            probe.connect(str(self.settings.grid_socket))
            return True
        return False

    def client(self) -> SocketGrid:
        """A client, for one event loop."""
        return SocketGrid(self.settings.grid_socket)

    def kill(self) -> None:
        """SIGKILL, as a crash."""
        assert self._process
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """SIGTERM, and wait for the end."""
        assert self._process
        self._process.send_signal(signal.SIGTERM)
        assert self._process.wait(DEADLINE) == 0

    def parents(self) -> list[int]:
        """Process ids of the nodes' warm parents."""
        return self._parents("Rserve")

    def python_parents(self) -> list[int]:
        """Process ids of the nodes' warm parents of Python sessions."""
        return self._parents("launch.py")

    def _parents(self, program: str) -> list[int]:
        """Those of nodes, not of services. They lead groups; what sessions left looks alike until it is swept."""
        children = {pid: (command_line(pid), processes.stat(pid)) for pid in processes.children(self.pid)}
        return [
            pid
            for pid, (line, stat) in children.items()
            if program in line and "/nodes/" in line and stat and stat.group == pid
        ]

    def log(self) -> str:
        """What the grid process logged."""
        return (self.settings.home / "grid.log").read_text()


def command_line(pid: int) -> str:
    """Of a process; empty when it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""


def leftovers(name: str) -> list[str]:
    """Living processes of the grid of this name: those that carry its mark, and those that work below its directory."""
    found = []
    for pid in processes.all_pids():
        if processes.is_zombie(pid) or pid == os.getpid():
            continue
        marked = processes.environment(pid).get(processes.GRID_MARKER) == name
        if marked or _working_directory(pid).startswith(name):
            found.append(f"{pid} {command_line(pid)}")
    return found


def _working_directory(pid: int) -> str:
    try:
        return str(Path(f"/proc/{pid}/cwd").readlink())
    except OSError:
        return ""


def remove_home(home: Path) -> None:
    """Remove what a grid kept; what hostile tests left must not hinder that."""
    subprocess.run(["chmod", "-R", "u+rwX", str(home)], check=False, capture_output=True)
    subprocess.run(["rm", "-rf", str(home)], check=False)
    shutil.rmtree(home, ignore_errors=True)


def is_alive(pid: int) -> bool:
    """True for a process that runs."""
    return not processes.is_zombie(pid)


@dataclass
class Outcome:
    """A finished execution: its record, and the objects asked for by name."""

    record: ExecutionRecord
    objects: dict[str, RValue]

    @property
    def console(self) -> str:
        return self.record.console

    @property
    def error(self) -> str | None:
        return self.record.error

    def text(self, name: str) -> str | None:
        """A character object."""
        return model.as_text(self.objects[name])

    def number(self, name: str) -> float | None:
        """A numeric object."""
        return model.as_number(self.objects[name])

    def flag(self, name: str) -> bool | None:
        """A logical object."""
        return model.as_flag(self.objects[name])


def encode_arguments(robjects: Sequence[str] = (), inputs: Mapping[str, RValue] | None = None) -> bytes:
    """Arguments of an execution."""
    members = {"inputs": model.named_list(inputs or {}), "robjects": model.character(*robjects)}
    return qap1.encode(model.named_list(members))


class Talk:
    """A session as a test talks to it."""

    def __init__(self, grid: SocketGrid, session: str) -> None:
        self.grid = grid
        self.id = session

    async def run(
        self,
        code: str,
        *robjects: str,
        inputs: Mapping[str, RValue] | None = None,
        console: ConsoleSink | None = None,
        echo: bool = False,
        **execution: Any,
    ) -> Outcome:
        """Run code; the objects named are returned."""
        request = Execution(execution=unique("EXEC"), code=code, echo=echo, **execution)
        record, value = await self.grid.execute(self.id, request, encode_arguments(robjects, inputs), console=console)
        return Outcome(record, model.as_members(qap1.decode(value)))

    async def evaluate(self, expression: str) -> RValue:
        """The value of one R expression."""
        outcome = await self.run(f".value <- {{ {expression} }}", ".value")
        assert outcome.error is None, outcome.console
        return outcome.objects[".value"]

    async def text(self, expression: str) -> str:
        """The value of a character expression."""
        return model.as_text(await self.evaluate(expression)) or ""

    async def number(self, expression: str) -> float:
        """The value of a numeric expression."""
        return model.as_number(await self.evaluate(expression)) or 0.0

    async def flag(self, expression: str) -> bool:
        """The value of a logical expression."""
        return model.as_flag(await self.evaluate(expression)) is True

    async def pid(self) -> int:
        """Process id of the R session."""
        return int(await self.number("Sys.getpid()"))

    async def call(self, function: str, **arguments: RValue) -> RValue:
        """Call a function of the runtime."""
        return qap1.decode(await self.grid.call(self.id, function, qap1.encode(model.named_list(arguments))))

    async def starts(self, code: str, **options: Any) -> asyncio.Task[Outcome]:
        """Start R code that goes on; returns when it runs."""
        return await self._starts(f"cat('<begun>\\n'); flush.console()\n{code}", options)

    async def starts_python(self, code: str, **options: Any) -> asyncio.Task[Outcome]:
        """Start Python code that goes on; returns when it runs."""
        return await self._starts(f"print('<begun>')\n{code}", options)

    async def _starts(self, code: str, options: dict[str, Any]) -> asyncio.Task[Outcome]:
        begun = asyncio.Event()
        sink: ConsoleSink = lambda text: begun.set() if "<begun>" in text else None  # noqa: E731
        task = asyncio.create_task(self.run(code, console=sink, **options))
        waiter = asyncio.create_task(begun.wait())
        await asyncio.wait({task, waiter}, timeout=DEADLINE, return_when=asyncio.FIRST_COMPLETED)
        waiter.cancel()
        if task.done():
            task.result()
        assert begun.is_set(), "the code did not begin"
        return task

    async def files(self) -> list[str]:
        """Names in the working directory, as the grid lists them."""
        return [info.filename for info in await self.grid.list_files(self.id)]

    async def read(self, filename: str, **where: Any) -> bytes:
        """Content of a file."""
        async with self.grid.read_file(self.id, filename, **where) as (_, chunks):
            return b"".join([chunk async for chunk in chunks])

    async def write(self, filename: str, content: bytes, **options: Any) -> None:
        """Write a file of the working directory."""
        await self.grid.write_file(self.id, filename, stream(content), **options)


async def stream(*chunks: bytes) -> AsyncIterable[bytes]:
    """Chunks as an upload."""
    for chunk in chunks:
        yield chunk


@contextlib.asynccontextmanager
async def opened(grid: SocketGrid, **spec: Any) -> AsyncGenerator[Talk]:
    """A session of its own, closed in the end."""
    session = spec.pop("session", None) or unique("PROJECT")
    await grid.open(SessionSpec(session=session, **({"owner": "user:test"} | spec)))
    try:
        yield Talk(grid, session)
    finally:
        await grid.close(session)


async def run_stateless(grid: SocketGrid, code: str, *robjects: str, owner: str = "http:test") -> Outcome:
    """Run code in a session that ends with it."""
    spec = SessionSpec(session=unique("STATELESS"), owner=owner, purpose="anonymous")
    request = Execution(execution=unique("EXEC"), code=code, echo=False)
    record, value = await grid.execute_stateless(spec, request, encode_arguments(robjects))
    return Outcome(record, model.as_members(qap1.decode(value)))


def r_string(text: object) -> str:
    """A text as an R literal."""
    return json.dumps(str(text))
