"""Values of Python sessions: the table of ``deployr/grid/python/portable.py``, out and in, in a real session."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployr.encodings import integer64, model, objects, qap1
from deployr.encodings.model import RValue
from deployr.grid.python import incoming, portable, sexp
from tests.grid.grid_support import Talk, python_has

needs_pandas = pytest.mark.skipif(not python_has("pandas"), reason="the interpreter of Python sessions has no pandas")


async def value(python: Talk, expression: str) -> RValue:
    outcome = await python.run(f"value = {expression}", "value")
    assert outcome.error is None, outcome.console
    return outcome.objects["value"]


def instants(zone: str | None, *seconds: float) -> model.PosixCt:
    return model.PosixCt(np.array(seconds, dtype=np.float64), zone)


PLAIN: list[tuple[str, RValue]] = [
    ("None", model.NULL),
    ("True", model.logical(True)),
    ("7", model.integer(7)),
    ("-2**31", integer64.vector([-(2**31)])),
    ("[2**62 + 1, None]", integer64.vector([2**62 + 1, None])),
    ("[2**40]", model.row(integer64.vector([2**40]))),
    ("-2**63", model.double(-(2.0**63))),
    ("10**400", model.double(math.inf)),
    ("2.5", model.double(2.5)),
    ("1+2j", model.Complex(np.array([1 + 2j]))),
    ("'h\\u00e9'", model.character("hé")),
    ("'a\\0b'", model.character("a\ufffdb")),
    ("b'\\x00\\xff'", model.raw(b"\x00\xff")),
    ("[1, 2, 3]", model.integer(1, 2, 3)),
    ("(1, None, 2)", model.integer(1, None, 2)),
    ("[1, 2.5, None]", model.double(1, 2.5, None)),
    ("[True, None]", model.logical(True, None)),
    ("[None, None]", model.logical(None, None)),
    ("['a', None]", model.character("a", None)),
    ("range(3)", model.integer(0, 1, 2)),
    ("[]", model.unnamed_list()),
    ("[1, 'a']", model.unnamed_list(model.integer(1), model.character("a"))),
    ("[[1], [2]]", model.unnamed_list(model.row(model.integer(1)), model.row(model.integer(2)))),
    ("{'a': 1, 2: 'b'}", model.named_list({"a": model.integer(1), "2": model.character("b")})),
    ("__import__('decimal').Decimal('1.5')", model.double(1.5)),
    ("__import__('fractions').Fraction(1, 4)", model.double(0.25)),
    ("__import__('datetime').date(1970, 1, 3)", model.Date(np.array([2.0]))),
    ("__import__('datetime').datetime(1970, 1, 1, 0, 1)", instants("UTC", 60)),
    (
        "__import__('datetime').datetime(1970, 1, 1, 1, tzinfo=__import__('zoneinfo').ZoneInfo('Europe/Paris'))",
        instants("Europe/Paris", 0),
    ),
    ("__import__('http').HTTPStatus.OK", model.integer(200)),
    (
        "__import__('collections').namedtuple('P', 'x y')(1, 'b')",
        model.named_list({"x": model.integer(1), "y": model.character("b")}),
    ),
]


@pytest.mark.parametrize(("expression", "expected"), PLAIN, ids=[expression for expression, _ in PLAIN])
async def test_a_value_comes_out(python: Talk, expression: str, expected: RValue) -> None:
    assert await value(python, expression) == expected


NUMPY: list[tuple[str, RValue]] = [
    ("np.float32(0.5)", model.double(0.5)),
    ("np.int64(3)", model.integer(3)),
    ("np.array([1, 2, 2**62 + 1])", integer64.vector([1, 2, 2**62 + 1])),
    ("np.array([2**63], dtype='u8')", model.row(model.double(2.0**63))),
    ("np.array([True, False])", model.logical(True, False)),
    ("np.array(['a', 'bc'])", model.character("a", "bc")),
    ("np.array([[1, 2, 3], [4, 5, 6]])", model.matrix(model.integer(1, 4, 2, 5, 3, 6), 2, 3)),
    ("np.ma.array([1.5, 2.5], mask=[False, True])", model.double(1.5, None)),
    ("np.array(['1970-01-02', 'NaT'], dtype='datetime64[D]')[:1]", model.Date(np.array([1.0]))),
    ("np.array(['1970-01-01T00:00:01.5'], dtype='datetime64[ms]')", instants("UTC", 1.5)),
    ("np.array([1, None, 'a'], dtype=object)", model.unnamed_list(model.integer(1), model.NULL, model.character("a"))),
    ("[np.float64(1), np.int32(2)]", model.double(1, 2)),
    ("np.array([])", model.Double(np.array([]))),
]


@pytest.mark.parametrize(("expression", "expected"), NUMPY, ids=[expression for expression, _ in NUMPY])
async def test_a_value_of_numpy_comes_out(python: Talk, expression: str, expected: RValue) -> None:
    await python.run("import numpy as np")
    assert await value(python, expression) == expected


PANDAS: list[tuple[str, RValue]] = [
    (
        "pd.DataFrame({'a': [1, 2], 'b': ['x', None]})",
        model.data_frame({"a": model.integer(1, 2), "b": model.character("x", None)}),
    ),
    ("pd.Series([1.5, 2.5])", model.double(1.5, 2.5)),
    ("pd.Series([1, None], dtype='Int64')", model.integer(1, None)),
    ("pd.Series([True, None], dtype='boolean')", model.logical(True, None)),
    (
        "pd.Series([1, 2], index=['u', 'v'])",
        model.Integer(np.array([1, 2], dtype=np.int32), {"names": model.character("u", "v")}),
    ),
    ("pd.Categorical(['b', 'a', None])", model.factor([2, 1, None], ["a", "b"])),
    ("pd.Categorical(['b'], categories=['b', 'a'], ordered=True)", model.factor([1], ["b", "a"], ordered=True)),
    ("pd.Timestamp('1970-01-01 00:00:02', tz='UTC')", instants("UTC", 2)),
    ("pd.Series(pd.to_datetime(['1970-01-01 01:00']).tz_localize('Europe/Paris'))", instants("Europe/Paris", 0)),
    ("[pd.NaT, pd.Timestamp(0)][1:]", instants("UTC", 0)),
    ("[1, pd.NA]", model.integer(1, None)),
    ("pd.Index(['a'])", model.character("a")),
    ("pd.DataFrame()", model.data_frame({})),
]


@needs_pandas
@pytest.mark.parametrize(("expression", "expected"), PANDAS, ids=[expression for expression, _ in PANDAS])
async def test_a_value_of_pandas_comes_out(python: Talk, expression: str, expected: RValue) -> None:
    await python.run("import pandas as pd")
    assert await value(python, expression) == expected


@needs_pandas
async def test_an_index_makes_row_names(python: Talk) -> None:
    frame = await value(python, "__import__('pandas').DataFrame({'a': [1, 2]}, index=['x', 'y'])")
    assert isinstance(frame, model.DataFrame)
    assert frame.rows == model.character("x", "y")


async def test_what_has_no_value_is_told_by_class_and_print(python: Talk) -> None:
    await python.run(
        "class Odd:\n    def __repr__(self): return 'an odd one'\nclass Worse:\n    def __repr__(self): 1/0"
    )
    assert await value(python, "Odd()") == model.Opaque(["Odd"], "an odd one")
    assert await value(python, "Worse()") == model.Opaque(["Worse"], "")
    assert await value(python, "{1, 2}") == model.Opaque(["set"], "{1, 2}")
    assert isinstance(await value(python, "len"), model.Opaque)
    assert isinstance(await value(python, "(i for i in ())"), model.Opaque)


# -- in ---------------------------------------------------------------------------------------------------

INPUTS: list[tuple[RValue, str]] = [
    (model.NULL, "None"),
    (model.logical(True), "True"),
    (model.logical(None), "None"),
    (model.logical(True, None), "[True, None]"),
    (model.logical(True, False), "array([ True, False])"),
    (model.integer(7), "7"),
    (model.integer(7, None), "array([ 7., nan])"),
    (integer64.vector([2**62 + 1]), str(2**62 + 1)),
    (integer64.vector([None]), "None"),
    (integer64.vector([1, 2**40]), "array([            1, 1099511627776])"),
    (model.double(7), "7.0"),
    (model.double(1.5, None), "array([1.5, nan])"),
    (model.character("é"), "'é'"),
    (model.character("a", None), "['a', None]"),
    (model.raw(b"ab"), "b'ab'"),
    (model.Complex(np.array([1 + 2j])), "(1+2j)"),
    (model.matrix(model.integer(1, 4, 2, 5, 3, 6), 2, 3), "array([[1, 2, 3],\n       [4, 5, 6]])"),
    (
        model.Integer(
            np.array([1, 2], dtype=np.int32), {"dim": model.integer(1, 2), "class": model.character("matrix")}
        ),
        "matrix([[1, 2]])",
    ),
    (model.unnamed_list(model.integer(1), model.character("a")), "[1, 'a']"),
    (model.named_list({"a": model.double(1), "b": model.NULL}), "{'a': 1.0, 'b': None}"),
    (model.Date(np.array([2.0])), "datetime.date(1970, 1, 3)"),
    (model.Date(np.array([2.0, np.nan])), "[datetime.date(1970, 1, 3), None]"),
    (instants(None, 60), "datetime.datetime(1970, 1, 1, 0, 1, tzinfo=datetime.timezone.utc)"),
    (instants("Nowhere/At_All", 1e300), "None"),
    (model.double(), "array([], dtype=float64)"),
]


@pytest.mark.parametrize(("given_value", "printed"), INPUTS, ids=[printed for _, printed in INPUTS])
async def test_an_input_becomes_a_python_value(python: Talk, given_value: RValue, printed: str) -> None:
    outcome = await python.run("x", inputs={"x": given_value})
    assert outcome.console == ("" if printed == "None" else f"{printed}\n")


@needs_pandas
async def test_a_data_frame_becomes_one_of_pandas(python: Talk) -> None:
    columns = {"n": model.double(1, 2), "f": model.factor([2, 1], ["u", "v"]), "t": model.character("a", None)}
    frame = model.data_frame(columns)
    outcome = await python.run("type(x).__name__, list(x.columns), x['f'].dtype.name\ny = x", "y", inputs={"x": frame})
    assert outcome.console == "('DataFrame', ['n', 'f', 't'], 'category')\n"
    assert outcome.objects["y"] == frame


async def test_names_that_are_no_identifiers_are_assigned_all_the_same(python: Talk) -> None:
    outcome = await python.run("globals()['a.b']", "a.b", inputs={"a.b": model.double(1)})
    assert (outcome.console, outcome.number("a.b")) == ("1.0\n", 1)


async def test_a_large_array_travels_whole(python: Talk) -> None:
    big = model.Double(np.arange(3e6))
    outcome = await python.run("y = x", "y", inputs={"x": big})
    assert outcome.objects["y"] == big


async def test_missing_objects_are_left_out(python: Talk) -> None:
    assert (await python.run("x = 1", "y", "x", "print")).objects == {"x": model.integer(1)}


# -- both codecs ------------------------------------------------------------------------------------------

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(
    st.characters(codec="utf-8", exclude_characters="\0")
)  # fmt: skip
trees = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc", min_size=1), inner, max_size=4),
    max_leaves=20,
)


@given(trees)
def test_what_a_session_writes_the_server_reads_and_writes_alike(tree: Any) -> None:
    written = portable.Writer(2**30).write(tree)
    assert qap1.encode(qap1.decode(written)) == written


@given(trees)
def test_listings_describe_values_as_replies_do(tree: Any) -> None:
    found = objects.encode_object("x", qap1.decode(portable.Writer(2**30).write(tree)))
    assert portable.portable(tree).described() == (found["type"], found["rclass"])


@given(
    st.dictionaries(st.text("abc", min_size=1), st.text("xyz") | st.booleans() | st.lists(st.text("xyz"), min_size=2))
)
def test_a_dictionary_comes_back_as_it_went_out(members: dict[str, Any]) -> None:
    found, _ = sexp.read(memoryview(portable.Writer(2**30).write(members)))
    assert incoming.value_of(found) == members


def test_objects_that_hold_one_another_are_bounded() -> None:
    bomb: Any = ["x" * 100]
    for _ in range(50):
        bomb = [bomb] * 10
    with pytest.raises(portable.TooLarge):
        portable.Writer(2**20).write(bomb)


async def test_deep_nesting_ends_in_a_printed_form(python: Talk) -> None:
    found = await value(python, "__import__('functools').reduce(lambda inner, _: {'a': inner}, range(500), 1)")
    depth = 0
    while isinstance(found, model.RList):
        found, depth = found.values[0], depth + 1
    assert isinstance(found, model.Opaque)
    assert depth == portable.DEEPEST + 1
    assert isinstance(await value(python, "(lambda a: a.append(a) or a)([])"), model.RList)
