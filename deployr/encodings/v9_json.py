"""R values as the JSON of the 9.x API: bare numbers, texts, arrays and objects (9x-facts 7).

JSON says less than R: NA, NaN and infinities become null, factors their labels, dates texts. What is declared of an
input or output decides where JSON leaves a choice; without a declaration a vector of length one is a bare value.
"""

from __future__ import annotations

import base64
import itertools
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from types import NoneType
from typing import Any, TypeGuard

import numpy as np

from deployr.encodings import dates, integer64, model, posixlt, scalars
from deployr.encodings.errors import EncodingError
from deployr.encodings.model import RValue
from deployr.encodings.objects import MAX_DEPTH, MAX_EMPTY_ROWS, MAX_FACTOR_TEXT

_SECONDS = "yyyy-MM-dd'T'HH:mm:ssXXX"
_MILLISECONDS = "yyyy-MM-dd'T'HH:mm:ss.SSSXXX"

_MAX_DIMENSIONS = 32
"""Extents of an array; one with more is flat."""

_SCALARS = ("numeric", "integer", "character", "logical")

_Atomic = model.AtomicVector | model.Factor | model.Date | model.PosixCt

_NUMBERS: dict[str, float | None] = {"NA": None, **scalars.SPECIAL_NUMBERS}
"""Texts that are numbers where numbers are expected; R's jsonlite writes NA so."""

# -- writing ----------------------------------------------------------------------------------------------


def encode(value: RValue, declared: str | None = None) -> Any:
    """The JSON of a value: ``None``, bool, int, float, str, lists and dicts.

    Args:
        value: the value.
        declared: type of the output that it is; with ``vector``, ``matrix`` or ``data.frame`` nothing is a bare value,
            with the others nothing at all is null.
    """
    value = posixlt.to_posixct(value)
    if declared in _SCALARS and _is_atomic(value) and (_is_flat(value) or len(value) == 1):
        elements = _elements(value)
        return _bare([*map(_whole, elements)] if declared == "integer" else elements)
    if declared == "matrix" and _is_atomic(value) and _is_flat(value):
        return [[cell] for cell in _elements(value)]
    if declared == "data.frame" and isinstance(value, model.RList) and value.names is not None:
        return _members(value.names, value.values, 0, bare=False)
    return _natural(value, 0, bare=declared in (None, *_SCALARS))


def _natural(value: RValue, depth: int, *, bare: bool = True) -> Any:
    """The JSON of a value by its class; below the deepest level it is null.

    Args:
        bare: a vector of length one is a bare value, and raw bytes are a text.
    """
    value = posixlt.to_posixct(value)
    if depth > MAX_DEPTH or isinstance(value, model.Null):
        return None
    if isinstance(value, model.DataFrame):
        return _members(value.names, value.columns, depth, bare=False)
    if isinstance(value, model.RList) and value.names is not None:
        return _members(value.names, value.values, depth, bare=True)
    if isinstance(value, model.RList):
        return [_natural(member, depth + 1) for member in value.values]
    if isinstance(value, model.Opaque):
        return value.printed
    if isinstance(value, model.Raw):
        return base64.b64encode(value.values.tobytes()).decode() if bare else value.values.tolist()
    elements, dim = _elements(value), value.dim if isinstance(value, model.Vector) else None
    if dim:
        return _nested(elements, dim)
    return elements[0] if bare and len(elements) == 1 else elements


def _members(names: Sequence[str | None], values: Sequence[RValue], depth: int, *, bare: bool) -> dict[str, Any]:
    """Members by name; one without a name has its position, and of one name the later ones are numbered."""
    members: dict[str, Any] = {}
    used: Counter[str] = Counter()
    for position, (name, value) in enumerate(zip(names, values, strict=True), start=1):
        key = first = name or str(position)
        while key in members:
            used[first] += 1
            key = f"{first}.{used[first]}"
        members[key] = _natural(value, depth + 1, bare=bare)
    return members


def _bare(elements: list[Any]) -> Any:
    return elements if len(elements) > 1 else next(iter(elements), None)


def _whole(element: Any) -> Any:
    """A number as one that is written without a fraction, where it has none; other elements as they are."""
    is_whole = isinstance(element, float) and element.is_integer() and abs(element) < 2**63
    return int(element) if is_whole else element


