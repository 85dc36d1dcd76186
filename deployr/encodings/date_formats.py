"""Java's date patterns as R's strftime formats, and back."""

from __future__ import annotations

import re

from deployr.encodings.dates import Field, Literal, tokens
from deployr.encodings.errors import DateError

_R_FIELDS = {
    Field("y", 4): "%Y",
    Field("y", 2): "%y",
    Field("M", 4): "%B",
    Field("M", 3): "%b",
    Field("M", 2): "%m",
    Field("d", 2): "%d",
    Field("d", 1): "%e",
    Field("D", 3): "%j",
    Field("E", 4): "%A",
    Field("E", 3): "%a",
    Field("u", 1): "%u",
    Field("a", 1): "%p",
    Field("H", 2): "%H",
    Field("h", 2): "%I",
    Field("m", 2): "%M",
    Field("s", 2): "%S",
    Field("z", 1): "%Z",
    Field("Z", 1): "%z",
}
_JAVA_FIELDS = {conversion: field.letter * field.count for field, conversion in _R_FIELDS.items()} | {
    "%F": "yyyy-MM-dd",
    "%T": "HH:mm:ss",
    "%R": "HH:mm",
    "%D": "MM/dd/yy",
    "%h": "MMM",
    "%OS": "ss",
    "%OS3": "ss.SSS",
    "%%": "%",
    "%n": "\n",
    "%t": "\t",
}
_UNPADDED = dict.fromkeys("MHhms", 2) | {"y": 4, "D": 3, "E": 3}
"""Width of R's only form of a field, in the place of Java's shorter ones."""


def java_to_r(pattern: str) -> str:
    """R's strftime format of a Java pattern. R pads numbers where Java may not; both read both.

    Raises:
        DateError: the pattern is not understood, or has a field that R has no conversion for.
    """
    text = "".join(_to_r(part) for part in tokens(pattern))
    if "%OS3" in text.replace("%S.%OS3", ""):
        raise DateError(f"R has no conversion for the milliseconds in '{pattern}'")
    return text.replace("%S.%OS3", "%OS3")


def _to_r(part: Literal | Field) -> str:
    if isinstance(part, Literal):
        return part.text.replace("%", "%%")
    letter = {"L": "M", "k": "H", "K": "h", "X": "Z"}.get(part.letter, part.letter)
    count = 1 if letter in "zZau" else min(max(part.count, _UNPADDED.get(letter, 1)), 4)
    if letter == "S" and part.count == 3:
        return "%OS3"
    count = {"y": 2 if part.count == 2 else 4, "d": min(count, 2)}.get(letter, count)
    conversion = _R_FIELDS.get(Field(letter, count))
    if conversion is None:
        raise DateError(f"R has no conversion for '{part.letter * part.count}'")
    return conversion


def r_to_java(r_format: str) -> str:
    """The Java pattern of R's strftime format.

    Raises:
        DateError: a conversion that Java has no letter for.
    """
    return "".join(_to_java(part) for part in re.findall(r"%OS\d|%OS|%.|[^%]+|%", r_format, re.DOTALL))


def _to_java(part: str) -> str:
    if part.startswith("%"):
        if part not in _JAVA_FIELDS:
            raise DateError(f"Java has no pattern for '{part}'")
        return _JAVA_FIELDS[part]
    quoted = part.replace("'", "''")
    return f"'{quoted}'" if re.search("[A-Za-z]", part) else quoted
