"""A small typed model of R values, as far as they travel.

Vectors hold numpy arrays, so that large values are never touched element by element. Missing values are R's own: the
smallest 32-bit integer in integers, 2 in logicals, a NaN of payload 1954 in doubles (told apart from other NaNs by its
bits), ``None`` in texts. Whatever attributes a class does not name are kept in ``attributes``, in R's spelling.

Two values are equal when R's ``identical`` would say so, down to the bits of a NaN.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int32]
Doubles = NDArray[np.float64]
Texts = list[str | None]

NA_INTEGER = -(2**31)
NA_LOGICAL = 2
NA_REAL_BITS = 0x7FF00000000007A2
NA_REAL = float(np.array([NA_REAL_BITS], dtype=np.uint64).view(np.float64)[0])

_MISSING = {"uint8": NA_LOGICAL, "int32": NA_INTEGER, "float64": NA_REAL}
"""NA in the arrays of logicals, integers and factors, numbers and dates."""


class RValue:
    """Any R value."""

    __slots__ = ()


Attributes = Mapping[str, RValue]


@dataclass(frozen=True, slots=True)
class Null(RValue):
    """R's NULL."""


NULL = Null()


class Vector(RValue):
    """What atomic vectors and lists share: elements with names and, in matrices and arrays, dimensions."""

    __slots__ = ()
    values: Any
    attributes: Attributes

    def __len__(self) -> int:
        return len(self.values)

    @property
    def names(self) -> Texts | None:
        """Names of the elements, or ``None`` when the vector has none."""
        names = self.attributes.get("names")
        return names.values if isinstance(names, Character) else None

    @property
    def dim(self) -> tuple[int, ...] | None:
        """Extents of a matrix (rows, columns) or array; elements are stored column by column."""
        dim = self.attributes.get("dim")
        return tuple(int(extent) for extent in dim.values) if isinstance(dim, Integer) else None

    @property
    def classes(self) -> list[str]:
        """The S3 classes set on the vector; empty when it has its implicit class only."""
        classes = self.attributes.get("class")
        return [text for text in classes.values if text is not None] if isinstance(classes, Character) else []


@dataclass(frozen=True, slots=True, eq=False)
class ArrayVector(Vector):
    """An atomic vector whose elements are in a numpy array of the subclass's ``dtype``."""

    dtype: ClassVar[Any]
    values: NDArray[Any]
    attributes: Attributes = field(default_factory=dict)

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other) or not isinstance(other, ArrayVector):
            return False
        return self.values.tobytes() == other.values.tobytes() and self.attributes == other.attributes

    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True, slots=True, eq=False)
class Logical(ArrayVector):
    """TRUE 1, FALSE 0, NA 2, in bytes."""

    dtype = np.uint8


@dataclass(frozen=True, slots=True, eq=False)
class Integer(ArrayVector):
    """32-bit integers; the smallest one is NA."""

    dtype = np.int32


@dataclass(frozen=True, slots=True, eq=False)
class Double(ArrayVector):
    """R's numeric."""

    dtype = np.float64


@dataclass(frozen=True, slots=True, eq=False)
class Complex(ArrayVector):
    """Complex numbers."""

    dtype = np.complex128


@dataclass(frozen=True, slots=True, eq=False)
class Raw(ArrayVector):
    """Bytes."""

    dtype = np.uint8


@dataclass(frozen=True, slots=True)
class Character(Vector):
    """Texts; ``None`` is NA."""

    values: Texts
    attributes: Attributes = field(default_factory=dict)


AtomicVector = ArrayVector | Character


@dataclass(frozen=True, slots=True)
class RList(Vector):
    """A generic vector; pairlists are read as one."""

    values: list[RValue]
    attributes: Attributes = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Factor(RValue):
    """A factor: ``codes`` count from 1 into ``levels``, NA is the integer NA."""

    codes: Integers
    levels: Texts
    ordered: bool = False
    attributes: Attributes = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.codes)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Factor) and _factor_parts(self) == _factor_parts(other)

    __hash__ = None  # type: ignore[assignment]

    def labels(self) -> Texts:
        """The text of each element; ``None`` for NA and for codes beyond the levels."""
        texts: Texts = [None, *self.levels]
        codes = np.where((self.codes > 0) & (self.codes <= len(self.levels)), self.codes, 0)
        return [texts[code] for code in codes.tolist()]


