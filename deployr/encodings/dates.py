"""Dates by Java patterns, the way all DeployR clients write them (7x-facts 4.2, client-wire-facts 8 and 9).

A pattern is Java's SimpleDateFormat syntax with the letters G y M L d D E u a H k K h m s S z Z X. Days count from
1970-01-01 in the Gregorian calendar, whatever the year. A time without a zone is UTC.
"""

from __future__ import annotations

import dataclasses
import datetime
import functools
import re
from collections.abc import Callable, Iterable

import numpy as np

from deployr.encodings import model, zones
from deployr.encodings.errors import DateError
from deployr.encodings.model import Doubles, Texts

DATE_PATTERN = "yyyy-MM-dd"
"""How Date values are written."""

POSIXCT_PATTERN = "yyyy-MM-dd HH:mm:ss Z"
"""How POSIXct values are written when the client named no pattern."""

_COMMON_PATTERNS = (
    "yyyy-MM-dd'T'HH:mm:ss.SSSX",
    "yyyy-MM-dd'T'HH:mm:ssX",
    "yyyy-MM-dd'T'HH:mm:ss",
    "yyyy-MM-dd HH:mm:ss z",
    "yyyy-MM-dd HH:mm:ss",
    "yyyy-MM-dd HH:mm",
    "yyyy-MM-dd",
    "MM/dd/yyyy HH:mm:ss",
    "MM/dd/yyyy hh:mm:ss a",
    "MM/dd/yyyy",
    "dd/MM/yyyy HH:mm:ss",
    "dd/MM/yyyy",
    "yyyy/MM/dd HH:mm:ss",
    "yyyy/MM/dd",
    "dd.MM.yyyy HH:mm:ss",
    "dd.MM.yyyy",
    "EEE MMM dd HH:mm:ss z yyyy",
)
"""Tried in this order for values that do not match their own pattern; month first is what .NET sends."""

_MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
_WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
_HALVES = ["AM", "PM"]

_LONGEST_PATTERN = 200
"""Every value is written at least as long as its pattern; sessions and clients choose patterns."""

_DAY = 86400
_LAST_DAY = 10**9
"""Days from 1970 beyond which a date is taken for NA."""


@dataclasses.dataclass(frozen=True, slots=True)
class Literal:
    """Text in a pattern that stands for itself."""

    text: str


@dataclasses.dataclass(frozen=True, slots=True)
class Field:
    """A letter of a pattern and how often it stands there."""

    letter: str
    count: int

    @property
    def is_number(self) -> bool:
        """True when the field is written in digits."""
        return self.letter in "yDdHkKhmsSu" or (self.letter in "ML" and self.count < 3)


_TOKEN = re.compile(r"'((?:[^']|'')+)'|('')|(([A-Za-z])\4*)|([^A-Za-z']+)")


@functools.lru_cache(maxsize=256)
def tokens(pattern: str) -> tuple[Literal | Field, ...]:
    """The parts of a Java pattern.

    Raises:
        DateError: a letter without a meaning, a quote that is not closed, or too long a pattern.
    """
    if len(pattern) > _LONGEST_PATTERN:
        raise DateError("a date pattern is too long")
    parts: list[Literal | Field] = []
    position = 0
    while position < len(pattern):
        match = _TOKEN.match(pattern, position)
        if match is None or (match[4] and match[4] not in "GyMLdDEuaHkKhmsSzZX"):
            raise DateError(f"date pattern '{pattern}' is not understood")
        if match[3]:
            parts.append(Field(match[4], len(match[3])))
        else:
            parts.append(Literal((match[1] or match[2] or match[5]).replace("''", "'")))
        position = match.end()
    return tuple(parts)


def has_time(pattern: str) -> bool:
    """True when a pattern has an hour, which makes its values POSIXct and not Date.

    Raises:
        DateError: the pattern is not understood.
    """
    return any(isinstance(part, Field) and part.letter in "HkKh" for part in tokens(pattern))


