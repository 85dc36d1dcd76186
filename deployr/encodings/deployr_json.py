"""JSON as DeployR writes and reads it."""

from __future__ import annotations

import json
import re
from typing import Any

import orjson

from deployr.encodings import json_parts
from deployr.encodings.errors import EncodingError

_STRING_OR_WORD = re.compile(r'"(?:[^"\\]|\\.)*\\?(?:"|$)|(?P<word>-?\b(?:NaN|Infinity)\b)', re.DOTALL)


def dumps(record: object) -> bytes:
    """JSON of dicts, lists, texts, numbers and numpy arrays; floats keep their point.

    NaN and infinities become null: :func:`~deployr.encodings.objects.encode_object` has replaced them before.
    """
    return orjson.dumps(record, option=orjson.OPT_SERIALIZE_NUMPY)


def loads(text: bytes | str) -> Any:
    """The value of a JSON text.

    The .NET client writes NaN and infinities as the bare words ``NaN``, ``Infinity`` and ``-Infinity``; nothing else
    beyond standard JSON is accepted.

    Raises:
        EncodingError: it is not JSON, or has too many parts.
    """
    if json_parts.are_too_many(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")):
        raise EncodingError(f"The JSON has more than {json_parts.MOST} lists, objects and members.")
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as ex:
        plain = text if isinstance(text, str) else text.decode("utf-8", "replace")
        if not any(match["word"] for match in _STRING_OR_WORD.finditer(plain)):
            raise EncodingError(f"This is not JSON: {ex}.") from ex
    return _loads_with_words(plain)


def _loads_with_words(text: str) -> Any:
    """Python's parser knows the words, but is lax elsewhere: the strict one must accept the rest first."""
    try:
        orjson.loads(_STRING_OR_WORD.sub(lambda match: "null" if match["word"] else match[0], text))
    except orjson.JSONDecodeError as ex:
        raise EncodingError(f"This is not JSON: {ex}.") from ex
    return json.loads(text)
