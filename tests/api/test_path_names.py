"""File names in path-style URLs."""

from __future__ import annotations

import pytest

from deployr.api.path_names import split_names


@pytest.mark.parametrize(
    ("segment", "names"),
    [
        ("my file.txt", ["my file.txt"]),
        ("a.txt,b.txt", ["a.txt", "b.txt"]),
        ("a.txt,b+c.txt", ["a.txt", "b c.txt"]),
        ("a.txt,d%c3%a9.txt", ["a.txt", "dé.txt"]),
        ("a.txt%2Cb%20c.txt", ["a.txt", "b c.txt"]),
        ("a.txt,", ["a.txt"]),
        ("", []),
    ],
)
def test_names_of_a_list_are_decoded_once_more(segment: str, names: list[str]) -> None:
    assert split_names(segment) == names


@pytest.mark.parametrize("name", ["c++.txt", "100%25.txt"])
def test_a_single_name_is_taken_as_it_is(name: str) -> None:
    assert split_names(name) == [name]
