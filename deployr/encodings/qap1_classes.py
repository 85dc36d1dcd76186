"""R's own coding of classed values: vectors with attributes to factors, dates and data frames, and back."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from deployr.encodings import model
from deployr.encodings.model import Attributes, RValue, Vector

OPAQUE_CLASS = "deployr.opaque"
"""Class of the list that the R side sends in the place of what does not travel."""

_DATE = model.character("Date")
_POSIXCT = model.character("POSIXct", "POSIXt")
_FACTOR = model.character("factor")
_ORDERED = model.character("ordered", "factor")
_DATA_FRAME = model.character("data.frame")


def classed(vector: Vector) -> RValue:
    """The value that a vector stands for by its class; the vector itself when it is not well-formed for that."""
    for name in vector.classes:
        reader = _READERS.get(name)
        if reader is not None:
            value = reader(vector)
            return vector if value is None else value
    return vector


def declassed(value: RValue) -> model.Null | Vector:
    """The vector with attributes that R keeps the value in."""
    if isinstance(value, model.Null | Vector):
        return value
    if isinstance(value, model.Factor):
        return _declass_factor(value)
    if isinstance(value, model.Date):
        return model.Double(value.days, {"class": _DATE, **value.attributes})
    if isinstance(value, model.PosixCt):
        tzone = {} if value.tzone is None else {"tzone": model.character(value.tzone)}
        return model.Double(value.seconds, {"class": _POSIXCT, **tzone, **value.attributes})
    if isinstance(value, model.DataFrame):
        return _declass_data_frame(value)
    if isinstance(value, model.Opaque):
        parts: list[RValue] = [model.Character(list(value.classes)), model.character(value.printed)]
        names = model.character("class", "printed")
        return model.RList(parts, {"names": names, "class": model.character(OPAQUE_CLASS)})
    raise TypeError(f"not an R value: {type(value).__name__}")


def _rest(attributes: Attributes, *taken: str, usual: model.Character) -> dict[str, RValue]:
    """Attributes but those ``taken`` by the class, and but the class attribute when it is the usual one."""
    return {
        name: value
        for name, value in attributes.items()
        if name not in taken and not (name == "class" and value == usual)
    }


def _numbers(vector: Vector) -> model.Doubles | None:
    """Numbers of a date, which R may also keep as integers."""
    if isinstance(vector, model.Double):
        return vector.values
    if not isinstance(vector, model.Integer):
        return None
    numbers = vector.values.astype(np.float64)
    numbers.view(np.uint64)[vector.values == model.NA_INTEGER] = model.NA_REAL_BITS
    return numbers


def _read_date(vector: Vector) -> RValue | None:
    days = _numbers(vector)
    return None if days is None else model.Date(days, _rest(vector.attributes, usual=_DATE))


def _read_posixct(vector: Vector) -> RValue | None:
    seconds, zone = _numbers(vector), vector.attributes.get("tzone")
    if seconds is None:
        return None
    # Of several zone names the first is the zone; the others are its abbreviations.
    tzone = zone.values[0] if isinstance(zone, model.Character) and zone.values else None
    return model.PosixCt(seconds, tzone, _rest(vector.attributes, "tzone", usual=_POSIXCT))


def _read_factor(vector: Vector) -> RValue | None:
    levels = vector.attributes.get("levels")
    if not isinstance(vector, model.Integer) or not isinstance(levels, model.Character):
        return None
    ordered = "ordered" in vector.classes
    rest = _rest(vector.attributes, "levels", usual=_ORDERED if ordered else _FACTOR)
    return model.Factor(vector.values, levels.values, ordered, rest)


def _declass_factor(factor: model.Factor) -> Vector:
    classes = _ORDERED if factor.ordered else _FACTOR
    levels = model.Character(factor.levels)
    return model.Integer(factor.codes, {"levels": levels, "class": classes, **factor.attributes})


def _read_data_frame(vector: Vector) -> RValue | None:
    names = vector.names or []
    rows = _read_rows(vector.attributes.get("row.names"))
    if not isinstance(vector, model.RList) or len(names) != len(vector) or rows is None:
        return None
    rest = _rest(vector.attributes, "names", "row.names", usual=_DATA_FRAME)
    return model.DataFrame([name or "" for name in names], vector.values, rows, rest)


def _read_rows(rows: RValue | None) -> int | Vector | None:
    """Row names; R writes 1 to n as the two integers NA and -n, and no rows as no integers."""
    if not isinstance(rows, model.Integer | model.Double | model.Character):
        return None
    if isinstance(rows, model.Integer) and len(rows) == 2 and rows.values[0] == model.NA_INTEGER:
        return abs(int(rows.values[1]))
    return rows if len(rows) else 0


def _declass_data_frame(frame: model.DataFrame) -> Vector:
    rows = frame.rows
    if isinstance(rows, int):
        rows = model.integer(None, -rows) if rows else model.integer()
    names = model.Character(list(frame.names))
    attributes = {"names": names, "class": _DATA_FRAME, "row.names": rows, **frame.attributes}
    return model.RList(frame.columns, attributes)


def _read_opaque(vector: Vector) -> RValue | None:
    if not isinstance(vector, model.RList) or vector.names is None:
        return None
    parts = dict(zip(vector.names, vector.values, strict=False))
    classes, printed = parts.get("class"), parts.get("printed")
    if not isinstance(classes, model.Character) or not isinstance(printed, model.Character):
        return None
    texts = [text for text in printed.values if text is not None]
    return model.Opaque([text for text in classes.values if text is not None], "\n".join(texts))


_READERS: dict[str, Callable[[Vector], RValue | None]] = {
    "Date": _read_date,
    "POSIXct": _read_posixct,
    "factor": _read_factor,
    "data.frame": _read_data_frame,
    OPAQUE_CLASS: _read_opaque,
}
