"""The R code of repository scripts."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Sequence

from deployr.projects.records import RepositoryName
from deployr.repository.blobs import Blobs
from deployr.repository.files import RepositoryFiles
from deployr.repository.records import RepositoryFile
from deployr.users.caller import Caller

_LARGE = 256 * 1024
"""Bytes of a script from which on it is read in a thread."""


@dataclasses.dataclass(frozen=True, slots=True)
class Source:
    """R code, and whether the caller may see it (7x-facts 14.3)."""

    code: str
    visible: bool

    def then(self, other: Source) -> Source:
        """The code of both, one after the other."""
        return Source("\n".join(filter(None, (self.code, other.code))), self.visible and other.visible)


NOTHING = Source("", visible=True)
"""No code."""


class ScriptSources:
    """Reads scripts of the repository."""

    def __init__(self, files: RepositoryFiles, blobs: Blobs) -> None:
        self._files = files
        self._blobs = blobs

    async def load(self, caller: Caller, scripts: Sequence[RepositoryName]) -> Source:
        """The code of scripts, one after the other.

        Raises:
            NotFound: one of them does not exist or the caller may not execute it.
        """
        found = [self._find(caller, script) for script in scripts]
        codes = [await self._read(file) for file in found]
        return Source("\n".join(codes), all(self._files.may_download(caller, file) for file in found))

    def _find(self, caller: Caller, script: RepositoryName) -> RepositoryFile:
        return self._files.find(
            caller,
            script.filename,
            author=script.author,
            directory=script.directory,
            version=script.version,
            script=True,
        )

    async def _read(self, file: RepositoryFile) -> str:
        if file.length < _LARGE:
            content = self._blobs.read(file.sha256)
        else:
            content = await asyncio.to_thread(self._blobs.read, file.sha256)
        return as_text(content)


def as_text(content: bytes) -> str:
    """UTF-8 or, where it is none, Latin-1, in which any bytes are text."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")
