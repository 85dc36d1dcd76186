"""Java's date patterns as R's strftime formats, and back."""

from __future__ import annotations

import re

from deployr.encodings.dates import Field, Literal, tokens
from deployr.encodings.errors import DateError

_R_CONVERSIONS = {
    "y": ("%Y", "%y", "%Y"),
    "M": ("%m", "%m", "%b", "%B"),
    "L": ("%m", "%m", "%b", "%B"),
    "d": ("%e", "%d"),
    "D": ("%j",),
    "E": ("%a", "%a", "%a", "%A"),
    "u": ("%u",),
    "a": ("%p",),
    "H": ("%H",),
    "h": ("%I",),
    "m": ("%M",),
    "s": ("%S",),
    "z": ("%Z",),
    "Z": ("%z",),
    "X": ("%z",),
}
"""R's conversions for a letter that stands once, twice ...; the last one serves for more."""

_JAVA_FIELDS = {
    "%Y": "yyyy",
    "%y": "yy",
    "%m": "MM",
    "%b": "MMM",
    "%h": "MMM",
    "%B": "MMMM",
    "%d": "dd",
    "%e": "d",
    "%j": "DDD",
    "%a": "EEE",
    "%A": "EEEE",
    "%u": "u",
    "%p": "a",
    "%H": "HH",
    "%I": "hh",
    "%M": "mm",
    "%S": "ss",
    "%OS": "ss",
    "%OS3": "ss.SSS",
    "%Z": "z",
    "%z": "Z",
    "%F": "yyyy-MM-dd",
    "%T": "HH:mm:ss",
    "%R": "HH:mm",
    "%D": "MM/dd/yy",
    "%n": "\n",
    "%t": "\t",
    "%%": "%",
}


def java_to_r(pattern: str) -> str:
    """R's strftime format of a Java pattern. R pads numbers where Java may not; both read both.

    Raises:
        DateError: the pattern is not understood, or has a field that R has no conversion for.
    """
    # Seconds and milliseconds are one conversion in R.
    return "%OS3".join("".join(map(_to_r, tokens(part))) for part in re.split(r"ss?\.SSS(?!S)", pattern))


def _to_r(part: Literal | Field) -> str:
    if isinstance(part, Literal):
        return part.text.replace("%", "%%")
    conversions = _R_CONVERSIONS.get(part.letter)
    if conversions is None:
        raise DateError(f"R has no conversion for '{part.letter * part.count}'")
    return conversions[min(part.count, len(conversions)) - 1]


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