def _factor_parts(factor: Factor) -> tuple[object, ...]:
    return factor.codes.tobytes(), factor.levels, factor.ordered, factor.attributes


@dataclass(frozen=True, slots=True, eq=False)
class Date(RValue):
    """Days since 1970-01-01; any NaN is NA. May have fractions, which R ignores when printing."""

    days: Doubles
    attributes: Attributes = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.days)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Date):
            return False
        return self.days.tobytes() == other.days.tobytes() and self.attributes == other.attributes

    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True, slots=True, eq=False)
class PosixCt(RValue):
    """Seconds since 1970-01-01 UTC, shown in the zone ``tzone`` (R's name; ``None`` is the session's zone)."""

    seconds: Doubles
    tzone: str | None = None
    attributes: Attributes = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.seconds)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PosixCt) or self.tzone != other.tzone:
            return False
        return self.seconds.tobytes() == other.seconds.tobytes() and self.attributes == other.attributes

    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True, slots=True)
class DataFrame(RValue):
    """A data frame.

    Attributes:
        names: column names, one a column.
        columns: values of equal length.
        rows: number of rows, or the row names when they are not just 1 to n.
    """

    names: list[str]
    columns: list[RValue]
    rows: int | Vector
    attributes: Attributes = field(default_factory=dict)

    @property
    def row_count(self) -> int:
        """Number of rows."""
        return self.rows if isinstance(self.rows, int) else len(self.rows)


@dataclass(frozen=True, slots=True)
class Opaque(RValue):
    """What does not travel, such as a function or an environment: its classes and its printed form."""

    classes: list[str]
    printed: str = ""


# -- constructors -----------------------------------------------------------------------------------------


def character(*texts: str | None) -> Character:
    """A character vector."""
    return Character(list(texts))


def logical(*flags: bool | None) -> Logical:
    """A logical vector."""
    return Logical(np.array([NA_LOGICAL if flag is None else flag for flag in flags], dtype=np.uint8))


def integer(*numbers: int | None) -> Integer:
    """An integer vector; numbers beyond 32 bits raise OverflowError."""
    return Integer(np.array([NA_INTEGER if number is None else number for number in numbers], dtype=np.int32))


def double(*numbers: float | None) -> Double:
    """A numeric vector."""
    return doubles(numbers)


def doubles(numbers: Iterable[float | None]) -> Double:
    """A numeric vector of an iterable; ``None`` becomes NA, which numpy would turn into a plain NaN."""
    values = list(numbers)
    array = np.array(values, dtype=np.float64)
    for position in np.flatnonzero(np.isnan(array)).tolist():
        if values[position] is None:
            array.view(np.uint64)[position] = NA_REAL_BITS
    return Double(array)


def raw(content: bytes) -> Raw:
    """A raw vector."""
    return Raw(np.frombuffer(content, dtype=np.uint8).copy())


def named_list(members: Mapping[str, RValue]) -> RList:
    """A list with names."""
    return RList(list(members.values()), {"names": character(*members)})


def unnamed_list(*members: RValue) -> RList:
    """A list without names."""
    return RList(list(members))


def matrix(cells: ArrayVector | Character, rows: int, columns: int) -> ArrayVector | Character:
    """A matrix of cells given column by column.

    Raises:
        ValueError: the number of cells is not rows times columns.
    """
    if len(cells) != rows * columns:
        raise ValueError(f"{len(cells)} cells do not make {rows} rows of {columns}")
    return _array(cells, rows, columns)


def row(cells: ArrayVector | Character) -> ArrayVector | Character:
    """An array of one dimension, which is one with a single cell, too."""
    return _array(cells, len(cells))


def _array(cells: ArrayVector | Character, *extents: int) -> ArrayVector | Character:
    return replace(cells, attributes={**cells.attributes, "dim": integer(*extents)})


def factor(codes: Sequence[int | None], levels: Sequence[str], *, ordered: bool = False) -> Factor:
    """A factor of codes that count from 1."""
    return Factor(integer(*codes).values, list(levels), ordered)


def data_frame(columns: Mapping[str, RValue]) -> DataFrame:
    """A data frame of columns of equal length.

    Raises:
        ValueError: the lengths differ.
    """
    lengths = {column_length(column) for column in columns.values()}
    if len(lengths) > 1:
        raise ValueError("the columns differ in length")
    return DataFrame(list(columns), list(columns.values()), lengths.pop() if lengths else 0)


