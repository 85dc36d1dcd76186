"""Whole numbers of 64 bits: doubles of class integer64 whose bits they are, as R's package bit64 keeps them.

Python sessions, whose whole numbers have no bounds, send and are sent those beyond 32 bits so.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeGuard

import numpy as np

from deployr.encodings import model
from deployr.encodings.model import RValue

_CLASS = "integer64"
_NA = -(2**63)


def is_integer64(value: RValue) -> TypeGuard[model.Double]:
    """Whether a value is such a vector."""
    return isinstance(value, model.Double) and _CLASS in value.classes


def suits(elements: Sequence[int | None]) -> bool:
    """Whether whole numbers are too large for R's integers, and not for these."""
    largest = max(map(abs, (element for element in elements if element is not None)), default=0)
    return 2**31 <= largest < 2**63


def vector(elements: Sequence[int | None]) -> model.Double:
    """The vector of whole numbers that it suits; ``None`` is NA."""
    numbers = np.array([_NA if element is None else element for element in elements], dtype=np.int64)
    return model.Double(numbers.view(np.float64), {"class": model.character(_CLASS)})


def numbers(value: model.Double) -> list[int | None]:
    """The whole numbers of such a vector."""
    return [None if number == _NA else number for number in value.values.view(np.int64).tolist()]


def to_numeric(value: RValue) -> RValue:
    """Such a vector as a numeric one, which is exact up to 2^53; any other value as it is."""
    if not is_integer64(value):
        return value
    kept = {name: attribute for name, attribute in value.attributes.items() if name != "class"}
    return model.Double(model.doubles(numbers(value)).values, kept)
