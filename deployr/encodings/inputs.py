"""The ``inputs`` and ``csvinputs`` parameters: what clients send, as R values.

Sources: 7x-facts 4.2 and 4.4, client-wire-facts 9. Clients differ: JavaScript never sends ``rclass``, Java writes NaN
and infinities as texts, .NET sends dates that do not match their own pattern, members and keys come in any order.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from deployr.encodings import dates, factors, json_parts, model, scalars
from deployr.encodings.errors import DateError, EncodingError
from deployr.encodings.model import RValue
from deployr.encodings.objects import FORMAT_ATTRIBUTE, MAX_DEPTH, Record

_MOST_REPEATED = 1_000_000
"""Cells of a data frame's shorter columns, once these are as long as the longest."""


def decode_inputs(inputs: object) -> dict[str, RValue]:
    """R values by name of a parsed ``inputs`` parameter.

    Raises:
        EncodingError: something in it does not describe an R value; the text names the input.
    """
    if not isinstance(inputs, dict):
        raise EncodingError("The inputs are not a JSON object.")
    return {_object_name(name): _decode(record, name, 0) for name, record in inputs.items()}


def parse_csv_inputs(text: str) -> dict[str, RValue]:
    """R values of ``name,value,name,value``: logicals, numbers, and texts, quoted or not, as R reads literals.

    Raises:
        EncodingError: a name has no value, or is empty, or there are too many.
    """
    if text.count(",") > json_parts.MOST:
        raise EncodingError(f"The csvinputs have more than {json_parts.MOST} commas.")
    fields = _csv_fields(text)
    if len(fields) % 2:
        raise EncodingError("The csvinputs do not alternate names and values.")
    pairs = zip(fields[::2], fields[1::2], strict=True)
    return {_object_name(name.strip("\"'")): scalars.literal(value) for name, value in pairs}


def _csv_fields(text: str) -> list[str]:
    """Fields between commas, quotes kept; a comma between quotes is text. A comma at the very end is ignored."""
    fields: list[str] = []
    pieces: list[str] = []
    for piece in text.split(","):
        pieces.append(piece)
        if not _is_open(pieces):
            fields.append(",".join(pieces).strip())
            pieces = []
    fields += [piece.strip() for piece in pieces]
    return fields[:-1] if len(fields) % 2 and not fields[-1] else fields


def _is_open(pieces: list[str]) -> bool:
    """True inside a quoted field that has not ended."""
    first, last = pieces[0].lstrip(), pieces[-1].rstrip()
    if first[:1] not in ('"', "'") or first[:1] == "":
        return False
    ends = last.endswith(first[0]) and not last.endswith(f"\\{first[0]}")
    return not ends or (len(pieces) == 1 and len(first.rstrip()) == 1)


def _object_name(name: str) -> str:
    if not name or "\0" in name:
        raise EncodingError(f"'{name}' is no name for an input.")
    return name


def _decode(record: object, where: str, depth: int) -> RValue:
    if not isinstance(record, dict):
        raise EncodingError(f"Input '{where}' is not an object with a type and a value.")
    if depth > MAX_DEPTH:
        raise EncodingError(f"Input '{where[:80]}' is nested too deeply.")
    name = "primitive" if record.get("type") in (None, "") else record["type"]
    prescribed = scalars.class_name(name)
    if prescribed is not None:
        return _prescribed(record, prescribed, where)
    decoder = _DECODERS.get(name.lower()) if isinstance(name, str) else None
    if decoder is None:
        raise EncodingError(f"Input '{where}' has the unknown type '{name}'.")
    return decoder(record, where, depth)


def _hint(record: Record) -> scalars.RClass | None:
    return scalars.class_name(record.get("rclass"))


def _array(record: Record, where: str) -> list[Any]:
    value = record.get("value")
    if not isinstance(value, list):
        raise EncodingError(f"Input '{where}' is a {record.get('type')} whose value is not an array.")
    return value


def _prescribed(record: Record, rclass: scalars.RClass, where: str) -> RValue:
    """A type that is a class name stands for a primitive (or vector) of that class."""
    value = record.get("value")
    return scalars.coerced(value if isinstance(value, list) else [value], rclass, where)


def _primitive(record: Record, where: str, depth: int) -> RValue:
    """A missing value is null: Java leaves the key out."""
    if record.get("rclass") == "NULL":
        return model.NULL
    return scalars.vector([record.get("value")], _hint(record), where)


def _missing(record: Record) -> bool:
    """Java up to 8.0.5 reads vectors and matrices of nothing but NA as one NA, and sends that back like this."""
    return record.get("rclass") == "logical" and record.get("value", ()) is None


def _vector(record: Record, where: str, depth: int) -> RValue:
    elements = [None] if _missing(record) else _array(record, where)
    if record.get("format") or _is_date_class(record):
        return _dates(elements, record, where)
    return scalars.vector(elements, _hint(record), where)


