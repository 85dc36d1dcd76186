"""The XML samples printed in DeployR 7.4.1's documents, and the records of R values read back from XML.

Deliberate differences of our replies from the printed one are those of JSON; besides, false is written out and null
means what it says (7x-facts 2.8).
"""

from pathlib import Path

import pytest
import xmltodict
from hypothesis import given
from hypothesis import strategies as st

from deployr.encodings import deployr_json, deployr_xml, inputs, model, objects, xml_inputs
from deployr.encodings.errors import EncodingError

SAMPLES = Path(__file__).parent / "samples"
PRINTED = xmltodict.parse((SAMPLES / "response-7.4.1.xml").read_bytes())["deployr"]["response"]
PRINTED_OBJECTS = {record["name"]: record for record in PRINTED["workspace"]["objects"]["object"]}


def plain(parsed):
    """A parsed element with numbers in the place of texts that look like numbers, in rows too; false for nothing."""
    if isinstance(parsed, dict):
        return {key: plain(member) for key, member in parsed.items()}
    if isinstance(parsed, list):
        return [plain(member) for member in parsed]
    try:
        return [float(cell) for cell in parsed.split(",")]
    except (AttributeError, ValueError):
        return parsed or "false"


# -- replies ----------------------------------------------------------------------------------------------


def test_the_printed_reply_is_written_as_it_is_printed():
    record = deployr_json.loads((SAMPLES / "response-7.4.1.json").read_bytes())
    ours = xmltodict.parse(deployr_xml.dumps(record))["deployr"]["response"]
    # The two samples were made a few minutes apart.
    ours["project"]["lastmodified"] = PRINTED["project"]["lastmodified"]
    assert plain(ours) == plain(PRINTED)


@pytest.fixture(scope="module")
def replies(shared_r):
    """Our XML of the objects that the sample's R code makes, parsed, by name."""
    shared_r.read("{" + (SAMPLES / "objects-7.4.1.R").read_text() + "}")
    texts = {
        name: deployr_xml.dumps({"r": objects.encode_object(name, shared_r.read(name))}) for name in PRINTED_OBJECTS
    }
    return {name: xmltodict.parse(text)["r"] for name, text in texts.items()}


DATES = ("x_date", "x_posixct")
SHORTENED = ("x_integer_vector", "x_numeric_vector")
"""Of 16 elements the printed reply shows the first six."""


@pytest.mark.parametrize("name", [name for name in PRINTED_OBJECTS if name not in (*DATES, *SHORTENED)])
def test_objects_of_r_are_written_as_they_are_printed(replies, name):
    reply = dict(replies[name])
    if reply["type"] == "factor":
        assert reply.pop("levels")["level"] == reply["labels"]["label"]
    assert plain(reply) == plain(PRINTED_OBJECTS[name])


@pytest.mark.parametrize("name", SHORTENED)
def test_long_vectors_of_r_begin_as_they_are_printed(replies, name):
    assert replies[name].keys() == PRINTED_OBJECTS[name].keys()
    assert replies[name]["values"]["value"] == [f"{number}.0" for number in range(10, 26)]


@pytest.mark.parametrize("name", DATES)
def test_dates_of_r_have_the_parts_that_are_printed(replies, name):
    assert replies[name].keys() == PRINTED_OBJECTS[name].keys()
    assert replies[name]["format"] == PRINTED_OBJECTS[name]["format"]


def test_a_matrix_of_r_is_written_with_its_points(replies):
    assert replies["x_matrix"]["values"]["value"] == PRINTED_OBJECTS["x_matrix"]["values"]["value"]


# -- inputs -----------------------------------------------------------------------------------------------

BUILT = {
    "x_character": "'c'",
    "x_integer": "10",
    "x_double": "5.5",
    "x_logical": "TRUE",
    "x_date": "as.Date('2011-10-04')",
    "x_posixct": "as.POSIXct('2011-10-05 12:13:14', tz = 'Etc/GMT+8')",
    "x_character_vector": "c('a', 'b', 'c')",
    "x_numeric_vector": "c(10, 11, 12)",
    "x_matrix": "matrix(c(10, 11, 12, 110, 111, 122), 3)",
    "x_ordered_factor": "ordered(substring('statistics', 1:10, 1:10), c('s', 't', 'a', 'c', 'i'))",
    "x_unordered_factor": "factor(substring('statistics', 1:10, 1:10), c('s', 't', 'a', 'c', 'i'))",
    "x_list": "list(first = c(10, 11, 12), second = c(40, 41, 42))",
    "x_dataframe": "data.frame(first = c(10, 11, 12), second = c(40, 41, 42))",
}


