"""The inputs parameter in XML."""

import contextlib
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from deployr.encodings import deployr_json, inputs, model, objects, xml_inputs
from deployr.encodings.errors import EncodingError

NAN, INF = float("nan"), float("inf")


def document(content, declaration=""):
    return f"{declaration}<inputs><object><name>x</name>{content}</object></inputs>"


def decoded(content):
    return inputs.decode_inputs(xml_inputs.loads_inputs(document(content)))["x"]


def value(*texts):
    return "".join(f"<value>{text}</value>" for text in texts)


def values(*texts):
    return f"<values>{value(*texts)}</values>"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("<type>character</type><value>c</value>", model.character("c")),
        ("<type>character</type><value>10</value>", model.character("10")),
        ("<type>numeric</type><value>10</value>", model.double(10)),
        ("<type>integer</type><value>10</value>", model.integer(10)),
        ("<type>logical</type><value>true</value>", model.logical(True)),
        ("<type>logical</type><value>FALSE</value>", model.logical(False)),
        ("<type>numeric</type><values><value>1</value><value/></values>", model.double(1, None)),
        ("<type>primitive</type><value>10</value>", model.double(10)),
        ("<type>primitive</type><value> -1.5e3\n</value>", model.double(-1500)),
        ("<type>primitive</type><value>true</value>", model.logical(True)),
        ("<type>primitive</type><value>True</value>", model.logical(True)),
        ("<type>primitive</type><value>inf</value>", model.character("inf")),
        ("<type>primitive</type><value>1_000</value>", model.character("1_000")),
        ("<type>primitive</type><value>١٢</value>", model.character("١٢")),
        ("<type>primitive</type><value>1.2.3</value>", model.character("1.2.3")),
        ("<type>primitive</type><value> a b </value>", model.character(" a b ")),
        ("<type>primitive</type><value> </value>", model.character(" ")),
        ("<type> PRIMITIVE </type><value>a</value>", model.character("a")),
        ("<value>4</value>", model.double(4)),
        ("<type/><rclass/><value>4</value>", model.double(4)),
        ("<type>primitive</type><rclass>character</rclass><value>10</value>", model.character("10")),
        ("<type>primitive</type><rclass>integer</rclass><value>10</value>", model.integer(10)),
        ("<type>primitive</type><rclass>integer</rclass><value>10.0</value>", model.integer(10)),
        ("<type>primitive</type><rclass>numeric</rclass><value>a</value>", model.character("a")),
        ("<type>primitive</type><rclass>logical</rclass><value>5</value>", model.double(5)),
        ("<type>primitive</type><rclass>numeric</rclass><value>NaN</value>", model.double(NAN)),
        ("<type>primitive</type><value>NaN</value>", model.character("NaN")),
        ("<type>primitive</type><rclass>numeric</rclass><value/>", model.double(None)),
        ("<type>primitive</type><rclass>character</rclass>", model.character(None)),
        ("<type>primitive</type><rclass>NULL</rclass><value/>", model.NULL),
        ("<type>primitive</type><value><![CDATA[]]></value>", model.character("")),
        ("<type>primitive</type><value><![CDATA[<a>&]]></value>", model.character("<a>&")),
        ("<type>primitive</type><value>a<!-- no -->b</value>", model.character("ab")),
        ("<type>primitive</type><value>&lt;&amp;&#x20AC;&quot;</value>", model.character('<&€"')),
        ("<unknown><a/></unknown><value>4</value>", model.double(4)),
    ],
)
def test_single_values_are_what_type_class_and_text_say(content, expected):
    assert decoded(content) == expected


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (values("1", "2.5", "3e10"), model.double(1, 2.5, 3e10)),
        (values("1", "", "NaN", "-Infinity"), model.double(1, None, NAN, -INF)),
        (values("0x7ff0000000000000L", "1"), model.double(INF, 1)),
        (values("true", "", "false"), model.logical(True, None, False)),
        (values("a", "", "1"), model.character("a", None, "1")),
        (values("true", "1"), model.character("true", "1")),
        (values("true", "NaN"), model.character("true", "NaN")),
        (values(), model.Logical(model.logical().values)),
        ("<rclass>numeric</rclass>" + values("a", "b"), model.character("a", "b")),
        ("<rclass>character</rclass>" + values("1", "2"), model.character("1", "2")),
        ("<rclass>character</rclass>" + values("", ""), model.character(None, None)),
        ("<rclass>numeric</rclass>" + values("", ""), model.double(None, None)),
        ("<rclass>integer</rclass>" + values("1", "2"), model.integer(1, 2)),
        ("<rclass>numeric</rclass><values/>", model.double()),
    ],
)
def test_a_vector_is_what_all_its_values_are(content, expected):
    assert decoded(f"<type>vector</type>{content}") == expected


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (values("10,110", "11,111"), model.matrix(model.double(10, 11, 110, 111), 2, 2)),
        (values("1.0, 3.0", " 2.0 ,\n11.0"), model.matrix(model.double(1, 2, 3, 11), 2, 2)),
        (values("1,", ",2"), model.matrix(model.double(1, None, None, 2), 2, 2)),
        (values("a, b c"), model.matrix(model.character("a", "b c"), 1, 2)),
        (values('"a,b", "say ""x""", c'), model.matrix(model.character("a,b", 'say "x"', "c"), 1, 3)),
        (values('"1", "", '), model.matrix(model.character("1", "", None), 1, 3)),
        ("<rclass>numeric</rclass>" + values('"1","2"'), model.matrix(model.double(1, 2), 1, 2)),
        ("<rclass>character</rclass>" + values("1,2"), model.matrix(model.character("1", "2"), 1, 2)),
        (values("true,false"), model.matrix(model.logical(True, False), 1, 2)),
        (values('a "b" c, 5"'), model.matrix(model.character('a "b" c', '5"'), 1, 2)),
        (values("", ""), model.matrix(model.logical(None, None), 2, 1)),
        ("<values/>", model.matrix(model.logical(), 0, 0)),
    ],
)
def test_a_matrix_has_rows_of_cells(content, expected):
    assert decoded(f"<type>matrix</type>{content}") == expected