def _is_atomic(value: RValue) -> TypeGuard[_Atomic]:
    """A value of elements, each of them a scalar; raw ones are one text."""
    return isinstance(value, _Atomic) and not isinstance(value, model.Raw)


def _is_flat(value: _Atomic) -> bool:
    """A vector that is no matrix."""
    return not isinstance(value, model.Vector) or len(value.dim or ()) < 2


def _elements(value: RValue) -> list[Any]:
    """The elements of a vector, ``None`` for what JSON cannot say."""
    if isinstance(value, model.Logical):
        return [None if flag == model.NA_LOGICAL else bool(flag) for flag in value.values.tolist()]
    if isinstance(value, model.Integer):
        return [None if number == model.NA_INTEGER else number for number in value.values.tolist()]
    if integer64.is_integer64(value):
        return integer64.numbers(value)
    if isinstance(value, model.Double):
        return _numbers(value.values)
    if isinstance(value, model.Complex):
        return [_complex(number) for number in value.values.tolist()]
    if isinstance(value, model.Factor):
        return _labels(value)
    if isinstance(value, model.Date):
        return list(dates.format_days(value.days))
    if isinstance(value, model.PosixCt):
        return _instants(value)
    return list(value.values) if isinstance(value, model.Character) else []


def _numbers(numbers: model.Doubles) -> list[float | None]:
    finite = np.isfinite(numbers)
    if finite.all():
        return list(numbers.tolist())
    return [number if good else None for number, good in zip(numbers.tolist(), finite.tolist(), strict=True)]


def _complex(number: complex) -> str | None:
    """As R prints it; numbers with a part that is no number are NA."""
    if not np.isfinite(number):
        return None
    return f"{number.real:.15g}{number.imag:+.15g}i"


def _labels(factor: model.Factor) -> list[str | None]:
    """The labels, unless repeating them would make a text without measure of a small value."""
    if len(factor) * max((len(level or "") for level in factor.levels), default=0) > MAX_FACTOR_TEXT:
        return [None] * len(factor)
    return factor.labels()


def _instants(value: model.PosixCt) -> list[str | None]:
    """ISO 8601 with the offset of the value's zone; with milliseconds when there are any."""
    with np.errstate(invalid="ignore"):
        whole = np.round(value.seconds, 3) == np.floor(value.seconds)
    pattern = _SECONDS if (whole | np.isnan(value.seconds)).all() else _MILLISECONDS
    return list(dates.format_seconds(value.seconds, pattern, value.tzone))


def _nested(elements: list[Any], dim: tuple[int, ...]) -> Any:
    """Rows of a matrix, and so on for arrays; elements come column by column.

    Empty rows take no room in R, so that there may be too many to write: then there are none.
    """
    if len(dim) > _MAX_DIMENSIONS or math.prod(itertools.takewhile(bool, dim)) > max(MAX_EMPTY_ROWS, len(elements)):
        return elements
    cells = np.empty(len(elements), dtype=object)
    cells[:] = elements
    return cells.reshape(dim, order="F").tolist()


# -- reading ----------------------------------------------------------------------------------------------


def decode(value: Any, declared: str | None = None, *, name: str, for_python: bool = False) -> RValue:
    """The value that JSON stands for.

    Without a declaration arrays of scalars are vectors, arrays of equally long arrays matrices, objects of equally
    long arrays data frames, other arrays and objects lists.

    Args:
        value: parsed JSON.
        declared: type of the input that it is for.
        name: the input's name for messages.
        for_python: numbers written without a fraction are integers, of up to 64 bits, an array of one element is no
            bare value, and a declared matrix is of that class; else all numbers are numeric, as R reads its literals.

    Raises:
        EncodingError: the value cannot be of the declared type; the text names the input.
    """
    if value is None:
        return model.NULL
    if declared in _SCALARS:
        return _scalar(value, str(declared), name, for_python)
    if declared == "vector" and not isinstance(value, dict):
        return _array(value if isinstance(value, list) else [value], name, for_python, 0)
    if declared == "matrix" and _is_table(value):
        cells = _matrix(value, name, for_python)
        return _of_class_matrix(cells) if for_python else cells
    if declared == "data.frame" and isinstance(value, dict):
        return _data_frame(value, name, for_python)
    if declared is not None:
        raise EncodingError(f"Input '{name}' is no {declared}.")
    return _any(value, name, for_python, 0)


