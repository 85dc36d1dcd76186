"""Time zones as Java writes them in dates and as R names them.

Java's ``z`` is an abbreviation, a full name or ``GMT+01:00``; ``Z`` and ``X`` are offsets. R wants a name of the zone
database, or a POSIX rule such as ``<+0530>-05:30`` where that has none.
"""

from __future__ import annotations

import datetime
import functools
import re
import zoneinfo

from deployr.encodings.errors import DateError

_ZONES: dict[str, tuple[str, int, str]] = {
    "UTC": ("UTC", 0, "Coordinated Universal Time"),
    "GMT": ("GMT", 0, "Greenwich Mean Time"),
    "EST": ("America/New_York", -300, "Eastern Standard Time"),
    "EDT": ("America/New_York", -240, "Eastern Daylight Time"),
    "CST": ("America/Chicago", -360, "Central Standard Time"),
    "CDT": ("America/Chicago", -300, "Central Daylight Time"),
    "MST": ("America/Denver", -420, "Mountain Standard Time"),
    "MDT": ("America/Denver", -360, "Mountain Daylight Time"),
    "PST": ("America/Los_Angeles", -480, "Pacific Standard Time"),
    "PDT": ("America/Los_Angeles", -420, "Pacific Daylight Time"),
    "AKST": ("America/Anchorage", -540, "Alaska Standard Time"),
    "AKDT": ("America/Anchorage", -480, "Alaska Daylight Time"),
    "HST": ("Pacific/Honolulu", -600, "Hawaii Standard Time"),
    "WET": ("WET", 0, "Western European Time"),
    "WEST": ("WET", 60, "Western European Summer Time"),
    "BST": ("Europe/London", 60, "British Summer Time"),
    "CET": ("CET", 60, "Central European Time"),
    "CEST": ("CET", 120, "Central European Summer Time"),
    "EET": ("EET", 120, "Eastern European Time"),
    "EEST": ("EET", 180, "Eastern European Summer Time"),
    "IST": ("Asia/Kolkata", 330, "India Standard Time"),
    "SGT": ("Asia/Singapore", 480, "Singapore Time"),
    "HKT": ("Asia/Hong_Kong", 480, "Hong Kong Time"),
    "KST": ("Asia/Seoul", 540, "Korea Standard Time"),
    "JST": ("Asia/Tokyo", 540, "Japan Standard Time"),
    "AEST": ("Australia/Sydney", 600, "Australian Eastern Standard Time"),
    "AEDT": ("Australia/Sydney", 660, "Australian Eastern Daylight Time"),
    "NZST": ("Pacific/Auckland", 720, "New Zealand Standard Time"),
    "NZDT": ("Pacific/Auckland", 780, "New Zealand Daylight Time"),
}
"""By abbreviation: R's zone name, minutes east of Greenwich, its full name in Java."""

_ALIASES = {"Z": "UTC", "UT": "UTC"} | {full.upper(): short for short, (_, _, full) in _ZONES.items()}
# Newer Java versions say "Central European Standard Time".
_ALIASES |= {full.replace(" TIME", " STANDARD TIME"): short for full, short in _ALIASES.items()}
_ALIASES["MOSCOW STANDARD TIME"] = "MSK"

_FIXED_ZONES = {
    name: minutes
    for minutes, names in {
        -660: "SST",
        -300: "COT ECT PET",
        -240: "AMT AST BOT GYT",
        -210: "NST",
        -180: "ADT ART BRT GFT SRT UYT",
        -150: "NDT",
        -120: "BRST UYST",
        -60: "AZOT CVT",
        60: "MEZ WAT",
        120: "CAT MESZ SAST",
        180: "EAT IDT",
        210: "IRST",
        240: "AZT GET GST MUT RET SCT",
        270: "AFT IRDT",
        300: "MVT PKT TJT TMT UZT",
        345: "NPT",
        360: "BDT BTT",
        390: "MMT",
        420: "ICT WIB",
        480: "AWST BNT MYT PHT ULAT WITA",
        540: "TLT WIT",
        570: "ACST",
        600: "PGT",
        630: "ACDT",
        660: "NCT SBT",
        720: "FJT",
        765: "CHAST",
        780: "TOT",
        825: "CHADT",
    }.items()
    for name in names.split()
}
"""Minutes east of Greenwich of the abbreviations that Java clients elsewhere write; they are never written here."""

