"""The JSON of the 9.x API."""

from __future__ import annotations

import contextlib
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployr.encodings import integer64, model, v9_json
from deployr.encodings.errors import EncodingError
from deployr.encodings.model import RValue

SCALARS = st.none() | st.booleans() | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    SCALARS | NUMBERS | st.integers(), lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner)
)


def _read(value: Any, declared: str | None = None, **options: bool) -> RValue:
    return v9_json.decode(value, declared, name="x", **options)


@pytest.mark.parametrize(
    ("value", "json"),
    [
        (model.NULL, None),
        (model.double(2.5), 2.5),
        (model.integer(3), 3),
        (model.character("é"), "é"),
        (model.logical(True), True),
        (model.double(1, None, math.nan, math.inf), [1.0, None, None, None]),
        (model.integer(1, None), [1, None]),
        (model.logical(True, None), [True, None]),
        (model.character("a", None), ["a", None]),
        (model.double(), []),
        (model.factor([2, 1, None], ["low", "high"]), ["high", "low", None]),
        (model.factor([1], ["low"]), "low"),
        (model.Date(np.array([0.0, 16617.0])), ["1970-01-01", "2015-07-01"]),
        (model.PosixCt(np.array([0.0]), "UTC"), "1970-01-01T00:00:00Z"),
        (model.PosixCt(np.array([0.25]), "Europe/Berlin"), "1970-01-01T01:00:00.250+01:00"),
        (model.Complex(np.array([1 - 2j])), "1-2i"),
        (model.raw(b"\x00\xff"), "AP8="),
        (model.matrix(model.integer(1, 2, 3, 4), 2, 2), [[1, 3], [2, 4]]),
        (model.matrix(model.integer(7), 1, 1), [[7]]),
        (integer64.vector([2**53 + 1, None, -1]), [2**53 + 1, None, -1]),
        (model.data_frame({"r": model.raw(b"\x01"), "c": model.Complex(np.array([1j]))}), {"r": [1], "c": ["0+1i"]}),
        (model.data_frame({"n": model.double(1), "s": model.character("a")}), {"n": [1.0], "s": ["a"]}),
        (model.named_list({"a": model.double(1), "b": model.NULL}), {"a": 1.0, "b": None}),
        (model.unnamed_list(model.double(1), model.character("a", "b")), [1.0, ["a", "b"]]),
        (model.Opaque(["function"], "function (x) x"), "function (x) x"),
    ],
)
def test_values_are_written_by_their_class(value: RValue, json: Any) -> None:
    assert v9_json.encode(value) == json


def test_a_named_number_is_bare() -> None:
    predicted = model.Double(np.array([0.5]), {"names": model.character("1")})
    assert v9_json.encode(predicted, "numeric") == 0.5


@pytest.mark.parametrize(
    ("value", "declared", "json"),
    [
        (model.double(1), "vector", [1.0]),
        (model.double(1, 2), "matrix", [[1.0], [2.0]]),
        (
            model.named_list({"a": model.double(1), "b": model.double(2, 3)}),
            "data.frame",
            {"a": [1.0], "b": [2.0, 3.0]},
        ),
        (model.double(1, 2), "numeric", [1.0, 2.0]),
        (model.matrix(model.double(2.5), 1, 1), "numeric", 2.5),
        (model.matrix(model.double(1, 2), 1, 2), "numeric", [[1.0, 2.0]]),
        (model.raw(b"\x01"), "vector", [1]),
    ],
)
def test_the_declaration_decides_where_json_leaves_a_choice(value: RValue, declared: str, json: Any) -> None:
    assert v9_json.encode(value, declared) == json


@pytest.mark.parametrize(
    ("number", "text"), [(10.0, "10"), (-3e9, "-3000000000"), (2.5, "2.5"), (1e300, "1e+300"), (math.inf, "None")]
)
def test_whole_numbers_have_no_fraction_where_an_integer_is_declared(number: float, text: str) -> None:
    assert str(v9_json.encode(model.double(number), "integer")) == text
    assert str(v9_json.encode(model.double(number, 0), "integer")) == f"[{text}, 0]"


