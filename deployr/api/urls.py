"""The URLs that replies hold; clients use them as they are."""

from __future__ import annotations

import functools
from urllib.parse import quote

from deployr.repository.names import ROOT
from deployr.repository.records import RepositoryFile

CONTEXT = "/deployr"
"""Context path of the server, which clients have built in."""


class Urls:
    """Builds URLs.

    Args:
        base: what they begin with: ``http://host:port/deployr``, or ``/deployr`` for relative ones.
    """

    def __init__(self, base: str) -> None:
        self._base = base.rstrip("/")

    def project_file(self, project: str, filename: str) -> str:
        """A file of a project's working directory."""
        return self._join("/r/project/directory/download", project, filename)

    def stateless_file(self, project: str, filename: str) -> str:
        """A file that a stateless execution left."""
        return self._join("/r/repository/script/directory/download", project, filename)

    def result(self, project: str, execution: str, filename: str) -> str:
        """An unnamed plot."""
        return self._join("/r/project/execute/result/download", project, execution, filename)

    def repository_file(self, file: RepositoryFile) -> str:
        """A file of the repository; directory root and the latest version go without saying."""
        directory = [] if file.directory == ROOT else [file.directory]
        version = [] if file.version is None else [file.version]
        return self._join("/r/repository/file/download", file.author, *directory, *version, file.filename)

    def _join(self, call: str, *segments: str) -> str:
        return "/".join((self._base + call, *map(_quoted, segments)))


@functools.lru_cache(maxsize=4096)
def _quoted(segment: str) -> str:
    """Authors and directories come again in each row of a listing."""
    return quote(segment, safe="")
