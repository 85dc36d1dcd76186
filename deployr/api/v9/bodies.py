"""JSON bodies of requests, read into their records.

Keys match in any case, unknown ones are ignored, and null is the same as absent (9x-facts 3).
"""

from __future__ import annotations

import functools
import re
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

import msgspec

from deployr.api.params import MalformedParameter
from deployr.api.v9.definitions import WORDS, Definition
from deployr.encodings import json_numbers, json_parts
from deployr.errors import TooLarge

D = TypeVar("D", bound=Definition)

CHUNK = 64 * 1024

_FORM = "application/x-www-form-urlencoded"
_MISSING = re.compile(r"Object missing required field `(\w+)`(?: - at `\$(.*)`)?")
_WRONG = re.compile(r"Expected `(.+)`, got `(.+)` - at `\$\.?(.*)`")
_INVALID = re.compile(r"Invalid enum value (.+) - at `\$\.?(.*)`")


class UnsupportedBody(MalformedParameter):
    """The body is of a media type that the call does not read (HTTP 415)."""


def require_json(content_type: str | None) -> None:
    """Check that a body says it is JSON; one that says nothing, or what command lines say by default, may be.

    Raises:
        UnsupportedBody: it says something else.
    """
    kind = (content_type or _FORM).partition(";")[0].strip().lower()
    if kind != _FORM and not re.fullmatch(r"(application|text)/([\w.+-]+\+)?json", kind):
        raise UnsupportedBody(f"The body is {kind}; the call reads application/json.")


def decode(body: bytes, kind: type[D]) -> D:
    """The record of a body.

    Raises:
        MalformedParameter: it is no JSON object, or does not fit; the text names the parameter.
        TooLarge: it has too many parts.
    """
    try:
        return msgspec.convert(_fitted(decode_object(body), kind), kind)
    except msgspec.ValidationError as ex:
        raise MalformedParameter(_explained(str(ex))) from ex


def decode_object(body: bytes) -> dict[str, Any]:
    """The object of a body, with whatever members; an empty body is one without any.

    Raises:
        MalformedParameter: it is no JSON object.
        TooLarge: it has too many parts.
    """
    value = _as_object(_parsed(body)) if body else {}
    if not isinstance(value, dict):
        raise MalformedParameter("The body is no JSON object.")
    return value


def decode_objects(body: bytes) -> list[dict[str, Any]]:
    """A body that is a list of objects.

    Raises:
        MalformedParameter: it is something else.
        TooLarge: it has too many parts.
    """
    value = _parsed(body)
    items: list[Any] = [*map(_as_object, value)] if isinstance(value, list) else [None]
    if not all(isinstance(item, dict) for item in items):
        raise MalformedParameter("The body is no JSON list of objects.")
    return items


def _as_object(value: Any) -> Any:
    """An object without members may be null, or an empty list: R's jsonlite writes an empty list so."""
    return {} if value is None or value == [] else value


def _parsed(body: bytes) -> Any:
    if json_parts.are_too_many(body):
        raise TooLarge(f"The body has more than {json_parts.MOST} lists, objects and members.")
    try:
        return json_numbers.loads(body.removeprefix(b"\xef\xbb\xbf"))
    except (ValueError, RecursionError) as ex:
        raise MalformedParameter(f"The body is not JSON: {ex}.") from ex


def _fitted(value: Any, kind: Any) -> Any:
    """The value with keys and words spelled as the type has them, nulls and unknown keys left out."""
    if kind in WORDS and isinstance(value, str):
        return WORDS[kind].get(value.strip().lower(), value)
    if get_origin(kind) is not None:
        inner = next((part for part in get_args(kind) if part is not type(None)), None)
        return [_fitted(item, inner) for item in value] if isinstance(value, list) else _fitted(value, inner)
    if not (isinstance(value, dict) and isinstance(kind, type) and issubclass(kind, Definition)):
        return value
    fields = _fields(kind)
    known = ((fields.get(key.lower()), part) for key, part in value.items() if part is not None)
    return {field[0]: _fitted(part, field[1]) for field, part in known if field}


@functools.cache
def _fields(kind: type[Definition]) -> dict[str, tuple[str, Any]]:
    """Key and type of each field, by the key in lower case."""
    hints = get_type_hints(kind)
    return {field.encode_name.lower(): (field.encode_name, hints[field.name]) for field in msgspec.structs.fields(kind)}


def _explained(message: str) -> str:
    """The parser's message in the caller's terms."""
    if match := _MISSING.fullmatch(message):
        return f"Missing parameter: {((match[2] or '') + '.' + match[1]).lstrip('.')}."
    if match := _WRONG.fullmatch(message):
        return f"Parameter {match[3]} is {_named(match[2])}, not {_named(match[1])}."
    if match := _INVALID.fullmatch(message):
        return f"Parameter {match[2]} cannot be {match[1]}."
    return message


_NAMES = {
    "str": "a text",
    "int": "an integer",
    "float": "a number",
    "bool": "a truth value",
    "object": "an object",
    "array": "an array",
    "null": "null",
}


def _named(kinds: str) -> str:
    """JSON types as they are called, ``null`` left out where it is one of several."""
    names = [_NAMES.get(kind, kind) for kind in kinds.split(" | ") if kind != "null"]
    return " or ".join(names or ["null"])
