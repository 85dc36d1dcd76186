"""The replayer itself: it must change nothing but what it is told to, and its checks must be able to fail."""

from __future__ import annotations

import pytest

from tests.recordings.message import Message
from tests.recordings.peculiarities import PECULIARITIES
from tests.recordings.pushed import assert_same
from tests.recordings.recorded import clients, legacy_clients, requests_of
from tests.recordings.shapes import assert_object, assert_shape, first

_PROJECT = {
    "project": "PROJECT-1",
    **dict.fromkeys(("name", "descr", "longdescr", "cookie", "projectcookie")),
    "origin": "Project original.",
    "live": True,
    "shared": False,
    "lastmodified": 1467100000000,
    "authors": ["testuser"],
}
_REPLY = {"call": "/r/project/about", "success": True, "uid": "UID-0", "httpcookie": "A0", "project": _PROJECT}


@pytest.mark.parametrize("client", clients())
def test_a_recorded_request_is_put_together_as_it_was(client: str) -> None:
    recording = requests_of(client)
    assert recording
    for recorded in recording:
        assert recorded.message.encode() == recorded.raw


def test_chunk_sizes_follow_their_content() -> None:
    message = Message(b"POST /x HTTP/1.1", (b"abc", b"de"), chunked=True).changed(
        lambda text: text.replace(b"d", b"longer-")
    )
    assert message.encode() == b"POST /x HTTP/1.1\r\n\r\n3\r\nabc\r\n8\r\nlonger-e\r\n0\r\n\r\n"


def test_the_content_length_follows_the_body() -> None:
    message = Message(b"POST /x HTTP/1.1\r\ncontent-length: 1", (b"a",), chunked=False)
    assert message.changed(lambda text: text.replace(b"a", b"bcd")).encode().endswith(b"content-length: 3\r\n\r\nbcd")


def test_requests_are_read_as_dotnet_writes_them() -> None:
    body = b'--b\r\nContent-Disposition: form-data;name="n"\r\n\r\na+%c3%a9\r\n--b--\r\n'
    message = Message(b"POST /x HTTP/1.1\r\nContent-Type: multipart/form-data;boundary=b", (body,), chunked=False)
    assert message.params().text("n") == "a é"


def test_path_segments_are_read_without_the_session() -> None:
    message = Message(b"GET /deployr/r/x/a%2cb/my+file;jsessionid=A1?format=json HTTP/1.1", (), chunked=False)
    assert message.segments("/r/x") == ["a,b", "my file"]
    assert message.params().values == {"format": "json"}


def test_every_peculiarity_is_of_a_recorded_request() -> None:
    recorded = {(client, request.n) for client in legacy_clients() for request in requests_of(client)}
    assert set(PECULIARITIES) <= recorded


def test_a_reply_with_all_that_clients_read_passes() -> None:
    for client in legacy_clients():
        assert_shape(client, _REPLY)


@pytest.mark.parametrize(
    ("client", "broken"),
    [
        ("java-8.0.6", {"lastmodified": 5}),
        ("java-7.3.0", {"live": None}),
        ("dotnet-8.0.5", {"authors": None}),
        ("js-8.0.5", {"project": 7}),
    ],
)
def test_a_property_of_the_wrong_type_fails(client: str, broken: dict[str, object]) -> None:
    with pytest.raises(AssertionError):
        assert_shape(client, {**_REPLY, "project": {**_PROJECT, **broken}})


@pytest.mark.parametrize(("client", "missing"), [("dotnet-8.0.5", "cookie"), ("java-8.0.6", "projectcookie")])
def test_a_missing_property_fails(client: str, missing: str) -> None:
    project = {name: value for name, value in _PROJECT.items() if name != missing}
    with pytest.raises(AssertionError):
        assert_shape(client, {**_REPLY, "project": project})


def test_a_missing_part_of_the_reply_fails() -> None:
    reply = {name: value for name, value in _REPLY.items() if name != "project"}
    with pytest.raises(AssertionError):
        assert_shape("js-8.0.5", reply)


@pytest.mark.parametrize(
    "item",
    [
        {"type": "primitive", "rclass": "numeric", "value": 5},
        {"type": "vector", "rclass": "numeric", "value": [1.0, 2]},
        {"type": "matrix", "rclass": "matrix", "value": [[1.0], [2]]},
        {"type": "factor", "rclass": "factor", "value": ["a"], "levels": ["a"], "labels": ["a"], "ordered": None},
        {"type": "list", "rclass": "list", "value": [{"type": "primitive", "rclass": "numeric", "value": 1.0}]},
    ],
)
def test_an_object_that_java_cannot_decode_fails(item: dict[str, object]) -> None:
    with pytest.raises((AssertionError, KeyError)):
        assert_object({"name": "x", **item})


def test_javascript_finds_properties_depth_first_but_not_in_arrays() -> None:
    assert first({"a": {"project": 1}, "project": 2}, "project") == 1
    assert first({"a": [{"project": 1}], "project": 2}, "project") == 2


@pytest.mark.parametrize(
    ("pushed", "read"),
    [
        ({"type": "vector", "rclass": "numeric", "value": [1.0, "NaN"]}, {"value": [1.0, None]}),
        (
            {"type": "vector", "rclass": "numeric", "value": [1.0, "-Infinity"]},
            {"value": [1.0, "-0x7ff0000000000000L"]},
        ),
        (
            {"type": "date", "format": "yyyy-MM-dd", "value": "2011-02-1"},
            {"format": "yyyy-MM-dd", "value": "2011-02-01"},
        ),
        (
            {"type": "factor", "ordered": True, "levels": ["1"], "labels": ["one"], "value": ["1"]},
            {"type": "factor", "ordered": True, "levels": ["one"], "labels": ["one"], "value": ["one"]},
        ),
    ],
)
def test_pushed_and_read_objects_are_the_same(pushed: dict[str, object], read: dict[str, object]) -> None:
    assert_same(pushed, {"name": "x", **read}, "x")


@pytest.mark.parametrize(
    ("pushed", "read"),
    [
        ({"type": "primitive", "value": "a+b"}, {"value": "a b"}),
        ({"type": "vector", "value": [1.0, None]}, {"value": [1.0]}),
        (
            {"type": "date", "format": "yyyy-MM-dd", "value": "2011-02-01"},
            {"format": "dd/MM/yyyy", "value": "01/02/2011"},
        ),
        ({"type": "factor", "ordered": True, "value": ["a"]}, {"type": "factor", "ordered": False, "value": ["a"]}),
    ],
)
def test_pushed_and_read_objects_differ(pushed: dict[str, object], read: dict[str, object]) -> None:
    with pytest.raises(AssertionError):
        assert_same(pushed, {"name": "x", **read}, "x")
