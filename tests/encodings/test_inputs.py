import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployr.encodings import deployr_json, inputs, model, objects, qap1
from deployr.encodings.errors import EncodingError

NAN, INF = float("nan"), float("inf")
NA = None


def decoded(record):
    return inputs.decode_inputs({"x": record})["x"]


@pytest.mark.parametrize(
    ("record", "value"),
    [
        ({"type": "primitive", "value": "a"}, model.character("a")),
        ({"type": "primitive", "value": ""}, model.character("")),
        ({"type": "primitive", "value": 4}, model.double(4)),
        ({"type": "primitive", "rclass": "integer", "value": 4}, model.integer(4)),
        ({"type": "primitive", "rclass": "integer", "value": 4.0}, model.integer(4)),
        ({"type": "primitive", "rclass": "integer", "value": 4.5}, model.double(4.5)),
        ({"type": "primitive", "rclass": "integer", "value": 2**31}, model.double(2**31)),
        ({"type": "primitive", "value": True}, model.logical(True)),
        ({"value": 1.5}, model.double(1.5)),
        ({"type": None, "value": 1.5}, model.double(1.5)),
        ({"type": "PRIMITIVE", "value": 1.5}, model.double(1.5)),
        ({"type": "primitive", "rclass": "numeric", "value": "a"}, model.character("a")),
        ({"type": "primitive", "rclass": "numeric", "value": "NaN"}, model.double(NAN)),
        ({"type": "primitive", "rclass": "numeric", "value": "-Infinity"}, model.double(-INF)),
        ({"type": "primitive", "rclass": "character", "value": "NaN"}, model.character("NaN")),
        ({"type": "primitive", "rclass": "numeric", "value": None}, model.double(NA)),
        ({"type": "primitive", "rclass": "character", "value": None}, model.character(NA)),
        ({"type": "primitive", "rclass": "integer", "value": None}, model.integer(NA)),
        ({"type": "primitive", "rclass": "logical"}, model.logical(NA)),
        ({"type": "primitive", "value": None}, model.logical(NA)),
        ({"type": "primitive", "rclass": "NULL", "value": None}, model.NULL),
        ({"type": "character", "value": "c"}, model.character("c")),
        ({"type": "character", "value": 10}, model.character("10")),
        ({"type": "numeric", "value": "10"}, model.double(10)),
        ({"type": "Numeric", "value": [1, "2", None]}, model.double(1, 2, NA)),
        ({"type": "integer", "value": "10"}, model.integer(10)),
        ({"type": "logical", "value": "true"}, model.logical(True)),
        ({"type": "vector", "value": [1, 2.5, 30000000000]}, model.double(1, 2.5, 3e10)),
        ({"type": "vector", "value": [1, 10**400]}, model.double(1, INF)),
        ({"type": "vector", "value": [1.0, None, "NaN", "Infinity"]}, model.double(1, NA, NAN, INF)),
        ({"type": "vector", "value": [NAN, INF]}, model.double(NAN, INF)),
        ({"type": "vector", "rclass": "numeric", "value": ["a", "NaN"]}, model.character("a", "NaN")),
        ({"type": "vector", "value": ["NaN"]}, model.character("NaN")),
        ({"type": "vector", "value": [True, None]}, model.logical(True, NA)),
        ({"type": "vector", "value": [True, 2]}, model.double(1, 2)),
        (
            {"type": "vector", "value": ["a", None, "ü", 1, 2.5, False]},
            model.character("a", NA, "ü", "1", "2.5", "FALSE"),
        ),
        ({"type": "vector", "rclass": "character", "value": [None]}, model.character(NA)),
        ({"type": "vector", "rclass": "logical", "value": None}, model.logical(NA)),
        ({"type": "matrix", "rclass": "logical", "value": None}, model.matrix(model.logical(NA), 1, 1)),
        ({"type": "vector", "rclass": "numeric", "value": [None]}, model.double(NA)),
        ({"type": "vector", "rclass": "integer", "value": [1, None]}, model.integer(1, NA)),
        ({"type": "vector", "value": []}, model.logical()),
        ({"type": "matrix", "value": [[1, 3, 12], [2, 11, 13]]}, model.matrix(model.double(1, 2, 3, 11, 12, 13), 2, 3)),
        ({"type": "matrix", "value": [["a", None]]}, model.matrix(model.character("a", NA), 1, 2)),
        ({"type": "matrix", "value": []}, model.matrix(model.logical(), 0, 0)),
        ({"type": "matrix", "value": [[], []]}, model.matrix(model.logical(), 2, 0)),
    ],
)
def test_atomic_values_are_decoded_by_their_json(record, value):
    assert decoded(record) == value


