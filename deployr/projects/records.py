"""What the projects domain speaks of: projects, execution requests and outcomes, downloads."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Literal

from deployr.encodings.model import RValue
from deployr.encodings.objects import Record
from deployr.grid.protocol import ExecutionRecord
from deployr.repository.records import RepositoryFile, RepositoryName

Kind = Literal["temporary", "blackbox", "persistent"]

ORIGINAL = "Project original."
"""Origin of a project that is no copy and no import (7x-facts 3.2)."""

AUTOSAVED = "Project: Autosaved"
AUTOSAVED_DESCR = "Autosaved by DeployR."
"""Name of a project that is saved without one (7x-facts 6.1, 6.3)."""

NO_PROJECT = "There is no such project, or it is not yours."
"""What a caller is told of a project that does not exist or is not theirs."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A project; its id is the id of its session on the grid.

    Attributes:
        author: who made it; all who own it are ``authors``.
        cookie: text that the client stored with the project.
        origin: how it came about, in words.
        lastmodified: milliseconds since 1970.
        live: it holds a session on the grid.
        http_session: digest of the HTTP session whose end ends its session; ``None`` for a stateless project.
    """

    project: str
    name: str | None
    descr: str | None
    longdescr: str | None
    author: str
    authors: tuple[str, ...]
    shared: bool
    cookie: str | None
    origin: str
    lastmodified: int
    kind: Kind
    http_session: str | None
    live: bool

    @property
    def lasts(self) -> bool:
        """It outlives its session."""
        return self.kind == "persistent"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ProjectChanges:
    """What a call says of a project; ``None`` leaves it as it is. See :class:`Project`."""

    name: str | None = None
    descr: str | None = None
    longdescr: str | None = None
    shared: bool | None = None
    cookie: str | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StateParts:
    """What of a project is saved, copied or exported (7x-facts 6.3).

    Attributes:
        workspace, directory, history: this part.
        flush_history: entries of the history lose their console text and unnamed plots.
    """

    workspace: bool = True
    directory: bool = True
    history: bool = True
    flush_history: bool = False


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ClosingOptions:
    """How a persistent project is closed (7x-facts 6.3).

    Attributes:
        autosave: save it, unless autosave is off for the HTTP session.
        parts: what is saved.
        cookie: text to store with the project; ``None`` leaves it as it is.
    """

    autosave: bool = True
    parts: StateParts = StateParts()
    cookie: str | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ObjectEncoding:
    """How the caller wants objects encoded; see :func:`deployr.encodings.objects.encode_object`."""

    nan: str | None = None
    infinity: str | None = None
    data_frame_primitive_as_vector: bool = False
    date_vector_class: str | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Preparation:
    """The pre-execution parameters of the standard execution model but for the inputs (7x-facts 7.2).

    Attributes:
        workspace, files, packages: ids of the projects whose objects, files and attached packages are adopted.
        directories: of the caller's repository, whose files go to the working directory.
        preloaded_files: files of the repository that go there.
        preloaded_objects: rData files of the repository, whose objects go to the workspace.
    """

    workspace: str | None = None
    files: str | None = None
    packages: str | None = None
    directories: Sequence[str] = ()
    preloaded_files: Sequence[RepositoryName] = ()
    preloaded_objects: Sequence[RepositoryName] = ()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Storing:
    """What goes to the caller's repository after an execution (7x-facts 7.5).

    Attributes:
        files: of the working directory.
        objects: each to a file of its name.
        workspace: name of the file that takes all objects.
        directory: where to, default root.
        newversion: files that exist get a new version; else their latest is replaced.
        public: the files are published.
    """

    files: Sequence[str] = ()
    objects: Sequence[str] = ()
    workspace: str | None = None
    directory: str | None = None
    newversion: bool = False
    public: bool = False

    def __bool__(self) -> bool:
        """Whether there is anything to store."""
        return bool(self.files or self.objects or self.workspace)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionOptions:
    """The parameters of the standard execution model (7x-facts 7).

    Attributes:
        preparation: what the session is given before the code runs.
        inputs: objects assigned after that.
        robjects: names of the objects to return, in order.
        echo, console, console_events, artifacts, phantom, graphics, width, height, tag: see
            :class:`deployr.grid.protocol.Execution`.
        encoding: of the objects returned.
        storing: what is stored after the code ran well.
    """

    preparation: Preparation = Preparation()
    inputs: Mapping[str, RValue] = dataclasses.field(default_factory=dict)
    robjects: Sequence[str] = ()
    tag: str | None = None
    phantom: bool = False
    echo: bool = True
    console: bool = True
    console_events: bool = False
    artifacts: bool = True
    graphics: Literal["png", "svg"] = "png"
    width: int = 0
    height: int = 0
    encoding: ObjectEncoding = ObjectEncoding()
    storing: Storing = Storing()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """An execution that ran to its end, well or not.

    Attributes:
        record: what happened; ``record.error`` tells of a failure of the R code.
        objects: object records in the order asked for.
        stored: the files that went to the repository.
    """

    project: Project
    record: ExecutionRecord
    objects: list[Record]
    stored: Sequence[RepositoryFile] = ()


class Content(AsyncIterator[bytes]):
    """Bytes on their way, taken once; :meth:`close` must be called however far they were taken."""

    def __init__(self, chunks: AsyncIterator[bytes], close: Callable[[], Awaitable[None]] | None = None) -> None:
        self._chunks = chunks
        self._close = close

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        return await anext(self._chunks)

    async def close(self) -> None:
        """Let go of what the bytes come from."""
        if self._close:
            await self._close()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """A file to be sent: its name, length in bytes, and content."""

    filename: str
    length: int
    content: Content


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StoredDownload(Download):
    """A file of which a client may have a copy, or want a part.

    Attributes:
        etag: tells contents apart.
        modified: milliseconds since 1970.
        part: opens so many bytes from a start on.
    """

    etag: str
    modified: int
    part: Callable[[int, int], Content]