def _matrix(record: Record, where: str, depth: int) -> RValue:
    rows = [[None]] if _missing(record) else _array(record, where)
    columns = {len(row) if isinstance(row, list) else -1 for row in rows} or {0}
    if len(columns) != 1 or -1 in columns:
        raise EncodingError(f"Input '{where}' is a matrix whose rows are not arrays of one length.")
    width = columns.pop()
    cells = [row[column] for column in range(width) for row in rows]
    return model.matrix(scalars.vector(cells, _hint(record), where), len(rows), width)


def _factor(record: Record, where: str, depth: int) -> RValue:
    ordered = record.get("ordered")
    if ordered is None and str(record.get("rclass")).lower() == "ordered":
        ordered = True
    return factors.decode(_array(record, where), record.get("levels"), record.get("labels"), ordered, where)


def _members(record: Record, where: str, depth: int) -> tuple[model.Texts, list[RValue]]:
    """Names (``None`` where missing) and values of the records in a list or data frame."""
    records = _array(record, where)
    names: model.Texts = [_member_name(member, where) for member in records]
    paths = [f"{where}${name or number}" for number, name in enumerate(names, start=1)]
    return names, [_decode(member, path, depth + 1) for member, path in zip(records, paths, strict=True)]


def _member_name(member: object, where: str) -> str | None:
    name = member.get("name") if isinstance(member, dict) else None
    if name is not None and (not isinstance(name, str) or "\0" in name):
        raise EncodingError(f"Input '{where}' has a member whose name is not a text.")
    return name or None


def _list(record: Record, where: str, depth: int) -> RValue:
    names, members = _members(record, where, depth)
    if not any(names):
        return model.RList(members)
    return model.RList(members, {"names": model.Character([name or "" for name in names])})


def _data_frame(record: Record, where: str, depth: int) -> RValue:
    names: list[str] = []
    columns: list[RValue] = []
    for name, column in zip(*_members(record, where, depth), strict=True):
        # A data frame inside one is taken for its columns, as the JavaScript client does.
        inner = column if isinstance(column, model.DataFrame) else None
        names += inner.names if inner else [name or f"V{len(names) + 1}"]
        columns += inner.columns if inner else [column]
    rows = max(map(model.column_length, columns), default=0)
    try:
        return model.DataFrame(names, _of_length(columns, rows), rows)
    except ValueError as ex:
        raise EncodingError(f"Input '{where}' is a data frame of which {ex}.") from None


def _of_length(columns: list[RValue], rows: int) -> list[RValue]:
    """Columns of equal length: shorter ones go over and over, evenly or not, as examples of the JavaScript client do.

    Raises:
        ValueError: one is no column, or a few values would become very many.
    """
    short = [column for column in columns if model.column_length(column) != rows]
    if model.NULL in columns:
        raise ValueError("a column is missing")
    if sum(model.column_width(column) * rows for column in short) > _MOST_REPEATED:
        raise ValueError("too many cells would be repeated")
    return [model.recycled(column, rows) if model.column_length(column) != rows else column for column in columns]


def _is_date_class(record: Record) -> bool:
    return str(record.get("rclass")).lower() in ("date", "posixct", "posixlt")


def _date(record: Record, where: str, depth: int) -> RValue:
    return _dates([record.get("value")], record, where)


def _dates(texts: list[Any], record: Record, where: str) -> RValue:
    """The pattern decides the class: with an hour in it POSIXct, else Date."""
    pattern = record.get("format") or _usual_pattern(record)
    if not isinstance(pattern, str) or not all(isinstance(text, str | None) for text in texts):
        raise EncodingError(f"Input '{where}' is a date that is not a text, or has no text for a format.")
    try:
        return _parsed_dates(texts, pattern)
    except DateError as ex:
        raise EncodingError(f"Input '{where}': {ex}.") from ex


def _usual_pattern(record: Record) -> str:
    is_time = str(record.get("rclass")).lower() in ("posixct", "posixlt")
    return dates.POSIXCT_PATTERN if is_time else dates.DATE_PATTERN


def _parsed_dates(texts: list[str | None], pattern: str) -> RValue:
    kept = {FORMAT_ATTRIBUTE: model.character(pattern)}
    if dates.has_time(pattern):
        seconds, tzone = dates.parse_seconds(texts, pattern)
        return model.PosixCt(seconds, tzone, {} if pattern == dates.POSIXCT_PATTERN else kept)
    return model.Date(dates.parse_days(texts, pattern), {} if pattern == dates.DATE_PATTERN else kept)


_DECODERS: dict[str, Callable[[Record, str, int], RValue]] = {
    "primitive": _primitive,
    "vector": _vector,
    "matrix": _matrix,
    "factor": _factor,
    "ordered": _factor,
    "list": _list,
    "dataframe": _data_frame,
    "data.frame": _data_frame,
    "date": _date,
    "posixct": _date,
}
