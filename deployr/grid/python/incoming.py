"""R values on their way in: inputs as Python values.

| R | Python |
|---|---|
| NULL | ``None`` |
| a vector of length one | ``bool``, ``int``, ``float``, ``complex``, ``str``; NA is ``None``, of numeric NaN |
| other vectors, 1-d arrays | numpy arrays, NA of numbers being NaN; lists of texts, logicals with NA, without numpy |
| vectors with names | ``dict`` of scalars |
| matrix, array | two- and more-dimensional arrays, ``numpy.matrix`` of class matrix; without numpy a list of rows |
| vectors of class integer64 (of bit64) | as others, of ``int`` |
| raw | ``bytes`` |
| factor | ``Categorical``; a list of labels without pandas |
| Date, POSIXct | ``date``, ``datetime`` in the zone it has, else UTC; lists of these |
| list | ``list``, with names ``dict`` |
| data frame | ``DataFrame``; a ``dict`` of lists without pandas |
"""

from __future__ import annotations

import datetime
import importlib
import math
import zoneinfo
from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Any

from . import sexp
from .sexp import Sexp

_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_LARGEST_OFFSET = 10**15


def value_of(found: Sexp) -> Any:
    """The Python value of an R value."""
    classes = found.attribute_texts("class")
    for name, reader in _READERS.items():
        if name in classes:
            return reader(found)
    if found.kind in (sexp.VECTOR, sexp.LIST_TAG):
        return _list(found)
    if found.kind == sexp.NULL:
        return None
    if found.kind == sexp.RAW:
        return found.bytes()
    return _vector(found)


def named_values(found: Sexp) -> dict[str, Any]:
    """The members of a named list by name."""
    return dict(zip(found.names or [], map(value_of, found.members()), strict=False))


