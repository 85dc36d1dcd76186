"""Requests that break HTTP: methods, lengths, chunks, headers, lines, pauses."""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Iterator

import pytest

from tests.badinput.stage import Stage
from tests.badinput.verdicts import (
    FORBIDDEN,
    MALFORMED,
    SUCCESS,
    UNAUTHENTICATED,
    UNKNOWN_CALL,
    WRONG_METHOD,
    transport_verdict,
    verdict,
)
from tests.badinput.wire import FORM, Wire, head, request
from tests.server import Server, beside, record_of

INFO = "/r/server/info"
PING = "/r/project/ping"
UPLOAD = "/r/project/directory/upload"
CHUNKED = {"Content-Type": FORM, "Transfer-Encoding": "chunked"}
METHODS = [
    *((method, PING) for method in ("PUT", "DELETE", "PATCH", "TRACE", "CONNECT")),
    *((method, INFO) for method in ("PUT", "DELETE", "PATCH")),
    *((method, UPLOAD) for method in ("GET", "PUT")),
    *((method, "/r/user/login") for method in ("GET", "PUT", "DELETE")),
    ("GET", "/r/repository/file/upload"),
]
UNKNOWN_CALLS = ["/r/", "/r", "/r/user", "/r/no/such/call", "/r/user/about/extra", "/r/USER/about", "/r/%00", "/r/%zz%"]
UNKNOWN_CALLS += [
    "/r/../../etc/passwd",
    "/r/%2e%2e/%2e%2e/etc/passwd",
    "/R/user/about",
    "/r/user%2Fabout%20",
    "/r/" + "x" * 60_000,
]