@pytest.mark.parametrize("rows", [('"a', "b"), ('"a"b', "c"), ('a, "', "c"), ("1,2", "3"), ("<a/>", "1")])
def test_a_broken_matrix_is_refused(rows):
    with pytest.raises(EncodingError, match="'x'"):
        decoded(f"<type>matrix</type>{values(*rows)}")


@pytest.mark.parametrize(("text", "ordered"), [("true", True), ("True", True), ("false", False), ("", False)])
def test_a_factor_is_ordered_or_not(text, ordered):
    content = f"<type>factor</type><ordered>{text}</ordered>{values('b', '', 'a')}"
    assert decoded(content) == model.factor([2, None, 1], ["a", "b"], ordered=ordered)


def test_a_factor_has_levels_and_labels():
    parts = "<levels><level>2</level><level>1</level></levels><labels><label>two</label><label>01</label></labels>"
    assert decoded(f"<type>factor</type>{values('1', '2')}{parts}") == model.factor([2, 1], ["two", "01"])
    assert decoded(f"<type>factor</type>{values('1', '2')}<labels/><levels/>") == model.factor([1, 2], ["1", "2"])


def test_levels_that_are_numbers_are_in_the_order_of_numbers_and_keep_their_text():
    assert decoded(f"<type>factor</type>{values('10', '9', '010', '10')}") == model.factor(
        [2, 1, 3, 2], ["9", "10", "010"]
    )


@pytest.mark.parametrize("content", ["<ordered>perhaps</ordered><values/>", "<levels><level><a/></level></levels>"])
def test_a_broken_factor_is_refused(content):
    with pytest.raises(EncodingError):
        decoded(f"<type>factor</type>{content}")


def test_dates_stay_texts_until_their_pattern_is_known():
    year = "<type>date</type><value>2011</value><format>yyyy</format>"
    assert decoded(year) == decoded_json({"type": "date", "value": "2011", "format": "yyyy"})
    times = values("20111004", "")
    record = {"type": "vector", "value": ["20111004", None], "format": "yyyyMMdd"}
    assert decoded(f"<type>vector</type>{times}<format>yyyyMMdd</format>") == decoded_json(record)


