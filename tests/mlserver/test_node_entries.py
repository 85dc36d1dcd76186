"""Entries of the list of compute nodes."""

from __future__ import annotations

import pytest

from deployr.errors import InvalidParameter
from deployr.mlserver.node_entries import expand


@pytest.mark.parametrize(
    ("entry", "uris"),
    [
        ("http://1.1.1.1", ["http://1.1.1.1:12805"]),
        ("HTTP://Node-1.example:80/", ["http://node-1.example:80"]),
        ("https://1.1.1.1:10-12", [f"https://1.1.1.1:{port}" for port in (10, 11, 12)]),
        (
            "http://1.0.1-3.1-2:12805",
            [f"http://1.0.{third}.{fourth}:12805" for third in (1, 2, 3) for fourth in (1, 2)],
        ),
        ("http://1.1.1.2-1", ["http://1.1.1.1:12805", "http://1.1.1.2:12805"]),
    ],
)
def test_an_entry_stands_for_its_uris(entry: str, uris: list[str]) -> None:
    assert list(expand(entry)) == uris


@pytest.mark.parametrize(
    "entry",
    [
        "",
        "localhost",
        "ftp://1.1.1.1",
        "http://",
        "http://-",
        "http://1.1.1.256",
        "http://1.1.1.1:65536",
        "http://1.1.1.1:1-99999",
        "http://1.1.1.1/path",
        "http://user@host",
        "http://0-255.0-255.0-255.0-255",
        "http://1.1.1.1\n",
    ],
)
def test_anything_else_is_refused_by_name(entry: str) -> None:
    with pytest.raises(InvalidParameter, match="Entry"):
        expand(entry)
