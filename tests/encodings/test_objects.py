import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployr.encodings import deployr_json, integer64, model, objects

NAN, INF = float("nan"), float("inf")


def encoded(value, **choices):
    """The record of a value named x as a client gets it, without the name."""
    record = deployr_json.loads(deployr_json.dumps(objects.encode_object("x", value, **choices)))
    assert record.pop("name") == "x"
    return record


def text_of(value, **choices):
    return deployr_json.dumps(objects.encode_object("x", value, **choices)["value"]).decode()


@pytest.mark.parametrize(
    ("value", "rclass", "text"),
    [
        (model.character("a"), "character", '"a"'),
        (model.character(None), "character", "null"),
        (model.double(10), "numeric", "10.0"),
        (model.double(None), "numeric", "null"),
        (integer64.vector([3_000_000_000]), "numeric", "3000000000.0"),
        (integer64.vector([None]), "numeric", "null"),
        (model.integer(10), "integer", "10"),
        (model.integer(None), "integer", "null"),
        (model.logical(True), "logical", "true"),
        (model.logical(None), "logical", "null"),
        (model.double(INF), "numeric", '"0x7ff0000000000000L"'),
        (model.NULL, "NULL", "null"),
        (model.Double(model.double(3).values, {"names": model.character("1")}), "numeric", "3.0"),
    ],
)
def test_values_of_length_one_are_primitives(value, rclass, text):
    record = objects.encode_object("x", value)
    assert list(record) == ["name", "type", "rclass", "value"]
    assert (record["name"], record["type"], record["rclass"]) == ("x", "primitive", rclass)
    assert deployr_json.dumps(record["value"]).decode() == text


@pytest.mark.parametrize(
    ("value", "rclass", "text"),
    [
        (model.character("a", None), "character", '["a",null]'),
        (model.double(1, 3e10), "numeric", "[1.0,30000000000.0]"),
        (model.double(1, None, NAN), "numeric", "[1.0,null,null]"),
        (model.integer(1, 2), "numeric", "[1.0,2.0]"),
        (model.integer(1, None), "numeric", "[1.0,null]"),
        (model.logical(True, False), "logical", "[true,false]"),
        (model.logical(True, None), "logical", "[true,null]"),
        (model.double(None, None), "numeric", "[null,null]"),
        (model.double(), "numeric", "[]"),
        (model.character(), "character", "[]"),
    ],
)
def test_values_of_other_lengths_are_vectors_and_integers_are_numeric_in_them(value, rclass, text):
    record = objects.encode_object("x", value)
    assert (record["type"], record["rclass"], text_of(value)) == ("vector", rclass, text)


def test_the_caller_chooses_what_stands_for_nan_and_infinity():
    value = model.double(NAN, None, INF, -INF, 1)
    assert text_of(value) == '[null,null,"0x7ff0000000000000L","-0x7ff0000000000000L",1.0]'
    assert text_of(value, nan="-", infinity="big") == '["-","-","big","-big",1.0]'
    assert text_of(model.character(None, "a"), nan="-") == '["-","a"]'
    assert text_of(model.integer(None), nan="-") == '"-"'
    assert text_of(model.logical(None, True), nan="-") == '["-",true]'
    assert text_of(value, nan="", infinity="") == text_of(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (model.matrix(model.double(1, 2, 3, 11, 12, 13), 2, 3), "[[1.0,3.0,12.0],[2.0,11.0,13.0]]"),
        (model.matrix(model.integer(1, None), 1, 2), "[[1.0,null]]"),
        (model.matrix(model.character("a", "b"), 2, 1), '[["a"],["b"]]'),
        (model.matrix(model.logical(True), 1, 1), "[[true]]"),
        (model.matrix(model.double(), 0, 2), "[]"),
        (model.matrix(model.character(), 2, 0), "[[],[]]"),
    ],
)
def test_a_matrix_is_an_array_of_rows(value, text):
    record = objects.encode_object("x", value)
    assert (record["type"], record["rclass"], text_of(value)) == ("matrix", "matrix", text)


def test_a_factor_has_values_labels_levels_and_a_boolean():
    record = encoded(model.factor([2, None, 1], ["a", "b"]))
    assert record == {
        "type": "factor",
        "rclass": "factor",
        "value": ["b", None, "a"],
        "labels": ["a", "b"],
        "levels": ["a", "b"],
        "ordered": False,
    }
    ordered = encoded(model.factor([1], ["a"], ordered=True))
    assert (ordered["rclass"], ordered["ordered"], ordered["value"]) == ("ordered", True, ["a"])


def test_a_factor_that_would_become_too_much_text_has_no_value():
    factor = model.factor([1] * 1025, ["x" * 2**20])
    assert encoded(factor) == {"type": "factor", "rclass": "factor"}


def test_members_of_a_list_are_named_by_name_or_number():
    value = model.RList([model.double(1), model.double(2)], {"names": model.character("a", "")})
    assert [member["name"] for member in encoded(value)["value"]] == ["a", "2"]
    unnamed = encoded(model.unnamed_list(model.double(1), model.unnamed_list(model.NULL)))
    assert [member["name"] for member in unnamed["value"]] == ["1", "2"]
    assert unnamed["value"][1]["value"][0]["rclass"] == "NULL"


