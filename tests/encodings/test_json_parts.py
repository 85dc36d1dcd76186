"""Texts that parsers take long for, however short they are."""

from __future__ import annotations

import pytest

from deployr.encodings.json_parts import MOST, are_too_many


@pytest.mark.parametrize("part", [b"[],", b"{},", b'"a": 1,', b'"a" \n:1,'])
def test_lists_objects_and_members_are_counted(part: bytes) -> None:
    assert not are_too_many(part * MOST)
    assert are_too_many(part * (MOST + 1))


@pytest.mark.parametrize("part", [b"1,", b'"text",', b'"2020-01-01 12:30:00",'])
def test_numbers_and_texts_are_not(part: bytes) -> None:
    assert not are_too_many(part * (MOST + 1))