# -- the calendar -----------------------------------------------------------------------------------------


def _days(year: int, month: int, day: int) -> int:
    """Days from 1970-01-01; each 400 years have 146,097, so that Python's calendar serves for any year."""
    cycles, year_in_cycle = divmod(year - 2000, 400)
    try:
        date = datetime.date(2000 + year_in_cycle, month, day)
    except ValueError as ex:
        raise DateError(f"there is no day {day} in month {month} of {year}") from ex
    return date.toordinal() - _EPOCH + cycles * 146097


def _date(days: int) -> tuple[int, datetime.date]:
    """The year, and the date of same month, day and weekday in the years 2000 to 2399."""
    cycles, rest = divmod(days + _EPOCH - _CYCLE_START, 146097)
    date = datetime.date.fromordinal(_CYCLE_START + rest)
    return date.year + cycles * 400, date


_EPOCH = datetime.date(1970, 1, 1).toordinal()
_CYCLE_START = datetime.date(2000, 1, 1).toordinal()


# -- writing ----------------------------------------------------------------------------------------------


def format_days(days: Doubles, pattern: str = DATE_PATTERN) -> Texts:
    """Texts of dates; ``None`` for NA.

    Raises:
        DateError: the pattern is not understood.
    """
    parts = tokens(pattern)
    with np.errstate(invalid="ignore", over="ignore"):  # R's NA is a signalling NaN
        seconds = days * _DAY
    return _each(seconds, lambda midnight: _format(parts, midnight, None))


def format_seconds(seconds: Doubles, pattern: str = POSIXCT_PATTERN, tzone: str | None = None) -> Texts:
    """Texts of instants in an R zone; ``None`` for NA.

    Raises:
        DateError: the pattern is not understood.
    """
    parts = tokens(pattern)
    return _each(seconds, lambda instant: _format(parts, instant, tzone))


def _each(seconds: Doubles, text_of: Callable[[float], str]) -> Texts:
    """One text a value. Each distinct value is written once, as large vectors tend to repeat."""
    with np.errstate(invalid="ignore"):
        distinct, positions = np.unique(seconds, return_inverse=True)
        usable = np.abs(distinct) < _LAST_DAY * _DAY
    texts = [text_of(value) if use else None for value, use in zip(distinct.tolist(), usable.tolist(), strict=True)]
    return [texts[position] for position in positions.tolist()]


@dataclasses.dataclass(frozen=True, slots=True)
class _Clock:
    """What the fields of a pattern show of one instant in one zone."""

    year: int
    date: datetime.date
    second: int
    millisecond: int
    instant: int
    tzone: str | None


