"""Forms, multipart bodies and queries that are broken, repeated, in the wrong encoding, or of the wrong kind."""

from __future__ import annotations

import pytest

from tests.badinput.stage import Stage
from tests.badinput.verdicts import FORBIDDEN, HANDLED, MALFORMED, SUCCESS, transport_verdict, verdict
from tests.badinput.wire import FORM, Wire, field, file, multipart, request
from tests.server import record_of

PING = "/r/project/ping"
UPLOAD = "/r/project/directory/upload"
MULTIPART = "multipart/form-data; boundary=B"
TARGET = [field("project", "@project@"), field("filename", "up.txt"), field("overwrite", "true")]
WHOLE = multipart("B", *TARGET, file())

KINDS: dict[str, tuple[str | None, int]] = {
    "none": (None, SUCCESS),
    "empty": ("", SUCCESS),
    "another charset": (f"{FORM}; charset=UTF-16", SUCCESS),
    "upper case": (FORM.upper(), SUCCESS),
    "many options": (f"{FORM}; " + "a=b; " * 5000, SUCCESS),
    "text": ("text/plain", MALFORMED),
    "json": ("application/json", MALFORMED),
    "xml": ("application/xml", MALFORMED),
    "no type": ("x", MALFORMED),
    "Latin-1": ("text/html\u00e9", MALFORMED),
    "another multipart": ("multipart/mixed; boundary=B", MALFORMED),
    "no boundary": ("multipart/form-data", MALFORMED),
    "empty boundary": ("multipart/form-data; boundary=", MALFORMED),
    "open boundary": ('multipart/form-data; boundary="B', MALFORMED),
    "long boundary": ("multipart/form-data; boundary=" + "b" * 5000, MALFORMED),
    "another boundary": ("multipart/form-data; boundary=C", MALFORMED),
    "odd boundary": ("multipart/form-data; boundary=\u00e9", MALFORMED),
}
TEXTS = [
    "%",
    "%zz",
    "%c3%28",
    "%ff%fe",
    "%ed%a0%80",
    "%00",
    "%u0041",
    "+%20+",
    "%25%32%30",
    "\u00ff",
    "'",
    ";",
    "&&&",
    "=&==",
]
PARTS = {
    "empty": b"",
    "no part": b"--B--\r\n",
    "text": b"project=1",
    "nothing behind the boundary": b"--B",
    "no headers": b"--B\r\n\r\nx\r\n--B--\r\n",
    "no name": b"--B\r\nContent-Disposition: form-data\r\n\r\nx\r\n--B--\r\n",
    "attachment": b'--B\r\nContent-Disposition: attachment; name="file"\r\n\r\nx\r\n--B--\r\n',
    "no disposition": b"--B\r\nContent-Type: text/plain\r\n\r\nx\r\n--B--\r\n",
    "header without colon": b"--B\r\nnocolon\r\n\r\nx\r\n--B--\r\n",
    "header not ended": b'--B\r\nContent-Disposition: form-data; name="file"',
    "long header": b"--B\r\nContent-Disposition: " + b"x" * 100_000 + b"\r\n\r\nx\r\n--B--\r\n",
    "many headers": b"--B\r\n" + b"X: y\r\n" * 10_000 + b"\r\nx\r\n--B--\r\n",
    "only line feeds": WHOLE.replace(b"\r\n", b"\n"),
    "nul in the name": WHOLE.replace(b'"file"', b'"fi\x00le"'),
    "not UTF-8 in the header": WHOLE.replace(b'filename="x"', b'filename="\xff\xfe"').replace(b'"project"', b'"\xff"'),
    "nested": b"--B\r\nContent-Type: multipart/mixed; boundary=C\r\n\r\n--C--\r\n--B--\r\n",
    "many empty parts": b'--B\r\nContent-Disposition: form-data; name="a"\r\n\r\n\r\n' * 20_000 + b"--B--\r\n",
    "boundary in a row": b"--B\r\n" * 5000,
    "in another coding": WHOLE.replace(b'"file"', b'"fil"') + b"\x1f\x8b" * 100,
}
FIELDS = {
    "no file": ([*TARGET], MALFORMED),
    "the file is a field": ([*TARGET, field("fil", "x")], MALFORMED),
    "no project": ([*TARGET[1:], file()], MALFORMED),
    "no name": ([TARGET[0], file()], MALFORMED),
    "two files": ([*TARGET, file(b"one"), file(b"two")], MALFORMED),
    "two names": ([*TARGET, field("filename", "up.txt"), file()], SUCCESS),
    "two projects": ([*TARGET, field("project", "@foreign@"), file()], FORBIDDEN),
    "file first": ([file(), *TARGET], SUCCESS),
    "not UTF-8": ([*TARGET, ('Content-Disposition: form-data; name="descr"', b"\xff\xfe"), file()], SUCCESS),
    "nul in a field": ([*TARGET, field("descr", "a\x00b"), file()], SUCCESS),
    "a transfer encoding": (
        [*TARGET, ('Content-Disposition: form-data; name="file"\r\nContent-Transfer-Encoding: base64', b"!!!!")],
        SUCCESS,
    ),
    "no boolean": ([*TARGET, field("overwrite", "perhaps"), file()], MALFORMED),
    "fields beyond the limit": ([*TARGET, field("descr", "d" * 600_000), field("a", "a" * 600_000), file()], HANDLED),
    "a file beyond the limit": ([*TARGET, file(b"x" * 1_000_001)], HANDLED),
    "a file beyond twice the limit": ([*TARGET, file(b"x" * 2_500_000)], HANDLED),
    "a name from the part": ([TARGET[0], file(filename="up.txt")], MALFORMED),
}
HEADERS = {
    "line break": "a\r\nX-Injected: 1",
    "line feed": "a\nSet-Cookie: JSESSIONID=planted",
    "encoded line break": "a%0d%0aX-Injected: 1",
    "quote": "a\"; filename*=UTF-8''evil.html; x=\"",
    "latin": "\u00e9\u0085\u00a0",
    "not latin": "\u4e2d\u6587\u202e",
    "long": "\u4e2d" * 85,
}


