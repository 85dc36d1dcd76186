"""Numbers and logicals as texts, and texts that are such: XML says of no value what it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from deployr.encodings.scalars import SPECIAL_NUMBERS, RClass

Texts = list[str | None]

_LOGICALS = {"true": True, "false": False}
_NUMBER_CHARACTERS = b"0123456789+-.eE \t\r\n"


def text_of(value: Any) -> str:
    """A number or logical as JSON has it; null, and NaN with it, is empty."""
    text = orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY).decode()
    return "" if text == "null" else text


def is_literal(text: str) -> bool:
    """Whether a text would be read as a number or a logical."""
    return text.strip().lower() in _LOGICALS or numbers([text]) is not None


def numbers(texts: Sequence[str]) -> list[float] | None:
    """All texts as numbers; ``None`` when one is none. Words such as ``inf``, which Python knows, are none."""
    if "".join(texts).encode("utf-8", "replace").translate(None, _NUMBER_CHARACTERS):
        return None
    try:
        return list(map(float, texts))
    except ValueError:
        return None


def typed(texts: Texts, hint: RClass | None) -> list[Any]:
    """The values that JSON would have in the place of these texts: all logicals, all numbers, or else the texts.

    Args:
        texts: values of one vector, ``None`` where missing.
        hint: class that the client gave; only ``character`` keeps texts from becoming something else, as a vector of
            texts may be marked numeric (7x-facts 2.8).
    """
    present = [text for text in texts if text is not None]
    if hint == "character" or not present:
        return texts
    if all(text.strip().lower() in _LOGICALS for text in present):
        return [None if text is None else _LOGICALS[text.strip().lower()] for text in texts]
    read = numbers([text for text in present if text not in SPECIAL_NUMBERS])
    if read is None:
        return texts
    following = iter(read)
    return [text if text is None or text in SPECIAL_NUMBERS else next(following) for text in texts]
