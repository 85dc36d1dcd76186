"""QAP1, Rserve's binary form of R values: one SEXP to and from the model, and the parts of a message around it.

A SEXP is a header (type in one byte, length of the body in three, little-endian; with ``LARGE`` four more bytes of
length), with ``HAS_ATTR`` a pairlist of attributes, and the content. Bytes that come from a session are not trusted:
whatever they are, decoding ends in a value or in :class:`Qap1Error`, in time and memory proportional to their length.

Symbols and calls in a message are *evaluated* by Rserve. :func:`encode` therefore never writes them; only
:func:`lang_call` does, for trusted code.
"""

from __future__ import annotations

import math
import struct
from typing import Any

import numpy as np

from deployr.encodings import model, qap1_classes
from deployr.encodings.model import RValue, Texts

XT_NULL = 0
XT_S4 = 7
XT_VECTOR = 16
XT_CLOS = 18
XT_SYMNAME = 19
XT_LIST_NOTAG = 20
XT_LIST_TAG = 21
XT_LANG_NOTAG = 22
XT_LANG_TAG = 23
XT_VECTOR_EXP = 26
XT_ARRAY_INT = 32
XT_ARRAY_DOUBLE = 33
XT_ARRAY_STR = 34
XT_ARRAY_BOOL = 36
XT_RAW = 37
XT_ARRAY_CPLX = 38
XT_UNKNOWN = 48
LARGE = 64
HAS_ATTR = 128

DT_SEXP = 10

MAX_DEPTH = 128
"""Most SEXPs inside one another, attributes included."""

SMALL_LIMIT = 0xFFFFF0
"""Longest body in bytes that is written with a 4-byte header."""

_SEXPTYPES = {
    1: "name",
    4: "environment",
    5: "promise",
    6: "call",
    7: "function",
    8: "function",
    17: "...",
    21: "bytecode",
    22: "externalptr",
    23: "weakref",
    25: "S4",
}


class Qap1Error(ValueError):
    """Bytes that are not QAP1, or a value that QAP1 cannot carry."""


# -- messages ---------------------------------------------------------------------------------------------


def header(command: int, length: int) -> bytes:
    """The 16 bytes before a message body of ``length`` bytes."""
    return struct.pack("<IIII", command, length & 0xFFFFFFFF, 0, length >> 32)


def sexp_parameter(sexp: bytes) -> bytes:
    """An encoded SEXP as a message parameter."""
    return _item_header(DT_SEXP, len(sexp)) + sexp


def read_sexp_parameter(body: bytes | memoryview) -> memoryview:
    """The SEXP in a message body that starts with a SEXP parameter.

    Raises:
        Qap1Error: it starts with something else, or is cut short.
    """
    view = memoryview(body)
    kind, start, end = _read_header(view, 0, len(view))
    if kind & ~LARGE != DT_SEXP:
        raise Qap1Error(f"parameter of type {kind} in the place of a SEXP")
    return view[start:end]


def lang_call(head: bytes, *arguments: bytes) -> bytes:
    """A call of ``head`` with arguments, all encoded already. Rserve evaluates it: for trusted code only."""
    return _sexp(XT_LANG_NOTAG, b"".join((head, *arguments)))


def _item_header(kind: int, length: int) -> bytes:
    if length > SMALL_LIMIT:
        return struct.pack("<Q", length << 8 | kind | LARGE)
    return struct.pack("<I", length << 8 | kind)


def _read_header(view: memoryview, start: int, end: int) -> tuple[int, int, int]:
    """Type byte, start and end of the body of the item at ``start``, all of which must lie before ``end``."""
    size = 8 if start < end and view[start] & LARGE else 4
    if start + size > end:
        raise Qap1Error("cut short inside a header")
    word = int.from_bytes(view[start : start + size], "little")
    body = start + size
    if body + (word >> 8) > end:
        raise Qap1Error("cut short inside a body")
    return word & 0xFF, body, body + (word >> 8)


# -- decoding ---------------------------------------------------------------------------------------------


def decode(data: bytes | memoryview) -> RValue:
    """The value of one SEXP.

    Text that is not UTF-8 (R strings marked as bytes) is read with U+FFFD in the place of what is wrong. What the model
    has no class for (functions, environments, S4 objects, calls) becomes :class:`~deployr.encodings.model.Opaque`.

    Raises:
        Qap1Error: malformed, cut short, or nested deeper than ``MAX_DEPTH``.
    """
    view = memoryview(data)
    try:
        value, end = _Decoder(view).sexp(0, len(view), 0)
    except RecursionError as ex:
        raise Qap1Error("nested too deeply") from ex
    if end != len(view):
        raise Qap1Error("bytes after the value")
    return value


