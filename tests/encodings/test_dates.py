import datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployr.encodings import dates, model, zones
from deployr.encodings.errors import DateError

INSTANT = 1296556230  # 2011-02-01 10:30:30 UTC


def seconds(text, pattern=dates.POSIXCT_PATTERN):
    return dates.parse_seconds([text], pattern)[0].tolist()[0]


def written(instant, pattern, tzone=None):
    return dates.format_seconds(np.array([float(instant)]), pattern, tzone)[0]


# What Java's own SimpleDateFormat (locale US) writes.
@pytest.mark.parametrize(
    ("pattern", "tzone", "text"),
    [
        ("yyyy-MM-dd HH:mm:ss Z", None, "2011-02-01 10:30:30 +0000"),
        ("yyyy-MM-dd HH:mm:ss z", "UTC", "2011-02-01 10:30:30 UTC"),
        ("yyyy-MM-dd HH:mm:ss z", "America/Los_Angeles", "2011-02-01 02:30:30 PST"),
        ("yyyy-MM-dd HH:mm:ss z", "Etc/GMT-1", "2011-02-01 11:30:30 GMT+01:00"),
        ("yyyy-MM-dd HH:mm:ss Z", "<+0530>-05:30", "2011-02-01 16:00:30 +0530"),
        ("yy/M/d h:m:s a", "UTC", "11/2/1 10:30:30 AM"),
        ("h K k H a", "Asia/Tokyo", "7 7 19 19 PM"),
        ("EEE, d MMM yyyy", "UTC", "Tue, 1 Feb 2011"),
        ("EEEE MMMM D u G", "UTC", "Tuesday February 32 2 AD"),
        ("yyyy-MM-dd'T'HH:mm:ss.SSSXXX", "America/Los_Angeles", "2011-02-01T02:30:30.000-08:00"),
        ("HH:mm X XX", "UTC", "10:30 Z Z"),
        ("HH:mm X XX", "Asia/Tokyo", "19:30 +09 +0900"),
        ("h 'o''clock' ''", "UTC", "10 o'clock '"),
        ("yyyyMMddHHmmss", "UTC", "20110201103030"),
    ],
)
def test_instants_are_written_as_java_does_and_read_back(pattern, tzone, text):
    assert written(INSTANT, pattern, tzone) == text


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("2011-02-01 10:30:30 +0000", "yyyy-MM-dd HH:mm:ss Z"),
        ("2011-02-1 10:30:30 +0000", "yyyy-MM-dd HH:mm:ss Z"),
        ("2011-02-01 02:30:30 -0800", "yyyy-MM-dd HH:mm:ss Z"),
        ("2011-02-01 02:30:30 PST", "yyyy-MM-dd HH:mm:ss z"),
        ("2011-02-01 02:30:30 Pacific Standard Time", "yyyy-MM-dd HH:mm:ss zzzz"),
        ("2011-02-01 11:30:30 Central European Standard Time", "yyyy-MM-dd HH:mm:ss zzzz"),
        ("2011-02-01 02:30:30 America/Los_Angeles", "yyyy-MM-dd HH:mm:ss z"),
        ("2011-02-01 11:30:30 GMT+01:00", "yyyy-MM-dd HH:mm:ss z"),
        ("2011-02-01 16:00:30 +05:30", "yyyy-MM-dd HH:mm:ss XXX"),
        ("2011-02-01T10:30:30Z", "yyyy-MM-dd'T'HH:mm:ssX"),
        ("2011-02-01 10:30:30", "yyyy-MM-dd HH:mm:ss"),
        ("11/2/1 10:30:30 am", "yy/M/d h:m:s a"),
        ("20110201103030", "yyyyMMddHHmmss"),
        ("Tue Feb 01 10:30:30 UTC 2011", "EEE MMM dd HH:mm:ss zzz yyyy"),
        ("02/01/2011 10:30:30", "yyyy-MM-dd HH:mm:ss Z"),
        ("2/1/2011 10:30:30 AM", "yyyy-MM-dd HH:mm:ss Z"),
        ("01.02.2011 10:30:30", "yyyy-MM-dd HH:mm:ss Z"),
        ("2011-02-01T10:30:30.000Z", "yyyy-MM-dd HH:mm:ss Z"),
        ("32 2011 10:30:30", "D yyyy HH:mm:ss"),
    ],
)
def test_texts_are_read_by_their_pattern_or_a_common_one(text, pattern):
    assert seconds(text, pattern) == INSTANT


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2011-02-1", "2011-02-01"),
        ("02/01/2011 10:30:30", "2011-02-01"),
        ("13/01/2011", "2011-01-13"),
        ("0001-01-01", "0001-01-01"),
        ("12011-02-01", "12011-02-01"),
    ],
)
def test_dates_are_read_without_their_time(text, day):
    assert dates.format_days(dates.parse_days([text])) == [day]


