"""Texts and names as XML 1.0 can hold them, in UTF-8."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence

_REPLACEMENT = "\ufffd"
"""What stands for characters that XML 1.0 has no way to write, such as the ESC of coloured consoles (7x-facts 2.8)."""

_SURROGATE = re.compile("[\ud800-\udfff]")
_SUBSTITUTE = b"\x1a"
_CONTROLS = bytes(0x1A if code < 0x20 and chr(code) not in "\0\t\n\r" else code for code in range(256))
"""Makes one of all control characters that XML cannot hold, but for NUL, which is between the texts of a column."""

_REPLACED = {
    _SUBSTITUTE: _REPLACEMENT.encode(),
    "\ufffe".encode(): _REPLACEMENT.encode(),
    "\uffff".encode(): _REPLACEMENT.encode(),
    b"&": b"&amp;",
    b"<": b"&lt;",
    b">": b"&gt;",
    b"\r": b"&#13;",
}
"""A bare carriage return would be read as a line feed."""

_NAMELESS = re.compile(r"[^A-Za-z0-9_.-]|^[0-9.-]|_(?=x[0-9A-F]{4,6}_)")


def content(text: str) -> bytes:
    """A text as content of an element."""
    return _content(text.replace("\0", _REPLACEMENT))


def column(texts: Sequence[str], between: bytes) -> bytes:
    """Many texts as content of elements, with markup between them; takes no Python step for each."""
    joined = "\0".join(texts)
    if joined.count("\0") >= len(texts):
        joined = "\0".join([text.replace("\0", _REPLACEMENT) for text in texts])
    return _content(joined).replace(b"\0", between)


def _content(text: str) -> bytes:
    try:
        written = text.encode()
    except UnicodeEncodeError:
        written = _SURROGATE.sub(_REPLACEMENT, text).encode()
    written = written.translate(_CONTROLS)
    for character, replacement in _REPLACED.items():
        written = written.replace(character, replacement)
    return written


@functools.lru_cache(maxsize=4096)
def element_name(key: str) -> bytes:
    """The element that a key becomes: itself, with what a name cannot have as ``_x0020_`` (code point in hex)."""
    return _NAMELESS.sub(lambda match: f"_x{ord(match[0]):04X}_", key).encode() or b"_"
