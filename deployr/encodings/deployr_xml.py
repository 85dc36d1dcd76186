"""XML as DeployR 7.x writes it, from the records that JSON has (7x-facts 2.8)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deployr.encodings import xml_columns, xml_text
from deployr.encodings.xml_literals import text_of
from deployr.encodings.xml_members import member_key

_DECLARATION = b'<?xml version="1.0" encoding="UTF-8"?>'


def dumps(record: Mapping[str, Any]) -> bytes:
    """XML of a record with one key, the name of the root; what a record may hold for JSON, it may hold here.

    Keys become elements, arrays elements with members named in the singular, and an array that is a ``value`` becomes
    ``values``. Null and the empty text are both an empty element; numbers are as in JSON.

    Raises:
        ValueError: the record has not one key, as an XML document has one root.
    """
    ((key, value),) = record.items()
    pieces = [_DECLARATION]
    _write(pieces, key, value)
    return b"".join(pieces)


def _write(pieces: list[bytes], key: str, value: Any) -> None:
    """Append the element of a key and its value."""
    if isinstance(value, list | tuple | np.ndarray):
        _write_array(pieces, "values" if key == "value" else key, value)
    elif isinstance(value, Mapping):
        _write_record(pieces, key, value)
    else:
        _write_element(pieces, key, xml_text.content(value if isinstance(value, str) else text_of(value)))


def _write_element(pieces: list[bytes], key: str, content: bytes) -> None:
    name = xml_text.element_name(key)
    pieces += (b"<%b>" % name, content, b"</%b>" % name) if content else (b"<%b/>" % name,)


def _write_record(pieces: list[bytes], key: str, record: Mapping[str, Any]) -> None:
    name = xml_text.element_name(key)
    pieces.append(b"<%b>" % name)
    for member, value in record.items():
        _write(pieces, member, value)
    pieces.append(b"</%b>" % name)


def _write_array(pieces: list[bytes], key: str, elements: Sequence[Any] | NDArray[Any]) -> None:
    if not len(elements):
        _write_element(pieces, key, b"")
        return
    name, member = xml_text.element_name(key), member_key(key)
    pieces.append(b"<%b>" % name)
    if isinstance(elements[0], Mapping):
        for element in elements:
            _write(pieces, member, element)
    else:
        _write_column(pieces, xml_text.element_name(member), elements)
    pieces.append(b"</%b>" % name)


def _write_column(pieces: list[bytes], name: bytes, elements: Sequence[Any] | NDArray[Any]) -> None:
    opening, closing = b"<%b>" % name, b"</%b>" % name
    pieces += opening, xml_columns.content(elements, closing + opening), closing