def _format(parts: tuple[Literal | Field, ...], seconds: float, tzone: str | None) -> str:
    # Rounded to microseconds first: 0.123 s may be kept as 0.12299999.
    instant, millisecond = divmod(round(seconds * 1e6) // 1000, 1000)
    days, second = divmod(instant + zones.offset_at(tzone, instant), _DAY)
    clock = _Clock(*_date(days), second, millisecond, instant, tzone)
    return "".join(
        part.text if isinstance(part, Literal) else _WRITERS[part.letter](clock, part.count) for part in parts
    )


def _number(value_of: Callable[[_Clock], int]) -> Callable[[_Clock, int], str]:
    return lambda clock, count: f"{value_of(clock):0{count}}"


def _name(names: list[str], index_of: Callable[[_Clock], int]) -> Callable[[_Clock, int], str]:
    return lambda clock, count: names[index_of(clock)][: None if count > 3 else 3]


def _write_year(clock: _Clock, count: int) -> str:
    return f"{clock.year % 100:02}" if count == 2 else f"{clock.year:0{count}}"


def _write_month(clock: _Clock, count: int) -> str:
    if count < 3:
        return f"{clock.date.month:0{count}}"
    return _MONTHS[clock.date.month - 1][: None if count > 3 else 3]


def _write_iso_offset(clock: _Clock, count: int) -> str:
    offset = zones.offset_at(clock.tzone, clock.instant)
    text = zones.format_offset(offset, ":" if count == 3 else "")
    return "Z" if offset == 0 else text[: 3 if count == 1 else None]


_WRITERS: dict[str, Callable[[_Clock, int], str]] = {
    "G": lambda clock, _: "AD" if clock.year > 0 else "BC",
    "y": _write_year,
    "M": _write_month,
    "L": _write_month,
    "d": _number(lambda clock: clock.date.day),
    "D": _number(lambda clock: clock.date.timetuple().tm_yday),
    "E": _name(_WEEKDAYS, lambda clock: clock.date.weekday()),
    "u": _number(lambda clock: clock.date.isoweekday()),
    "a": lambda clock, _: _HALVES[clock.second // 43200],
    "H": _number(lambda clock: clock.second // 3600),
    "k": _number(lambda clock: clock.second // 3600 or 24),
    "K": _number(lambda clock: clock.second // 3600 % 12),
    "h": _number(lambda clock: clock.second // 3600 % 12 or 12),
    "m": _number(lambda clock: clock.second // 60 % 60),
    "s": _number(lambda clock: clock.second % 60),
    "S": _number(lambda clock: clock.millisecond),
    "z": lambda clock, _: zones.abbreviation_at(clock.tzone, clock.instant),
    "Z": lambda clock, _: zones.format_offset(zones.offset_at(clock.tzone, clock.instant)),
    "X": _write_iso_offset,
}


# -- reading ----------------------------------------------------------------------------------------------


def parse_days(texts: Iterable[str | None], pattern: str = DATE_PATTERN) -> Doubles:
    """Days of date texts, NA for ``None``. The time of day and the zone of a text do not count.

    Raises:
        DateError: a text fits neither the pattern nor a common one, or the pattern is not understood.
    """
    return model.doubles(None if read is None else read.days for read in _parse_all(texts, pattern)).values


def parse_seconds(texts: Iterable[str | None], pattern: str = POSIXCT_PATTERN) -> tuple[Doubles, str]:
    """Instants of date texts, NA for ``None``, and R's name of the zone of the first of them (UTC without any).

    Raises:
        DateError: a text fits neither the pattern nor a common one, or the pattern is not understood.
    """
    readings = _parse_all(texts, pattern)
    tzone = next((reading.tzone for reading in readings if reading is not None), "UTC")
    return model.doubles(None if reading is None else reading.instant for reading in readings).values, tzone


@dataclasses.dataclass(frozen=True, slots=True)
class _Reading:
    """A date as read: days, instant in seconds, R's zone name."""

    days: int
    instant: float
    tzone: str


def _parse_all(texts: Iterable[str | None], pattern: str) -> list[_Reading | None]:
    """One reading a text, ``None`` for NA. Each distinct text is read once."""
    ordered = list(texts)
    readings = {text: None if text is None else _parse(text, pattern) for text in set(ordered)}
    return [readings[text] for text in ordered]


def _parse(text: str, pattern: str) -> _Reading:
    parts = tokens(pattern)
    try:
        return _parse_parts(text.strip(), parts)
    except DateError:
        return _parse_common(text.strip(), pattern)


def _parse_common(text: str, pattern: str) -> _Reading:
    for common in _COMMON_PATTERNS:
        try:
            return _parse_parts(text, tokens(common))
        except DateError:
            continue
    raise DateError(f"date '{text[:80]}' does not match the pattern '{pattern}'")


def _parse_parts(text: str, parts: tuple[Literal | Field, ...]) -> _Reading:
    """Reads from left to right as Java does: a number ends where the digits end, or the next number begins."""
    fields: dict[str, str] = {}
    position = 0
    for part, following in zip(parts, (*parts[1:], None), strict=True):
        abutting = isinstance(following, Field) and following.is_number
        match = _part_regex(part, abutting).match(text, position)
        if match is None:
            raise DateError(f"'{text[:80]}' does not match")
        if isinstance(part, Field):
            fields["M" if part.letter == "L" else part.letter] = match[0]
        position = match.end()
    if position != len(text):
        raise DateError(f"'{text[:80]}' goes on after the date")
    return _reading(fields, parts)


@functools.lru_cache(maxsize=256)
def _part_regex(part: Literal | Field, abutting: bool) -> re.Pattern[str]:
    if isinstance(part, Literal):
        return re.compile(re.escape(part.text))
    if part.is_number:
        if abutting:
            return re.compile(rf"\d{{{part.count}}}", re.ASCII)
        return re.compile(r"-?\d{1,9}" if part.letter == "y" else r"\d{1,9}", re.ASCII)
    return _TEXT_REGEXES[part.letter]


def _any_name(names: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(f"{name}|{name[:3]}" for name in names), re.IGNORECASE)


_TEXT_REGEXES = {
    "G": re.compile("AD|BC", re.IGNORECASE),
    "M": _any_name(_MONTHS),
    "L": _any_name(_MONTHS),
    "E": _any_name(_WEEKDAYS),
    "a": re.compile("AM|PM", re.IGNORECASE),
    "X": re.compile(r"Z|[+-]\d{2}(?::?\d{2})?", re.ASCII),
} | dict.fromkeys("zZ", re.compile(r"(?:GMT|UTC)?[+-]\d{1,2}(?::?\d{2})?|[A-Z]+(?:[/_ ][A-Z]+)*", re.IGNORECASE))


def _reading(fields: dict[str, str], parts: tuple[Literal | Field, ...]) -> _Reading:
    days = _read_days(fields, Field("y", 2) in parts)
    local = days * _DAY + _read_time(fields)
    zone = next((fields[letter] for letter in "zZX" if letter in fields), "UTC")
    offset, tzone = zones.read(zone)
    if offset is None:
        offset = zones.local_offset(tzone, int(local))
    return _Reading(days, local - offset + int(fields.get("S", 0)) / 1000, tzone)


def _read_days(fields: dict[str, str], two_digits: bool) -> int:
    year = int(fields.get("y", 1970))
    if fields.get("G", "").upper() == "BC":
        year = 1 - year
    if two_digits and len(fields["y"]) == 2:
        year = _full_year(year)
    if "D" in fields:
        return _days(year, 1, 1) + int(fields["D"]) - 1
    return _days(year, _read_month(fields.get("M", "1")), int(fields.get("d", 1)))


def _full_year(year: int) -> int:
    """The year of two digits that lies at most 80 years back and less than 20 ahead, as Java has it."""
    first = datetime.datetime.now(datetime.UTC).year - 80
    return first + (year - first) % 100


def _read_month(text: str) -> int:
    if text.isdecimal():
        return int(text)
    return [month[:3].upper() for month in _MONTHS].index(text[:3].upper()) + 1


def _read_time(fields: dict[str, str]) -> int:
    """Seconds since midnight."""
    half = 12 if fields.get("a", "").upper() == "PM" else 0
    hours = [int(fields[letter]) % limit for letter, limit in _HOUR_LIMITS.items() if letter in fields]
    hour = (hours[0] if hours else 0) + (half if "h" in fields or "K" in fields else 0)
    minute, second = int(fields.get("m", 0)), int(fields.get("s", 0))
    over = [letter for letter, limit in _LIMITS.items() if int(fields.get(letter, 0)) > limit]
    if over:
        raise DateError(f"'{fields[over[0]]}' is out of range")
    return hour * 3600 + minute * 60 + second


_HOUR_LIMITS = {"H": 24, "k": 24, "K": 12, "h": 12}
_LIMITS = {"H": 23, "k": 24, "K": 11, "h": 12, "m": 59, "s": 61, "D": 366, "S": 999}
