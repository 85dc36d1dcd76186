"""Replies as XML."""

import math

import numpy as np
import pytest
import xmltodict
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from deployr.encodings import deployr_json, deployr_xml, model, objects

DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>'


def written(record):
    text = deployr_xml.dumps({"r": record}).decode()
    assert text.startswith(DECLARATION + "<r")
    etree.fromstring(text.encode())
    return text.removeprefix(DECLARATION + "<r>").removesuffix("</r>")


def value_of(value, **choices):
    """What stands for the value of an object."""
    return written({"value": objects.encode_object("x", value, **choices)["value"]})


def values_of(*contents):
    return "<values>" + "".join(f"<value>{content}</value>" for content in contents) + "</values>"


def test_the_envelope_is_one_document():
    record = {"deployr": {"response": {"success": True, "call": "/r/user/about", "X-XSRF-TOKEN": "t-1"}}}
    expected = (
        "<deployr><response><success>true</success><call>/r/user/about</call>"
        "<X-XSRF-TOKEN>t-1</X-XSRF-TOKEN></response></deployr>"
    )
    assert deployr_xml.dumps(record).decode() == DECLARATION + expected


def test_a_document_has_one_root():
    with pytest.raises(ValueError):
        deployr_xml.dumps({"a": 1, "b": 2})


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "<k/>"),
        ("", "<k/>"),
        (True, "<k>true</k>"),
        (False, "<k>false</k>"),
        (5.0, "<k>5.0</k>"),
        (0.1, "<k>0.1</k>"),
        (1e300, "<k>1e+300</k>"),
        (math.nan, "<k/>"),
        (1378319703711, "<k>1378319703711</k>"),
        (np.float64(2), "<k>2.0</k>"),
        ({}, "<k></k>"),
        ({"a": {"b": 1}}, "<k><a><b>1</b></a></k>"),
        ([], "<k/>"),
        ((), "<k/>"),
        (("a",), "<k><k>a</k></k>"),
        (" a ", "<k> a </k>"),
    ],
)
def test_every_kind_of_value_has_its_form(value, text):
    assert written({"k": value}) == text


@pytest.mark.parametrize(
    ("text", "content"),
    [
        ("a<b>&c\"d'", "a&lt;b&gt;&amp;c\"d'"),
        ("]]>", "]]&gt;"),
        ("\x1b[31mred\x1b[0m", "\ufffd[31mred\ufffd[0m"),
        ("a\0b\x1a", "a\ufffdb\ufffd"),
        ("a\tb\nc\r\nd", "a\tb\nc&#13;\nd"),
        ("\ud800x\udfff", "\ufffdx\ufffd"),
        ("\ufffe\uffff\ufffd", "\ufffd\ufffd\ufffd"),
        ("ü€😀\x7f\x85\u2028", "ü€😀\x7f\x85\u2028"),
    ],
)
def test_texts_are_escaped_and_what_xml_cannot_hold_is_replaced(text, content):
    assert written({"console": text}) == f"<console>{content}</console>"
    assert (
        written({"authors": [text, text]}) == f"<authors><author>{content}</author><author>{content}</author></authors>"
    )


@pytest.mark.parametrize(
    ("key", "element"),
    [
        ("a b", "a_x0020_b"),
        ("1a", "_x0031_a"),
        ("-a", "_x002D_a"),
        ("a:b", "a_x003A_b"),
        ("<a/>", "_x003C_a_x002F__x003E_"),
        ("größe", "gr_x00F6__x00DF_e"),
        ("😀", "_x1F600_"),
        ("a_x0020_b", "a_x005F_x0020_b"),
        ("a_b.c-d", "a_b.c-d"),
        ("", "_"),
    ],
)
def test_keys_that_are_no_names_are_escaped(key, element):
    assert written({key: 1}) == f"<{element}>1</{element}>"


@pytest.mark.parametrize(
    ("plural", "singular"),
    [
        ("objects", "object"),
        ("levels", "level"),
        ("projects", "project"),
        ("files", "file"),
        ("results", "result"),
        ("authors", "author"),
        ("packages", "package"),
        ("warnings", "warning"),
        ("directories", "directory"),
        ("history", "execution"),
        ("user", "directory"),
        ("system", "directory"),
        ("custom", "directory"),
        ("archived", "directory"),
        ("info", "info"),
        ("access", "access"),
    ],
)
def test_members_are_named_in_the_singular(plural, singular):
    assert written({plural: ["a", "b"]}) == (
        f"<{plural}><{singular}>a</{singular}><{singular}>b</{singular}></{plural}>"
    )
    assert written({plural: [{"a": 1}]}) == f"<{plural}><{singular}><a>1</a></{singular}></{plural}>"


def test_a_record_under_a_plural_key_is_no_array():
    directories = {"user": [{"directory": "root", "files": []}], "metadata": {"custom": ["root"]}}
    assert written({"directories": directories}) == (
        "<directories><user><directory><directory>root</directory><files/></directory></user>"
        "<metadata><custom><directory>root</directory></custom></metadata></directories>"
    )


