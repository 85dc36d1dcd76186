"""Names, categories, content types, black list."""

from collections.abc import Callable

import pytest

from deployr.errors import InvalidParameter
from deployr.repository.file_types import category, check_type, content_type, parse_category
from deployr.repository.names import check_directory, check_filename
from deployr.users.caller import Caller


@pytest.mark.parametrize("name", ["a.R", "DeployR - Hello World.R", "Ünïcødé.csv", ".hidden", "a,b", "x" * 255])
def test_plain_file_names_are_accepted(name: str) -> None:
    check_filename(name)


@pytest.mark.parametrize("name", ["", " ", ".", "..", "a/b", "a\\b", "a\0b", "a\nb", "\ud800", "ü" * 128])
def test_other_file_names_are_refused(name: str) -> None:
    with pytest.raises(InvalidParameter):
        check_filename(name)


def test_directory_names_may_hold_blanks() -> None:
    check_directory("my files")


@pytest.mark.parametrize("name", ["", "root", "Public", "a.b", "a/b", "a\\b", 'a"b', "a*b", "a?b", "a<b", "a>b"])
def test_forbidden_and_reserved_directory_names_are_refused(name: str) -> None:
    with pytest.raises(InvalidParameter):
        check_directory(name)


@pytest.mark.parametrize(
    ("filename", "expected", "kind"),
    [
        ("a.R", "script", "text/plain"),
        ("a.r", "script", "text/plain"),
        ("a.rData", "R", "application/octet-stream"),
        ("a.RDATA", "R", "application/octet-stream"),
        ("a.csv", "data", "text/plain"),
        ("a.png", "plot", "image/png"),
        ("a.svg", "plot", "image/svg+xml"),
        ("a.txt", "text", "text/plain"),
        ("a.pdf", "pdf", "application/pdf"),
        ("a.bat", "shell", "text/plain"),
        ("a.zip", "other", "application/zip"),
        ("R", "other", "application/octet-stream"),
    ],
)
def test_the_extension_tells_category_and_type(filename: str, expected: str, kind: str) -> None:
    assert (category(filename), content_type(filename)) == (expected, kind)


def test_category_filters_are_read_without_case() -> None:
    assert [parse_category(text) for text in ("r", "DATA", "file", "other")] == ["R", "data", "other", "other"]
    with pytest.raises(InvalidParameter):
        parse_category("movies")


def test_black_listed_types_are_for_administrators(caller: Callable[[str], Caller]) -> None:
    for filename in ("a.sh", "a.EXE"):
        with pytest.raises(InvalidParameter):
            check_type(filename, ("exe", ".sh"), caller("george"))
        check_type(filename, ("exe", ".sh"), caller("admin"))
    check_type("sh", ("exe", "sh"), caller("george"))
