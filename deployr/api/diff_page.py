"""The page that ``/r/repository/file/diff`` answers with: a version of a text file beside the latest one, line by line.

It stands for itself, and all that came from the files is text.
"""

from __future__ import annotations

import base64
import difflib
import hashlib
from collections.abc import Iterator, Sequence
from html import escape

from falcon.asgi import Response

from deployr.errors import InvalidParameter, TooLarge
from deployr.repository.blobs import Blobs
from deployr.repository.records import RepositoryFile

MAX_BYTES, MAX_LINES = 1024 * 1024, 10_000
"""Longest text that is compared: the time that it takes grows faster than the text."""

_STYLE = """
body { font-family: sans-serif; margin: 2em; color: #222; }
pre { background: #f4f4f4; padding: 1em; white-space: pre-wrap; overflow-wrap: anywhere; }
ins { background: #cfc; text-decoration: none; }
del { background: #fcc; text-decoration: none; }
"""
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_HEADERS = {
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    # The page's own URL may hold the session id.
    "Referrer-Policy": "no-referrer",
}


def diff_page(blobs: Blobs, former: RepositoryFile, latest: RepositoryFile) -> bytes:
    """What has changed since a version; reads the files.

    Raises:
        InvalidParameter: they are no text.
        TooLarge: they are too large to be compared.
    """
    before, after = _lines(blobs, former), _lines(blobs, latest)
    titles = f"Version {former.version or 'latest'}", "Latest version"
    changes = "\n".join(_marked(difflib.unified_diff(before, after, *titles, lineterm="")))
    title = escape(f"Changes of {latest.filename}")
    head = f'<head><meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style></head>'
    body = f"<body><h1>{title}</h1><pre>{changes or 'There are no differences.'}</pre></body>"
    return f'<!DOCTYPE html>\n<html lang="en">{head}{body}</html>'.encode()


def send(response: Response, page: bytes) -> None:
    """Answer with the page."""
    response.content_type = "text/html;charset=UTF-8"
    response.set_headers(_HEADERS)
    response.data = page


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


def _marked(lines: Iterator[str]) -> Iterator[str]:
    for line in lines:
        element = {"+": "ins", "-": "del"}.get(line[:1])
        yield f"<{element}>{escape(line)}</{element}>" if element else escape(line)
