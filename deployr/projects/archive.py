"""Projects as zip archives: exported, and imported from what anybody may have made.

An archive holds ``project.json``, ``workspace.rData``, ``directory/<file>`` and ``results/<execution>/<plot>``. Nothing
is taken from it by its name: contents become blobs. It is refused as a whole when it is not as an export would be.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import tempfile
import zipfile
from collections.abc import AsyncIterable, AsyncIterator, Iterator
from typing import IO

import msgspec

from deployr.errors import InvalidParameter
from deployr.grid.files import check_name
from deployr.grid.protocol import ExecutionRecord, FileInfo
from deployr.projects import downloads
from deployr.projects.persistence import WORKSPACE
from deployr.projects.projects import Projects
from deployr.projects.records import AUTOSAVED, Download, Project, ProjectChanges, StateParts
from deployr.projects.saved_rows import SavedExecution, SavedFile, SavedState
from deployr.repository import file_types, zips
from deployr.repository.blobs import Blob, Blobs
from deployr.settings import Settings
from deployr.users.caller import Caller

_METADATA = "project.json"
_MOST_ENTRIES = 20_000
_EXPANSION = 4
"""The contents may be so many times larger than the largest upload."""

_LARGEST_METADATA = 256 * 1024 * 1024

_EXECUTION = re.compile(r"EXEC-[0-9A-Za-z-]{1,64}")
_PACKAGE = re.compile(r"[A-Za-z][A-Za-z0-9.]*")


class Metadata(msgspec.Struct, frozen=True, kw_only=True):
    """What an archive says of its project; see :class:`~deployr.projects.records.Project`.

    Attributes:
        packages: see :class:`~deployr.projects.saved_rows.SavedState`.
        descriptions: of files, by name.
        history: oldest first.
    """

    name: str | None
    descr: str | None
    longdescr: str | None
    cookie: str | None
    packages: list[str] | None
    descriptions: dict[str, str]
    history: list[ExecutionRecord]


class Archives:
    """Exports and imports projects."""

    def __init__(self, projects: Projects, blobs: Blobs, settings: Settings) -> None:
        self._projects = projects
        self._blobs = blobs
        self._largest = _EXPANSION * settings.limits.max_upload
        self._depth = settings.limits.history_depth
        self._blacklist = settings.limits.file_type_blacklist

    async def export(self, caller: Caller, project_id: str, parts: StateParts) -> Download:
        """The project as a zip: as its session has it, or else as it was saved.

        Raises:
            ProjectBusy: a call runs in it.
        """
        project, state = await self._projects.state(caller, project_id, parts)
        entries = [(_METADATA, _bytes(msgspec.json.encode(_metadata(project, state))))]
        entries += [(name, self._blob(sha256)) for name, sha256 in _contents(state)]
        return await downloads.zip_of(entries, f"{project_id}.zip")

    async def load(
        self, caller: Caller, content: AsyncIterable[bytes], *, name: str | None = None, descr: str | None = None
    ) -> Project:
        """Make a persistent project of an archive.

        Args:
            name, descr: in the place of the archive's.

        Raises:
            InvalidParameter: it is no archive of a project, or one that an export would not make.
            TooLarge: its contents are too large or too many.
        """
        with tempfile.TemporaryFile() as file:
            async for chunk in content:
                await asyncio.to_thread(file.write, chunk)
            file.flush()
            metadata, state = await asyncio.to_thread(self._read, file, caller)
        original = metadata.name or AUTOSAVED
        described = ProjectChanges(
            name=name or f"{original} (Import)",
            descr=descr or metadata.descr,
            longdescr=metadata.longdescr,
            cookie=metadata.cookie,
        )
        origin = f"Project generated on import of project named,  {original}."
        return await self._projects.add(caller, described, origin, state)

    @contextlib.asynccontextmanager
    async def _blob(self, sha256: str) -> AsyncIterator[AsyncIterable[bytes]]:
        yield self._blobs.stream(sha256)

    def _read(self, file: IO[bytes], caller: Caller) -> tuple[Metadata, SavedState]:
        with zips.opened(file, self._largest, _MOST_ENTRIES) as archive:
            entries = {entry.filename: entry for entry in zips.entries(archive)}
            for name in entries:
                _check_place(name)
            metadata = _decode(archive, entries)
            for name in entries:
                if name.startswith("directory/"):
                    file_types.check_type(name, self._blacklist, caller)
            blobs = {name: self._blobs.put(zips.chunks(archive, entry)) for name, entry in entries.items()}
        return metadata, _state(metadata, blobs, self._depth)


# -- export -----------------------------------------------------------------------------------------------


def _metadata(project: Project, state: SavedState) -> Metadata:
    return Metadata(
        name=project.name,
        descr=project.descr,
        longdescr=project.longdescr,
        cookie=project.cookie,
        packages=state.packages,
        descriptions={file.filename: file.descr for file in state.files if file.descr is not None},
        history=[saved.record for saved in state.history],
    )


def _contents(state: SavedState) -> Iterator[tuple[str, str]]:
    """Names in the archive, with the SHA-256 of what they hold."""
    if state.workspace is not None:
        yield WORKSPACE, state.workspace
    for file in state.files:
        yield f"directory/{file.filename}", file.sha256
    for saved in state.history:
        for filename, sha256 in saved.plots.items():
            yield f"results/{saved.record.execution}/{filename}", sha256


@contextlib.asynccontextmanager
async def _bytes(content: bytes) -> AsyncIterator[AsyncIterable[bytes]]:
    async def chunks() -> AsyncIterator[bytes]:
        yield content

    yield chunks()


# -- import -----------------------------------------------------------------------------------------------


def _check_place(name: str) -> None:
    """Whether an export puts something there."""
    match name.split("/"):
        case [("project.json" | "workspace.rData")]:
            return
        case ["directory", filename]:
            check_name(filename)
        case ["results", execution, filename] if _EXECUTION.fullmatch(execution):
            check_name(filename)
        case _:
            raise InvalidParameter(f"The archive has an entry that cannot be imported: {name!r}.")


def _decode(archive: zipfile.ZipFile, entries: dict[str, zipfile.ZipInfo]) -> Metadata:
    """What the archive says of its project; its entry is taken out."""
    if _METADATA not in entries or entries[_METADATA].file_size > _LARGEST_METADATA:
        raise InvalidParameter("The file is no archive of a project.")
    try:
        metadata = msgspec.json.decode(b"".join(zips.chunks(archive, entries.pop(_METADATA))), type=Metadata)
    except (msgspec.MsgspecError, RecursionError) as ex:
        raise InvalidParameter("The file is no archive of a project.") from ex
    executions = [record.execution for record in metadata.history]
    if len(set(executions)) < len(executions) or not all(map(_EXECUTION.fullmatch, executions)):
        raise InvalidParameter("The archive has a history that cannot be imported.")
    if not all(map(_PACKAGE.fullmatch, metadata.packages or [])):
        raise InvalidParameter("The archive has a list of packages that cannot be imported.")
    return metadata


def _state(metadata: Metadata, blobs: dict[str, Blob], depth: int) -> SavedState:
    directory = {name.removeprefix("directory/"): blob for name, blob in blobs.items() if name.startswith("directory/")}
    workspace = blobs.get(WORKSPACE)
    return SavedState(
        workspace=workspace.sha256 if workspace else None,
        packages=metadata.packages,
        files=[SavedFile(name, blob.sha256, metadata.descriptions.get(name)) for name, blob in directory.items()],
        history=[_saved(record, blobs) for record in metadata.history[-depth:]],
    )


def _saved(record: ExecutionRecord, blobs: dict[str, Blob]) -> SavedExecution:
    """An execution with those of its plots that came along; how long these are is not for the archive to say."""
    found = {info.filename: blobs.get(f"results/{record.execution}/{info.filename}") for info in record.results}
    results = [_measured(info, record.execution, blob) for info in record.results if (blob := found[info.filename])]
    plots = {filename: blob.sha256 for filename, blob in found.items() if blob}
    return SavedExecution(msgspec.structs.replace(record, results=results), plots)


def _measured(info: FileInfo, execution: str, blob: Blob) -> FileInfo:
    return msgspec.structs.replace(info, execution=execution, length=blob.length)
