"""The page of ``/r/repository/file/diff``: a version of a text file beside the latest one, line by line."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence

from lxml.html import builder as E

from deployr.api.pages import Element, page, text
from deployr.errors import InvalidParameter, TooLarge
from deployr.repository.blobs import Blobs
from deployr.repository.records import RepositoryFile

MAX_BYTES, MAX_LINES = 1024 * 1024, 10_000
"""Longest text that is compared: the time that it takes grows faster than the text."""


def diff_page(blobs: Blobs, former: RepositoryFile, latest: RepositoryFile) -> bytes:
    """What has changed since a version; reads the files.

    Raises:
        InvalidParameter: they are no text.
        TooLarge: they are too large to be compared.
    """
    before, after = _lines(blobs, former), _lines(blobs, latest)
    titles = f"Version {former.version or 'latest'}", "Latest version"
    changes = list(_marked(difflib.unified_diff(before, after, *titles, lineterm="")))
    return page(f"Changes of {latest.filename}", E.PRE(*(changes or ["There are no differences."])))


def _lines(blobs: Blobs, file: RepositoryFile) -> Sequence[str]:
    if file.length > MAX_BYTES:
        raise TooLarge(f"{file.filename!r} is too large to be compared.")
    content = blobs.read(file.sha256)
    if b"\0" in content:
        raise InvalidParameter(f"{file.filename!r} is no text file.")
    lines = content.decode("utf-8", "replace").splitlines()
    if len(lines) > MAX_LINES:
        raise TooLarge(f"{file.filename!r} has too many lines to be compared.")
    return lines


def _marked(lines: Iterator[str]) -> Iterator[Element | str]:
    for line in lines:
        element = {"+": E.INS, "-": E.DEL}.get(line[:1])
        yield element(text(line)) if element else text(line)
        yield "\n"