def _scalar(value: Any, declared: str, name: str, for_python: bool) -> RValue:
    if declared in ("numeric", "integer") and isinstance(value, str) and value in _NUMBERS:
        return scalars.vector([_NUMBERS[value]], declared, name)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    is_whole = is_number and (isinstance(value, int) or value.is_integer())
    fits = {
        "character": isinstance(value, str),
        "logical": isinstance(value, bool),
        "numeric": is_number,
        "integer": is_whole or (is_number and not math.isfinite(value)),
    }
    if not fits[declared]:
        raise EncodingError(f"Input '{name}' is not {declared}.")
    if declared == "integer" and is_whole and for_python:
        return _vector([int(value)], name, for_python)
    return scalars.vector([value], declared, name)


def _any(value: Any, name: str, for_python: bool, depth: int) -> RValue:
    if depth > MAX_DEPTH:
        raise EncodingError(f"Input '{name}' is nested too deeply.")
    if value is None:
        return model.NULL
    if isinstance(value, list):
        return _array(value, name, for_python, depth)
    if not isinstance(value, dict):
        return _vector([value], name, for_python)
    if value and all(_is_scalars(column) for column in value.values()) and len({*map(len, value.values())}) == 1:
        return _data_frame(value, name, for_python)
    return model.named_list({key: _any(member, name, for_python, depth + 1) for key, member in value.items()})


def _array(value: list[Any], name: str, for_python: bool, depth: int) -> RValue:
    if _is_scalars(value):
        elements = _vector(value, name, for_python)
        return model.row(elements) if for_python and len(value) == 1 else elements
    if _is_table(value):
        return _matrix(value, name, for_python)
    return model.unnamed_list(*(_any(member, name, for_python, depth + 1) for member in value))


def _is_scalars(value: Any) -> bool:
    return isinstance(value, list) and not any(isinstance(item, list | dict) for item in value)


def _is_table(value: Any) -> bool:
    """Rows of equal length, none of them empty."""
    is_rows = isinstance(value, list) and bool(value) and all(_is_scalars(row) for row in value)
    return is_rows and len({*map(len, value)}) == 1 and bool(value[0])


def _vector(elements: list[Any], name: str, for_python: bool) -> model.AtomicVector:
    elements = _without_na(elements)
    integers = for_python and set(map(type, elements)) <= {int, bool, NoneType}
    if integers and integer64.suits(elements):
        return integer64.vector(elements)
    return scalars.vector(elements, "integer" if integers else None, name)


def _without_na(elements: list[Any]) -> list[Any]:
    """Null for the text ``NA`` among numbers; where all are texts it is one, too."""
    if "NA" not in elements:
        return elements
    others = {type(element) for element in elements if not (isinstance(element, str) and element in _NUMBERS)}
    if not others & {int, float} or others - {int, float, type(None)}:
        return elements
    return [None if element == "NA" else element for element in elements]


def _of_class_matrix(cells: model.AtomicVector) -> RValue:
    """A matrix that is one of numpy in Python sessions, where others are arrays (9x-facts 7)."""
    return replace(cells, attributes={**cells.attributes, "class": model.character(*cells.classes, "matrix")})


def _matrix(rows: list[list[Any]], name: str, for_python: bool) -> model.AtomicVector:
    cells = [row[column] for column in range(len(rows[0])) for row in rows]
    return model.matrix(_vector(cells, name, for_python), len(rows), len(rows[0]))


def _data_frame(columns: dict[str, Any], name: str, for_python: bool) -> RValue:
    """A frame of columns; bare values are columns of one row."""
    lists = {key: column if isinstance(column, list) else [column] for key, column in columns.items()}
    vectors = {key: _vector(column, f"{name}${key}", for_python) for key, column in lists.items()}
    try:
        return model.data_frame(vectors)
    except ValueError as ex:
        raise EncodingError(f"Input '{name}' is no data.frame: {ex}.") from ex
