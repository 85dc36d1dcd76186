"""Rules for names of files and directories (7x-facts 12.1)."""

from __future__ import annotations

import unicodedata

from deployr.errors import InvalidParameter

ROOT = "root"
"""The directory that every user has."""

ARCHIVE = ".archive"
"""What the name of an archive ends with."""

_FORBIDDEN = frozenset('"*?\\/.<>')
_RESERVED = frozenset(
    (
        "anonymous",
        "archived",
        "custom",
        "deployr",
        "granted",
        "metadata",
        "private",
        "public",
        "published",
        "repository",
        "restricted",
        "root",
        "shared",
    )
)
_LONGEST = 255
"""Bytes; what file systems take, as the names become files of working directories."""


def check_filename(name: str) -> None:
    """Check the name of a file: it must be a plain name on any file system.

    Raises:
        InvalidParameter: it is not.
    """
    if not _is_plain(name) or "/" in name or "\\" in name or name in (".", ".."):
        raise InvalidParameter(f"{name!r} is no name for a file.")


def check_directory(name: str) -> None:
    """Check the name of a custom directory.

    Raises:
        InvalidParameter: it has a forbidden character or is reserved.
    """
    if not _is_plain(name) or not _FORBIDDEN.isdisjoint(name) or name.lower() in _RESERVED:
        raise InvalidParameter(f"{name!r} is no name for a directory.")


def _is_plain(name: str) -> bool:
    has_control = any(unicodedata.category(character) in ("Cc", "Cs") for character in name)
    return bool(name.strip()) and not has_control and len(name.encode()) <= _LONGEST
