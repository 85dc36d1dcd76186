"""Arrays as XML elements, written whole columns at a time: a Python step an element would take too long."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from deployr.encodings import xml_text
from deployr.encodings.xml_literals import text_of
from deployr.encodings.xml_rows import row_text

_WORD = re.compile(r"(?!.*null)[\w.-]+", re.ASCII)


def content(elements: NDArray[Any] | Sequence[Any], between: bytes) -> bytes:
    """The scalars of an array, or the rows of a matrix, with markup between them. Missing values are empty.

    Args:
        elements: at least one scalar or row; all rows or none.
        between: end and start of the elements that hold them.
    """
    if isinstance(elements, np.ndarray):
        return _numbers(elements, between)
    cells = list(chain.from_iterable(elements)) if isinstance(elements[0], list) else elements
    kinds = set(map(type, cells))
    if str not in kinds or (kinds & {bool, int, float} and _are_words(cells)):
        return _numbers(elements, between)
    is_plain = kinds == {str} and cells is elements
    return xml_text.column(elements if is_plain else list(map(_text, elements)), between)


def _are_words(cells: Sequence[Any]) -> bool:
    """Whether the texts among numbers are words, such as the one for infinity, that need no care."""
    return all(map(_WORD.fullmatch, [cell for cell in cells if isinstance(cell, str)]))


def _numbers(elements: NDArray[Any] | Sequence[Any], between: bytes) -> bytes:
    """Numbers, logicals, words and nulls as JSON has them, with other things around them."""
    text = orjson.dumps(elements, option=orjson.OPT_SERIALIZE_NUMPY).replace(b'"', b"")
    if b"n" in text:  # Looking for the whole word takes far longer, and most columns have none.
        text = text.replace(b"null", b"")
    if not text.startswith(b"[["):
        return text[1:-1].replace(b",", between)
    return text[2:-2].replace(b",", b", ").replace(b"], [", between)


def _text(element: Any) -> str:
    if isinstance(element, str):
        return element
    return row_text(element) if isinstance(element, list) else text_of(element)
