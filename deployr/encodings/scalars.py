"""JSON scalars and text literals as elements of R vectors."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from types import NoneType
from typing import Any

import numpy as np

from deployr.encodings import model
from deployr.encodings.errors import EncodingError
from deployr.encodings.objects import INFINITY

RClass = str
"""``numeric``, ``integer``, ``character`` or ``logical``."""

SPECIAL_NUMBERS = {
    "NaN": math.nan,
    "Infinity": math.inf,
    "-Infinity": -math.inf,
    "Inf": math.inf,
    "-Inf": -math.inf,
    INFINITY: math.inf,
    f"-{INFINITY}": -math.inf,
}
"""Texts that are numbers inside numeric vectors: Java's, R's and those of our own replies."""

_CLASS_NAMES = {"double": "numeric", "real": "numeric", "string": "character", "boolean": "logical"}
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_INTEGER = re.compile(r"[+-]?\d+L", re.ASCII)
_LOGICALS = {"TRUE": True, "T": True, "FALSE": False, "F": False, "NA": None}


def class_name(text: object) -> RClass | None:
    """The class of vector elements that a ``type`` or ``rclass`` names, in any case; ``None`` for other names."""
    name = text.lower() if isinstance(text, str) else ""
    name = _CLASS_NAMES.get(name, name)
    return name if name in ("numeric", "integer", "character", "logical") else None


def vector(elements: Sequence[Any], hint: RClass | None, where: str) -> model.AtomicVector:
    """The atomic vector of JSON scalars, of the narrowest class that holds them all; null is NA.

    Args:
        elements: JSON scalars.
        hint: class of a vector of nulls only; ``integer`` also makes whole numbers integers, and it or ``numeric``
            make texts such as ``NaN`` numbers. A wrong hint does no harm.
        where: the input's name for messages.

    Raises:
        EncodingError: an element is an array or object, or a text with a NUL character.
    """
    kinds = set(map(type, elements)) - {NoneType}
    if kinds - {bool, int, float, str}:
        raise EncodingError(f"Input '{where}' has an array or object in the place of a single value.")
    if not kinds:
        return _missing(len(elements), hint)
    if kinds == {bool}:
        return model.logical(*elements)
    if str in kinds and not _is_numeric(elements, kinds, hint):
        return _texts(elements, kinds, where)
    return _numbers(elements, kinds, hint)


def coerced(elements: Sequence[Any], rclass: RClass, where: str) -> model.AtomicVector:
    """The atomic vector of a class that the client prescribes; texts are read as that class.

    Raises:
        EncodingError: an element cannot be of that class.
    """
    if rclass == "character":
        return model.Character([_text(element, where) for element in elements])
    read: Callable[[str], Any] = _read_logical if rclass == "logical" else _read_number
    try:
        converted = [read(element) if isinstance(element, str) else element for element in elements]
    except (KeyError, ValueError) as ex:
        raise EncodingError(f"Input '{where}' is not {rclass}.") from ex
    return vector(converted, rclass, where)


def literal(text: str) -> model.AtomicVector:
    """The value of a literal as R reads it; a text that is none stands for itself."""
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        return model.character(re.sub(r"\\(.)", r"\1", text[1:-1]))
    if text in _LOGICALS:
        return model.logical(_LOGICALS[text])
    if text in SPECIAL_NUMBERS or _NUMBER.fullmatch(text):
        return model.double(_read_number(text))
    if _INTEGER.fullmatch(text):
        return _numbers([float(text[:-1])], {float}, "integer")
    return model.character(text)


def _read_number(text: str) -> float:
    stripped = text.strip()
    return SPECIAL_NUMBERS[stripped] if stripped in SPECIAL_NUMBERS else float(stripped)


def _read_logical(text: str) -> bool | None:
    return _LOGICALS[text.strip().upper()]


def _is_numeric(elements: Sequence[Any], kinds: set[type], hint: RClass | None) -> bool:
    if bool in kinds or not (hint in ("numeric", "integer") or kinds & {int, float}):
        return False
    return all(element in SPECIAL_NUMBERS for element in elements if isinstance(element, str))


def _missing(length: int, hint: RClass | None) -> model.AtomicVector:
    if hint == "character":
        return model.Character([None] * length)
    if hint == "numeric":
        return model.Double(np.full(length, model.NA_REAL_BITS, dtype=np.uint64).view(np.float64))
    if hint == "integer":
        return model.Integer(np.full(length, model.NA_INTEGER, dtype=np.int32))
    return model.Logical(np.full(length, model.NA_LOGICAL, dtype=np.uint8))


def _number(element: bool | float | str | None) -> float | None:
    if isinstance(element, str):
        return SPECIAL_NUMBERS[element]
    try:
        return None if element is None else float(element)
    except OverflowError:
        return math.inf if element and element > 0 else -math.inf


def _numbers(elements: Sequence[Any], kinds: set[type], hint: RClass | None) -> model.AtomicVector:
    """Numbers, which numpy reads at once unless there are others than JSON numbers and nulls, or too large ones."""
    try:
        found = model.doubles(elements if kinds <= {int, float} else map(_number, elements))
    except OverflowError:
        found = model.doubles(map(_number, elements))
    return (_integers(found.values) if hint == "integer" else None) or found


def _integers(numbers: model.Doubles) -> model.Integer | None:
    """Numbers as integers, when all of them are NA or can be such."""
    missing = numbers.view(np.uint64) == model.NA_REAL_BITS
    others = numbers[~missing]
    if not ((others == np.floor(others)) & (np.abs(others) < 2**31)).all():
        return None
    return model.Integer(np.where(missing, model.NA_INTEGER, numbers).astype(np.int32))


def _texts(elements: Sequence[Any], kinds: set[type], where: str) -> model.Character:
    """Texts, which need no look one by one unless there are other elements among them."""
    if kinds == {str} and "\0" not in "".join(filter(None, elements)):
        return model.Character([*elements])
    return model.Character([_text(element, where) for element in elements])


def _text(element: Any, where: str) -> str | None:
    """A scalar as R's ``as.character`` writes it."""
    if isinstance(element, bool):
        return "TRUE" if element else "FALSE"
    if isinstance(element, int | float):
        return f"{element:.15g}"
    if isinstance(element, str) and "\0" not in element:
        return element
    if element is None:
        return None
    raise EncodingError(f"Input '{where}' has a text that R cannot hold.")