def test_the_printed_inputs_are_what_r_would_make(shared_r):
    values = inputs.decode_inputs(xml_inputs.loads_inputs((SAMPLES / "inputs-7.4.1.xml").read_bytes()))
    same = {name: shared_r.is_identical(value, BUILT[name]) for name, value in values.items()}
    assert same == dict.fromkeys(BUILT, True)


def test_the_printed_inputs_that_json_has_too_are_the_same_there():
    from_xml = inputs.decode_inputs(xml_inputs.loads_inputs((SAMPLES / "inputs-7.4.1.xml").read_bytes()))
    from_json = inputs.decode_inputs(deployr_json.loads((SAMPLES / "inputs-7.4.1.json").read_bytes()))
    both = from_xml.keys() & from_json.keys() - {"x_matrix"}  # Printed with other numbers.
    assert len(both) == 11
    assert {name: from_xml[name] for name in both} == {name: from_json[name] for name in both}


# -- objects of replies sent back as inputs ---------------------------------------------------------------


def sent_back(record):
    """What a client gets into R that sends an object of an XML reply back as an input."""
    reply = deployr_xml.dumps({"inputs": {"object": record}})
    return inputs.decode_inputs(xml_inputs.loads_inputs(reply))[record["name"]]


def sent_back_in_json(record):
    return inputs.decode_inputs({record["name"]: deployr_json.loads(deployr_json.dumps(record))})[record["name"]]


TEXTS = st.none() | st.text(
    st.characters(
        codec="utf-8", exclude_characters="".join(map(chr, range(9))) + "\x0b\x0c\ufffe\uffff", min_codepoint=9
    ),
    min_size=1,
).filter(lambda text: not any(chr(code) in text for code in range(14, 32)))
NUMBERS = st.none() | st.floats()
INTEGERS = st.none() | st.integers(-(2**31) + 1, 2**31 - 1)
FLAGS = st.none() | st.booleans()
ATOMIC = st.one_of(
    st.lists(TEXTS).map(lambda texts: model.character(*texts)),
    st.lists(NUMBERS).map(model.doubles),
    st.lists(INTEGERS).map(lambda numbers: model.integer(*numbers)),
    st.lists(FLAGS).map(lambda flags: model.logical(*flags)),
)
FACTORS = st.builds(
    lambda codes, ordered: model.factor(codes, ["b", "a,", "10"], ordered=ordered),
    st.lists(st.none() | st.integers(1, 3)),
    st.booleans(),
)
DATES_OF_R = st.lists(st.none() | st.integers(-9000, 30000)).map(lambda days: model.Date(model.double(*days).values))
MATRICES = st.builds(
    lambda vector, width: model.matrix(vector, len(vector) // width, width) if len(vector) % width == 0 else vector,
    ATOMIC,
    st.integers(1, 3),
)
VALUES = st.recursive(
    st.one_of(st.just(model.NULL), ATOMIC, FACTORS, DATES_OF_R, MATRICES),
    lambda inner: st.lists(inner, max_size=3).map(
        lambda members: model.named_list({f"m {number}": member for number, member in enumerate(members)})
    ),
    max_leaves=5,
)


@given(VALUES)
def test_what_an_xml_reply_holds_is_what_a_json_reply_holds(value):
    record = objects.encode_object("x", value)
    assert sent_back(record) == sent_back_in_json(record)


@given(st.lists(st.tuples(NUMBERS, INTEGERS, FLAGS, TEXTS), max_size=4))
def test_what_an_xml_frame_holds_is_what_a_json_frame_holds(rows):
    numbers, integers, flags, texts = zip(*rows, strict=True) if rows else ((), (), (), ())
    columns = {"n": model.doubles(numbers), "i": model.integer(*integers), "f": model.logical(*flags)}
    record = objects.encode_object("x", model.data_frame(columns | {"t": model.character(*texts)}), infinity="Inf")
    assert sent_back(record) == sent_back_in_json(record)


@pytest.mark.parametrize("value", [model.Opaque(["function"]), model.Complex(model.double(1).values.astype(complex))])
def test_a_summary_can_be_sent_back_in_neither(value):
    record = objects.encode_object("x", value)
    for send in (sent_back, sent_back_in_json):
        with pytest.raises(EncodingError):
            send(record)
