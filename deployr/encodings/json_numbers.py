"""JSON in which numbers may be NaN, Infinity and -Infinity, as Python and others write it."""

from __future__ import annotations

import json
from typing import Any

import msgspec


def loads(text: bytes) -> Any:
    """The value of a text.

    Raises:
        ValueError: it is no JSON.
        RecursionError: it is nested too deeply.
    """
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        if b"NaN" not in text and b"Infinity" not in text:
            raise
    value = json.loads(text.decode())
    # Halves of characters, which only the stricter parser refuses, can be sent nowhere.
    msgspec.json.encode(value)
    return value


def dumps(value: Any) -> bytes:
    """The text of a value, from which :func:`loads` makes it again."""
    text = msgspec.json.encode(value)
    # Where numbers are NaN or infinite, too, it has null.
    return json.dumps(value).encode() if b"null" in text else text