FRAMING = {
    "negative length": (head(PING, {"Content-Length": "-1"}), 400),
    "length of letters": (head(PING, {"Content-Length": "abc"}), 400),
    "length with a sign": (head(PING, {"Content-Length": "+5"}), 400),
    "two lengths": (head(PING, {"Content-Length": "5", "content-length": "6"}) + b"hello", 400),
    "length and chunks": (head(PING, {"Content-Length": "5", "Transfer-Encoding": "chunked"}) + b"0\r\n\r\n", 400),
    "coding without chunks": (head(PING, {"Transfer-Encoding": "gzip"}) + b"x", 400),
    "chunk size of letters": (head(PING, CHUNKED) + b"zz\r\nabc\r\n", 400),
    "negative chunk": (head(PING, CHUNKED) + b"-5\r\nabc\r\n", 400),
    "chunk longer than said": (head(PING, CHUNKED) + b"3\r\nabcdef\r\n0\r\n\r\n", 400),
    "long chunk extension": (head(PING, CHUNKED) + b"3;a=" + b"x" * 100_000 + b"\r\nabc\r\n0\r\n\r\n", UNAUTHENTICATED),
    "many trailers": (head(PING, CHUNKED) + b"0\r\n" + b"X: y\r\n" * 20_000 + b"\r\n", 431),
}
LINES = {
    "two hosts": (b"GET /deployr/r/server/info HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
    "no version": (b"GET /deployr/r/server/info\r\n\r\n", 400),
    "another version": (b"GET /deployr/r/server/info HTTP/9.9\r\nHost: a\r\n\r\n", 400),
    "lower-case method": (b"get /deployr/r/server/info HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "long method": (b"A" * 300 + b" /deployr/r/server/info HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "unknown method": (b"FOO /deployr/r/server/info HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "garbage": (b"\x00\xff\x16\x03garbage\r\n\r\n", 400),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 100 + b"\r\n\r\n", 400),
    "proxy line": (b"PROXY TCP4 1.1.1.1 2.2.2.2 1 2\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "blanks in the target": (b"GET /deployr/r/server/info a b HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "target without slash": (b"GET deployr/r/server/info HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "bytes in the path": (request(b"/r/\xff\xfe", method="GET"), 400),
    "bytes in the query": (request(b"/r/server/info?a=\xff", method="GET"), 400),
    "long header": (head(INFO, {"X": "x" * 200_000}, "GET"), 431),
    "many headers": (head(INFO, {f"X-{n}": "x" for n in range(2000)}, "GET"), 431),
    "header without colon": (head(INFO, {"X": "y\r\nnocolon"}, "GET"), 400),
    "header with a blank in its name": (head(INFO, {"X Y": "z"}, "GET"), 400),
    "folded header": (head(INFO, {"X": "y\r\n z"}, "GET"), 400),
    "nul in a header": (head(INFO, {"X": "y\x00z"}, "GET"), 400),
    "control character in a boundary": (head(PING, {"Content-Type": "multipart/form-data; boundary=\x01"}), 400),
    "bare line feeds": (b"GET /deployr/r/server/info HTTP/1.1\nHost: a\n\n", 400),
    "delete in a cookie": (head(INFO, {"Cookie": "JSESSIONID=\x7f"}, "GET"), 400),
}
ODD_HEADERS = {
    "forwarded": {"X-Forwarded-Proto": "javascript", "X-Forwarded-Host": 'evil"<', "Forwarded": 'for=;;;"'},
    "cookies": {"Cookie": ";;;=;JSESSIONID;JSESSIONID=;JSESSIONID=" + "x" * 60_000},
    "cookie of Latin-1": {"Cookie": "JSESSIONID=é"},
    "token": {"X-XSRF-TOKEN": "é" * 500},
    "accept": {"Accept": "image/png;q=x", "Accept-Charset": "utf-16", "Accept-Encoding": "zzz", "Accept-Language": "é"},
    "range": {"Range": "bytes=9999999-1", "If-Range": "x", "If-Modified-Since": "never", "If-None-Match": "*"},
    "expect": {"Expect": "something else"},
    "upgrade": {"Connection": "Upgrade", "Upgrade": "h2c"},
    "origin": {"Origin": "null", "Access-Control-Request-Method": "X"},
    "authorization": {"Authorization": "Basic \u00ff:::", "Proxy-Authorization": "Bearer x"},
    "content type of GET": {"Content-Type": "multipart/form-data", "Content-Encoding": "gzip"},
    "method override": {"X-HTTP-Method-Override": "DELETE", "X-Original-URL": "/deployr/r/user/logout"},
}


@pytest.mark.parametrize(("method", "call"), METHODS)
def test_a_wrong_method_is_not_allowed(stage: Stage, wire: Wire, method: str, call: str) -> None:
    reply = wire.exchange(request(call, method=method, headers=stage.cookie()), method)
    assert verdict(reply) == WRONG_METHOD
    assert reply.headers["allow"]


@pytest.mark.parametrize("call", UNKNOWN_CALLS, ids=lambda call: call[:30])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_unknown_call_is_not_found(wire: Wire, method: str, call: str) -> None:
    assert verdict(wire.exchange(request(call, method=method), method)) == UNKNOWN_CALL


@pytest.mark.parametrize(("raw", "expected"), [*FRAMING.values(), *LINES.values()], ids=[*FRAMING, *LINES])
def test_a_request_that_breaks_http_is_refused(wire: Wire, raw: bytes, expected: int) -> None:
    assert transport_verdict(wire.receive(wire.send_all([raw]))) == expected


def test_an_unknown_transfer_coding_is_not_implemented(wire: Wire) -> None:
    """The one 5xx, of HTTP itself (RFC 9112 6.1): the request never becomes a call."""
    reply = wire.receive(wire.send(head(PING, {"Transfer-Encoding": "xchunked"}) + b"x"))
    assert (reply.status_code, reply.headers["content-type"]) == (501, "text/plain")


@pytest.mark.parametrize("headers", ODD_HEADERS.values(), ids=ODD_HEADERS)
def test_odd_headers_do_no_harm(wire: Wire, headers: dict[str, str]) -> None:
    encoded = {name: value.encode().decode("latin-1") for name, value in headers.items()}
    assert transport_verdict(wire.receive(wire.send(head(INFO, encoded, "GET")), "GET")) in (SUCCESS, MALFORMED)


def test_a_host_that_is_none_appears_in_no_url_as_markup(stage: Stage, wire: Wire) -> None:
    raw = request(f"/r/project/directory/list?project={stage.project}", method="GET", headers=stage.cookie())
    reply = wire.exchange(raw.replace(b"Host: localhost", b'Host: a"><script>'), "GET")
    assert verdict(reply) in (SUCCESS, MALFORMED)


def test_a_long_url_is_refused_or_read(wire: Wire) -> None:
    raw = request(f"{INFO}?a={'x' * 60_000}", method="GET")
    assert verdict(wire.exchange(raw, "GET")) == SUCCESS


def test_a_url_of_megabytes_is_refused(wire: Wire) -> None:
    raw = request(f"{INFO}?a={'x' * 3_000_000}", method="GET")
    assert transport_verdict(wire.receive(wire.send_all([raw]), "GET")) in (400, 414, 431)


@pytest.fixture(scope="module")
def impatient(server: Server) -> Iterator[Server]:
    """Web workers that wait a second for what a client sends next."""
    with beside(server, server__body_timeout=1) as impatient:
        yield impatient


@pytest.mark.parametrize(
    "raw",
    [
        head(PING, {"Content-Type": FORM, "Content-Length": "500"}) + b"project=x",
        head(PING, {"Content-Type": FORM, "Content-Length": "9" * 30}) + b"project=x",
        head(PING, CHUNKED) + b"3\r\npro\r\n",
        head(PING, CHUNKED) + b"ffffffffffffff\r\nabc",
        head(UPLOAD, {"Content-Type": "multipart/form-data; boundary=B", "Content-Length": "500"}) + b"--B\r\n",
    ],
    ids=["form", "huge length", "chunked", "huge chunk", "multipart"],
)
def test_a_body_that_stops_is_not_waited_for(stage: Stage, impatient: Server, raw: bytes) -> None:
    started = time.monotonic()
    wire = Wire(impatient)
    reply = wire.receive(wire.send(raw.replace(b"\r\n", f"\r\nCookie: {stage.cookie()['Cookie']}\r\n".encode(), 1)))
    assert verdict(reply) == MALFORMED
    assert "in time" in record_of(reply)["error"]
    assert time.monotonic() - started >= impatient.settings.server.body_timeout
    wire.close()


def test_slow_clients_do_not_keep_others_from_being_served(stage: Stage, server: Server) -> None:
    begun = [b"POST /deployr/r/us", head(PING, {"Content-Type": FORM, "Content-Length": "500"})]
    slow = [Wire(server).send(begun[number % 2]) for number in range(50)]
    assert verdict(stage.post(PING, {"project": "@project@"})) == SUCCESS
    answered, _, _ = select.select(slow, [], [], 0)
    assert answered == []
    for connection in slow:
        connection.close()


@pytest.mark.parametrize("sent", [b"", b"POST /deployr/r/project/ping HT", head(PING, {"Content-Length": "50"}) + b"x"])
def test_a_client_that_hangs_up_harms_nobody(stage: Stage, server: Server, sent: bytes) -> None:
    for _ in range(20):
        connection = Wire(server).send(sent)
        connection.shutdown(socket.SHUT_WR)
        connection.close()
    assert verdict(stage.post(PING, {"project": "@project@"})) == SUCCESS


def test_the_body_of_a_refused_call_is_not_taken_for_a_request(wire: Wire) -> None:
    smuggled = request("/r/user/logout", method="POST")
    assert verdict(wire.exchange(request("/r/no/such/call", smuggled))) == UNKNOWN_CALL
    assert record_of(wire.exchange(request(INFO, method="GET"), "GET"))["call"] == INFO


def test_a_logout_by_another_site_s_image_is_no_login(stage: Stage) -> None:
    reply = stage.anonymous.http.get("/r/user/logout")
    assert verdict(reply) == FORBIDDEN
