"""R values as DeployR's object records, the plain dicts that JSON (and XML) replies are written from.

A record has ``name``, ``type``, ``rclass`` and, for values that have an encoding, ``value`` (7x-facts 4.1 and 4.3,
client-wire-facts 8). Arrays in ``value`` are lists, or numpy arrays of float64 or bool where nothing is missing.

What clients insist on: numbers of class numeric are floats, in vectors and matrices too; vectors of integers have the
class numeric; ``value`` is absent, not null, where there is no encoding.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deployr.encodings import dates, integer64, model, posixlt
from deployr.encodings.errors import DateError
from deployr.encodings.model import RValue

Record = dict[str, Any]
Elements = NDArray[Any] | list[Any]

INFINITY = "0x7ff0000000000000L"
"""Documented text for infinity; minus infinity is the same with a sign."""

OTHER_TYPE = "object"
"""Type of what has no encoding: functions, models, environments."""

FORMAT_ATTRIBUTE = "deployr.format"
"""R attribute with the Java pattern that a client pushed a date with, when it is not the usual one of the class."""

MAX_DEPTH = 100
"""Levels of lists in lists; a member below has no value."""

MAX_FACTOR_TEXT = 2**30
"""Characters that a factor may become. Its texts repeat, so that a small one in R can be without measure here."""

MAX_EMPTY_ROWS = 2**20
"""Rows that a matrix without columns may have. They take no room in R, so that it can have billions."""

_RCLASSES: dict[type[RValue], str] = {
    model.Logical: "logical",
    model.Integer: "integer",
    model.Double: "numeric",
    model.Character: "character",
    model.Complex: "complex",
    model.Raw: "raw",
}


def encode_object(
    name: str,
    value: RValue,
    *,
    nan: str | None = None,
    infinity: str | None = None,
    data_frame_primitive_as_vector: bool = False,
    date_vector_class: str | None = None,
) -> Record:
    """The record of a named value.

    Args:
        name: object name.
        value: the value.
        nan: text in the place of NA and NaN; null without it.
        infinity: text in the place of infinity; ``INFINITY`` without it.
        data_frame_primitive_as_vector: columns of one-row data frames are vectors, not primitives.
        date_vector_class: class of vectors of dates; ``Date`` or ``POSIXct`` without it.
    """
    encoder = _Encoder(nan or None, infinity or INFINITY, data_frame_primitive_as_vector, date_vector_class)
    return encoder.record(name, value)


@dataclasses.dataclass(frozen=True, slots=True)
class _Encoder:
    """Writes records with the caller's choices."""

    nan: str | None
    infinity: str
    columns_as_vectors: bool
    date_vector_class: str | None

    def record(self, name: str, value: RValue, depth: int = 0, as_vector: bool = False) -> Record:
        """One record; ``as_vector`` keeps vectors of length one from becoming primitives."""
        return {"name": name} | self._described(integer64.to_numeric(posixlt.to_posixct(value)), depth, as_vector)

    def _described(self, value: RValue, depth: int, as_vector: bool) -> Record:
        if isinstance(value, model.Factor):
            return self._factor(value)
        if isinstance(value, model.Date | model.PosixCt):
            return self._dates(value, as_vector)
        if isinstance(value, model.DataFrame):
            return self._data_frame(value, depth)
        if isinstance(value, model.RList):
            return self._list(value, depth)
        if isinstance(value, model.ArrayVector | model.Character):
            return self._atomic(value, as_vector)
        if isinstance(value, model.Opaque):
            return _shape(OTHER_TYPE, next(iter(value.classes), OTHER_TYPE))
        return _shape("primitive", "NULL") | {"value": None}

    def _atomic(self, vector: model.AtomicVector, as_vector: bool) -> Record:
        rclass, dim = _RCLASSES[type(vector)], vector.dim or ()
        if isinstance(vector, model.Complex | model.Raw):
            return _shape(OTHER_TYPE, rclass)
        if len(dim) == 2 and not len(vector) and dim[0] > MAX_EMPTY_ROWS:
            return _shape("matrix", "matrix")
        if len(dim) == 2:
            return _shape("matrix", "matrix") | {"value": _rows(self._elements(vector), dim)}
        if len(dim) > 2:
            return _shape(OTHER_TYPE, "array")
        if len(vector) == 1 and not as_vector:
            return _shape("primitive", rclass) | {"value": self._primitive(vector)}
        # Clients choose the element type by class, and know no vectors of integers.
        rclass = "numeric" if rclass == "integer" else rclass
        return _shape("vector", rclass) | {"value": self._elements(vector)}

    def _primitive(self, vector: model.AtomicVector) -> Any:
        if isinstance(vector, model.Integer) and vector.values[0] != model.NA_INTEGER:
            return int(vector.values[0])
        elements = self._elements(vector)
        return elements.tolist()[0] if isinstance(elements, np.ndarray) else elements[0]

    def _elements(self, vector: model.AtomicVector) -> Elements:
        if isinstance(vector, model.Character):
            return self._texts(vector.values)
        if isinstance(vector, model.Logical):
            return self._filled(vector.values != 0, vector.values == model.NA_LOGICAL)
        if isinstance(vector, model.Integer):
            return self._filled(vector.values.astype(np.float64), vector.values == model.NA_INTEGER)
        return self._numbers(vector.values)

    def _texts(self, texts: model.Texts) -> Elements:
        return texts if self.nan is None else [self.nan if text is None else text for text in texts]

    def _filled(self, values: NDArray[Any], missing: NDArray[np.bool_]) -> Elements:
        """The values with the text for NA where they are missing."""
        if not missing.any():
            return values
        elements: list[Any] = values.tolist()
        for position in np.flatnonzero(missing).tolist():
            elements[position] = self.nan
        return elements

    def _numbers(self, numbers: model.Doubles) -> Elements:
        elements = self._filled(numbers, np.isnan(numbers))
        infinite = np.flatnonzero(np.isinf(numbers))
        if not len(infinite):
            return elements
        mixed = list(elements.tolist() if isinstance(elements, np.ndarray) else elements)
        for position in infinite.tolist():
            mixed[position] = self.infinity if numbers[position] > 0 else f"-{self.infinity}"
        return mixed

    def _factor(self, factor: model.Factor) -> Record:
        levels = [level or "" for level in factor.levels]
        described = _shape("factor", "ordered" if factor.ordered else "factor")
        if len(factor) * max(map(len, levels), default=0) > MAX_FACTOR_TEXT:
            return described
        value = self._texts(factor.labels())
        return described | {"value": value, "labels": levels, "levels": levels, "ordered": factor.ordered}

    def _dates(self, value: model.Date | model.PosixCt, as_vector: bool) -> Record:
        pattern = _pattern(value)
        if isinstance(value, model.Date):
            rclass, texts = "Date", dates.format_days(value.days, pattern)
        else:
            rclass, texts = "POSIXct", dates.format_seconds(value.seconds, pattern, value.tzone)
        elements = self._texts(texts)
        if len(elements) == 1 and not as_vector:
            return _shape("date", rclass) | {"value": elements[0], "format": pattern}
        return _shape("vector", self.date_vector_class or rclass) | {"value": elements, "format": pattern}

    def _list(self, members: model.RList, depth: int) -> Record:
        # A list with a class of its own is a model or the like, and one with dimensions has no encoding either.
        if members.classes or members.dim:
            return _shape(OTHER_TYPE, next(iter(members.classes), "matrix"))
        if depth >= MAX_DEPTH:
            return _shape("list", "list")
        names = members.names or [None] * len(members)
        named = enumerate(zip(names, members.values, strict=True), start=1)
        value = [self.record(name or str(number), member, depth + 1) for number, (name, member) in named]
        return _shape("list", "list") | {"value": value}

    def _data_frame(self, frame: model.DataFrame, depth: int) -> Record:
        described = _shape("dataframe", "data.frame")
        if depth >= MAX_DEPTH:
            return described
        columns = zip(frame.names, frame.columns, strict=True)
        as_vectors = self.columns_as_vectors
        return described | {"value": [self.record(name, column, depth + 1, as_vectors) for name, column in columns]}


def _shape(type_name: str, rclass: str) -> Record:
    return {"type": type_name, "rclass": rclass}


def _rows(cells: Elements, dim: tuple[int, ...]) -> Elements:
    """The rows of cells given column by column."""
    if isinstance(cells, np.ndarray):
        return np.ascontiguousarray(cells.reshape(dim, order="F"))
    return [cells[row :: dim[0]] for row in range(dim[0])]


def _pattern(value: model.Date | model.PosixCt) -> str:
    """The pattern a date was pushed with, when it still suits its class; else the usual one."""
    is_time = isinstance(value, model.PosixCt)
    pushed = value.attributes.get(FORMAT_ATTRIBUTE)
    if isinstance(pushed, model.Character) and pushed.values and pushed.values[0]:
        try:
            if dates.has_time(pushed.values[0]) == is_time:
                return pushed.values[0]
        except DateError:
            pass
    return dates.POSIXCT_PATTERN if is_time else dates.DATE_PATTERN
