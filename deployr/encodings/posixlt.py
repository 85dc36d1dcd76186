"""POSIXlt, R's broken-down times: lists of fields, read as instants."""

from __future__ import annotations

import numpy as np

from deployr.encodings import model, zones
from deployr.encodings.model import Doubles, RList, RValue

_LARGEST = 10**9
"""Fields beyond are taken for NA, as are missing ones."""

_FIELDS = ("sec", "min", "hour", "mday", "mon", "year")


def to_posixct(value: RValue) -> RValue:
    """A well-formed POSIXlt as POSIXct; any other value as it is."""
    if not isinstance(value, RList) or "POSIXlt" not in value.classes:
        return value
    members = dict(zip(value.names or [], value.values, strict=False))
    fields = [_numbers(members.get(name)) for name in _FIELDS]
    length = max(len(field) for field in fields)
    if length and not all(len(field) for field in fields):
        return value
    return _from_fields([np.resize(field, length) for field in fields], _zone(value))


def _numbers(field: RValue | None) -> Doubles:
    if isinstance(field, model.Integer | model.Double):
        return np.array([np.nan if number is None else number for number in model.as_numbers(field)])
    return np.empty(0)


def _zone(value: RList) -> str | None:
    """The first of the zone's names is the zone itself; the others are abbreviations."""
    tzone = value.attributes.get("tzone")
    return tzone.values[0] if isinstance(tzone, model.Character) and tzone.values else None


def _from_fields(fields: list[Doubles], tzone: str | None) -> RValue:
    second, minute, hour, day, month, year = fields
    known = np.all(np.abs(fields) < _LARGEST, axis=0)
    months = np.where(known, (year - 70) * 12 + month, 0).astype(np.int64).astype("datetime64[M]")
    days = months.astype("datetime64[D]").astype(np.int64) + day - 1
    local = np.where(known, ((days * 24 + hour) * 60 + minute) * 60 + second, np.nan)
    offsets = [zones.local_offset(tzone or "UTC", int(at)) if at == at else 0 for at in local.tolist()]
    return model.PosixCt(local - np.array(offsets, dtype=np.float64), tzone)