@pytest.mark.parametrize(
    ("parts", "factor"),
    [
        ({"value": ["b", "a", "b"]}, model.factor([2, 1, 2], ["a", "b"])),
        ({"value": [10, 9, None]}, model.factor([2, 1, None], ["9", "10"])),
        ({"value": ["a", "z"], "labels": ["z", "a"]}, model.factor([2, 1], ["z", "a"])),
        ({"value": ["a", "q"], "levels": ["a", "b"]}, model.factor([1, None], ["a", "b"])),
        ({"value": ["1", "2"], "levels": ["1", "2"], "labels": ["one", "two"]}, model.factor([1, 2], ["one", "two"])),
        ({"value": [1, 2], "levels": [1, 2], "labels": ["A", "A"]}, model.factor([1, 1], ["A"])),
        ({"value": ["a"], "ordered": True}, model.factor([1], ["a"], ordered=True)),
        ({"value": ["a"], "ordered": None, "levels": None}, model.factor([1], ["a"])),
        ({"value": ["a"], "rclass": "ordered"}, model.factor([1], ["a"], ordered=True)),
        ({"value": []}, model.factor([], [])),
    ],
)
def test_factors_are_decoded_with_and_without_levels_and_labels(parts, factor):
    assert decoded({"type": "factor", **parts}) == factor


def test_r_makes_the_same_factors(r):
    r.assign("sent", decoded({"type": "factor", "value": ["b", "z", None], "levels": ["b", "a"], "labels": ["B", "A"]}))
    assert model.as_flag(r.read("identical(sent, factor(c('b', 'z', NA), c('b', 'a'), c('B', 'A')))"))
    r.assign("sent", decoded({"type": "factor", "value": ["b", "a"], "levels": ["b", "a"], "labels": ["X", "X"]}))
    assert model.as_flag(r.read("identical(sent, factor(c('b', 'a'), c('b', 'a'), c('X', 'X')))"))


def test_lists_keep_names_in_any_place_and_order():
    record = {
        "type": "list",
        "name": "x",
        "value": [
            {"name": "a", "type": "primitive", "value": 1},
            {"value": [{"type": "primitive", "value": False, "name": "lb"}], "type": "list", "name": "inner"},
            {"value": "q"},
        ],
    }
    inner = model.named_list({"lb": model.logical(False)})
    assert decoded(record) == model.named_list({"a": model.double(1), "inner": inner, "": model.character("q")})
    assert decoded({"type": "list", "value": [{"value": 1}]}) == model.unnamed_list(model.double(1))
    assert decoded({"type": "list", "value": []}) == model.unnamed_list()


def test_data_frames_have_columns_of_texts_factors_and_dates(r):
    record = {
        "type": "dataframe",
        "value": [
            {"name": "c1", "type": "vector", "value": [1, 2]},
            {"name": "c 2", "type": "vector", "value": ["p", "q"]},
            {"name": "c3", "type": "vector", "format": "yyyy-MM-dd", "value": ["2011-02-1", "2011-02-1"]},
            {"name": "c4", "type": "factor", "value": ["a", "b"], "ordered": False},
        ],
    }
    code = (
        "data.frame(c1 = c(1, 2), `c 2` = c('p', 'q'), c3 = as.Date(c('2011-02-01', '2011-02-01')),"
        "c4 = factor(c('a', 'b')), check.names = FALSE)"
    )
    assert r.is_identical(decoded(record), code)


def test_a_data_frame_of_one_row_may_have_primitive_columns_and_unnamed_ones():
    frame = decoded({"type": "data.frame", "value": [{"value": 1}, {"name": "b", "value": "t"}]})
    assert frame == model.data_frame({"V1": model.double(1), "b": model.character("t")})
    assert decoded({"type": "dataframe", "value": []}) == model.data_frame({})