def test_members_without_a_name_of_their_own_are_kept() -> None:
    members = model.RList([model.double(1), model.double(2), model.double(3)], {"names": model.character("a", "", "a")})
    assert v9_json.encode(members) == {"a": 1.0, "2": 2.0, "a.1": 3.0}


def test_deep_lists_end_in_null() -> None:
    value: RValue = model.double(1)
    for _ in range(200):
        value = model.unnamed_list(value)
    assert "null" in str(v9_json.encode(value)).replace("None", "null")


@pytest.mark.parametrize(
    ("json", "value"),
    [
        (None, model.NULL),
        (2, model.double(2)),
        (2.5, model.double(2.5)),
        ("a", model.character("a")),
        ([True, None], model.logical(True, None)),
        ([1, None, 2.5], model.double(1, None, 2.5)),
        ([1, "NA", "NaN"], model.double(1, None, math.nan)),
        ({"n": [1, "NA"]}, model.data_frame({"n": model.double(1, None)})),
        (["a", "NA"], model.character("a", "NA")),
        (["NA", "NA"], model.character("NA", "NA")),
        ([True, "NA"], model.character("TRUE", "NA")),
        ([[1, 2], [3, 4]], model.matrix(model.double(1, 3, 2, 4), 2, 2)),
        ({"n": [1], "s": ["a"]}, model.data_frame({"n": model.double(1), "s": model.character("a")})),
        ({"n": [1], "s": 2}, model.named_list({"n": model.double(1), "s": model.double(2)})),
        ([[1], [2, 3]], model.unnamed_list(model.double(1), model.double(2, 3))),
        ({}, model.named_list({})),
    ],
)
def test_json_is_read_by_its_shape(json: Any, value: RValue) -> None:
    assert _read(json) == value


def test_for_python_whole_numbers_are_integers() -> None:
    assert _read([1, 2], for_python=True) == model.integer(1, 2)
    assert _read([1, 2.0], for_python=True) == model.double(1, 2)
    assert _read([1, "NA"], for_python=True) == model.integer(1, None)


def test_for_python_whole_numbers_are_exact_in_64_bits() -> None:
    exact = 2**53 + 1
    assert _read([1, None, exact], for_python=True) == integer64.vector([1, None, exact])
    assert _read(exact, "integer", for_python=True) == integer64.vector([exact])
    assert v9_json.encode(_read([[exact]], "matrix", for_python=True)) == [[exact]]
    assert _read(2**64, for_python=True) == model.double(2**64)


def test_for_python_a_declared_matrix_is_of_that_class() -> None:
    read = _read([[1, 2**40]], "matrix", for_python=True)
    assert isinstance(read, model.Vector)
    assert (read.dim, read.classes) == ((1, 2), ["integer64", "matrix"])
    assert _read([[1, 2]], "matrix") == _read([[1, 2]]) == model.matrix(model.double(1, 2), 1, 2)


@pytest.mark.parametrize("element", [1, 1.5, "a", True])
def test_for_python_an_array_of_one_element_stays_one(element: Any) -> None:
    for read in (_read([element], for_python=True), _read([element], "vector", for_python=True)):
        assert isinstance(read, model.Vector)
        assert read.dim == (1,)


@pytest.mark.parametrize("value", [model.double(), model.character(), model.integer()])
def test_a_declared_scalar_that_is_empty_is_null(value: RValue) -> None:
    assert v9_json.encode(value, "numeric") is None
    assert v9_json.encode(value, "vector") == []


def test_an_array_of_one_element_is_bare_where_a_scalar_is_declared() -> None:
    array = model.row(model.double(1))
    assert v9_json.encode(array) == v9_json.encode(array, "vector") == [1]
    assert v9_json.encode(array, "numeric") == 1
    assert v9_json.encode(array, "matrix") == [[1]]