def test_lists_and_data_frames_hold_records():
    column = f"<name>a</name><type>vector</type>{values('1', '2')}"
    frame = f"<name>f</name><type>dataframe</type>{values(column)}"
    expected = model.data_frame({"a": model.double(1, 2)})
    assert decoded(f"<type>list</type>{values(frame, '<value>t</value>')}") == model.RList(
        [expected, model.character("t")], {"names": model.character("f", "")}
    )
    assert decoded("<type>list</type><values/>") == model.unnamed_list()


@pytest.mark.parametrize(
    "content",
    [
        "<type>list</type><values><value>5</value></values>",
        "<type>list</type><values><value/></values>",
        "<type>vector</type><values><value><name>a</name></value></values>",
        "<type>vector</type><value>5</value>",
        "<type>primitive</type><value><b>5</b></value>",
        "<type>numeric</type><value>five</value>",
        "<type>unheard</type><value>5</value>",
        "<type>date</type><value>x</value>",
    ],
)
def test_what_does_not_fit_is_refused_and_named(content):
    with pytest.raises(EncodingError, match="'x"):
        decoded(content)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "x",
        "{}",
        "<inputs>",
        "<inputs/><inputs/>",
        "<inputs></input>",
        "<objects/>",
        "<inputs><x/></inputs>",
        "<inputs><object/></inputs>",
        "<inputs><object><name> </name><value>1</value></object></inputs>",
        "<inputs>\0</inputs>",
        "<inputs>&#1;</inputs>",
        "<inputs a='1' a='2'/>",
        b"<?xml version='1.0' encoding='nonsense'?><inputs/>",
        b"<inputs>\xe4</inputs>",
        b"<?xml version='1.0' encoding='UTF-8'?><inputs>\xe4</inputs>",
        b"<?xml version='1.0' encoding='UTF-16'?><inputs/>",
        "<inputs/>".encode("utf-16-le")[:-1],
        "<inputs>\ud800</inputs>",
        document(value("x"))[:-5],
    ],
)
def test_what_is_no_inputs_document_is_refused(text):
    with pytest.raises(EncodingError):
        xml_inputs.loads_inputs(text)


BILLION = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
HOSTILE = {
    "a document type": "<!DOCTYPE inputs><inputs/>",
    "an internal entity": '<!DOCTYPE inputs [<!ENTITY e "1">]>' + document(value("&e;")),
    "an external entity": '<!DOCTYPE inputs [<!ENTITY e SYSTEM "file:///etc/passwd">]>' + document(value("&e;")),
    "a parameter entity": '<!DOCTYPE inputs [<!ENTITY % e SYSTEM "http://127.0.0.1:1/e"> %e;]><inputs/>',
    "an external document type": '<!DOCTYPE inputs SYSTEM "http://127.0.0.1:1/e"><inputs/>',
    "an undeclared entity": document(value("&nbsp;")),
    "a billion laughs": f'<!DOCTYPE inputs [<!ENTITY e0 "ha">{BILLION}]>' + document(value("&e11;")),
    "a billion laughs in an attribute": f'<!DOCTYPE inputs [<!ENTITY e0 "ha">{BILLION}]><inputs a="&e11;"/>',
    "a quadratic blowup": f'<!DOCTYPE inputs [<!ENTITY e "{"x" * 50000}">]><inputs a="{"&e;" * 50000}"/>',
    "a processing instruction": document("<?php x?>" + value("1")),
    "a processing instruction before": "<?xml-stylesheet href='file:///etc/passwd'?>" + document(value("1")),
    "a processing instruction after": document(value("1")) + "<?x?>",
    "an inclusion": document(
        '<value><i:include xmlns:i="http://www.w3.org/2001/XInclude" href="file:///etc/passwd" parse="text"/></value>'
    ),
    "a namespace": '<inputs xmlns="urn:x"/>',
    "elements without end": "<a>" * 100_000,
    "deep elements": document("<value>" * 300 + "</value>" * 300),
    "a huge text": document(value("x" * 10_000_001)),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_documents_are_refused(name):
    with pytest.raises(EncodingError):
        xml_inputs.loads_inputs(HOSTILE[name])


def test_more_tags_than_memory_can_hold_are_refused_unread():
    with pytest.raises(EncodingError, match="tags"):
        xml_inputs.loads_inputs(b"<" * (xml_inputs.MAX_TAGS + 1))


def test_lists_are_refused_below_the_depth_that_json_has():
    def nested(levels):
        content = "<type>primitive</type><value>1</value>"
        for _ in range(levels):
            content = f"<type>list</type>{values(content)}"
        return content

    assert isinstance(decoded(nested(objects.MAX_DEPTH)), model.RList)
    with pytest.raises(EncodingError, match="too deeply"):
        decoded(nested(objects.MAX_DEPTH + 1))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "iso-8859-1"])