def filled(stage: Stage, body: bytes) -> bytes:
    """The body with ids in the place of their names."""
    return stage.fill(body.decode("latin-1")).encode("latin-1")


@pytest.mark.parametrize(("kind", "expected"), KINDS.values(), ids=KINDS)
def test_a_body_of_another_kind_gives_no_parameters(stage: Stage, wire: Wire, kind: str | None, expected: int) -> None:
    body = f"project={stage.project}".encode()
    assert verdict(wire.exchange(request(PING, body, kind=kind, headers=stage.cookie()))) == expected


@pytest.mark.parametrize("text", TEXTS, ids=ascii)
def test_text_that_cannot_be_decoded_is_no_id(stage: Stage, wire: Wire, text: str) -> None:
    body = b"project=" + text.encode("latin-1")
    assert verdict(wire.exchange(request(PING, body, headers=stage.cookie()))) in (FORBIDDEN, MALFORMED)


@pytest.mark.parametrize("text", TEXTS, ids=ascii)
def test_the_same_in_a_query(stage: Stage, wire: Wire, text: str) -> None:
    raw = request(f"{PING}?project=".encode() + text.encode("latin-1"), kind=None, method="GET", headers=stage.cookie())
    assert transport_verdict(wire.exchange(raw, "GET")) in (FORBIDDEN, MALFORMED)


@pytest.mark.parametrize("body", PARTS.values(), ids=PARTS)
def test_a_broken_multipart_body_is_malformed(stage: Stage, wire: Wire, body: bytes) -> None:
    raw = request(UPLOAD, filled(stage, body), kind=MULTIPART, headers=stage.cookie())
    assert verdict(wire.exchange(raw)) == MALFORMED