def test_short_columns_of_a_data_frame_are_recycled_as_rep_len_does(r):
    members = [
        {"name": "n", "type": "vector", "value": [1, 2, 3, 4, 5]},
        {"name": "t", "value": "p"},
        {"name": "l", "type": "vector", "value": [True, None]},
        {"name": "u", "type": "vector", "value": ["a", "b"]},
        {"name": "f", "type": "factor", "value": ["a", "b", "c", "d"], "ordered": False},
        {"name": "d", "type": "date", "format": "yyyy-MM-dd", "value": "2011-02-1"},
        {"name": "m", "type": "matrix", "value": [[1.5, 2.5, 3.5], [4.5, 5.5, 6.5]]},
        {"name": "c", "type": "matrix", "value": [["a", "b"]]},
    ]
    vectors = (
        "data.frame(n = 1:5 + 0, t = 'p', l = rep_len(c(TRUE, NA), 5), u = rep_len(c('a', 'b'), 5),"
        "f = rep_len(factor(c('a', 'b', 'c', 'd')), 5), d = as.Date('2011-02-01'))"
    )
    matrices = "m = rbind(1:3 + .5, 4:6 + .5)[c(1, 2, 1, 2, 1), ], c = matrix(c('a', 'b'), 5, 2, byrow = TRUE)"
    frame = decoded({"type": "dataframe", "value": members})
    assert r.is_identical(frame, f"{{x <- {vectors}; x[c('m', 'c')] <- list({matrices}); x}}")


def test_a_single_instant_is_recycled_too():
    when = {"type": "date", "format": "yyyy-MM-dd HH:mm:ss", "value": "2011-02-01 10:00:00"}
    frame = decoded({"type": "dataframe", "value": [when, {"type": "vector", "value": [1, 2]}]})
    assert len(frame.columns[0]) == 2


def test_empty_columns_of_a_data_frame_become_missing(r):
    empty = {"type": "vector", "value": []}
    members = [
        {"name": "n", "type": "vector", "value": [1, 2]},
        {"name": "l"} | empty,
        {"name": "e", "rclass": "numeric"} | empty,
        {"name": "t", "rclass": "character"} | empty,
        {"name": "d", "format": "yyyy-MM-dd"} | empty,
        {"name": "f", "type": "factor", "value": [], "levels": ["a"]},
    ]
    code = (
        "data.frame(n = c(1, 2), l = NA, e = NA_real_, t = NA_character_, d = as.Date(NA),"
        "f = factor(c(NA, NA), levels = 'a'))"
    )
    assert r.is_identical(decoded({"type": "dataframe", "value": members}), code)


@pytest.mark.parametrize("wide", [[{"value": 1}] * 6, [{"type": "matrix", "value": [[1] * 6]}]])
def test_a_few_values_do_not_become_very_many(wide):
    members = [{"type": "vector", "value": [1] * 200_000}, *wide]
    with pytest.raises(EncodingError, match="too many cells"):
        decoded({"type": "dataframe", "value": members})


def test_a_data_frame_inside_another_is_taken_for_its_columns():
    inner = {"type": "dataframe", "name": "in", "value": [{"name": "b", "type": "vector", "value": [3, 4]}]}
    frame = decoded({"type": "dataframe", "value": [{"name": "a", "type": "vector", "value": [1, 2]}, inner]})
    assert frame == model.data_frame({"a": model.double(1, 2), "b": model.double(3, 4)})


def instant(seconds, tzone, pattern=None):
    return model.PosixCt(
        model.double(*seconds).values, tzone, {"deployr.format": model.character(pattern)} if pattern else {}
    )


@pytest.mark.parametrize(
    ("record", "value"),
    [
        ({"type": "date", "format": "yyyy-MM-dd", "value": "2011-02-1"}, model.Date(model.double(15006).values)),
        ({"type": "date", "value": "2011-02-01"}, model.Date(model.double(15006).values)),
        ({"type": "date", "format": "yyyy-MM-dd"}, model.Date(model.double(NA).values)),
        (
            {"type": "date", "rclass": "date", "format": "yyyy-MM-dd", "value": "02/01/2011 10:30:30"},
            model.Date(model.double(15006).values),
        ),
        (
            {"type": "date", "format": "yyyy-MM-dd HH:mm:ss Z", "value": "2011-02-1 10:30:30 +0000"},
            instant([1296556230], "UTC"),
        ),
        (
            {"type": "date", "rclass": "POSIXct", "value": "2011-02-01 02:30:30 -0800"},
            instant([1296556230], "Etc/GMT+8"),
        ),
        (
            {"type": "date", "format": "yyyy-MM-dd HH:mm:ss z", "value": "2011-02-01 02:30:30 PST"},
            instant([1296556230], "America/Los_Angeles", "yyyy-MM-dd HH:mm:ss z"),
        ),
        (
            {"type": "vector", "format": "yyyy-MM-dd HH:mm:ss Z", "value": [None, "2011-02-01 10:30:30 +0000"]},
            instant([NA, 1296556230], "UTC"),
        ),
        (
            {"type": "vector", "rclass": "Date", "value": ["2011-02-01", None]},
            model.Date(model.double(15006, NA).values),
        ),
    ],
)
def test_dates_are_decoded_by_their_pattern(record, value):
    assert decoded(record) == value


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("2011-02-01 10:30:30 UTC", "yyyy-MM-dd HH:mm:ss z"),
        ("2011-02-01 10:30:30 PST", "yyyy-MM-dd HH:mm:ss z"),
        ("2011-02-01 10:30:30 GMT+01:00", "yyyy-MM-dd HH:mm:ss z"),
        ("2011-02-01 10:30:30 +0545", "yyyy-MM-dd HH:mm:ss Z"),
        ("01.02.2011", "dd.MM.yyyy"),
        ("Feb 1, 2011 1:02 PM", "MMM d, yyyy h:mm a"),
    ],
)
def test_a_pushed_date_comes_back_from_r_with_the_text_and_pattern_it_was_sent_with(r, text, pattern):
    value = r.sent_and_returned(decoded({"type": "date", "format": pattern, "value": text}))
    record = objects.encode_object("x", value)
    assert (record["value"], record["format"]) == (text, pattern)


