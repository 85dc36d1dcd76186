import struct
import time
import timeit

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployr.encodings import deployr_json, model, objects, qap1
from deployr.encodings.qap1 import Qap1Error

EXAMPLE = qap1.encode(
    model.named_list(
        {
            "frame": model.data_frame({"x": model.double(1, None), "y": model.character("é", None)}),
            "date": model.Date(model.double(1).values),
            "factor": model.factor([1, None], ["a"]),
            "flags": model.logical(True, None),
            "bytes": model.raw(b"abc"),
            "complex": model.Complex(np.array([1j])),
            "matrix": model.matrix(model.integer(1, 2), 1, 2),
            "opaque": model.Opaque(["function"], "f"),
            "nothing": model.NULL,
        }
    )
)


def sexp(kind: int, body: bytes) -> bytes:
    return struct.pack("<I", len(body) << 8 | kind) + body


def nested(levels: int) -> bytes:
    """A NULL in lists in lists."""
    content = sexp(qap1.XT_NULL, b"")
    for _ in range(levels):
        content = sexp(qap1.XT_VECTOR, content)
    return content


def check_that_it_is_refused_or_becomes_a_reply(data: bytes) -> None:
    """Any exception but Qap1Error fails the test, as does what cannot be written as JSON."""
    try:
        value = qap1.decode(data)
    except Qap1Error:
        return
    assert deployr_json.dumps(objects.encode_object("x", value)).startswith(b'{"name":"x"')


@given(st.integers(0, len(EXAMPLE) - 1))
def test_a_truncated_value_is_refused(length):
    with pytest.raises(Qap1Error):
        qap1.decode(EXAMPLE[:length])


@given(st.lists(st.tuples(st.integers(0, len(EXAMPLE) - 1), st.integers(0, 255)), min_size=1, max_size=8))
def test_a_mutated_value_becomes_a_reply_or_is_refused(changes):
    data = bytearray(EXAMPLE)
    for position, byte in changes:
        data[position] = byte
    check_that_it_is_refused_or_becomes_a_reply(bytes(data))


@given(st.binary(max_size=200))
def test_arbitrary_bytes_become_a_reply_or_are_refused(data):
    check_that_it_is_refused_or_becomes_a_reply(data)


@given(st.sampled_from(range(0, 256)), st.binary(max_size=64))
def test_arbitrary_content_of_any_type_becomes_a_reply_or_is_refused(kind, content):
    check_that_it_is_refused_or_becomes_a_reply(sexp(kind, content))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "header"),
        (sexp(qap1.XT_NULL, b"") + b"\0\0\0\0", "after the value"),
        (sexp(qap1.XT_ARRAY_INT, b"123"), "3 bytes"),
        (sexp(qap1.XT_ARRAY_DOUBLE, b"1234"), "4 bytes"),
        (sexp(qap1.XT_ARRAY_BOOL, b"12"), "count"),
        (sexp(qap1.XT_RAW, struct.pack("<I", 2**32 - 1)), "counted"),
        (sexp(99 & ~qap1.LARGE, b""), "type 35"),
        (sexp(qap1.XT_LIST_TAG, nested(0) + sexp(qap1.XT_ARRAY_INT, b"")), "tag of type 32"),
        (sexp(qap1.XT_ARRAY_INT | qap1.HAS_ATTR, sexp(qap1.XT_ARRAY_INT, b"")), "attributes of type 32"),
        (struct.pack("<Q", 2**55 | qap1.XT_RAW | qap1.LARGE), "body"),
    ],
)
def test_malformed_bytes_are_refused_with_a_reason(data, message):
    with pytest.raises(Qap1Error, match=message):
        qap1.decode(data)


def test_nesting_is_read_up_to_the_limit_only():
    assert isinstance(qap1.decode(nested(qap1.MAX_DEPTH)), model.RList)
    with pytest.raises(Qap1Error, match="too deeply"):
        qap1.decode(nested(qap1.MAX_DEPTH + 1))
    with pytest.raises(Qap1Error, match="too deeply"):
        qap1.decode(nested(100_000))


def test_nesting_is_written_up_to_the_limit_only():
    value = model.NULL
    for _ in range(qap1.MAX_DEPTH):
        value = model.unnamed_list(value)
    assert qap1.encode(qap1.decode(qap1.encode(value))) == qap1.encode(value)
    with pytest.raises(Qap1Error, match="too deeply"):
        qap1.encode(model.unnamed_list(value))


def test_nesting_in_attributes_counts_too():
    content = sexp(qap1.XT_ARRAY_INT, b"")
    for _ in range(2000):
        attributes = sexp(qap1.XT_LIST_TAG, content + sexp(qap1.XT_SYMNAME, b"a\0\0\0"))
        content = sexp(qap1.XT_ARRAY_INT | qap1.HAS_ATTR, attributes)
    with pytest.raises(Qap1Error, match="too deeply"):
        qap1.decode(content)