def optional(name: str) -> ModuleType | None:
    """A module, ``None`` when it is not installed."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def _list(found: Sexp) -> Any:
    return [value_of(member) for member in found.members()] if found.names is None else named_values(found)


def _vector(found: Sexp) -> Any:
    if found.names is not None:
        return dict(zip(found.names, _elements(found), strict=False))
    elements = _array(found)
    if "dim" in found.attributes:
        shaped = _shaped(elements, [int(extent) for extent in found.attributes["dim"].numbers()])
        return _matrix(shaped) if "matrix" in found.attribute_texts("class") else shaped
    return _elements(found)[0] if len(elements) == 1 else elements


def _elements(found: Sexp) -> list[Any]:
    """Python scalars; ``None`` is NA, of numeric NaN."""
    if found.kind == sexp.TEXT:
        return [*found.texts()]
    if found.kind == sexp.LOGICAL:
        return [None if flag == sexp.NA_LOGICAL else bool(flag) for flag in found.bytes()]
    if found.kind == sexp.INTEGER:
        return [None if number == sexp.NA_INTEGER else number for number in found.numbers()]
    if found.kind == sexp.INTEGER64:
        return [None if number == sexp.NA_INTEGER64 else number for number in found.numbers()]
    if found.kind == sexp.DOUBLE:
        return [*found.numbers()]
    if found.kind == sexp.COMPLEX:
        parts = Sexp(sexp.DOUBLE, found.content).numbers()
        return [complex(real, imaginary) for real, imaginary in zip(parts[::2], parts[1::2], strict=True)]
    raise sexp.SexpError(f"value of type {found.kind}")


def _array(found: Sexp) -> Any:
    """An array where numpy has one for it."""
    np = optional("numpy")
    if np is None or found.kind not in _DTYPES:
        return _elements(found)
    array = np.frombuffer(found.bytes() if found.kind == sexp.LOGICAL else found.content, _DTYPES[found.kind])
    if found.kind == sexp.LOGICAL:
        return _elements(found) if (array == sexp.NA_LOGICAL).any() else array.astype(bool)
    if found.kind not in _MISSING:
        return array.copy()
    # Wide integers, as Python code expects: R's overflow to NA, those of numpy in silence.
    missing = array == _MISSING[found.kind]
    return np.where(missing, np.nan, array) if missing.any() else array.astype("i8")


_DTYPES = {
    sexp.LOGICAL: "u1",
    sexp.INTEGER: "<i4",
    sexp.INTEGER64: "<i8",
    sexp.DOUBLE: "<f8",
    sexp.COMPLEX: "<c16",
}
_MISSING = {sexp.INTEGER: sexp.NA_INTEGER, sexp.INTEGER64: sexp.NA_INTEGER64}


def _shaped(elements: Any, dim: list[int]) -> Any:
    """Elements are given column by column; those of one dimension are as they should be."""
    if len(dim) == 1:
        return elements
    np = optional("numpy")
    if np is not None:
        cells = np.array(elements, dtype=object) if isinstance(elements, list) else elements
        return cells.reshape(dim, order="F")
    return [elements[row :: dim[0]] for row in range(dim[0])] if len(dim) == 2 else elements


def _matrix(shaped: Any) -> Any:
    """What a service declares to be a matrix."""
    np = optional("numpy")
    return shaped.view(np.matrix) if np is not None else shaped


# -- classes ----------------------------------------------------------------------------------------------


def _labels(found: Sexp) -> list[str | None]:
    levels = found.attribute_texts("levels")
    return [levels[int(code) - 1] if 0 < code <= len(levels) else None for code in found.numbers()]


def _factor(found: Sexp) -> Any:
    pd = optional("pandas")
    if pd is None:
        return _labels(found)
    codes = [int(code) - 1 if code > 0 else -1 for code in found.numbers()]
    levels = found.attribute_texts("levels")
    return pd.Categorical.from_codes(codes, levels, ordered="ordered" in found.attribute_texts("class"))


def _dates(found: Sexp) -> list[Any]:
    instants = _instants((number * 86400 for number in _numbers(found)), datetime.UTC)
    return [None if instant is None else instant.date() for instant in instants]


def _times(found: Sexp) -> list[Any]:
    return _instants(_numbers(found), _zone(next(iter(found.attribute_texts("tzone")), None)))


def _numbers(found: Sexp) -> list[float]:
    return [math.nan if number == sexp.NA_INTEGER else number for number in found.numbers()]


def _instants(seconds: Iterable[float], zone: datetime.tzinfo) -> list[Any]:
    """Instants; ``None`` where there is none, or beyond what Python can say."""
    return [_instant(second, zone) if abs(second) < _LARGEST_OFFSET else None for second in seconds]


def _instant(second: float, zone: datetime.tzinfo) -> datetime.datetime | None:
    try:
        return (_EPOCH + datetime.timedelta(seconds=second)).astimezone(zone)
    except OverflowError:
        return None


def _zone(name: str | None) -> datetime.tzinfo:
    try:
        return zoneinfo.ZoneInfo(name) if name else datetime.UTC
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        return datetime.UTC


def _alone(read: Callable[[Sexp], list[Any]]) -> Callable[[Sexp], Any]:
    """One element is a scalar."""

    def reader(found: Sexp) -> Any:
        elements = read(found)
        return elements[0] if len(elements) == 1 else elements

    return reader


def _frame(found: Sexp) -> Any:
    columns = dict(zip(found.names or [], map(_column, found.members()), strict=False))
    pd = optional("pandas")
    if pd is None:
        return columns
    labels = found.attributes.get("row.names")
    return pd.DataFrame(columns, index=labels.texts() if labels and labels.kind == sexp.TEXT else None)


def _column(found: Sexp) -> Any:
    """An array, a list or a categorical, of whatever length."""
    classes = found.attribute_texts("class")
    if "factor" in classes:
        return _factor(found)
    if "Date" in classes:
        return _dates(found)
    if "POSIXct" in classes:
        return _times(found)
    if found.kind in (sexp.VECTOR, sexp.LIST_TAG):
        return [value_of(member) for member in found.members()]
    return _array(found)


_READERS: dict[str, Callable[[Sexp], Any]] = {
    "factor": _factor,
    "Date": _alone(_dates),
    "POSIXct": _alone(_times),
    "data.frame": _frame,
}
