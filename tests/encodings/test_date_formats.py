import pytest

from deployr.encodings import date_formats, dates, model
from deployr.encodings.errors import DateError


@pytest.mark.parametrize(
    ("java", "r_format"),
    [
        ("yyyy-MM-dd", "%Y-%m-%d"),
        ("yyyy-MM-dd HH:mm:ss Z", "%Y-%m-%d %H:%M:%S %z"),
        ("yyyy-MM-dd HH:mm:ss z", "%Y-%m-%d %H:%M:%S %Z"),
        ("EEE, d MMM yy", "%a, %e %b %y"),
        ("EEEE MMMM DDD u", "%A %B %j %u"),
        ("hh:mm a", "%I:%M %p"),
        ("HH:mm:ss.SSS", "%H:%M:%OS3"),
        ("yyyy-MM-dd'T'HH", "%Y-%m-%dT%H"),
        ("dd 'o''clock' 100%", "%d o'clock 100%%"),
    ],
)
def test_patterns_and_formats_translate_both_ways(java, r_format):
    instant = model.double(1296556230.25).values
    assert date_formats.java_to_r(java) == r_format
    assert dates.format_seconds(instant, date_formats.r_to_java(r_format)) == dates.format_seconds(instant, java)


def test_shorter_forms_translate_to_the_padded_ones_of_r():
    assert date_formats.java_to_r("y/M/d H:m:s X") == "%Y/%m/%e %H:%M:%S %z"


@pytest.mark.parametrize("java", ["SSS", "G", "yyyy-bb", "kk", "ss.SSSS"])
def test_patterns_without_an_r_format_are_refused(java):
    with pytest.raises(DateError):
        date_formats.java_to_r(java)


def test_formats_without_a_java_pattern_are_refused():
    assert date_formats.r_to_java("%F %T") == "yyyy-MM-dd HH:mm:ss"
    with pytest.raises(DateError):
        date_formats.r_to_java("%U")


@pytest.mark.parametrize(
    "java", ["yyyy-MM-dd HH:mm:ss Z", "EEE, dd MMM yy hh:mm a", "EEEE MMMM DDD u HH:mm:ss.SSS", "dd 'de' MM 100%"]
)
def test_r_writes_by_its_format_what_we_write_by_the_pattern(r, java):
    r.assign("format", model.character(date_formats.java_to_r(java)))
    in_r = model.as_text(r.read("format(as.POSIXct(1296556230.25, origin = '1970-01-01', tz = 'UTC'), format)"))
    ours = dates.format_seconds(model.double(1296556230.25).values, java, "UTC")
    assert [in_r] == ours
