"""Shell scripts of the repository, run on the server's machine (7x-facts 16).

Off unless ``shell.enabled`` says otherwise: a shell script is not held back as R sessions are. It runs in an empty
directory of its own, with a clean environment and, when the server is root, as a user without rights.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shlex
import shutil
import signal
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import cast

from deployr.errors import (
    BoundaryExceeded,
    DeployrError,
    InvalidParameter,
    NotFound,
    PermissionDenied,
)
from deployr.repository import file_types
from deployr.repository.records import RepositoryFile, RepositoryName
from deployr.repository.repositories import Repositories
from deployr.settings import Settings
from deployr.users.accounts import Accounts
from deployr.users.caller import Caller
from deployr.users.roles import is_administrator

_INTERPRETERS = {"sh": "/bin/sh", "bash": "/bin/bash", "csh": "/bin/csh", "bat": None}
"""By extension; scripts that begin with ``#!`` name their own. Nothing here runs a batch file without one."""
_ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"}
_NOBODY = 65534
_CHUNK = 64 * 1024

SETPRIV = "/usr/bin/setpriv"
"""The command, of util-linux, that runs another one with less rights than ours, and not for longer than we live."""


class ShellFailed(DeployrError):
    """A shell script ended with another status than 0.

    Attributes:
        console: the lines that it printed.
    """

    def __init__(self, status: int, console: list[str]) -> None:
        super().__init__(f"The shell script ended with status {status}.")
        self.console = console


class ShellScripts:
    """Runs shell scripts that administrators own."""

    def __init__(self, accounts: Accounts, repositories: Repositories, settings: Settings) -> None:
        self._accounts = accounts
        self._repositories = repositories
        self._limits = settings.shell

    async def execute(self, caller: Caller, name: RepositoryName, *, args: str = "") -> list[str]:
        """The lines that the script prints, errors included.

        Args:
            args: arguments, separated by blanks; quotes keep blanks together. No shell reads them.

        Raises:
            NotAuthenticated: the caller is anonymous.
            PermissionDenied: shell scripts are off, or this one is not an administrator's work alone.
            NotFound: there is no such file, or the caller may not see it.
            InvalidParameter: it is no shell script that can be run here, or the arguments cannot be told apart.
            BoundaryExceeded: it took too long or printed too much.
            ShellFailed: it ended with another status than 0.
        """
        caller.require_user()
        if not self._limits.enabled:
            raise PermissionDenied("Shell scripts are not enabled on this server.")
        file = self._repositories.find(caller, name)
        if file_types.extension(file.filename) not in _INTERPRETERS:
            raise InvalidParameter(f"The file is no shell script: {name.filename}.")
        if not all(map(self._is_administrator, {*file.authors, file.latestby})):
            raise PermissionDenied("Only shell scripts of administrators are executed.")
        arguments = _split(args)
        with _workplace() as directory_path:
            command = await asyncio.to_thread(self._prepare, file, Path(directory_path))
            return await self._run([*command, *arguments], directory_path)

    def _is_administrator(self, username: str) -> bool:
        try:
            return is_administrator(self._accounts.get(username).roles)
        except NotFound:
            return False

    def _prepare(self, file: RepositoryFile, directory: Path) -> list[str]:
        """Lay the script down; the command that runs it."""
        script = directory / file.filename
        with self._repositories.open(file) as source, script.open("xb") as target:
            shutil.copyfileobj(source, target)
        script.chmod(0o700)
        if os.geteuid() == 0:
            for path in (script, directory):
                os.chown(path, _NOBODY, _NOBODY)
        with script.open("rb") as content:
            if content.read(2) == b"#!":
                return [str(script)]
        extension = file_types.extension(file.filename)
        interpreter = _INTERPRETERS[extension]
        if interpreter is None or not Path(interpreter).exists():
            raise InvalidParameter(f"Nothing on this server runs .{extension} files that do not begin with #!.")
        return [interpreter, str(script)]

    async def _run(self, command: Sequence[str], directory: str) -> list[str]:
        process = await asyncio.create_subprocess_exec(
            *_without_rights(),
            *command,
            cwd=directory,
            env={**_ENVIRONMENT, "HOME": directory, "TMPDIR": directory},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            async with asyncio.timeout(self._limits.time_limit):
                printed = await self._read(cast(asyncio.StreamReader, process.stdout))
                status = await process.wait()
        except TimeoutError:
            raise BoundaryExceeded(f"The shell script ran for more than {self._limits.time_limit} seconds.") from None
        finally:
            # What it left in the background goes with it; its group lasts as long as one of them.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await asyncio.shield(process.wait())
        console = printed.decode(errors="replace").splitlines()
        if status:
            raise ShellFailed(status, console)
        return console

    async def _read(self, output: asyncio.StreamReader) -> bytes:
        printed = bytearray()
        while chunk := await output.read(_CHUNK):
            printed += chunk
            if len(printed) > self._limits.output_limit:
                raise BoundaryExceeded(f"The shell script printed more than {self._limits.output_limit} bytes.")
        return bytes(printed)


@contextlib.contextmanager
def _workplace() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="deployr-shell-", ignore_cleanup_errors=True) as directory:
        yield directory


def _split(args: str) -> list[str]:
    if "\0" in args:
        raise InvalidParameter("The arguments have a NUL character.")
    try:
        return shlex.split(args)
    except ValueError as ex:
        raise InvalidParameter(f"The arguments cannot be told apart: {ex}.") from ex


def _without_rights() -> list[str]:
    command = [SETPRIV, "--pdeathsig", "KILL", "--no-new-privs"]
    if os.geteuid() == 0:
        command += [f"--reuid={_NOBODY}", f"--regid={_NOBODY}", "--clear-groups"]
    return [*command, "--"]
