"""R objects as a client pushed them and as it reads them back, in one form that can be compared."""

from __future__ import annotations

import datetime
import math
from typing import Any

INFINITY = "0x7ff0000000000000L"
"""What stands for Inf when the caller chooses nothing (7x-facts 4.3)."""

_PATTERNS = {
    "yyyy-MM-dd": ("%Y-%m-%d",),
    "yyyy-MM-dd HH:mm:ss Z": ("%Y-%m-%d %H:%M:%S %z",),
    "yyyy-MM-dd HH:mm:ss z": ("%Y-%m-%d %H:%M:%S %Z",),
}
_PLATFORM = "%m/%d/%Y %H:%M:%S"
"""How .NET writes dates, whatever the pattern says (client-wire-facts 9)."""

_SPECIAL = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def assert_same(pushed: dict[str, Any], read: dict[str, Any], name: str) -> None:
    """The object read is the one that was pushed under this name."""
    assert read["name"] == name
    if pushed.get("format"):
        assert read.get("format") == pushed["format"], f"{name}: the pattern came back as {read.get('format')!r}"
    assert _form(read, is_read=True) == _form(pushed, is_read=False), f"{name}: pushed {pushed}, read {read}"


def _form(item: dict[str, Any], *, is_read: bool) -> Any:
    kind, value = item.get("type", "primitive"), item["value"]
    if kind in ("list", "dataframe"):
        return [(member["name"], _form(member, is_read=is_read)) for member in value]
    if kind == "factor":
        return item["ordered"], [_label(item, level) for level in value]
    if item.get("format"):
        return _each(value, lambda text: _date(text, item["format"]))
    numeric = not is_read and item.get("rclass") in ("numeric", None)
    return _each(value, lambda scalar: _scalar(scalar, numeric))


def _each(value: Any, form: Any) -> Any:
    """A vector of one is a scalar in R."""
    if isinstance(value, list):
        items = [_each(item, form) if isinstance(item, list) else form(item) for item in value]
        return items[0] if len(items) == 1 and not isinstance(value[0], list) else items
    return form(value)


def _scalar(value: Any, numeric: bool) -> Any:
    if numeric and isinstance(value, str):
        value = _SPECIAL.get(value, value)
    if isinstance(value, float) and math.isnan(value):
        return None
    if isinstance(value, float) and math.isinf(value):
        return INFINITY if value > 0 else f"-{INFINITY}"
    return value


def _label(factor: dict[str, Any], value: str) -> str:
    """Results show labels in the place of the levels they belong to."""
    levels, labels = factor.get("levels"), factor.get("labels")
    return dict(zip(levels, labels, strict=True))[value] if levels and labels else value


def _date(text: str | None, pattern: str) -> datetime.datetime | None:
    """The instant; without a zone in UTC, and of dates only the day."""
    if text is None:
        return None
    for known in (*_PATTERNS[pattern], _PLATFORM):
        try:
            found = datetime.datetime.strptime(text, known)
        except ValueError:
            continue
        found = found.replace(tzinfo=datetime.UTC) if found.tzinfo is None else found.astimezone(datetime.UTC)
        return found if "HH" in pattern else found.replace(hour=0, minute=0, second=0)
    raise AssertionError(f"{text!r} is no date of the pattern {pattern!r}")
