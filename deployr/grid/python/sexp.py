"""QAP1 with the standard library alone: SEXPs as bytes, and SEXPs read.

:mod:`deployr.encodings.qap1` does the same for the server, on numpy arrays, which the interpreter of a session may
lack. Texts with a NUL, which R cannot hold, have U+FFFD in its place.
"""

from __future__ import annotations

import array
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

NULL = 0
VECTOR = 16
SYMBOL = 19
LIST_TAG = 21
INTEGER = 32
DOUBLE = 33
TEXT = 34
LOGICAL = 36
RAW = 37
COMPLEX = 38
LARGE = 64
HAS_ATTRIBUTES = 128
PARAMETER = 10
CALL = 22
INTEGER64 = 0x100 | DOUBLE
"""No type of QAP1: doubles of class integer64 whose bits are whole numbers, as :mod:`deployr.encodings.integer64` has
them."""

NA_INTEGER = -(2**31)
NA_INTEGER64 = -(2**63)
NA_LOGICAL = 2
NA_REAL = struct.unpack("<d", struct.pack("<Q", 0x7FF00000000007A2))[0]

_SMALL = 0xFFFFF0


class SexpError(ValueError):
    """Bytes that are not QAP1."""


# -- writing ----------------------------------------------------------------------------------------------


def header(kind: int, length: int) -> bytes:
    """What comes before a body of ``length`` bytes."""
    if length > _SMALL:
        return struct.pack("<Q", length << 8 | kind | LARGE)
    return struct.pack("<I", length << 8 | kind)


def sexp(kind: int, content: bytes, attributes: Mapping[str, bytes] | None = None) -> bytes:
    """A value of which content and attributes are written already."""
    if not attributes:
        return b"".join((header(kind, len(content)), content))
    items = [part for name, value in attributes.items() for part in (value, _symbol(name))]
    tags = b"".join(items)
    head = header(LIST_TAG, len(tags))
    return b"".join((header(kind | HAS_ATTRIBUTES, len(head) + len(tags) + len(content)), head, tags, content))


def texts_content(texts: Iterable[str | None]) -> bytes:
    """Texts, each ended by a NUL; ``None`` is NA."""
    encoded = [b"\xff" if text is None else _utf8(text) for text in texts]
    return _padded(b"\0".join([*encoded, b""]), b"\1")


def counted(content: bytes) -> bytes:
    """Bytes behind their number, as logicals and raw bytes are written."""
    return _padded(b"".join((struct.pack("<I", len(content)), content)), b"\xff")


def texts(*values: str | None) -> bytes:
    """A character vector."""
    return sexp(TEXT, texts_content(values))


def integers(*numbers: int) -> bytes:
    """An integer vector."""
    return sexp(INTEGER, array.array("i", numbers).tobytes())


def doubles(*numbers: float) -> bytes:
    """A numeric vector."""
    return sexp(DOUBLE, array.array("d", numbers).tobytes())


def logicals(*flags: bool) -> bytes:
    """A logical vector."""
    return sexp(LOGICAL, counted(bytes(flags)))


def null() -> bytes:
    """R's NULL."""
    return sexp(NULL, b"")


def members(values: Sequence[bytes], names: Sequence[str] | None = None, **attributes: bytes) -> bytes:
    """A list of written values."""
    named = {} if names is None else {"names": texts(*names)}
    return sexp(VECTOR, b"".join(values), named | attributes)


def named_list(values: Mapping[str, bytes]) -> bytes:
    """A list with names."""
    return members([*values.values()], [*values])


def _symbol(name: str) -> bytes:
    return sexp(SYMBOL, _padded(_utf8(name) + b"\0", b"\0"))


def _utf8(text: str) -> bytes:
    return text.replace("\0", "\ufffd").encode("utf-8", "replace")


def _padded(content: bytes, padding: bytes) -> bytes:
    return content + padding * (-len(content) % 4)


# -- reading ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sexp:
    """A value that was read: the type of its content, which is not looked into yet, and its attributes."""

    kind: int
    content: memoryview
    attributes: dict[str, Sexp] = field(default_factory=dict)

    def members(self) -> list[Sexp]:
        """Of a list."""
        found, start = [], 0
        while start < len(self.content):
            member, start = read(self.content, start)
            found.append(member)
        return found

    def numbers(self) -> list[float]:
        """Of an integer or numeric vector, as they are stored."""
        return [*array.array({INTEGER: "i", DOUBLE: "d", INTEGER64: "q"}[self.kind], bytes(self.content))]

    def texts(self) -> list[str | None]:
        """Of a character vector; ``None`` is NA."""
        parts = bytes(self.content).split(b"\0")[:-1]
        return [None if part == b"\xff" else part.removeprefix(b"\xff").decode("utf-8", "replace") for part in parts]

    def bytes(self) -> bytes:
        """Of a raw or logical vector."""
        count = int.from_bytes(self.content[:4], "little")
        return bytes(self.content[4 : 4 + count])

    def attribute_texts(self, name: str) -> list[str | None]:
        """Of a character attribute; none when it is not there."""
        found = self.attributes.get(name)
        return found.texts() if found and found.kind == TEXT else []

    @property
    def names(self) -> list[str] | None:
        """Of the elements; empty ones are numbered, as replies do."""
        if "names" not in self.attributes:
            return None
        return [name or str(number) for number, name in enumerate(self.attribute_texts("names"), start=1)]


def read(view: memoryview, start: int = 0) -> tuple[Sexp, int]:
    """The value at ``start``, and where it ends.

    Raises:
        SexpError: it is cut short.
    """
    kind, body, end = _read_header(view, start)
    attributes: dict[str, Sexp] = {}
    if kind & HAS_ATTRIBUTES:
        _, tags, after = _read_header(view, body)
        attributes, body = _read_tagged(view[tags:after]), after
    found = Sexp(kind & ~(LARGE | HAS_ATTRIBUTES), view[body:end], attributes)
    is_wide = found.kind == DOUBLE and "integer64" in found.attribute_texts("class")
    return (replace(found, kind=INTEGER64) if is_wide else found), end


def parameter(body: bytes) -> memoryview:
    """The value in a message body."""
    view = memoryview(body)
    _, start, end = _read_header(view, 0)
    return view[start:end]


def _read_header(view: memoryview, start: int) -> tuple[int, int, int]:
    """Type, start and end of the body of what is at ``start``."""
    if start >= len(view):
        raise SexpError("cut short")
    size = 8 if view[start] & LARGE else 4
    word = int.from_bytes(view[start : start + size], "little")
    end = start + size + (word >> 8)
    if end > len(view):
        raise SexpError("cut short")
    return word & 0xFF, start + size, end


def _read_tagged(view: memoryview) -> dict[str, Sexp]:
    found, start = {}, 0
    while start < len(view):
        value, start = read(view, start)
        tag, start = read(view, start)
        found[bytes(tag.content).split(b"\0", 1)[0].decode("utf-8", "replace")] = value
    return found
