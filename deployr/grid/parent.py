"""Warm parents: an interpreter with everything loaded, from which sessions are forked. Any runtime's, and R's."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import ClassVar

from deployr.grid import processes
from deployr.grid.files import remove_tree
from deployr.grid.rserve import ConnectionBroken, RserveConnection
from deployr.grid.session_files import SessionFiles

log = logging.getLogger(__name__)

SOURCES = Path(__file__).parent / "r"
_BACKLOG = 8
_CONNECT_TRIES = 20
_FORK_SECONDS = 10.0
_MOST_PROCESSES = 1000


class StartFailed(Exception):
    """A parent did not come up."""


@cache
def rserve_binary() -> Path:
    """The installed Rserve program.

    Raises:
        StartFailed: R or the package Rserve is missing.
    """
    for library in ("/usr/lib/R/site-library", "/usr/local/lib/R/site-library", "/usr/lib/R/library"):
        binary = Path(library) / "Rserve" / "libs" / "Rserve"
        if binary.exists():
            return binary
    raise StartFailed("The R package Rserve is not installed (Debian: apt-get install r-cran-rserve).")


@dataclass(frozen=True)
class ParentOptions:
    """How parents of a node are made.

    Attributes:
        directory: of the node; the parent keeps its socket, configuration and log below it.
        library: R library of the server's own R packages.
        grid: name that marks every process of this grid.
        uid_base: first user id for sessions; ``None`` when the server does not run as root.
        max_value: largest value relayed, in bytes.
        memory_limit: address space of each process in bytes, 0 for none.
        cpu_limit: CPU time that no process may exceed, in seconds, 0 for none.
        uids: user ids that each parent takes; more than its sessions that live at one time.
        python: interpreter of Python sessions.
        public_data: directory of public external data (7x-facts 19), ``DEPLOYR_PUBLIC_DATA`` and R option
            ``deployrPublicExternalDir``; empty: none.
    """

    directory: Path
    library: Path
    grid: str
    uid_base: int | None
    max_value: int
    memory_limit: int = 0
    cpu_limit: int = 0
    uids: int = 2000
    python: str = sys.executable
    public_data: str = ""


class WarmParent:
    """A running parent. Start it with :meth:`start`, fork with :meth:`fork`, end it with :meth:`stop`.

    A runtime's own one says which program it is (``_command``), and what that finds (``_prepare``, ``_environment``).

    Args:
        number: tells it from other parents of the node.
        warm: load packages and run common code paths before serving.
    """

    program: ClassVar[str]
    """Its name, for messages."""

    rehearses: bool = False
    """Its forks gain by a rehearsal, and survive it; see :meth:`deployr.grid.r_session.RSession.rehearse`."""

    start_seconds: ClassVar[float] = 30.0
    """Longest time that it takes to come up."""

    def __init__(self, options: ParentOptions, number: int, *, warm: bool = True) -> None:
        self._options = options
        self._warm = warm
        self._directory = options.directory / f"parent-{number}"
        self._uids: processes.UserIds | None = None
        self._connects = asyncio.Semaphore(_BACKLOG)
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int | None:
        """Process id while it runs."""
        return self._process.pid if self._process and self._process.returncode is None else None

    @property
    def isolated(self) -> bool:
        """True when each session gets a user id of its own."""
        return self._options.uid_base is not None

    async def start(self) -> None:
        """Start it and prove with one healthy fork that it serves.

        Raises:
            StartFailed: it did not come up in time; the message ends with what it logged.
        """
        try:
            await asyncio.to_thread(self._prepare)
            self._process = await self._spawn()
            async with asyncio.timeout(self.start_seconds):
                await self._wait_ready()
        except (TimeoutError, ConnectionBroken, OSError) as ex:
            logged = self._log_tail()
            self.stop()
            await self.wait()
            self.dispose()
            raise StartFailed(f"{self.program} did not start ({ex!r}): {logged}") from ex
        except BaseException:
            self.stop()
            self.dispose()
            raise

    @property
    def _session_ids(self) -> tuple[int, int] | None:
        """First and last user id of sessions."""
        return (self._uids.first, self._uids.last) if self._uids else None

    @property
    def _user(self) -> int | None:
        """User that the program is from its start, ``None`` for the server's."""
        return None

    @property
    def _log_path(self) -> Path:
        return self._directory / f"{self.program.lower()}.log"

    async def fork(self) -> tuple[RserveConnection, processes.Identity]:
        """A new session: the connection to it, and its process.

        Raises:
            ConnectionBroken: the parent is gone, or did not answer and was killed for it.
        """
        async with self._connects:
            try:
                async with asyncio.timeout(_FORK_SECONDS):
                    connection, pid = await self._connect(self._directory / "socket", self._options.max_value)
            except TimeoutError as ex:
                self.stop(with_sessions=False)
                raise ConnectionBroken(f"the {self.program} parent does not answer") from ex
        process = processes.identity(pid)
        if process is None or process.parent != self.pid:
            # The grid will kill by what it is told, and code that ran in a parent can lie.
            connection.abort()
            raise ConnectionBroken("the greeting is of a process that is no fork of the parent")
        return connection, process

    async def furnish(self, files: SessionFiles) -> None:
        """Put into the directory of a new session what that begins with: nothing."""

    async def wait(self) -> None:
        """Return when the parent has died."""
        if self._process:
            await self._process.wait()

    def stop(self, *, with_sessions: bool = True) -> None:
        """Kill the parent, and with it everything in its process group unless told otherwise."""
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            if with_sessions:
                os.killpg(self._process.pid, signal.SIGKILL)
            else:
                os.kill(self._process.pid, signal.SIGKILL)

    def dispose(self) -> None:
        """Remove what it kept, once its sessions are gone too."""
        if self._uids:
            self._uids.release()
            self._uids = None
        remove_tree(self._directory)

    def _command(self) -> Sequence[str]:
        raise NotImplementedError

    async def _connect(self, socket: Path, max_value: int) -> tuple[RserveConnection, int]:
        raise NotImplementedError

    def _prepare(self) -> None:
        remove_tree(self._directory)
        if self._options.uid_base is not None:
            self._uids = processes.UserIds(self._options.uid_base, self._options.uids)
        # Session users must reach the directories that are made for them, and nothing else.
        self._directory.mkdir(mode=0o711, parents=True)
        self._make_directory("tmp")

    def _make_directory(self, name: str) -> None:
        """A directory in which sessions may make others, and see none but their own."""
        (self._directory / name).mkdir()
        (self._directory / name).chmod(0o1733 if self.isolated else 0o700)

    def _environment(self) -> dict[str, str]:
        """Made by hand: nothing of the server's environment may reach user code."""
        return {
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "HOME": str(self._directory / "tmp"),
            "TMPDIR": str(self._directory / "tmp"),
            "LANG": "C.UTF-8",
            "LC_ALL": "C.UTF-8",
            "TZ": os.environ.get("TZ") or "UTC",
            "OMP_NUM_THREADS": "1",
            "DEPLOYR_PUBLIC_DATA": self._options.public_data,
            # Huge pages: a fork copies fewer page tables. Costs a session 2 MiB of private memory.
            "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
            # Functions of libraries are looked up here, and not in each fork at first use.
            "LD_BIND_NOW": "1",
            processes.GRID_MARKER: self._options.grid,
        }

    async def _spawn(self) -> asyncio.subprocess.Process:
        log_path = self._log_path
        # R sessions inherit it, so that no session must be able to read it.
        log_path.touch(mode=0o600)
        with log_path.open("ab") as output:
            return await asyncio.create_subprocess_exec(
                *self._command(),
                stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=output,
                cwd=self._directory, env=self._environment(), start_new_session=True,
                preexec_fn=self._settle,
            )  # fmt: skip

    def _log_tail(self) -> str:
        with contextlib.suppress(OSError):
            return self._log_path.read_text("utf-8", "replace")[-500:]
        return ""

    async def _wait_ready(self) -> None:
        """Ready means a fork that computes: R's goes on to listen when what it loads has failed."""
        while not (self._directory / "socket").exists():
            if self.pid is None:
                raise ConnectionBroken(f"{self.program} ended")
            await asyncio.sleep(0.02)
        for _ in range(_CONNECT_TRIES):
            with contextlib.suppress(ConnectionBroken):
                connection, _ = await self.fork()
                try:
                    await connection.check()
                finally:
                    connection.close()
                return
            await asyncio.sleep(0.05)
        raise ConnectionBroken("no greeting")

    def _settle(self) -> None:
        """In the child before the program starts: its user, no other groups, limits, and no life without the grid."""
        if os.geteuid() == 0:
            os.setgroups([])
        if self._user is not None:
            os.setresgid(self._user, self._user, self._user)
            os.setresuid(self._user, self._user, self._user)
        os.umask(0o077)
        processes.limit_resources(
            memory=self._options.memory_limit,
            cpu=self._options.cpu_limit,
            # The kernel counts by user id, and the server's own has more than sessions.
            processes=_MOST_PROCESSES if self._uids else 0,
        )
        processes.die_with_parent()