def test_bytes_are_read_in_their_own_encoding(encoding):
    name = {"utf-8-sig": "utf-8"}.get(encoding, encoding)
    text = document(value("ä"), f'<?xml version="1.0" encoding="{name}"?>')
    assert xml_inputs.loads_inputs(text.encode(encoding))["x"]["value"] == "ä"


def test_a_text_is_read_whatever_encoding_it_was_in():
    text = document(value("€"), '<?xml version="1.0" encoding="ISO-8859-1"?>')
    assert xml_inputs.loads_inputs(text)["x"]["value"] == "€"
    assert xml_inputs.loads_inputs("\ufeff" + text)["x"]["value"] == "€"


# -- the same values as in JSON ---------------------------------------------------------------------------


def decoded_json(record):
    return inputs.decode_inputs(deployr_json.loads(deployr_json.dumps({"x": record})))["x"]


def element(tag, *members, text=None):
    built = etree.Element(tag)
    built.text = text
    built.extend(members)
    return built


def scalar_text(scalar):
    return scalar if isinstance(scalar, str | None) else deployr_json.dumps(scalar).decode()


def cell_text(cell):
    text = scalar_text(cell) or ""
    return '"' + text.replace('"', '""') + '"' if isinstance(cell, str) else text


def xml_value(member):
    if isinstance(member, dict):
        return element("value", *xml_members(member))
    if isinstance(member, list):
        return element("value", text=",".join(map(cell_text, member)))
    return element("value", text=scalar_text(member))


def xml_members(record):
    """The elements that a client writes for a record of JSON."""
    for key, member in record.items():
        if not isinstance(member, list):
            yield element(key, text=scalar_text(member))
        elif key == "value":
            yield element("values", *map(xml_value, member))
        else:
            yield element(key, *(element(key[:-1], text=text) for text in member))


def xml_of(parsed):
    objects_ = [element("object", element("name", text=name), *xml_members(record)) for name, record in parsed.items()]
    return etree.tostring(element("inputs", *objects_), encoding="utf-8")


TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1).filter(
    lambda text: not any(mark in text for mark in "\ufffe\uffff")
)
WORDS = TEXTS.map(lambda text: f"w{text}")
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
NAMES = st.text("abc .", min_size=1, max_size=5).map(lambda name: f"n{name}n")
CLASSES = {"character": TEXTS, "numeric": NUMBERS, "logical": st.booleans()}


def columns(rclass, elements):
    """Vectors of a class; with elements of that class only, so that they need no mark."""
    array = st.lists(elements | st.none(), max_size=5)
    return st.fixed_dictionaries({"type": st.just("vector"), "rclass": st.just(rclass), "value": array})


VECTORS = st.one_of([columns(rclass, elements) for rclass, elements in CLASSES.items()])
UNMARKED = st.one_of(
    st.fixed_dictionaries({"type": st.just("primitive"), "value": WORDS | NUMBERS | st.booleans() | st.none()}),
    st.fixed_dictionaries({"type": st.just("vector"), "value": st.lists(WORDS) | st.lists(NUMBERS)}),
)
FACTORS = st.fixed_dictionaries(
    {"type": st.just("factor"), "value": st.lists(WORDS | st.none()), "ordered": st.booleans()}
) | st.lists(TEXTS, min_size=1, max_size=4, unique=True).flatmap(
    lambda levels: st.fixed_dictionaries(
        {"type": st.just("factor"), "value": st.lists(st.sampled_from(levels)), "levels": st.just(levels)}
    )
)
DATES = st.dates().map(lambda day: {"type": "date", "format": "yyyy-MM-dd", "value": day.isoformat()})


