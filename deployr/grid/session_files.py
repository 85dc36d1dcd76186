"""What a session keeps on disk: its working directory, unnamed plots, and saved workspace.

All of it lies in one directory that belongs to the session's user. Making and removing a directory costs more than
running a line of R, so only the working directory is made for every session; R makes the one for plots when it draws.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
from collections.abc import Collection, Reversible
from functools import cached_property
from pathlib import Path

import msgspec

from deployr.errors import DeployrError, NotFound
from deployr.grid.file_trees import FileTree
from deployr.grid.files import SessionDirectory, check_name, open_directory, remove_tree
from deployr.grid.protocol import FileInfo

_STATE = "state"
_MOST_DIGESTED = 2 * 1024 * 1024


class SessionFiles:
    """The directories of one session.

    Args:
        path: made here.
        owner: user and group id of the session, ``None`` when sessions share the server's.
    """

    def __init__(self, path: Path, owner: tuple[int, int] | None) -> None:
        self.path = path
        self.work_path = path / "work"
        self._ids = owner or (None, None)
        for made in (path, self.work_path):
            made.mkdir(mode=0o700)
            if owner:
                os.chown(made, *owner)
        self._fd = open_directory(path)
        try:
            self.directory = self._open("work")
            """The working directory."""
        except OSError:
            os.close(self._fd)
            raise
        self._plots: dict[str, list[FileInfo]] = {}

    @property
    def uid(self) -> int | None:
        """User id of the session, ``None`` when sessions share the server's."""
        return self._ids[0]

    @cached_property
    def all(self) -> SessionDirectory:
        """The working directory with its hidden files."""
        return self.directory.with_hidden()

    @cached_property
    def tree(self) -> FileTree:
        """All below the working directory."""
        return FileTree(self.all)

    @cached_property
    def state(self) -> SessionDirectory:
        """Where the saved workspace is written and read.

        Raises:
            DeployrError: the session's code has put something else there.
        """
        try:
            with contextlib.suppress(FileExistsError):
                os.mkdir(_STATE, 0o700, dir_fd=self._fd)
            state = self._open(_STATE)
        except OSError as ex:
            raise DeployrError("There is no directory for the workspace to be saved in.") from ex
        state.give_to_owner()
        return state

    def plots_path(self, execution: str) -> Path:
        """Directory that R makes when an execution draws."""
        return self.path / check_name(execution)

    def collect_plots(self, execution: str) -> list[FileInfo]:
        """The pages that an execution has drawn, by number; they stay until they are forgotten."""
        try:
            with self._drawing(execution) as directory:
                pages = [_digested(directory, info) for info in directory.files(execution)]
        except NotFound:
            return []
        self._plots[execution] = pages
        return pages

    def plots(self, execution: str | None = None) -> list[FileInfo]:
        """Unnamed plots of one execution or of all, as they were drawn."""
        wanted = self._plots.values() if execution is None else [self._plots.get(execution, [])]
        return [info for pages in wanted for info in pages]

    def open_plot(self, execution: str | None, filename: str) -> tuple[FileInfo, int]:
        """A plot, of the newest execution that has it, and a descriptor for reading it.

        Raises:
            NotFound: it is not there.
        """
        newest = self._newest(self._plots if execution is None else [execution], filename)
        with self._drawing(newest) as directory:
            return directory.open(filename, newest)

    def forget_plots(self, execution: str) -> None:
        """Remove the plots of an execution; no effect when it has none."""
        if self._plots.pop(execution, None) is not None:
            _remove_later(self.path / execution)

    def delete_plots(self, executions: Collection[str], filename: str | None) -> None:
        """Delete the plots of executions, or of all; or the one of a name, of the newest execution that has it.

        Raises:
            NotFound: there is no plot of that name.
        """
        wanted = [name for name in self._plots if not executions or name in executions]
        if filename is None:
            for name in wanted:
                self.forget_plots(name)
            return
        newest = self._newest(wanted, filename)
        self._plots[newest] = [info for info in self._plots[newest] if info.filename != filename]
        with self._drawing(newest) as directory:
            directory.delete([filename])

    def beyond(self, storage: int) -> list[str]:
        """Executions whose plots do not fit in so many bytes together with newer ones; the newest always fits."""
        taken, gone = 0, []
        for execution, pages in reversed(self._plots.items()):
            fits = taken == 0
            taken += sum(info.length for info in pages)
            if not fits and taken > storage:
                gone.append(execution)
        return gone

    @property
    def drawn(self) -> Collection[str]:
        """Executions that have plots, oldest first."""
        return self._plots.keys()

    def close(self) -> None:
        """Let go of everything and remove it; once is enough."""
        if self._fd < 0:
            return
        made = self.__dict__.get("all"), self.__dict__.get("state")
        for directory in (self.directory, *made):
            if directory:
                directory.close()
        self._plots.clear()
        fd, self._fd = self._fd, -1
        os.close(fd)
        _remove_later(self.path)

    def _newest(self, executions: Reversible[str], filename: str) -> str:
        """The last of these executions that has a plot of that name; ``NotFound`` when none has."""
        for execution in reversed(executions):
            if any(info.filename == filename for info in self._plots.get(execution, [])):
                return execution
        raise NotFound(f"File not found: {filename}.")

    def _drawing(self, execution: str) -> contextlib.closing[SessionDirectory]:
        """The directory of an execution's plots, open for a moment; ``NotFound`` when it is not there."""
        try:
            return contextlib.closing(self._open(execution))
        except OSError as ex:
            raise NotFound(f"Execution not found: {execution}.") from ex

    def _open(self, name: str) -> SessionDirectory:
        """A directory right below; ``OSError`` when it is none, or a link."""
        return SessionDirectory(open_directory(name, self._fd), *self._ids)


def _digested(directory: SessionDirectory, page: FileInfo) -> FileInfo:
    """A plot with its digest, for which the grid stands still: not of what is larger than plots are."""
    if page.length > _MOST_DIGESTED:
        return page
    _, fd = directory.open(page.filename, page.execution)
    with os.fdopen(fd, "rb") as file:
        digest = hashlib.sha256(file.read(_MOST_DIGESTED))
    return msgspec.structs.replace(page, sha256=digest.hexdigest())


def _remove_later(path: Path) -> None:
    """Remove a directory whose size is the user's choice: not on the path of other sessions."""
    asyncio.get_running_loop().run_in_executor(None, remove_tree, path)
