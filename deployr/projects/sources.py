"""The R code of scripts of the repositories."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from deployr.projects.records import RepositoryName
from deployr.repository.records import RepositoryFile
from deployr.repository.repositories import Repositories
from deployr.users.caller import Caller


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
    """Reads scripts of both repositories."""

    def __init__(self, repositories: Repositories) -> None:
        self._repositories = repositories

    async def load(self, caller: Caller, scripts: Sequence[RepositoryName]) -> Source:
        """The code of scripts, one after the other.

        Raises:
            NotFound: one of them does not exist or the caller may not execute it.
        """
        found = [self._find(caller, script) for script in scripts]
        codes = [as_text(await self._repositories.read(file)) for file in found]
        return Source("\n".join(codes), all(self._repositories.may_download(caller, file) for file in found))

    def _find(self, caller: Caller, script: RepositoryName) -> RepositoryFile:
        return self._repositories.find(
            caller,
            script.filename,
            author=script.author,
            directory=script.directory,
            version=script.version,
            script=True,
        )


def as_text(content: bytes) -> str:
    """UTF-8 or, where it is none, Latin-1, in which any bytes are text."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")