def test_the_usual_patterns_leave_no_trace_in_r(r):
    assert r.is_identical(
        decoded({"type": "date", "format": "yyyy-MM-dd", "value": "2011-02-1"}), "as.Date('2011-02-01')"
    )


@pytest.mark.parametrize(
    "record",
    [
        None,
        5,
        [],
        "a",
        {"type": "bogus", "value": 1},
        {"type": 5, "value": 1},
        {"type": ["vector"], "value": [1]},
        {"type": "primitive", "value": [1]},
        {"type": "primitive", "value": {}},
        {"type": "primitive", "value": "a\0b"},
        {"type": "numeric", "value": "ten"},
        {"type": "logical", "value": "maybe"},
        {"type": "numeric", "value": [[1]]},
        {"type": "character", "value": {}},
        {"type": "vector", "value": 1},
        {"type": "vector", "value": None},
        {"type": "vector"},
        {"type": "vector", "value": [[1]]},
        {"type": "vector", "value": [1], "format": "yyyy"},
        {"type": "vector", "value": ["a"], "format": 5},
        {"type": "matrix", "value": [[1], [1, 2]]},
        {"type": "matrix", "value": [1, 2]},
        {"type": "matrix", "value": [[[1]]]},
        {"type": "factor", "value": "a"},
        {"type": "factor", "value": ["a"], "levels": "a"},
        {"type": "factor", "value": ["a"], "levels": ["a", "a"]},
        {"type": "factor", "value": ["a"], "levels": ["a", "b"], "labels": ["x"]},
        {"type": "factor", "value": [["a"]]},
        {"type": "factor", "value": ["a"], "ordered": "yes"},
        {"type": "list", "value": {"a": 1}},
        {"type": "list", "value": [1]},
        {"type": "list", "value": [{"name": 5, "value": 1}]},
        {
            "type": "dataframe",
            "value": [{"type": "vector", "value": [1, 2]}, {"type": "list", "value": [{"value": 1}]}],
        },
        {"type": "dataframe", "value": [{"type": "list", "value": [{"value": "\0"}]}]},
        {"type": "dataframe", "value": [{"type": "primitive", "rclass": "NULL"}]},
        {"type": "date", "value": "soon"},
        {"type": "date", "format": "y" * 1000, "value": "2011"},
        {"type": "date", "value": 5},
        {"type": "date", "format": "bogus", "value": "2011-02-01"},
        {"type": "date", "format": "yyyy-MM-dd HH:mm z", "value": "2011-02-01 10:30 NOZONE"},
    ],
)
def test_what_does_not_fit_its_type_is_refused_by_name(record):
    with pytest.raises(EncodingError, match=r"'x[$']"):
        decoded(record)


def test_inputs_must_be_an_object_with_names():
    for wrong in (None, [], 5, {"": {"value": 1}}, {"a\0": {"value": 1}}):
        with pytest.raises(EncodingError):
            inputs.decode_inputs(wrong)


def test_nesting_without_end_is_refused():
    record = {"value": 1}
    for _ in range(objects.MAX_DEPTH):
        record = {"type": "list", "value": [record]}
    assert isinstance(decoded(record), model.RList)
    with pytest.raises(EncodingError, match="too deeply"):
        decoded({"type": "list", "value": [record]})


scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.just("NaN"))
type_names = st.sampled_from(
    ["primitive", "vector", "matrix", "factor", "list", "dataframe", "date", "numeric", "logical", "character", "bogus"]
)