@pytest.mark.parametrize(
    ("value", "content"),
    [
        (model.double(5), "<value>5.0</value>"),
        (model.integer(10), "<value>10</value>"),
        (model.logical(True), "<value>true</value>"),
        (model.double(None), "<value/>"),
        (model.NULL, "<value/>"),
        (model.double(1, 2.5, 3e10), values_of("1.0", "2.5", "30000000000.0")),
        (model.integer(1, 2), values_of("1.0", "2.0")),
        (model.double(1, None), values_of("1.0", "")),
        (
            model.double(math.inf, None, 1, -math.inf),
            values_of("0x7ff0000000000000L", "", "1.0", "-0x7ff0000000000000L"),
        ),
        (model.logical(True, False), values_of("true", "false")),
        (model.logical(None, False), values_of("", "false")),
        (model.character("a", None, "", "<"), values_of("a", "", "", "&lt;")),
        (model.character("1,2", '"q"', "null"), values_of("1,2", '"q"', "null")),
        (model.double(), "<values/>"),
        (model.character(None, None), values_of("", "")),
        (model.unnamed_list(), "<values/>"),
    ],
)
def test_vectors_are_values(value, content):
    assert value_of(value) == content


@pytest.mark.parametrize("nan", ["NA", "null", "a,b", "<>", '"', "-1"])
def test_the_text_for_nan_stands_as_it_is(nan):
    content = nan.replace("<", "&lt;").replace(">", "&gt;")
    assert value_of(model.double(1, None), nan=nan) == values_of("1.0", content)


@pytest.mark.parametrize(
    ("value", "rows"),
    [
        (model.matrix(model.double(1, 2, 3, 11, 12, 13), 2, 3), ["1.0, 3.0, 12.0", "2.0, 11.0, 13.0"]),
        (model.matrix(model.integer(1, None), 1, 2), ["1.0, "]),
        (model.matrix(model.double(math.inf, 1), 1, 2), ["0x7ff0000000000000L, 1.0"]),
        (model.matrix(model.logical(True, False), 2, 1), ["true", "false"]),
        (model.matrix(model.character("a", "b c", "d", "é"), 2, 2), ["a, d", "b c, é"]),
        (model.matrix(model.character("a,b", 'say "x"', "l\nm", "<"), 1, 4), ['"a,b", "say ""x""", "l\nm", &lt;']),
        (model.matrix(model.character(None, "", " a", "10", "TRUE"), 1, 5), [', "", " a", "10", "TRUE"']),
        (model.matrix(model.double(), 2, 0), ["", ""]),
    ],
)
def test_a_matrix_has_a_value_for_each_row(value, rows):
    assert value_of(value) == values_of(*rows)


def test_a_matrix_without_rows_has_no_values():
    assert value_of(model.matrix(model.double(), 0, 2)) == "<values/>"


def test_a_factor_has_its_levels_and_labels():
    record = objects.encode_object("f", model.factor([2, None, 1], ["a", "b&"], ordered=True))
    assert written(record) == (
        "<name>f</name><type>factor</type><rclass>ordered</rclass>"
        + values_of("b&amp;", "", "a")
        + "<labels><label>a</label><label>b&amp;</label></labels>"
        + "<levels><level>a</level><level>b&amp;</level></levels><ordered>true</ordered>"
    )


def test_a_data_frame_has_a_value_for_each_column():
    frame = model.data_frame({"a": model.double(1, 2), "b": model.character("p", None)})
    assert value_of(frame) == values_of(
        "<name>a</name><type>vector</type><rclass>numeric</rclass>" + values_of("1.0", "2.0"),
        "<name>b</name><type>vector</type><rclass>character</rclass>" + values_of("p", ""),
    )


TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff"))
KEYS = st.text("abcxyz", min_size=1, max_size=3).map(lambda key: f"{key}x")
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(-(2**53), 2**53), st.floats(allow_infinity=False), TEXTS)


def records(members):
    return st.dictionaries(KEYS, members, min_size=1, max_size=3)


RECORDS = st.recursive(
    records(SCALARS | st.lists(SCALARS, min_size=1, max_size=4)),
    lambda inner: records(inner | st.lists(inner, min_size=1, max_size=2)),
    max_leaves=5,
)


def read_back(value):
    """What a parser of XML should find for a value of a record."""
    if isinstance(value, dict):
        return {key: read_back(member) for key, member in value.items()}
    if isinstance(value, list):
        return [read_back(member) for member in value]
    if value is None or value == "" or value != value:
        return None
    return value if isinstance(value, str) else deployr_json.dumps(value).decode()


def unwrapped(parsed, record):
    """A parsed document without the level that holds the members of arrays; their key here is that of the array."""
    if isinstance(record, dict):
        return {key: unwrapped(parsed[key], member) for key, member in record.items()}
    if isinstance(record, list):
        members = parsed[next(iter(parsed))]
        members = members if isinstance(members, list) else [members]
        return [unwrapped(found, member) for found, member in zip(members, record, strict=True)]
    return parsed


@given(RECORDS)
def test_other_parsers_find_the_same_values(record):
    parsed = xmltodict.parse(deployr_xml.dumps({"r": record}), strip_whitespace=False)
    assert unwrapped(parsed["r"], record) == read_back(record)


@given(
    st.dictionaries(st.text(), st.one_of(st.text(), st.lists(st.one_of(st.none(), st.floats(), st.text()))), min_size=1)
)
def test_every_record_becomes_well_formed_xml(record):
    etree.fromstring(deployr_xml.dumps({"r": record}))


@given(st.lists(st.lists(st.one_of(st.none(), st.floats(), st.text()), min_size=2, max_size=2), min_size=1))
def test_every_matrix_becomes_well_formed_xml(rows):
    root = etree.fromstring(deployr_xml.dumps({"r": {"value": rows}}))
    assert len(root.findall("values/value")) == len(rows)