class _Decoder:
    """Reads SEXPs at offsets of one buffer."""

    def __init__(self, view: memoryview) -> None:
        self._view = view

    def sexp(self, start: int, end: int, depth: int) -> tuple[RValue, int]:
        """The SEXP at ``start`` and the offset behind it."""
        if depth > MAX_DEPTH:
            raise Qap1Error("nested too deeply")
        kind, body, after = _read_header(self._view, start, end)
        attributes: dict[str, RValue] = {}
        if kind & HAS_ATTR:
            attributes, body = self._attributes(body, after, depth + 1)
        return self._content(kind & ~(LARGE | HAS_ATTR), body, after, attributes, depth), after

    def _content(self, kind: int, start: int, end: int, attributes: dict[str, RValue], depth: int) -> RValue:
        if kind in (XT_VECTOR, XT_VECTOR_EXP, XT_LIST_NOTAG):
            return _classed(model.RList(self._members(start, end, depth), attributes))
        if kind == XT_LIST_TAG:
            return self._pairlist(start, end, attributes, depth)
        if kind == XT_ARRAY_STR:
            return _classed(model.Character(_texts(self._view[start:end]), attributes))
        if kind in _ARRAYS:
            vector = _ARRAYS[kind]
            return _classed(vector(self._array(kind, vector.dtype, start, end), attributes))
        if kind == XT_NULL:
            return model.NULL
        return self._opaque(kind, start, end, attributes)

    def _members(self, start: int, end: int, depth: int) -> list[RValue]:
        members = []
        while start < end:
            member, start = self.sexp(start, end, depth + 1)
            members.append(member)
        return members

    def _tagged(self, start: int, end: int, depth: int) -> tuple[list[str], list[RValue]]:
        """Tags and values of a pairlist, whose items are a value and then its tag."""
        tags, values = [], []
        while start < end:
            value, start = self.sexp(start, end, depth + 1)
            kind, body, after = _read_header(self._view, start, end)
            if kind & ~LARGE not in (XT_SYMNAME, XT_NULL):
                raise Qap1Error(f"tag of type {kind}")
            tags.append(_symbol(self._view[body:after]))
            values.append(value)
            start = after
        return tags, values

    def _attributes(self, start: int, end: int, depth: int) -> tuple[dict[str, RValue], int]:
        if depth > MAX_DEPTH:
            raise Qap1Error("nested too deeply")
        kind, body, after = _read_header(self._view, start, end)
        if kind & ~LARGE != XT_LIST_TAG:
            raise Qap1Error(f"attributes of type {kind}")
        return dict(zip(*self._tagged(body, after, depth), strict=True)), after

    def _pairlist(self, start: int, end: int, attributes: dict[str, RValue], depth: int) -> RValue:
        tags, values = self._tagged(start, end, depth)
        return _classed(model.RList(values, {**attributes, "names": model.character(*tags)}))

    def _array(self, kind: int, dtype: Any, start: int, end: int) -> Any:
        """A copy of the elements, so that a small vector never keeps a large message alive."""
        if kind in (XT_ARRAY_BOOL, XT_RAW):
            start, end = self._counted(start, end)
        if (end - start) % np.dtype(dtype).itemsize:
            raise Qap1Error(f"{end - start} bytes in an array of type {kind}")
        array = np.frombuffer(self._view[start:end], dtype=dtype).copy()
        if kind == XT_ARRAY_BOOL:
            array[array > 1] = model.NA_LOGICAL
        return array

    def _counted(self, start: int, end: int) -> tuple[int, int]:
        """Bytes behind their number, which padding follows."""
        if start + 4 > end:
            raise Qap1Error("cut short inside a count")
        count = int.from_bytes(self._view[start : start + 4], "little")
        if start + 4 + count > end:
            raise Qap1Error("cut short inside counted bytes")
        return start + 4, start + 4 + count

    def _opaque(self, kind: int, start: int, end: int, attributes: dict[str, RValue]) -> RValue:
        classes = model.RList([], attributes).classes
        if kind == XT_SYMNAME:
            return model.Opaque(classes or ["name"], _symbol(self._view[start:end]))
        if kind == XT_UNKNOWN and start + 4 <= end:
            sexptype = int.from_bytes(self._view[start : start + 4], "little")
            return model.Opaque(classes or [_SEXPTYPES.get(sexptype, "unknown")])
        if kind in _OPAQUE:
            return model.Opaque(classes or [_OPAQUE[kind]])
        raise Qap1Error(f"value of type {kind}")


