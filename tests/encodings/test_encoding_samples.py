"""The samples printed in DeployR 7.4.1's documents, run through R and our encodings.

Deliberate differences of our replies (7x-facts 4.3 and 21, client-wire-facts 8):

* the classes of dates are ``Date`` and ``POSIXct``, not ``date``;
* vectors of integers have the class ``numeric``, and numbers of that class a decimal point;
* factors have ``levels`` beside ``labels``;
* a POSIXct text has the time and zone of its pattern.
"""

import json
from pathlib import Path

import pytest

from deployr.encodings import deployr_json, inputs, model, objects

SAMPLES = Path(__file__).parent / "samples"

RESPONSE = json.loads((SAMPLES / "response-7.4.1.json").read_text())["deployr"]["response"]["workspace"]["objects"]
EXPECTED = {record["name"]: record for record in RESPONSE}
DATES = ("x_date", "x_posixct")
SHORTENED = ("x_integer_vector", "x_numeric_vector")
"""Of 16 elements the printed reply shows the first six."""


@pytest.fixture(scope="module")
def replies(shared_r):
    """Our records of the objects that the sample's R code makes, by name."""
    shared_r.read("{" + (SAMPLES / "objects-7.4.1.R").read_text() + "}")
    written = {name: deployr_json.dumps(objects.encode_object(name, shared_r.read(name))) for name in EXPECTED}
    return {name: deployr_json.loads(text) for name, text in written.items()}


def expected_of(record):
    """A printed record with our deliberate differences."""
    changed = dict(record)
    if record["type"] == "vector":
        changed["rclass"] = {"integer": "numeric"}.get(record["rclass"], record["rclass"])
    if record["type"] == "factor":
        changed["levels"] = record["labels"]
    if record["type"] == "dataframe":
        changed["value"] = [expected_of(column) for column in record["value"]]
    return changed


@pytest.mark.parametrize("name", [name for name in EXPECTED if name not in (*DATES, *SHORTENED)])
def test_a_reply_is_the_printed_one(replies, name):
    assert replies[name] == expected_of(EXPECTED[name])


@pytest.mark.parametrize("name", SHORTENED)
def test_a_reply_begins_like_the_printed_one(replies, name):
    reply = replies[name]
    assert reply["value"] == [float(number) for number in range(10, 26)]
    assert reply | {"value": reply["value"][:6]} == expected_of(EXPECTED[name])


@pytest.mark.parametrize(("name", "rclass"), [("x_date", "Date"), ("x_posixct", "POSIXct")])
def test_a_date_has_the_printed_pattern_and_r_own_class(replies, name, rclass):
    reply, printed = replies[name], EXPECTED[name]
    assert (reply["type"], reply["format"], reply["rclass"]) == (printed["type"], printed["format"], rclass)
    assert isinstance(inputs.decode_inputs({name: reply})[name], model.Date | model.PosixCt)


@pytest.mark.parametrize("name", ["x_numeric", "x_integer_vector", "x_matrix", "x_dataframe"])
def test_numbers_have_a_decimal_point(replies, name):
    assert all(isinstance(number, float) for number in leaves(replies[name]["value"]))


def leaves(value):
    if isinstance(value, dict):
        return leaves(value["value"])
    return [leaf for member in value for leaf in leaves(member)] if isinstance(value, list) else [value]


BUILT = {
    "x_character": "'c'",
    "x_integer": "10",
    "x_double": "5.5",
    "x_logical": "TRUE",
    "x_date": "as.Date('2011-10-04')",
    "x_posixct": "as.POSIXct('2011-10-05 12:13:14', tz = 'Etc/GMT+8')",
    "x_character_vector": "c('a', 'b', 'c')",
    "x_integer_vector": "c(10, 11, 12)",
    "x_double_vector": "c(10, 11.1, 12.2)",
    "x_matrix": "matrix(c(1, 2, 3, 11, 12, 13), 2)",
    "x_ordered_factor": "ordered(substring('statistics', 1:10, 1:10), c('s', 't', 'a', 'c', 'i'))",
    "x_unordered_factor": "factor(substring('statistics', 1:10, 1:10), c('s', 't', 'a', 'c', 'i'))",
    "x_list": "list(first = c(10, 11, 12), second = c(40, 41, 42))",
    "x_dataframe": "data.frame(first = c(10, 11, 12), second = c(40, 41, 42))",
}


def test_the_printed_inputs_are_what_r_would_make(shared_r):
    parsed = deployr_json.loads((SAMPLES / "inputs-7.4.1.json").read_bytes())
    values = inputs.decode_inputs(parsed)
    assert {name: shared_r.is_identical(value, BUILT[name]) for name, value in values.items()} == dict.fromkeys(
        BUILT, True
    )