def test_the_bytes_of_texts_are_terminated_and_padded():
    assert qap1.encode(model.character("ab", None)) == sexp(qap1.XT_ARRAY_STR, b"ab\0\xff\0\1\1\1")


def test_a_text_that_begins_with_the_byte_of_na_is_doubled():
    assert qap1.decode(sexp(qap1.XT_ARRAY_STR, b"\xff\xffa\0\xff\0\1\1")) == model.character("\ufffda", None)


def test_logicals_are_counted_bytes():
    content = sexp(qap1.XT_ARRAY_BOOL, struct.pack("<I", 3) + b"\1\0\2\xff")
    assert qap1.encode(model.logical(True, False, None)) == content
    assert qap1.decode(content) == model.logical(True, False, None)


def test_compact_row_names_are_the_number_of_rows():
    frame = qap1.decode(qap1.encode(model.data_frame({"x": model.double(1, 2, 3)})))
    assert frame.rows == 3


@pytest.mark.parametrize(
    "value",
    [
        model.character("a\0b"),
        model.Double(np.zeros(2), {"names": model.character("a")}),
        model.Double(np.zeros(2), {"dim": model.integer(3, 1)}),
        model.Double(np.zeros(2), {"": model.NULL}),
        model.Double(np.zeros(2), {"a\0": model.NULL}),
    ],
)
def test_values_that_would_break_r_are_not_encoded(value):
    with pytest.raises(Qap1Error):
        qap1.encode(value)


@pytest.mark.parametrize("dim", [(3, 1), (-1, -2), ()])
def test_dimensions_that_do_not_fit_are_refused(dim):
    tag = sexp(qap1.XT_SYMNAME, b"dim\0")
    attributes = sexp(qap1.XT_LIST_TAG, qap1.encode(model.integer(*dim)) + tag)
    with pytest.raises(Qap1Error, match="dimensions"):
        qap1.decode(sexp(qap1.XT_ARRAY_DOUBLE | qap1.HAS_ATTR, attributes + bytes(16)))


def test_half_a_surrogate_pair_is_sent_as_a_question_mark():
    assert qap1.decode(qap1.encode(model.character("\ud800"))) == model.character("?")


def test_calls_and_symbols_are_opaque():
    symbol = sexp(qap1.XT_SYMNAME, b"sum\0")
    assert qap1.decode(symbol) == model.Opaque(["name"], "sum")
    call = qap1.lang_call(symbol, qap1.encode(model.double(1)))
    assert qap1.decode(call) == model.Opaque(["call"])


def test_no_value_is_encoded_as_a_call_or_symbol():
    values = [model.Opaque(["call"], "stop()"), model.Opaque(["name"], "x"), model.character("x")]
    for value in values:
        assert qap1.encode(value)[0] & ~qap1.HAS_ATTR in (qap1.XT_VECTOR, qap1.XT_ARRAY_STR)


def test_a_message_has_a_header_and_a_sexp_parameter():
    content = qap1.encode(model.double(1))
    parameter = qap1.sexp_parameter(content)
    assert parameter[0] == qap1.DT_SEXP
    assert bytes(qap1.read_sexp_parameter(parameter)) == content
    assert qap1.header(0x03, len(parameter)) == struct.pack("<IIII", 3, len(parameter), 0, 0)
    assert qap1.header(0x03, 2**32 + 5) == struct.pack("<IIII", 3, 5, 0, 1)


def test_values_of_16_megabytes_have_long_headers():
    content = qap1.encode(model.raw(bytes(2**24)))
    assert content[0] == qap1.XT_RAW | qap1.LARGE
    parameter = qap1.sexp_parameter(content)
    assert parameter[0] == qap1.DT_SEXP | qap1.LARGE
    assert len(qap1.decode(qap1.read_sexp_parameter(parameter))) == 2**24


def test_a_parameter_that_is_no_sexp_is_refused():
    with pytest.raises(Qap1Error):
        qap1.read_sexp_parameter(sexp(4, b"x\0\0\0"))


def test_a_large_data_frame_is_decoded_in_little_time():
    rows = 100_000
    columns = {
        "d": model.Double(np.arange(rows, dtype=np.float64)),
        "i": model.Integer(np.arange(rows, dtype=np.int32)),
        "c": model.Character([f"text {row}" for row in range(rows)]),
    }
    data = qap1.encode(model.data_frame(columns))
    taken = timeit.repeat(lambda: qap1.decode(data), timer=time.process_time, number=1, repeat=3)
    # Takes about 6 ms; one Python step an element would take several times the limit.
    assert min(taken) < 0.1
