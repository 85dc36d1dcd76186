"""JSON whose numbers may be no numbers."""

from __future__ import annotations

import pytest

from deployr.encodings import json_numbers


@pytest.mark.parametrize(
    "text", [b'{"a": [NaN, Infinity, -Infinity, null], "b": "NaN"}', b'{"a": [1, 2.5], "b": "Infinity"}', b"[null]"]
)
def test_values_come_back(text: bytes) -> None:
    value = json_numbers.loads(text)
    assert repr(json_numbers.loads(json_numbers.dumps(value))) == repr(value)


def test_numbers_that_are_none_are_read() -> None:
    assert repr(json_numbers.loads(b'["\xc3\xa9", NaN, -Infinity]')) == "['é', nan, -inf]"


@pytest.mark.parametrize(
    "text", [b"nan", b"[NaN", b'[NaN, "\\ud800"]', b'[NaN, "\xff"]', b"[NaN, " + b"9" * 9999 + b"]"]
)
def test_what_is_no_json_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError):
        json_numbers.loads(text)


def test_deep_texts_are_refused() -> None:
    with pytest.raises(RecursionError):
        json_numbers.loads(b"[NaN, " + b"[" * 99_999)
