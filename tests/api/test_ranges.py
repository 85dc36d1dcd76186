"""The header ``Range``."""

from __future__ import annotations

import falcon
import pytest

from deployr.api import ranges


@pytest.mark.parametrize(
    ("header", "part"),
    [
        ("bytes=0-0", (0, 0)),
        ("bytes=2-5", (2, 5)),
        ("bytes=2-", (2, 9)),
        ("bytes=2-99", (2, 9)),
        ("bytes=-3", (7, 9)),
        ("bytes=-99", (0, 9)),
        ("bytes=9-9", (9, 9)),
    ],
)
def test_a_part_has_a_first_and_a_last_byte(header: str, part: tuple[int, int]) -> None:
    assert ranges.parse(header, 10) == part


@pytest.mark.parametrize(
    "header", [None, "", "bytes=-", "bytes=5-2", "bytes=0-1,4-5", "lines=0-1", "bytes 0-1", "bytes=+1-2", "bytes=a-b"]
)
def test_what_is_not_understood_means_the_whole(header: str | None) -> None:
    assert ranges.parse(header, 10) is None


@pytest.mark.parametrize("header", ["bytes=10-", "bytes=99-100", "bytes=-0"])
def test_a_part_beyond_the_end_is_refused(header: str) -> None:
    with pytest.raises(falcon.HTTPRangeNotSatisfiable):
        ranges.parse(header, 10)


def test_an_empty_file_has_no_parts() -> None:
    for header in ("bytes=0-", "bytes=-1", "bytes=0-0"):
        with pytest.raises(falcon.HTTPRangeNotSatisfiable):
            ranges.parse(header, 0)
