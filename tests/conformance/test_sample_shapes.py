"""Comparing replies by their looks."""

from __future__ import annotations

from tests.conformance.sample_shapes import Difference, differences, places


def found(sample: object, here: object) -> set[tuple[str, str, str]]:
    """Differences as plain tuples."""
    return {(each.place, each.sample, each.here) for each in differences(places(sample), places(here))}


def test_values_do_not_matter_but_kinds_do() -> None:
    assert found({"a": 1, "b": "x"}, {"a": 2, "b": "y"}) == set()
    assert found({"a": 1, "b": 1, "c": True}, {"a": 1.0, "b": "1", "c": 0}) == {
        ("a", "integer", "number"),
        ("b", "integer", "text"),
        ("c", "flag", "integer"),
    }


def test_null_is_not_absent() -> None:
    assert found({"a": None}, {}) == {("a", "null", "absent")}
    assert found({"a": None}, {"a": "x"}) == {("a", "null", "text")}


def test_the_elements_of_an_array_are_one_place() -> None:
    sample = {"files": [{"a": 1, "b": None}, {"a": None}]}
    assert found(sample, {"files": [{"a": 1, "b": None}]}) == {
        ("files[].a", "integer or null", "integer"),
        ("files[].b", "absent or null", "null"),
    }


def test_an_empty_array_of_a_sample_says_nothing_of_elements() -> None:
    assert found({"a": []}, {"a": [1]}) == set()
    assert found({"a": [1]}, {"a": []}) == {("a[]", "integer", "absent")}


def test_parts_of_what_one_reply_lacks_are_not_told() -> None:
    assert found({"a": {"b": {"c": 1}}}, {"a": {}}) == {("a.b", "record", "absent")}


def test_words_of_deployr_are_compared_as_they_are() -> None:
    assert found({"rclass": "integer"}, {"rclass": "numeric"}) == {("rclass", '"integer"', '"numeric"')}


def test_a_difference_is_a_value() -> None:
    assert Difference("a", "null", "absent") in differences(places({"a": None}), places({}))
