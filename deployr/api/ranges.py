"""Parts of files that a client asks for (RFC 9110, 14.2)."""

from __future__ import annotations

import re

import falcon

# A server may ignore ranges that it does not understand, and lists of them.
_SINGLE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)


def parse(header: str | None, length: int) -> tuple[int, int] | None:
    """First and last byte of the part, both counted from 0.

    Args:
        header: value of ``Range``.
        length: bytes of the whole file.

    Returns:
        ``None`` when the whole file is to be sent.

    Raises:
        falcon.HTTPRangeNotSatisfiable: the file has nothing of the part.
    """
    found = _SINGLE.fullmatch(header.strip()) if header else None
    if not found or found[1] == found[2] == "":
        return None
    first, last = _bounds(found[1], found[2], length)
    if found[1] and found[2] and int(found[1]) > int(found[2]):
        return None
    if first >= length:
        raise falcon.HTTPRangeNotSatisfiable(length)
    return first, last


def _bounds(first: str, last: str, length: int) -> tuple[int, int]:
    """``a-b``, ``a-`` (to the end) and ``-n`` (the last n bytes)."""
    if not first:
        return (max(0, length - int(last)) if int(last) else length), length - 1
    return int(first), min(int(last), length - 1) if last else length - 1
