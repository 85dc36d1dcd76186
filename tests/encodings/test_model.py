import numpy as np
import pytest

from deployr.encodings import model


def test_na_and_nan_are_told_apart():
    value = model.double(None, float("nan"))
    assert value.values.view(np.uint64)[0] == model.NA_REAL_BITS
    assert value.values.view(np.uint64)[1] != model.NA_REAL_BITS
    assert model.double(None) != model.double(float("nan"))


def test_equal_values_have_equal_elements_and_attributes():
    assert model.integer(1, None) == model.integer(1, None)
    assert model.integer(1) != model.double(1)
    assert model.integer(1) != model.Integer(model.integer(1).values, {"names": model.character("a")})
    assert model.logical(True) != model.raw(b"\x01")


def test_a_factor_shows_its_levels():
    factor = model.factor([2, 1, None, 7], ["a", "b"])
    assert factor.labels() == ["b", "a", None, None]


def test_a_matrix_knows_its_dimensions():
    assert model.matrix(model.double(1, 2, 3, 4, 5, 6), 2, 3).dim == (2, 3)
    assert model.matrix(model.character("a", "b"), 2, 1).dim == (2, 1)
    assert model.double(1).dim is None


def test_cells_that_do_not_fill_a_matrix_are_refused():
    with pytest.raises(ValueError, match="3 cells"):
        model.matrix(model.double(1, 2, 3), 2, 2)


def test_columns_of_a_data_frame_must_agree_in_length():
    assert model.data_frame({"a": model.double(1, 2), "b": model.factor([1, 1], ["x"])}).row_count == 2
    with pytest.raises(ValueError, match="differ"):
        model.data_frame({"a": model.double(1, 2), "b": model.double(1)})


def test_matrices_and_data_frames_are_as_long_a_column_as_they_have_rows():
    assert model.column_length(model.matrix(model.double(1, 2, 3, 4, 5, 6), 2, 3)) == 2
    assert model.column_length(model.data_frame({"a": model.double(1, 2)})) == 2


@pytest.mark.parametrize(
    ("reader", "value", "expected"),
    [
        (model.as_text, model.character("a", "b"), "a"),
        (model.as_text, model.character(None), None),
        (model.as_text, model.NULL, None),
        (model.as_texts, model.character("a", None), ["a", None]),
        (model.as_number, model.integer(3), 3.0),
        (model.as_numbers, model.integer(3, None), [3.0, None]),
        (model.as_numbers, model.double(1.5, None, float("nan")), [1.5, None, None]),
        (model.as_flag, model.logical(), None),
        (model.as_flags, model.logical(True, None, False), [True, None, False]),
        (model.as_members, model.NULL, {}),
        (model.as_members, model.named_list({"a": model.NULL}), {"a": model.NULL}),
    ],
)
def test_readers_give_python_values(reader, value, expected):
    assert reader(value) == expected


@pytest.mark.parametrize("reader", [model.as_text, model.as_number, model.as_flag, model.as_members])
def test_readers_refuse_values_of_another_kind(reader):
    with pytest.raises(TypeError):
        reader(model.raw(b"x"))


def test_a_list_without_names_has_no_members_by_name():
    with pytest.raises(TypeError):
        model.as_members(model.unnamed_list(model.NULL))


def test_integers_beyond_32_bits_are_refused():
    with pytest.raises(OverflowError):
        model.integer(2**31)