class RserveParent(WarmParent):
    """R, as Rserve."""

    program = "Rserve"
    rehearses = True

    @property
    def _sources(self) -> Path:
        """Directory of the R sources."""
        return SOURCES

    def _command(self) -> Sequence[str]:
        configuration = str(self._directory / "rserve.conf")
        return "R", "CMD", str(rserve_binary()), "--RS-conf", configuration, "--no-save", "--slave"

    async def _connect(self, socket: Path, max_value: int) -> tuple[RserveConnection, int]:
        return await RserveConnection.connect(socket, max_value)

    def _prepare(self) -> None:
        super()._prepare()
        (self._directory / "rserve.conf").write_text(self._configuration())

    def _environment(self) -> dict[str, str]:
        return super()._environment() | {
            "R_LIBS": str(self._options.library),
            "DEPLOYR_R_SOURCES": str(self._sources),
            "DEPLOYR_R_WARM": "yes" if self._warm else "no",
        }

    def _configuration(self) -> str:
        sources = self._sources
        lines = [
            "daemon disable",
            f"socket {self._directory / 'socket'}",
            "sockmod 0700",
            "qap.oc enable",
            "oob enable",
            "console.oob enable",
            "console.input enable",
            "interactive no",
            "encoding utf8",
            "umask 0077",
            "maxinbuf 4194304",
            # None: a session's directory is the grid's to make.
            "workdir",
            f"source {sources / 'bootstrap.R'}",
        ]
        if self._session_ids:
            first, last = self._session_ids
            lines += [
                "random.uid enable",
                "random.gid enable",
                f"random.uid.range {first}-{last}",
            ]
        return "\n".join(lines) + "\n"