@pytest.mark.parametrize(
    ("json", "declared", "value"),
    [
        (2, "numeric", model.double(2)),
        (2, "integer", model.integer(2)),
        (2.0, "integer", model.integer(2)),
        ("a", "character", model.character("a")),
        (False, "logical", model.logical(False)),
        ([1.5], "vector", model.double(1.5)),
        (1.5, "vector", model.double(1.5)),
        ([[1, 2], [3, 4]], "vector", model.matrix(model.double(1, 3, 2, 4), 2, 2)),
        ([[1, 2]], "matrix", model.matrix(model.double(1, 2), 1, 2)),
        ({"n": 1}, "data.frame", model.data_frame({"n": model.double(1)})),
        (None, "numeric", model.NULL),
        ("NA", "numeric", model.double(None)),
        ("-Infinity", "numeric", model.double(-math.inf)),
        ("NA", "integer", model.integer(None)),
        ("NaN", "integer", model.double(math.nan)),
        (math.inf, "integer", model.double(math.inf)),
        (2**31, "integer", model.double(2**31)),
        ("NA", "character", model.character("NA")),
    ],
)
def test_declared_inputs_are_read_as_declared(json: Any, declared: str, value: RValue) -> None:
    assert _read(json, declared) == value


@pytest.mark.parametrize(
    ("json", "declared"),
    [
        ("2", "numeric"),
        (True, "numeric"),
        ([2], "numeric"),
        (2.5, "integer"),
        ("NA", "logical"),
        (True, "integer"),
        (1, "character"),
        (1, "logical"),
        ({"a": 1}, "vector"),
        ([1, 2], "matrix"),
        ([[1], [2, 3]], "matrix"),
        ([1], "data.frame"),
        ({"a": [1], "b": [1, 2]}, "data.frame"),
        ({"a": [[1]]}, "data.frame"),
    ],
)
def test_what_cannot_be_of_the_declared_type_is_refused_by_name(json: Any, declared: str) -> None:
    with pytest.raises(EncodingError, match="Input 'x") as refused:
        _read(json, declared)
    assert str(refused.value).count("Input") == 1


def test_texts_with_a_nul_are_refused() -> None:
    with pytest.raises(EncodingError, match="Input 'x'"):
        _read("a\0")


@given(NUMBERS)
def test_doubles_come_back_to_the_last_bit(number: float) -> None:
    assert v9_json.encode(_read(number, "numeric")) == number


@given(st.lists(st.lists(NUMBERS, min_size=2, max_size=2), min_size=1))
def test_matrices_come_back(rows: list[list[float]]) -> None:
    assert v9_json.encode(_read(rows, "matrix"), "matrix") == rows


@given(st.dictionaries(st.text(min_size=1), st.lists(st.booleans(), min_size=3, max_size=3), min_size=1))
def test_data_frames_come_back_in_their_order(columns: dict[str, list[bool]]) -> None:
    again = v9_json.encode(_read(columns, "data.frame"), "data.frame")
    assert list(again.items()) == list(columns.items())


@given(JSON, st.sampled_from([None, "numeric", "integer", "character", "logical", "vector", "matrix", "data.frame"]))
def test_whatever_json_comes_is_read_or_refused(json: Any, declared: str | None) -> None:
    with contextlib.suppress(EncodingError):
        v9_json.encode(_read(json, declared), declared)


def _array(*dim: int) -> RValue:
    return model.Double(np.ones(math.prod(dim)), {"dim": model.integer(*dim)})


def test_arrays_of_countless_empty_rows_are_empty() -> None:
    assert v9_json.encode(_array(2**31 - 1, 0)) == []
    assert v9_json.encode(_array(2**15, 2**15, 0)) == []
    assert v9_json.encode(_array(2, 0)) == [[], []]


def test_arrays_of_more_dimensions_than_can_be_nested_are_flat() -> None:
    assert v9_json.encode(_array(2, *[1] * 99)) == [1.0, 1.0]


def test_names_that_come_again_are_numbered() -> None:
    pairs = ("a", 1), ("a.1", 2), ("a", 3), ("a", 4), ("", 5)
    names = model.character(*(name for name, _ in pairs))
    value = model.RList([model.integer(number) for _, number in pairs], {"names": names})
    assert v9_json.encode(value) == {"a": 1, "a.1": 2, "a.2": 3, "a.3": 4, "5": 5}


def test_many_members_of_one_name_are_numbered_in_a_moment() -> None:
    many = 20_000
    value = model.RList([model.NULL] * many, {"names": model.character(*["a"] * many)})
    assert len(v9_json.encode(value)) == many