def record_of(value):
    keys = {
        "type": type_names | scalars,
        "rclass": st.sampled_from(["numeric", "character", "integer", "logical", "Date", "POSIXct"]) | scalars,
        "name": scalars,
        "format": st.sampled_from(["yyyy-MM-dd", "HH:mm z"]) | scalars,
        "levels": st.lists(scalars, max_size=2),
        "labels": st.lists(scalars, max_size=2),
        "ordered": scalars,
    }
    return st.fixed_dictionaries({"value": value}, optional=keys)


records = st.recursive(
    record_of(scalars | st.lists(scalars, max_size=3) | st.lists(st.lists(scalars, max_size=2), max_size=2)),
    lambda inner: record_of(st.lists(inner, max_size=3)),
    max_leaves=6,
)


@given(st.dictionaries(st.text(max_size=3), records, max_size=2))
def test_any_json_is_a_value_that_r_can_take_or_refused(parsed):
    try:
        values = inputs.decode_inputs(parsed)
    except EncodingError:
        return
    for name, value in values.items():
        qap1.decode(qap1.encode(value))
        deployr_json.dumps(objects.encode_object(name.encode("utf-8", "replace").decode(), value))


plain = st.one_of(
    st.lists(st.sampled_from([True, False, None]), max_size=4).map(lambda flags: model.logical(True, *flags)),
    st.lists(st.floats(allow_nan=False) | st.none(), max_size=4).map(lambda numbers: model.double(1, *numbers)),
    st.lists(st.text("aé ,\"'"), max_size=4).map(lambda texts: model.character("a", None, *texts)),
    st.lists(st.integers(-20000, 20000), max_size=3).map(lambda days: model.Date(model.double(0, *days).values)),
    st.lists(st.sampled_from([1, 2, None]), max_size=4).map(
        lambda codes: model.factor(codes, ["u", "v"], ordered=True)
    ),
    st.just(model.matrix(model.double(1, None, 3, 4, 5, 6), 3, 2)),
    st.lists(st.floats(-1e9, 1e9).map(int), max_size=3).map(
        lambda at: model.PosixCt(model.double(0, *at).values, "Etc/GMT+8")
    ),
)
echoed = st.recursive(
    plain,
    lambda inner: st.dictionaries(st.text("abc", min_size=1), inner, min_size=1, max_size=3).map(model.named_list),
    max_leaves=8,
)


@given(echoed)
def test_what_we_write_is_read_back_as_the_same_value(value):
    written = deployr_json.dumps({"x": objects.encode_object("x", value)})
    assert inputs.decode_inputs(deployr_json.loads(written)) == {"x": value}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("name,George,age,45", {"name": model.character("George"), "age": model.double(45)}),
        ("a,1", {"a": model.double(1)}),
        ("a,-1.5e3,b,.5", {"a": model.double(-1500), "b": model.double(0.5)}),
        ("a,10L,b,99999999999L", {"a": model.integer(10), "b": model.double(99999999999)}),
        (
            "a,TRUE,b,F,c,T,d,FALSE",
            {"a": model.logical(True), "b": model.logical(False), "c": model.logical(True), "d": model.logical(False)},
        ),
        ("a,NA,b,NaN,c,-Inf", {"a": model.logical(None), "b": model.double(NAN), "c": model.double(-INF)}),
        ("a,\"45\",b,'x'", {"a": model.character("45"), "b": model.character("x")}),
        ('a,"x, y",b,"say \\"hi\\""', {"a": model.character("x, y"), "b": model.character('say "hi"')}),
        (" a , b c ", {"a": model.character("b c")}),
        ("a,,b,2", {"a": model.character(""), "b": model.double(2)}),
        ("a,1,", {"a": model.double(1)}),
        ('a,"', {"a": model.character('"')}),
        ("a,it's", {"a": model.character("it's")}),
        ("", {}),
    ],
)
def test_csv_inputs_alternate_names_and_literals(text, expected):
    assert inputs.parse_csv_inputs(text) == expected


@pytest.mark.parametrize("text", ["a", "a,1,b", ",1", "a\0,1", "a,1," * 300_000], ids=lambda text: text[:8])
def test_csv_inputs_without_a_name_or_value_and_too_many_are_refused(text):
    with pytest.raises(EncodingError):
        inputs.parse_csv_inputs(text)


def test_many_numbers_are_decoded_as_one_array():
    numbers = np.arange(1000, dtype=np.float64).tolist()
    assert decoded({"type": "vector", "value": numbers}) == model.double(*numbers)
