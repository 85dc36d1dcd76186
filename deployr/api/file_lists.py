"""The parameters that lists of repository files have in common."""

from __future__ import annotations

from collections.abc import Sequence

from deployr.api.params import MalformedParameter, Params
from deployr.repository.addresses import is_external
from deployr.repository.records import RepositoryFile


def wants_external(params: Params) -> bool:
    """Whether the external repository is listed: it is asked for, or the directory is an address in it."""
    return params.flag("external") or is_external(params.text("directory"))


def read_category(params: Params) -> str | None:
    """The category to filter by.

    The .NET client sends the name of its type, ``DeployR.RRepositoryFile+Category``, where none was chosen.
    """
    category = params.text("categoryFilter", "categoryFilte")
    return None if category and category.endswith("+Category") else category


def narrowed(params: Params, files: Sequence[RepositoryFile]) -> tuple[Sequence[RepositoryFile], dict[str, int]]:
    """What remains of a list under ``tagged``, ``pagesize`` and ``pageoffset``, which DeployR did not have.

    Returns:
        The files, and with a page size the ``total`` of those that the page is cut from.

    Raises:
        MalformedParameter: a number is negative, or no number.
    """
    tag, size, offset = params.text("tagged"), params.number("pagesize"), params.number("pageoffset") or 0
    if offset < 0 or (size or 0) < 0:
        raise MalformedParameter("Parameters pagesize and pageoffset are not negative.")
    found = [file for file in files if _has_tag(file, tag)] if tag else files
    if size is None:
        return found[offset:], {}
    return found[offset : offset + size], {"total": len(found)}


def _has_tag(file: RepositoryFile, tag: str) -> bool:
    """Tags are words between commas; case does not matter."""
    return tag.strip().lower() in (word.strip().lower() for word in (file.tags or "").split(","))
