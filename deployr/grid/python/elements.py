"""Sequences of Python scalars as vectors: one kind throughout, ``None`` among them being NA."""

from __future__ import annotations

import array
import datetime
import decimal
import fractions
import sys
from collections.abc import Callable, Sequence
from typing import Any

from . import sexp
from .vectors import Portable, of_days, of_difference, of_flags, of_integers64, of_numbers, of_seconds, of_texts

LARGEST_INTEGER = 2**31 - 1
LARGEST_INTEGER64 = 2**63 - 1
"""The smallest ones are their negatives: NA lies below."""

_EPOCH = datetime.date(1970, 1, 1)
_NUMBERS = {int, float, decimal.Decimal, fractions.Fraction}


def of_elements(values: Sequence[Any]) -> Portable | None:
    """A vector of scalars; ``None`` when there are none, or not of one kind, or of a kind that R has no vector for."""
    kinds = {_kind(found) for found in set(map(type, values))}
    if None in kinds:
        values = [plain(value) for value in values]
        kinds = {_kind(found) for found in set(map(type, values))}
    known = kinds - {type(None)}
    if len(known) > 1:
        return of_numbers(values) if known <= _NUMBERS else None
    maker = _MAKERS.get(known.pop()) if known else of_flags if kinds else None
    return maker(values) if maker else None


def plain(value: Any) -> Any:
    """A scalar of numpy or pandas as Python's, ``None`` when it is missing; other values as they are."""
    np, pd = sys.modules.get("numpy"), sys.modules.get("pandas")
    if pd is not None and (value is pd.NaT or value is pd.NA):
        return None
    if np is None or not isinstance(value, np.generic):
        return value
    if isinstance(value, (np.datetime64, np.timedelta64)):
        return None if np.isnat(value) else _plain_time(np, value)
    return value.item()


def _plain_time(np: Any, value: Any) -> Any:
    """In microseconds, the finest that Python has; a day stays one."""
    kind = "timedelta64" if isinstance(value, np.timedelta64) else "datetime64"
    is_day = kind == "datetime64" and np.datetime_data(value.dtype)[0] == "D"
    return (value if is_day else value.astype(f"{kind}[us]")).item()


_BASES = (
    type(None), bool, int, float, complex, str,
    datetime.datetime, datetime.date, datetime.timedelta, decimal.Decimal, fractions.Fraction,
)  # fmt: skip


def _kind(found: type) -> type | None:
    """The built-in type that a scalar's type is built on. NaT is a date by type, and is none."""
    if found.__name__ == "NaTType":
        return None
    return next((base for base in _BASES if issubclass(found, base)), None)


def _integers(values: Sequence[Any]) -> Portable:
    largest = max(abs(value) for value in values if value is not None)
    if largest > LARGEST_INTEGER64:
        return of_numbers(values)
    if largest > LARGEST_INTEGER:
        wide = [sexp.NA_INTEGER64 if value is None else value for value in values]
        return of_integers64(len(values), lambda: array.array("q", wide).tobytes())
    whole = [sexp.NA_INTEGER if value is None else value for value in values]
    return Portable(sexp.INTEGER, len(values), lambda: array.array("i", whole).tobytes())


def _complexes(values: Sequence[Any]) -> Portable:
    found = [complex(sexp.NA_REAL, 0) if value is None else complex(value) for value in values]
    parts = [part for value in found for part in (value.real, value.imag)]
    return Portable(sexp.COMPLEX, len(found), lambda: array.array("d", parts).tobytes())


def _dates(values: Sequence[Any]) -> Portable:
    return of_days(of_numbers([None if value is None else (value - _EPOCH).days for value in values]))


def _instants(values: Sequence[Any]) -> Portable:
    zones = {zone_name(value.tzinfo) for value in values if value is not None}
    seconds = [None if value is None else _seconds(value) for value in values]
    return of_seconds(of_numbers(seconds), zones.pop() if len(zones) == 1 else "UTC")


def _seconds(value: datetime.datetime) -> float:
    return (value if value.tzinfo else value.replace(tzinfo=datetime.UTC)).timestamp()


def zone_name(tzinfo: Any) -> str:
    """R's name of a zone; an offset has none and is shown in UTC."""
    return str(getattr(tzinfo, "key", None) or getattr(tzinfo, "zone", None) or "UTC")


def _differences(values: Sequence[Any]) -> Portable:
    return of_difference(of_numbers([None if value is None else value.total_seconds() for value in values]))


_MAKERS: dict[type | None, Callable[[Sequence[Any]], Portable]] = {
    bool: of_flags,
    int: _integers,
    float: of_numbers,
    decimal.Decimal: of_numbers,
    fractions.Fraction: of_numbers,
    complex: _complexes,
    str: of_texts,
    datetime.date: _dates,
    datetime.datetime: _instants,
    datetime.timedelta: _differences,
}