@pytest.mark.parametrize(
    "text", ["", "soon", "2011-02-30", "2011-13-01", "2011-02-01 25:00:00", "2011-02-01 10:00:00 NOZONE"]
)
def test_texts_that_are_no_dates_are_refused(text):
    with pytest.raises(DateError):
        dates.parse_seconds([text])


@pytest.mark.parametrize("pattern", ["yyyy-bb", "yyyy 'open", "w", "YYYY"])
def test_patterns_that_are_not_understood_are_refused(pattern):
    with pytest.raises(DateError):
        dates.format_days(np.array([1.0]), pattern)


def test_an_hour_makes_a_pattern_one_of_times():
    assert dates.has_time("yyyy-MM-dd HH:mm")
    assert dates.has_time("h a")
    assert not dates.has_time("yyyy-MM-dd")
    assert not dates.has_time("yyyy 'Hour'")


def test_missing_dates_are_na_both_ways():
    days = dates.parse_days(["2011-02-01", None])
    assert model.Date(days) == model.Date(model.double(15006, None).values)
    assert dates.format_days(days) == ["2011-02-01", None]
    assert dates.format_seconds(np.array([np.nan, np.inf, 1e300])) == [None, None, None]


def test_fractions_of_seconds_are_milliseconds():
    assert seconds("10:30:30.123", "HH:mm:ss.SSS") == 37830.123
    assert written(37830.123, "HH:mm:ss.SSS") == "10:30:30.123"


def test_years_of_two_digits_are_near_today():
    this_year = datetime.datetime.now(datetime.UTC).year
    for year in (this_year - 79, this_year, this_year + 18):
        assert dates.format_days(dates.parse_days([f"{year % 100:02}"], "yy"), "yyyy") == [str(year)]


@given(st.integers(-3_000_000, 3_000_000))
def test_days_agree_with_the_gregorian_calendar_of_numpy(day):
    texts = dates.format_days(np.array([float(day)]), "y-MM-dd")
    year, month, rest = str(np.datetime64(day, "D")).rsplit("-", 2)
    assert texts == [f"{int(year)}-{month}-{rest}"]


@given(
    st.integers(-(10**10), 10**10),
    st.sampled_from(["UTC", "America/Los_Angeles", "Etc/GMT-1", "<-0330>+03:30", "Asia/Kolkata", "Nowhere/Land"]),
    st.sampled_from(
        [dates.POSIXCT_PATTERN, "EEE, d MMM y h:mm:ss a z", "y-MM-dd'T'HH:mm:ss.SSSXXX", "D y kk:mm:ss XX"]
    ),
)
def test_what_is_written_with_a_zone_is_read_as_the_same_instant(instant, tzone, pattern):
    # Offsets of the nineteenth century have seconds, which no pattern shows.
    exact = zones.offset_at(tzone, instant) % 60 == 0
    assert not exact or seconds(written(instant, pattern, tzone), pattern) == instant


def test_a_local_time_that_occurs_twice_is_the_earlier_one():
    assert seconds("2011-11-06 01:30:00 America/New_York", "yyyy-MM-dd HH:mm:ss z") == 1320557400
    assert seconds("2011-07-06 01:30:00 America/New_York", "yyyy-MM-dd HH:mm:ss z") == 1309930200


@pytest.mark.parametrize(
    ("text", "offset", "tzone"),
    [
        ("UTC", 0, "UTC"),
        ("gmt", 0, "GMT"),
        ("Z", 0, "UTC"),
        ("+0000", 0, "UTC"),
        ("-0800", -28800, "Etc/GMT+8"),
        ("GMT+1", 3600, "Etc/GMT-1"),
        ("+0530", 19800, "<+0530>-05:30"),
        ("-0330", -12600, "<-0330>+03:30"),
        ("PDT", -25200, "America/Los_Angeles"),
        ("IST", 19800, "Asia/Kolkata"),
        ("BRT", -10800, "Etc/GMT+3"),
        ("npt", 20700, "<+0545>-05:45"),
        ("MESZ", 7200, "Etc/GMT-2"),
        ("TRT", None, "Europe/Istanbul"),
        ("Europe/Paris", None, "Europe/Paris"),
    ],
)
def test_zones_have_names_that_r_knows(text, offset, tzone):
    assert zones.read(text) == (offset, tzone)


@pytest.mark.parametrize("text", ["", "XYZ", "../etc/passwd", "+9900", "/etc/localtime"])
def test_unknown_zones_are_refused(text):
    with pytest.raises(DateError):
        zones.read(text)


def test_r_knows_the_offset_of_every_zone_we_name(r):
    for text in ["UTC", "-0800", "+1400", "-0330", "+0545", "+1430", "PST", "CET", "JST", "NZST"]:
        offset, tzone = zones.read(text)
        r.assign("tz", model.character(tzone))
        shown = model.as_text(r.read("format(as.POSIXct('2011-01-01 12:00:00', tz = tz), '%z')"))
        assert shown == zones.format_offset(zones.offset_at(tzone, 1293883200))
        assert offset is not None
