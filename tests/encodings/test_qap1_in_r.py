"""QAP1 against R itself: what we send is what R would make, and what R sends is what we sent."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deployr.encodings import model, qap1

BUILT_ALIKE = {
    "NULL": (model.NULL, "NULL"),
    "logical": (model.logical(True, None, False), "c(TRUE, NA, FALSE)"),
    "integer": (model.integer(1, None, -(2**31) + 1), "c(1L, NA, -2147483647L)"),
    "double": (
        model.double(1.5, None, float("nan"), float("inf"), float("-inf"), -0.0),
        "c(1.5, NA, NaN, Inf, -Inf, -0)",
    ),
    "complex": (model.Complex(np.array([1 + 2j, complex(0, -1)])), "c(1+2i, 0-1i)"),
    "character": (
        model.character("a", None, "", "é€😀", "NA", "\x01"),
        r"c('a', NA, '', '\u00e9\u20ac\U1F600', 'NA', '\x01')",
    ),
    "raw": (model.raw(b"\x00\xff\x10"), "as.raw(c(0, 255, 16))"),
    "empty logical": (model.logical(), "logical()"),
    "empty integer": (model.integer(), "integer()"),
    "empty double": (model.double(), "double()"),
    "empty character": (model.character(), "character()"),
    "empty raw": (model.raw(b""), "raw()"),
    "empty list": (model.unnamed_list(), "list()"),
    "names": (
        model.Double(model.double(1, 2).values, {"names": model.character("a", None)}),
        "setNames(c(1, 2), c('a', NA))",
    ),
    "matrix": (model.matrix(model.integer(1, 2, 3, 4, 5, 6), 2, 3), "matrix(1:6, 2)"),
    "text matrix": (model.matrix(model.character("a", None), 1, 2), "matrix(c('a', NA), 1)"),
    "array": (
        model.Integer(model.integer(*range(1, 9)).values, {"dim": model.integer(2, 2, 2)}),
        "array(1:8, c(2, 2, 2))",
    ),
    "factor": (model.factor([1, 2, None, 1], ["a", "b"]), "factor(c('a', 'b', NA, 'a'))"),
    "factor without levels": (model.factor([], []), "factor(character())"),
    "ordered": (model.factor([1], ["lo", "hi"], ordered=True), "ordered('lo', c('lo', 'hi'))"),
    "no dates": (model.Date(model.double().values), "as.Date(character())"),
    "Date": (model.Date(model.double(15006, None).values), "as.Date(c('2011-02-01', NA))"),
    "POSIXct": (
        model.PosixCt(model.double(1296556230).values, "UTC"),
        "as.POSIXct('2011-02-01 10:30:30', tz = 'UTC')",
    ),
    "POSIXct without a zone": (model.PosixCt(model.double(0).values), "structure(0, class = c('POSIXct', 'POSIXt'))"),
    "list": (
        model.named_list({"a": model.double(1), "b": model.unnamed_list(model.NULL, model.character("x"))}),
        "list(a = 1, b = list(NULL, 'x'))",
    ),
    "data frame": (
        model.data_frame(
            {"x": model.integer(1, 2), "y z": model.character("p", "q"), "f": model.factor([2, 1], ["a", "b"])}
        ),
        "data.frame(x = 1:2, `y z` = c('p', 'q'), f = factor(c('b', 'a')), check.names = FALSE)",
    ),
    "data frame without columns": (model.data_frame({}), "data.frame()"),
    "data frame with row names": (
        model.DataFrame(["x"], [model.double(1, 2)], model.character("r1", "r2")),
        "data.frame(x = c(1, 2), row.names = c('r1', 'r2'))",
    ),
}


@pytest.mark.parametrize(("value", "code"), BUILT_ALIKE.values(), ids=BUILT_ALIKE)
def test_a_value_sent_to_r_is_identical_to_one_built_there_and_comes_back_equal(shared_r, value, code):
    assert shared_r.is_identical(value, code)
    assert shared_r.sent_and_returned(value) == value
    assert shared_r.read(code) == value


integers = st.one_of(st.none(), st.integers(-(2**31) + 1, 2**31 - 1))
numbers = st.one_of(st.none(), st.floats(allow_nan=False), st.just(float("nan")))
texts = st.one_of(st.none(), st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
vectors = st.one_of(
    st.lists(st.sampled_from([True, False, None])).map(lambda flags: model.logical(*flags)),
    st.lists(integers).map(lambda elements: model.integer(*elements)),
    st.lists(numbers).map(model.doubles),
    st.lists(texts).map(model.Character),
    st.binary().map(model.raw),
)
values = st.recursive(
    vectors | st.just(model.NULL),
    lambda members: (
        st.lists(members, max_size=4).map(lambda m: model.unnamed_list(*m))
        | st.dictionaries(st.text("abc é", min_size=1), members, min_size=1, max_size=4).map(model.named_list)
    ),
    max_leaves=12,
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(value=values)
def test_any_value_survives_the_way_through_r(shared_r, value):
    assert shared_r.sent_and_returned(value) == value


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(numbers=st.lists(st.one_of(st.none(), st.floats(width=64))))
def test_r_prints_the_same_doubles_that_we_sent(shared_r, numbers):
    shared_r.assign("sent", model.doubles(numbers))
    printed = model.as_texts(shared_r.read("sprintf('%.17g', sent)"))
    expected = ["NA" if n is None else "NaN" if n != n else n for n in numbers]
    assert [text if text in ("NA", "NaN") else float(text or "") for text in printed] == expected


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(sent=st.lists(texts, max_size=20))
def test_r_sees_the_same_characters_that_we_sent(shared_r, sent):
    shared_r.assign("sent", model.Character(sent))
    code_points = shared_r.read("lapply(sent, function(s) if (is.na(s)) NULL else utf8ToInt(enc2utf8(s)))")
    seen = [None if isinstance(member, model.Null) else member.values.tolist() for member in code_points.values]
    assert seen == [None if text is None else [ord(c) for c in text] for text in sent]


def test_values_above_16_megabytes_travel_in_long_form(r):
    value = model.Double(np.arange(2_200_000, dtype=np.float64))
    r.assign("x", value)
    assert model.as_flag(r.read("identical(x, as.double(0:2199999))"))
    assert r.read("x") == value


def test_latin1_text_arrives_as_the_same_characters(r):
    assert r.read(r"x <- 'caf\xe9'; Encoding(x) <- 'latin1'; x") == model.character("café")


def test_text_that_is_not_utf8_arrives_with_replacement_characters(r):
    value = r.read(r"x <- c('a\xfe', '\xff', '\xffb'); Encoding(x) <- 'bytes'; c(x, NA)")
    assert value == model.character("a\ufffd", "\ufffd", "\ufffdb", None)


def test_an_opaque_list_of_our_r_side_becomes_opaque(r):
    code = "structure(list(class = c('lm', 'model'), printed = 'y ~ x'), class = 'deployr.opaque')"
    opaque = model.Opaque(["lm", "model"], "y ~ x")
    assert r.read(code) == opaque
    assert r.is_identical(opaque, code)


@pytest.mark.parametrize(
    ("code", "classes"),
    [
        ("function(x) x + 1", ["function"]),
        ("sum", ["function"]),
        ("new.env()", ["environment"]),
        ("quote(a + b)", ["call"]),
        ("as.name('a')", ["name"]),
        ("methods::new('numeric')", None),
        ("{ setClass('P', representation(x = 'numeric')); new('P', x = 1) }", ["P"]),
    ],
)
def test_what_does_not_travel_is_opaque_with_its_class(r, code, classes):
    value = r.read(code)
    if classes is None:
        assert value == model.double()
    else:
        assert isinstance(value, model.Opaque)
        assert value.classes == classes


def test_a_pairlist_is_read_as_a_list(r):
    expected = model.named_list({"a": model.double(1), "b": model.character("x")})
    assert r.read("pairlist(a = 1, b = 'x')") == expected


def test_dates_kept_as_integers_are_dates(r):
    assert r.read("structure(c(1L, NA), class = 'Date')") == model.Date(model.double(1, None).values)


def test_attributes_of_the_callers_own_are_kept(r):
    code = "structure(as.Date('1970-01-02'), deployr.format = 'dd/MM/yyyy')"
    value = model.Date(model.double(1).values, {"deployr.format": model.character("dd/MM/yyyy")})
    assert r.read(code) == value
    assert r.is_identical(value, code)


def test_extra_classes_of_a_data_frame_are_kept(r):
    code = "structure(data.frame(x = 1), class = c('tbl', 'data.frame'))"
    frame = r.read(code)
    assert isinstance(frame, model.DataFrame)
    assert r.is_identical(frame, code)


def test_a_malformed_classed_value_stays_a_plain_vector(r):
    value = r.read("structure('x', class = 'Date')")
    assert value == model.Character(["x"], {"class": model.character("Date")})


def test_a_call_of_encoded_parts_is_a_call_in_r(r):
    symbol = bytes([qap1.XT_SYMNAME, 8, 0, 0]) + b"paste\0\0\0"
    call = qap1.lang_call(symbol, qap1.encode(model.character("a")), qap1.encode(model.double(1)))
    r.assign_encoded("sent", call)
    assert r.read("eval(sent)") == model.character("a 1")


def test_a_value_is_never_run(r):
    value = model.unnamed_list(model.Opaque(["call"], "stop()"), model.Opaque(["name"], "x"))
    assert r.sent_and_returned(value) == value