_MOVED_ZONES = {
    "PYST": "America/Asuncion",
    "PYT": "America/Asuncion",
    "VET": "America/Caracas",
    "CLST": "America/Santiago",
    "CLT": "America/Santiago",
    "ALMT": "Asia/Almaty",
    "IRKT": "Asia/Irkutsk",
    "PETT": "Asia/Kamchatka",
    "KRAT": "Asia/Krasnoyarsk",
    "MAGT": "Asia/Magadan",
    "NOVT": "Asia/Novosibirsk",
    "OMST": "Asia/Omsk",
    "VLAT": "Asia/Vladivostok",
    "YAKT": "Asia/Yakutsk",
    "YEKST": "Asia/Yekaterinburg",
    "YEKT": "Asia/Yekaterinburg",
    "TRST": "Europe/Istanbul",
    "TRT": "Europe/Istanbul",
    "MSD": "Europe/Moscow",
    "MSK": "Europe/Moscow",
    "SAMT": "Europe/Samara",
}
"""Abbreviations whose offset changed over the years, so that the date decides."""

_READ_ONLY = ("IST",)
"""Abbreviations of several zones, of which Java may take another one when it reads them back."""

_OFFSET = re.compile(r"(?:GMT|UTC)?([+-])(\d{1,2})(?::?(\d{2}))?", re.IGNORECASE)
_POSIX_RULE = re.compile(r"<[+-]?\w+>([+-]?)(\d{1,2})(?::(\d{2}))?")


def read(text: str) -> tuple[int | None, str]:
    """Offset in seconds east (``None`` when it depends on the date) and R's name of a zone as Java writes it.

    Raises:
        DateError: no zone is known by that text.
    """
    match = _OFFSET.fullmatch(text)
    if match:
        return _read_offset(match)
    name = _ALIASES.get(text.upper(), text.upper())
    if name in _ZONES:
        tzone, minutes, _ = _ZONES[name]
        return minutes * 60, tzone
    if name in _FIXED_ZONES:
        offset = _FIXED_ZONES[name] * 60
        return offset, fixed_zone(offset)
    zone = _MOVED_ZONES.get(name, text)
    if _database_zone(zone) is None:
        raise DateError(f"unknown time zone '{text}'")
    return None, zone


def _read_offset(match: re.Match[str]) -> tuple[int, str]:
    sign, hours, minutes = match.groups()
    if int(hours) > 18 or int(minutes or 0) > 59:
        raise DateError(f"time zone offset '{match[0]}' is out of range")
    offset = (int(hours) * 60 + int(minutes or 0)) * (-60 if sign == "-" else 60)
    return offset, fixed_zone(offset)


def fixed_zone(offset: int) -> str:
    """R's name of the zone that is always ``offset`` seconds east of Greenwich."""
    if offset == 0:
        return "UTC"
    if offset % 3600 == 0 and -12 <= offset // 3600 <= 14:
        return f"Etc/GMT{-offset // 3600:+d}"
    sign, opposite, (hours, minutes) = "+-"[offset < 0], "-+"[offset < 0], divmod(abs(offset) // 60, 60)
    return f"<{sign}{hours:02}{minutes:02}>{opposite}{hours:02}:{minutes:02}"


def offset_at(tzone: str | None, seconds: int) -> int:
    """Seconds east of Greenwich in an R zone at an instant; 0 for zones nobody knows, as R has it."""
    return _local(tzone, seconds)[0]


def local_offset(tzone: str, local_seconds: int) -> int:
    """Seconds east of Greenwich in an R zone at a local time; of a time that occurs twice the earlier one is meant."""
    early = offset_at(tzone, local_seconds - 86400)
    late = offset_at(tzone, local_seconds + 86400)
    return early if offset_at(tzone, local_seconds - early) == early else late


def abbreviation_at(tzone: str | None, seconds: int) -> str:
    """The zone as Java's ``z`` reads it back: an abbreviation when it is unmistakable, else like ``GMT+01:00``."""
    offset, name = _local(tzone, seconds)
    if name in _ZONES and name not in _READ_ONLY and _ZONES[name][1] * 60 == offset:
        return name
    return f"GMT{format_offset(offset, ':')}" if offset else "GMT"


def format_offset(offset: int, separator: str = "") -> str:
    """An offset in seconds as ``+hhmm``."""
    hours, minutes = divmod(abs(offset) // 60, 60)
    return f"{'-' if offset < 0 else '+'}{hours:02}{separator}{minutes:02}"


@functools.lru_cache(maxsize=1024)
def _database_zone(name: str) -> zoneinfo.ZoneInfo | None:
    try:
        return zoneinfo.ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return None


def _local(tzone: str | None, seconds: int) -> tuple[int, str]:
    """Offset and abbreviation in an R zone at an instant."""
    if not tzone or tzone == "UTC":
        return 0, "UTC"
    rule = _POSIX_RULE.fullmatch(tzone)
    if rule:
        west = int(rule[2]) * 3600 + int(rule[3] or 0) * 60
        return (west if rule[1] == "-" else -west), ""
    zone = _database_zone(tzone)
    if zone is None:
        return 0, "UTC"
    local = datetime.datetime.fromtimestamp(min(max(seconds, -(10**10)), 10**11), zone)
    return int((local.utcoffset() or datetime.timedelta()).total_seconds()), local.tzname() or ""
