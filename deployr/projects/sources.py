"""The code of scripts of the repositories."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence

from deployr.errors import InvalidParameter
from deployr.grid.protocol import Runtime
from deployr.repository import file_types
from deployr.repository.records import RepositoryFile, RepositoryName
from deployr.repository.repositories import Repositories
from deployr.users.caller import Caller


@dataclasses.dataclass(frozen=True, slots=True)
class Source:
    """Code, whether the caller may see it (7x-facts 14.3), and what runs it."""

    code: str
    visible: bool
    runtime: Runtime = "r"

    def then(self, other: Source) -> Source:
        """The code of both, one after the other.

        Raises:
            InvalidParameter: one is R and the other Python.
        """
        coded = [source for source in (self, other) if source.code]
        if len({source.runtime for source in coded}) > 1:
            raise InvalidParameter("Scripts of R and of Python cannot run one after the other in one session.")
        runtime = coded[0].runtime if coded else self.runtime
        return Source("\n".join(source.code for source in coded), self.visible and other.visible, runtime)


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
            InvalidParameter: some are R and some Python.
        """
        found = [self._find(caller, script) for script in scripts]
        return functools.reduce(Source.then, [await self._source(caller, file) for file in found], NOTHING)

    async def _source(self, caller: Caller, file: RepositoryFile) -> Source:
        runtime: Runtime = "python" if file_types.is_python(file.filename) else "r"
        code = as_text(await self._repositories.read(file))
        return Source(code, self._repositories.may_download(caller, file), runtime)

    def _find(self, caller: Caller, script: RepositoryName) -> RepositoryFile:
        return self._repositories.find(caller, script, script=True)


def as_text(content: bytes) -> str:
    """UTF-8 or, where it is none, Latin-1, in which any bytes are text."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")