def column_length(column: RValue) -> int:
    """Number of rows that a data frame with this column has."""
    if isinstance(column, DataFrame):
        return column.row_count
    if isinstance(column, Vector):
        return column.dim[0] if column.dim else len(column)
    return len(column) if isinstance(column, Factor | Date | PosixCt) else 0


def column_width(column: RValue) -> int:
    """Cells that each row has in this column of a data frame."""
    return column.dim[1] if isinstance(column, Vector) and column.dim else 1


def recycled(column: RValue, rows: int) -> RValue:
    """A column of a data frame over and over until it has so many rows, as by R's ``rep_len``; NA where it has none.

    Raises:
        ValueError: it is no logical, number, text, factor or date, nor a matrix of the former.
    """
    taken = np.arange(rows) % max(column_length(column), 1)
    if isinstance(column, Factor):
        return replace(column, codes=_taken(column.codes, taken))
    if isinstance(column, Date):
        return replace(column, days=_taken(column.days, taken))
    if isinstance(column, PosixCt):
        return replace(column, seconds=_taken(column.seconds, taken))
    if not isinstance(column, Logical | Integer | Double | Character):
        raise ValueError("a column cannot be recycled")
    width = column_width(column)
    cells = _recycled_cells(column, np.add.outer(np.arange(width) * column_length(column), taken).ravel())
    return matrix(cells, rows, width) if column.dim else cells


def _recycled_cells(column: ArrayVector | Character, taken: NDArray[np.int_]) -> ArrayVector | Character:
    if isinstance(column, Character):
        return Character([column.values[cell] for cell in taken.tolist()] if column.values else [None] * len(taken))
    return type(column)(_taken(column.values, taken))


def _taken(values: NDArray[Any], taken: NDArray[np.int_]) -> NDArray[Any]:
    """The values at these places; NA if there is none at all."""
    return values[taken] if len(values) else np.full(len(taken), _MISSING[values.dtype.name], values.dtype)


# -- readers ----------------------------------------------------------------------------------------------


def as_texts(value: RValue) -> Texts:
    """The texts of a character vector; NULL has none.

    Raises:
        TypeError: the value is something else.
    """
    if isinstance(value, Null):
        return []
    if isinstance(value, Character):
        return value.values
    raise TypeError(f"character expected, not {type(value).__name__}")


def as_text(value: RValue) -> str | None:
    """The first text of a character vector; ``None`` for NA, NULL and an empty vector.

    Raises:
        TypeError: the value is something else.
    """
    return next(iter(as_texts(value)), None)


def as_numbers(value: RValue) -> list[float | None]:
    """The elements of a numeric or integer vector, ``None`` for NA and NaN; NULL has none.

    Raises:
        TypeError: the value is something else.
    """
    if isinstance(value, Null):
        return []
    if isinstance(value, Integer):
        return [None if number == NA_INTEGER else float(number) for number in value.values.tolist()]
    if isinstance(value, Double):
        return [None if number != number else number for number in value.values.tolist()]
    raise TypeError(f"numeric expected, not {type(value).__name__}")


def as_number(value: RValue) -> float | None:
    """The first element of a numeric or integer vector; ``None`` for NA, NaN, NULL and an empty vector.

    Raises:
        TypeError: the value is something else.
    """
    return next(iter(as_numbers(value)), None)


def as_flags(value: RValue) -> list[bool | None]:
    """The elements of a logical vector, ``None`` for NA; NULL has none.

    Raises:
        TypeError: the value is something else.
    """
    if isinstance(value, Null):
        return []
    if isinstance(value, Logical):
        return [None if flag == NA_LOGICAL else bool(flag) for flag in value.values.tolist()]
    raise TypeError(f"logical expected, not {type(value).__name__}")


def as_flag(value: RValue) -> bool | None:
    """The first element of a logical vector; ``None`` for NA, NULL and an empty vector.

    Raises:
        TypeError: the value is something else.
    """
    return next(iter(as_flags(value)), None)


def as_members(value: RValue) -> dict[str, RValue]:
    """The members of a named list by name; NULL has none. Of members of one name the last one stays.

    Raises:
        TypeError: the value is not a list, or a list without names.
    """
    if isinstance(value, Null):
        return {}
    if isinstance(value, RList) and (value.names is not None or not value.values):
        return {name or "": member for name, member in zip(value.names or [], value.values, strict=False)}
    raise TypeError(f"named list expected, not {type(value).__name__}")