def matrices(cells):
    rows = st.integers(1, 3).flatmap(
        lambda width: st.lists(st.lists(cells, min_size=width, max_size=width), min_size=1)
    )
    return rows.map(lambda value: {"type": "matrix", "value": value})


MATRICES = st.one_of([matrices(elements | st.none()) for elements in (TEXTS | st.just(""), NUMBERS, st.booleans())])


def named(members):
    return st.lists(st.tuples(NAMES, members).map(lambda pair: pair[1] | {"name": pair[0]}), max_size=3)


RECORDS = st.recursive(
    st.one_of(VECTORS, UNMARKED, FACTORS, DATES, MATRICES),
    lambda inner: named(inner).map(lambda members: {"type": "list", "value": members}),
    max_leaves=6,
)
FRAMES = named(st.lists(NUMBERS, min_size=3, max_size=3).map(lambda numbers: {"type": "vector", "value": numbers})).map(
    lambda members: {"type": "dataframe", "value": members}
)


@given(st.dictionaries(NAMES, RECORDS | FRAMES, max_size=2))
def test_inputs_are_the_same_in_xml_and_json(parsed):
    from_json = inputs.decode_inputs(deployr_json.loads(deployr_json.dumps(parsed)))
    assert inputs.decode_inputs(xml_inputs.loads_inputs(xml_of(parsed))) == from_json


# -- whatever else ----------------------------------------------------------------------------------------

MATRIX = f"<name>m</name><type>matrix</type>{values('1,2', '3,4')}"
EXAMPLE = document(f"<type>list</type>{values(MATRIX, value('ä'))}", '<?xml version="1.0" encoding="UTF-8"?>').encode()


def check_that_it_is_read_or_refused(text):
    """Nothing but a refusal may come of it."""
    with contextlib.suppress(EncodingError):
        inputs.decode_inputs(xml_inputs.loads_inputs(text))


@given(st.binary(max_size=100) | st.text(max_size=100))
def test_arbitrary_texts_are_read_or_refused(text):
    check_that_it_is_read_or_refused(text)


@given(st.integers(0, 2**32))
def test_mutated_documents_are_read_or_refused(seed):
    dice, mutated = random.Random(seed), bytearray(EXAMPLE)
    for _ in range(dice.randint(1, 4)):
        at = dice.randrange(len(mutated))
        mutated[at : at + dice.randint(0, 9)] = dice.choice([b"", b"<", b"&", b"\xff", b'"', b"<!--", b"<a>", b"\0"])
    check_that_it_is_read_or_refused(bytes(mutated))


ELEMENTS = st.recursive(
    st.tuples(
        st.sampled_from(["name", "type", "rclass", "value", "format", "ordered"]), st.text("x1.,\"ltrue'-", max_size=4)
    ),
    lambda inner: st.tuples(
        st.sampled_from(["object", "value", "values", "levels", "labels", "name", "type"]), st.lists(inner, max_size=4)
    ),
)
TYPES = ["primitive", "vector", "matrix", "factor", "list", "dataframe", "date", "numeric", "logical", "character"]


def built(node):
    tag, content = node
    return element(tag, text=content) if isinstance(content, str) else element(tag, *map(built, content))


@given(st.sampled_from(TYPES), st.lists(ELEMENTS, max_size=5))
def test_elements_in_any_place_are_read_or_refused(type_name, nodes):
    members = [element("name", text="x"), element("type", text=type_name), *map(built, nodes)]
    check_that_it_is_read_or_refused(etree.tostring(element("inputs", element("object", *members))))


def test_every_truncated_document_is_refused():
    for length in range(len(EXAMPLE)):
        with pytest.raises(EncodingError):
            xml_inputs.loads_inputs(EXAMPLE[:length])