def test_columns_of_a_data_frame_are_vectors():
    frame = model.data_frame({"x": model.integer(1, 2), "f": model.factor([1, 1], ["a"])})
    record = encoded(frame)
    assert (record["type"], record["rclass"]) == ("dataframe", "data.frame")
    assert record["value"][0] == {"name": "x", "type": "vector", "rclass": "numeric", "value": [1.0, 2.0]}
    assert record["value"][1]["type"] == "factor"


def test_columns_of_one_row_are_primitives_unless_the_caller_wants_vectors():
    frame = model.data_frame({"x": model.integer(1), "d": model.Date(model.double(0).values)})
    assert [column["type"] for column in encoded(frame)["value"]] == ["primitive", "date"]
    vectors = encoded(frame, data_frame_primitive_as_vector=True)["value"]
    assert vectors[0] == {"name": "x", "type": "vector", "rclass": "numeric", "value": [1.0]}
    assert vectors[1]["type"] == "vector"
    assert encoded(model.double(1), data_frame_primitive_as_vector=True)["type"] == "primitive"


def test_dates_carry_the_java_pattern_of_their_text():
    day = model.Date(model.double(15006).values)
    assert encoded(day) == {"type": "date", "rclass": "Date", "value": "2011-02-01", "format": "yyyy-MM-dd"}
    time = model.PosixCt(model.double(1296556230.5).values, "America/Los_Angeles")
    assert encoded(time) == {
        "type": "date",
        "rclass": "POSIXct",
        "value": "2011-02-01 02:30:30 -0800",
        "format": "yyyy-MM-dd HH:mm:ss Z",
    }
    vector = encoded(model.Date(model.double(0, None).values))
    assert vector == {"type": "vector", "rclass": "Date", "value": ["1970-01-01", None], "format": "yyyy-MM-dd"}


def test_a_date_keeps_the_pattern_it_was_pushed_with_while_it_fits():
    def with_pattern(pattern):
        return model.Date(model.double(0).values, {"deployr.format": model.character(pattern)})

    assert encoded(with_pattern("dd.MM.yy"))["value"] == "01.01.70"
    assert encoded(with_pattern("dd.MM.yy HH"))["format"] == "yyyy-MM-dd"
    assert encoded(with_pattern("nonsense"))["format"] == "yyyy-MM-dd"


@pytest.mark.parametrize(
    ("value", "type_name", "rclass"),
    [
        (model.Opaque(["function"], "f"), "object", "function"),
        (model.Opaque([]), "object", "object"),
        (model.RList([model.double(1)], {"class": model.character("lm", "model")}), "object", "lm"),
        (model.RList([model.NULL], {"dim": model.integer(1, 1)}), "object", "matrix"),
        (model.Complex(np.array([1j])), "object", "complex"),
        (model.raw(b"ab"), "object", "raw"),
        (model.Integer(np.arange(8, dtype=np.int32), {"dim": model.integer(2, 2, 2)}), "object", "array"),
    ],
)
def test_what_has_no_encoding_has_no_value(value, type_name, rclass):
    assert encoded(value) == {"type": type_name, "rclass": rclass}


def test_lists_nested_too_deeply_end_without_a_value():
    value = model.NULL
    for _ in range(objects.MAX_DEPTH + 20):
        value = model.unnamed_list(value)
    record, depth = encoded(value), 0
    while "value" in record:
        record, depth = record["value"][0], depth + 1
    assert depth == objects.MAX_DEPTH


@pytest.mark.parametrize("zone", ["UTC", "America/Los_Angeles", "Asia/Kolkata"])
def test_broken_down_times_are_written_as_instants(r, zone):
    r.assign("zone", model.character(zone))
    value = r.read("as.POSIXlt(as.POSIXct(c(1296556230, NA, 1310000000), origin = '1970-01-01', tz = zone))")
    expected = model.PosixCt(model.double(1296556230, None, 1310000000).values, zone)
    assert encoded(value) == encoded(expected)


def test_the_time_of_r_is_the_one_that_r_shows(r):
    record = encoded(r.read("now <- Sys.time()"))
    assert record["rclass"] == "POSIXct"
    assert record["value"] == model.as_text(r.read("format(now, '%Y-%m-%d %H:%M:%S %z', tz = 'UTC')"))


def test_tables_and_differences_are_plain_numbers(r):
    assert encoded(r.read("table(c('a', 'b', 'b'))"))["value"] == [1.0, 2.0]
    assert encoded(r.read("as.difftime(2, units = 'mins')")) == {"type": "primitive", "rclass": "numeric", "value": 2.0}


@given(st.lists(st.one_of(st.none(), st.floats())))
def test_no_number_is_written_as_a_bare_word_or_without_a_point(numbers):
    text = deployr_json.dumps(objects.encode_object("x", model.doubles([*numbers, 1, 2]))["value"]).decode()
    for element in text[1:-1].split(","):
        assert element == "null" or element.strip('-"').startswith("0x7ff") or {".", "e"} & set(element)


@pytest.mark.parametrize("empty", [model.Double(np.empty(0)), model.Character([])])
def test_a_matrix_of_countless_empty_rows_has_no_value(empty):
    assert encoded(model.matrix(empty, 2**31 - 1, 0)) == {"type": "matrix", "rclass": "matrix"}
    assert encoded(model.matrix(empty, 2, 0))["value"] == [[], []]
