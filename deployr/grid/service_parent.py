"""Warm parents of services: a snapshot and init code are loaded once, and every session is a fork of that state.

The author's code runs in the parent, as a user of the service's own. Where the system allows it that is root of a user
namespace in which the ids of its own sessions exist and no others (:mod:`deployr.grid.user_namespaces`), and each
session has one of these. Elsewhere all sessions of the service are that user, told from one another by their markers.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from deployr.grid import processes, snapshot_zips, user_namespaces
from deployr.grid.file_trees import FileTree
from deployr.grid.files import SessionDirectory, open_directory, reading
from deployr.grid.parent import SOURCES, ParentOptions, RserveParent, WarmParent
from deployr.grid.protocol import FileInfo, ServiceSpec
from deployr.grid.python_parent import PROGRAM, PythonParent
from deployr.grid.session_files import SessionFiles

_START_SECONDS = 120.0


class _ServiceParent(WarmParent):
    """What the parents of both runtimes have in common; see :class:`~deployr.grid.parent.WarmParent`.

    Args:
        namespaces: user namespaces can be made.
    """

    start_seconds = _START_SECONDS

    def __init__(
        self, options: ParentOptions, number: int, *, warm: bool = True, service: ServiceSpec, namespaces: bool
    ) -> None:
        super().__init__(options, number, warm=warm)
        self._service = service
        self._namespaces = namespaces
        self._work: SessionDirectory | None = None
        self._held: Sequence[FileInfo] | None = None

    @property
    def isolated(self) -> bool:
        return super().isolated and self._namespaces

    @property
    def _state(self) -> Path:
        """Directory of what is loaded; its ``work`` is the working directory of the init code."""
        return self._directory / "service"

    @property
    def _programs(self) -> Path:
        """The server's own may lie where the author cannot read."""
        return self._directory / "programs"

    @property
    def _session_ids(self) -> tuple[int, int] | None:
        return (self._uids.first + 1, self._uids.last) if self._uids and self.isolated else None

    @property
    def _user(self) -> int | None:
        return self._uids.first if self._uids and not self.isolated else None

    async def furnish(self, files: SessionFiles) -> None:
        """Copy what the working directory held when everything was loaded."""
        if self._work is None:
            return
        work = FileTree(self._work)
        if self._held is None:
            self._held = await work.files()
        for info in self._held:
            found, fd = work.open(info.filename)
            with reading(fd, found.length) as chunks:
                await files.tree.write(info.filename, chunks, overwrite=True)

    def dispose(self) -> None:
        if self._user is not None:
            processes.kill_users({self._user})
        if self._work:
            self._work.close()
            self._work = None
        super().dispose()

    def _prepare(self) -> None:
        super()._prepare()
        shutil.copytree(SOURCES, self._programs / "r", ignore=shutil.ignore_patterns("packages"))
        shutil.copytree(PROGRAM.parent, self._programs / "python", ignore=shutil.ignore_patterns("__pycache__"))
        work = self._state / "work"
        work.mkdir(parents=True)
        for name, code in (("init_code", self._service.init_code), ("code", self._service.code)):
            (self._state / name).write_bytes(code.encode("utf-8", "replace"))
        if self._service.snapshot is not None:
            self._unpack(Path(self._service.snapshot), work)
        self._work = SessionDirectory(open_directory(work), hidden=True)
        if self._uids:
            _give(self._directory, self._uids.first)
            self._state.chmod(0o700)

    def _unpack(self, snapshot: Path, work: Path) -> None:
        runtime = self._service.runtime
        with snapshot_zips.opened(snapshot, runtime) as archive:
            places = {name: work / name for name in archive.files}
            if archive.workspace is not None:
                places[archive.workspace] = self._state / snapshot_zips.SAVED_WORKSPACE[runtime]
            for name, place in places.items():
                place.parent.mkdir(parents=True, exist_ok=True)
                with place.open("xb") as file:
                    file.writelines(archive.chunks(name))

    def _command(self) -> Sequence[str]:
        command = self._program_command()
        if self._uids and self.isolated:
            return user_namespaces.command(self._uids.first, self._uids.last, command)
        return command

    def _program_command(self) -> Sequence[str]:
        """The command that the parent of plain sessions would be."""
        return super()._command()


class RServiceParent(_ServiceParent, RserveParent):
    """Of services in R."""

    @property
    def _sources(self) -> Path:
        return self._programs / "r"

    def _environment(self) -> dict[str, str]:
        return super()._environment() | {"DEPLOYR_R_SERVICE": str(self._state)}

    def _configuration(self) -> str:
        return f"{super()._configuration()}source {self._sources / 'service.R'}\n"


class PythonServiceParent(_ServiceParent, PythonParent):
    """Of services in Python."""

    @property
    def _program_path(self) -> Path:
        return self._programs / "python" / PROGRAM.name

    def _program_command(self) -> Sequence[str]:
        return *super()._program_command(), str(self._state)


def _give(directory: Path, uid: int) -> None:
    """Make a directory and all in it a user's; nothing of the user's runs yet."""
    for path in (directory, *_below(directory)):
        os.chown(path, uid, uid, follow_symlinks=False)


def _below(directory: Path) -> Iterator[Path]:
    return directory.rglob("*")
