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
from deployr.encodings.xml_rows import row_text

_WORD = re.compile(r"(?!.*null)[\w.-]+", re.ASCII)


def content(elements: NDArray[Any] | Sequence[Any], between: bytes) -> bytes:
    """The scalars of an array, or the rows of a matrix, with markup between them. Missing values are empty.

    Args:
        elements: at least one scalar or row; all rows or none.
        between: end and start of the elements that hold them.
    """
    if isinstance(elements, np.ndarray) or _is_numeric(elements):
        return _numbers(elements, between)
    is_plain = set(map(type, elements)) == {str}
    return xml_text.column(elements if is_plain else list(map(_text, elements)), between)


def _is_numeric(elements: Sequence[Any]) -> bool:
    """Whether there are no texts, or numbers with words among them, such as the one for infinity."""
    cells = list(chain.from_iterable(elements)) if isinstance(elements[0], list) else elements
    kinds = set(map(type, cells))
    if str not in kinds:
        return True
    words = (cell for cell in cells if isinstance(cell, str))
    return bool(kinds & {bool, int, float}) and all(map(_WORD.fullmatch, words))


def _numbers(elements: NDArray[Any] | Sequence[Any], between: bytes) -> bytes:
    """Numbers, logicals, words and nulls as JSON has them, with other things around them."""
    text = orjson.dumps(elements, option=orjson.OPT_SERIALIZE_NUMPY).replace(b"null", b"").replace(b'"', b"")
    if not text.startswith(b"[["):
        return text[1:-1].replace(b",", between)
    return text[2:-2].replace(b",", b", ").replace(b"], [", between)


def _text(element: Any) -> str:
    if isinstance(element, str):
        return element
    if isinstance(element, list):
        return row_text(element)
    return "" if element is None else orjson.dumps(element).decode()