_ARRAYS: dict[int, type[model.ArrayVector]] = {
    XT_ARRAY_INT: model.Integer,
    XT_ARRAY_DOUBLE: model.Double,
    XT_ARRAY_BOOL: model.Logical,
    XT_RAW: model.Raw,
    XT_ARRAY_CPLX: model.Complex,
}

_OPAQUE = {XT_CLOS: "function", XT_S4: "S4", XT_LANG_NOTAG: "call", XT_LANG_TAG: "call"}


def _classed(vector: model.Vector) -> RValue:
    _check_attributes(vector)
    return qap1_classes.classed(vector)


def _symbol(view: memoryview) -> str:
    return bytes(view).split(b"\0", 1)[0].decode("utf-8", "replace")


def _texts(view: memoryview) -> Texts:
    """Texts end with a NUL each; what follows the last one is padding."""
    content = bytes(view)
    if b"\xff" not in content:
        texts: Texts = content.decode("utf-8", "replace").split("\0")[:-1]  # type: ignore[assignment]
        return texts
    return [_text(text) for text in content.split(b"\0")[:-1]]


def _text(content: bytes) -> str | None:
    """NA is the byte FF alone; a text that really begins with that byte has it twice."""
    if content == b"\xff":
        return None
    return content.removeprefix(b"\xff").decode("utf-8", "replace")


# -- encoding ---------------------------------------------------------------------------------------------


def encode(value: RValue) -> bytes:
    """One SEXP; never a symbol or a call.

    Raises:
        Qap1Error: nested deeper than ``MAX_DEPTH``, a text with a NUL character, or attributes that do not fit.
    """
    try:
        return _encode(value, 0)
    except RecursionError as ex:
        raise Qap1Error("nested too deeply") from ex


def _encode(value: RValue, depth: int) -> bytes:
    if depth > MAX_DEPTH:
        raise Qap1Error("nested too deeply")
    plain = qap1_classes.declassed(value)
    if isinstance(plain, model.Null):
        return _sexp(XT_NULL, b"")
    _check_attributes(plain)
    kind, content = _encode_content(plain, depth)
    if not plain.attributes:
        return _sexp(kind, content)
    return _sexp(kind | HAS_ATTR, _encode_attributes(plain.attributes, depth + 1) + content)


def _sexp(kind: int, body: bytes) -> bytes:
    return _item_header(kind, len(body)) + body


def _encode_content(vector: model.Vector, depth: int) -> tuple[int, bytes]:
    if isinstance(vector, model.RList):
        return XT_VECTOR, b"".join([_encode(member, depth + 1) for member in vector.values])
    if isinstance(vector, model.Character):
        return XT_ARRAY_STR, _encode_texts(vector.values)
    kind = next(kind for kind, array in _ARRAYS.items() if isinstance(vector, array))
    content = np.ascontiguousarray(vector.values, dtype=_ARRAYS[kind].dtype).tobytes()
    if kind in (XT_ARRAY_BOOL, XT_RAW):
        content = _padded(struct.pack("<I", len(content)) + content, b"\xff")
    return kind, content


def _encode_texts(texts: Texts) -> bytes:
    # No UTF-8 text has a byte FF, so the one that marks NA needs no doubling here.
    encoded = [b"\xff" if text is None else text.encode("utf-8", "replace") for text in texts]
    content = b"\0".join([*encoded, b""])
    if content.count(b"\0") != len(texts):
        raise Qap1Error("a text with a NUL character")
    return _padded(content, b"\1")


def _padded(content: bytes, padding: bytes) -> bytes:
    return content + padding * (-len(content) % 4)


def _encode_attributes(attributes: model.Attributes, depth: int) -> bytes:
    items = []
    for name, value in attributes.items():
        tag = name.encode("utf-8", "replace") + b"\0"
        if tag.find(b"\0") != len(tag) - 1 or len(tag) == 1:
            raise Qap1Error("an attribute without a usable name")
        items += [_encode(value, depth + 1), _sexp(XT_SYMNAME, _padded(tag, b"\0"))]
    return _sexp(XT_LIST_TAG, b"".join(items))


def _check_attributes(vector: model.Vector) -> None:
    """R takes attributes as they come and breaks later on those that do not fit; so would our readers."""
    if vector.names is not None and len(vector.names) != len(vector):
        raise Qap1Error(f"{len(vector.names)} names for {len(vector)} elements")
    dim = vector.dim
    if dim is not None and (min(dim, default=-1) < 0 or math.prod(dim) != len(vector)):
        raise Qap1Error(f"dimensions {dim} for {len(vector)} elements")
