"""A repository file as the domain sees it."""

from __future__ import annotations

import dataclasses
from typing import Literal

from deployr.repository import file_types

Access = Literal["Private", "Restricted", "Shared", "Public"]


@dataclasses.dataclass(frozen=True, slots=True)
class RepositoryName:
    """Which file a call means.

    Attributes:
        author: one of its owners; default the caller.
        directory: of the default repository, default root, or an address in the external one.
        version: default the latest.
    """

    filename: str
    _: dataclasses.KW_ONLY
    author: str | None = None
    directory: str | None = None
    version: str | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FileProperties:
    """What can be set on a file besides its content; ``None`` leaves it as it is.

    Attributes:
        restricted: comma-separated roles; empty text clears it.
        inputs, outputs: free-text declarations of a script's interface.
    """

    descr: str | None = None
    tags: str | None = None
    restricted: str | None = None
    shared: bool | None = None
    published: bool | None = None
    inputs: str | None = None
    outputs: str | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """Where a content goes in its writer's repository, and how.

    Attributes:
        directory: default root.
        properties: what is not given stays as it is.
        newversion: keep the former latest version as history.
        newversionmsg: describes the version.
    """

    directory: str | None = None
    properties: FileProperties = FileProperties()
    newversion: bool = False
    newversionmsg: str | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RepositoryFile:
    """One version of a file.

    Attributes:
        author: whose repository it was made in.
        authors: all owners, sorted.
        version: ``None`` for the latest.
        latestby: user who wrote this version.
        restricted: comma-separated roles, or ``None``.
        sha256: address of the content, lower-case hex.
        length: bytes.
        last_modified: milliseconds since 1970.
    """

    filename: str
    directory: str
    author: str
    authors: tuple[str, ...]
    version: str | None
    versionmsg: str | None
    latestby: str
    descr: str | None
    tags: str | None
    restricted: str | None
    shared: bool
    published: bool
    inputs: str | None
    outputs: str | None
    sha256: str
    length: int
    last_modified: int

    @property
    def access(self) -> Access:
        """Who sees it; of several flags the first of published, restricted, shared counts (7x-facts 13.4)."""
        if self.published:
            return "Public"
        if self.restricted:
            return "Restricted"
        return "Shared" if self.shared else "Private"

    @property
    def type(self) -> str:
        """Content type."""
        return file_types.content_type(self.filename)

    @property
    def category(self) -> str:
        """Category of the file's type."""
        return file_types.category(self.filename)
