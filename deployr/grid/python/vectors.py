"""R values on their way out, before they are written."""

from __future__ import annotations

import array
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from . import sexp

_RCLASSES = {
    sexp.LOGICAL: "logical",
    sexp.INTEGER: "integer",
    sexp.DOUBLE: "numeric",
    sexp.TEXT: "character",
    sexp.COMPLEX: "complex",
    sexp.RAW: "raw",
}


@dataclass
class Portable:
    """A value in R's terms; what costs time is done when it is written.

    Attributes:
        kind: of its SEXP.
        length: number of elements.
        content: writes an atomic vector's elements.
        members: of a list, as Python values or as what they are in R's terms.
        names: of the elements.
        attributes: others, written.
        classes: R classes; for what has no value in R the Python class.
        opaque: it has no value in R.
        dimensions: of an array, 0 for a vector.
    """

    kind: int
    length: int
    content: Callable[[], bytes] = bytes
    members: Sequence[object] = ()
    names: list[str] | None = None
    attributes: dict[str, bytes] = field(default_factory=dict)
    classes: tuple[str, ...] = ()
    opaque: bool = False
    dimensions: int = 0

    def described(self) -> tuple[str, str]:
        """Type and class as listings name them (7x-facts 4.1); the same as :mod:`deployr.encodings.objects` says."""
        first = self.classes[0] if self.classes else ""
        if self.opaque:
            return "object", first
        if first in ("factor", "ordered"):
            return "factor", first
        if first == "data.frame":
            return "dataframe", first
        if first in ("Date", "POSIXct"):
            return "date" if self.length == 1 else "vector", first
        if self.kind in (sexp.NULL, sexp.VECTOR):
            return ("primitive", "NULL") if self.kind == sexp.NULL else ("list", "list")
        return self._described_by_shape(_RCLASSES[self.kind])

    def _described_by_shape(self, rclass: str) -> tuple[str, str]:
        if rclass in ("complex", "raw"):
            return "object", rclass
        if self.dimensions:
            return ("matrix", "matrix") if self.dimensions == 2 else ("object", "array")
        if self.length == 1:
            return "primitive", rclass
        return "vector", "numeric" if rclass == "integer" else rclass


_INTEGER64 = {"class": sexp.texts("integer64")}


def of_integers64(length: int, content: Callable[[], bytes]) -> Portable:
    """A vector of whole numbers beyond 32 bits, written as 64."""
    return Portable(sexp.DOUBLE, length, content, attributes={**_INTEGER64})


def of_row(vector: Portable) -> Portable:
    """A vector that is no scalar, which one of a single element has to say; those of dates and times do not."""
    if vector.length == 1 and vector.attributes in ({}, _INTEGER64):
        vector.attributes["dim"] = sexp.integers(1)
    return vector


def of_list(values: Sequence[object], names: Iterable[str] | None = None) -> Portable:
    """A list."""
    return Portable(sexp.VECTOR, len(values), members=values, names=None if names is None else [*names])


def of_bytes(content: bytes) -> Portable:
    """A raw vector."""
    return Portable(sexp.RAW, len(content), lambda: sexp.counted(content))


def of_flags(flags: Sequence[Any]) -> Portable:
    """A logical vector; ``None`` is NA."""
    content = bytes(sexp.NA_LOGICAL if flag is None else bool(flag) for flag in flags)
    return Portable(sexp.LOGICAL, len(flags), lambda: sexp.counted(content))


def of_texts(texts: Sequence[str | None]) -> Portable:
    """A character vector; ``None`` is NA."""
    return Portable(sexp.TEXT, len(texts), lambda: sexp.texts_content(texts))


def of_numbers(numbers: Sequence[Any]) -> Portable:
    """A numeric vector; ``None`` is NA."""
    return Portable(
        sexp.DOUBLE,
        len(numbers),
        lambda: array.array("d", [sexp.NA_REAL if number is None else _float(number) for number in numbers]).tobytes(),
    )


def _float(number: Any) -> float:
    try:
        return float(number)
    except OverflowError:
        return float("inf") if number > 0 else float("-inf")


def of_days(numbers: Portable) -> Portable:
    """Days since 1970 as a Date."""
    numbers.attributes["class"] = sexp.texts("Date")
    numbers.classes = ("Date",)
    return numbers


def of_seconds(numbers: Portable, zone: str) -> Portable:
    """Seconds since 1970 as a POSIXct."""
    numbers.attributes |= {"class": sexp.texts("POSIXct", "POSIXt"), "tzone": sexp.texts(zone)}
    numbers.classes = ("POSIXct", "POSIXt")
    return numbers


def of_difference(numbers: Portable) -> Portable:
    """Seconds as a difftime."""
    numbers.attributes |= {"class": sexp.texts("difftime"), "units": sexp.texts("secs")}
    return numbers


def of_factor(codes: Iterable[int], levels: Sequence[str], *, ordered: bool) -> Portable:
    """A factor of codes that count from 0; -1 is NA."""
    counted = array.array("i", [sexp.NA_INTEGER if code < 0 else code + 1 for code in codes])
    classes = ("ordered", "factor") if ordered else ("factor",)
    attributes = {"levels": sexp.texts(*levels), "class": sexp.texts(*classes)}
    return Portable(sexp.INTEGER, len(counted), counted.tobytes, attributes=attributes, classes=classes)


def of_columns(columns: Sequence[object], names: Iterable[str], rows: int, row_names: Sequence[str] | None) -> Portable:
    """A data frame; without row names they are 1 to ``rows``."""
    if row_names is None:
        written = sexp.integers(sexp.NA_INTEGER, -rows) if rows else sexp.integers()
    else:
        written = sexp.texts(*row_names)
    frame = of_list(columns, names)
    frame.attributes = {"class": sexp.texts("data.frame"), "row.names": written}
    frame.classes = ("data.frame",)
    return frame