@pytest.mark.parametrize("length", [5, 50, 120, 200, 250, len(WHOLE) - 9, len(WHOLE) - 5])
def test_a_truncated_upload_writes_nothing(stage: Stage, wire: Wire, length: int) -> None:
    body = filled(stage, WHOLE.replace(b"up.txt", b"cut.txt")[:length])
    assert verdict(wire.exchange(request(UPLOAD, body, kind=MULTIPART, headers=stage.cookie()))) == MALFORMED
    listed = record_of(stage.post("/r/project/directory/list", {"project": "@project@"}))["directory"]["files"]
    assert "cut.txt" not in [listed["filename"] for listed in listed]


@pytest.mark.parametrize(("parts", "expected"), FIELDS.values(), ids=FIELDS)
def test_parts_that_are_missing_repeated_or_too_large(
    stage: Stage, wire: Wire, parts: list[tuple[str, bytes]], expected: int
) -> None:
    raw = request(UPLOAD, filled(stage, multipart("B", *parts)), kind=MULTIPART, headers=stage.cookie())
    assert verdict(wire.exchange(raw)) == expected


@pytest.mark.parametrize("count", [1000, 1001, 100_000])
def test_more_than_a_thousand_parameters_are_refused(stage: Stage, wire: Wire, count: int) -> None:
    body = f"project={stage.project}".encode() + b"&a=b" * (count - 1)
    expected = SUCCESS if count <= 1000 else MALFORMED
    assert verdict(wire.exchange(request(PING, body, headers=stage.cookie()))) == expected


def test_of_a_repeated_parameter_the_last_counts_and_the_body_before_the_query(stage: Stage, wire: Wire) -> None:
    mine, other = stage.project, stage.ids["foreign"]
    twice = request(PING, f"project={other}&project={mine}".encode(), headers=stage.cookie())
    assert verdict(wire.exchange(twice)) == SUCCESS
    both = request(f"{PING}?project={mine}", f"project={other}".encode(), headers=stage.cookie())
    assert verdict(wire.exchange(both)) == FORBIDDEN


@pytest.mark.parametrize("name", HEADERS.values(), ids=HEADERS)
def test_no_parameter_becomes_a_header(stage: Stage, wire: Wire, name: str) -> None:
    """By a file that code made: its name may hold what no upload's may."""
    coded = f"intToUtf8(c({','.join(str(ord(character)) for character in name)}))"
    stage.testuser.execute(stage.project, f"writeLines('x', {coded})")
    reply = stage.post("/r/project/directory/download", {"project": "@project@", "filename": name})
    assert reply.status_code == 200
    assert "x-injected" not in reply.headers
    assert "set-cookie" not in reply.headers
    stage.testuser.execute(stage.project, f"file.remove({coded})")


@pytest.mark.parametrize("text", HEADERS.values(), ids=HEADERS)
@pytest.mark.parametrize("name", ["format", "usercookie", "project", "filename", "author", "tag", "inline"])
def test_no_text_of_a_call_becomes_a_header(stage: Stage, name: str, text: str) -> None:
    for call in ("/r/repository/file/download", "/r/project/about", "/r/no/such/call"):
        reply = stage.post(call, {"author": "testuser", name: text})
        assert verdict(reply)
        assert {"x-injected", "set-cookie"}.isdisjoint(reply.headers)


@pytest.mark.parametrize("planted", ["a\r\nX-Injected: 1", "%0d%0aX-Injected:%201", "a,Domain=evil", "é", "A" * 64])
def test_a_session_id_is_never_repeated_that_was_not_issued(wire: Wire, planted: str) -> None:
    target = f"/r/server/info;jsessionid={planted}".replace("\r\n", "%0d%0a").replace(" ", "%20").replace("é", "%c3%a9")
    reply = wire.exchange(request(target, kind=None, method="GET"), "GET")
    assert verdict(reply) == SUCCESS
    assert planted not in reply.headers["set-cookie"]
    assert "x-injected" not in reply.headers
