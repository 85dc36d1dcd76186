"""Bodies as large as allowed, and larger: what a web process holds in memory is bounded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from deployr.api.params import MAX_FORM
from tests.badinput import processes_seen, stage
from tests.badinput.conftest import MAX_UPLOAD
from tests.badinput.stage import Stage
from tests.badinput.verdicts import HANDLED, MALFORMED, SUCCESS, UNAUTHENTICATED, UNKNOWN_CALL, verdict
from tests.badinput.wire import FORM, Wire, field, file, head, multipart
from tests.server import running

MIB = 1024 * 1024
HUGE = 300_000_000
BLOCK = 64 * 1024
CODE = "/r/project/execute/code"
PUSH = "/r/project/workspace/push"
UPLOADS = ["/r/project/directory/upload", "/r/repository/file/upload"]
UPLOAD_MEMORY = 48 * MIB
"""Bytes by which a web process may grow for an upload, however large it is."""

REFUSED_MEMORY = 3 * MAX_FORM
"""Bytes by which a web process may grow for a form that it refuses."""

FORM_MEMORY = 10 * MAX_FORM
"""Bytes by which a web process may grow for the largest form: as bytes, as text, decoded, and as an R value."""


def repeated(piece: bytes, size: int) -> Iterator[bytes]:
    """Blocks of about that many bytes."""
    block = piece * (BLOCK // len(piece))
    yield from (block for _ in range(size // len(block)))
    yield block[: size % len(block) // len(piece) * len(piece)]


def upload_of(stage: Stage, size: int) -> list[Iterable[bytes]]:
    """What is before the file, the file, and what is behind it."""
    fields = [field("project", stage.project), field("filename", "large.bin"), field("overwrite", "true")]
    start, end = multipart("B", *fields, file(b"@")).split(b"@")
    return [[start], repeated(b"x", size), [end]]


def chunked(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The pieces as a chunked body."""
    yield from (b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces if piece)
    yield b"0\r\n\r\n"


def send(wire: Wire, start: bytes, pieces: Iterable[bytes]) -> int:
    """Send until the server has had enough, and tell the verdict."""
    wire.send(start)
    return verdict(wire.receive(wire.send_all(pieces)))


def upload(stage: Stage, wire: Wire, call: str, size: int, *, in_chunks: bool = False) -> int:
    """Upload a file of that size."""
    headers = {"Content-Type": "multipart/form-data; boundary=B", **stage.cookie()}
    pieces = [piece for part in upload_of(stage, 0) for piece in part]
    body = (piece for part in upload_of(stage, size) for piece in part)
    if in_chunks:
        return send(wire, head(call, {**headers, "Transfer-Encoding": "chunked"}), chunked(body))
    length = sum(map(len, pieces)) + size
    return send(wire, head(call, {**headers, "Content-Length": str(length)}), body)


def post_form(stage: Stage, wire: Wire, call: str, name: str, pieces: list[bytes]) -> int:
    """Post a form with one large parameter."""
    start = f"project={stage.project}&{name}=".encode()
    length = len(start) + sum(map(len, pieces))
    headers = {"Content-Type": FORM, "Content-Length": str(length), **stage.cookie()}
    return send(wire, head(call, headers), [start, *pieces])


@pytest.mark.parametrize("in_chunks", [False, True], ids=["length", "chunks"])
@pytest.mark.parametrize("call", UPLOADS)
@pytest.mark.parametrize(
    ("size", "expected"),
    [(MAX_UPLOAD, SUCCESS), (MAX_UPLOAD + 1, HANDLED), (3 * MAX_UPLOAD, HANDLED), (30 * MAX_UPLOAD, HANDLED)],
)
def test_an_upload_beyond_the_limit_is_refused(
    stage: Stage, wire: Wire, call: str, size: int, expected: int, in_chunks: bool
) -> None:
    assert upload(stage, wire, call, size, in_chunks=in_chunks) == expected


@pytest.mark.parametrize("call", UPLOADS)
def test_a_huge_upload_is_neither_kept_in_memory_nor_read_to_its_end(stage: Stage, wire: Wire, call: str) -> None:
    processes_seen.forget_peak()
    before = processes_seen.peak()
    assert upload(stage, wire, call, HUGE) == HANDLED
    assert processes_seen.peak() - before < UPLOAD_MEMORY


@pytest.mark.parametrize("call", [CODE, PUSH, "/r/user/login", "/r/repository/file/write"])
def test_a_huge_form_is_refused(stage: Stage, wire: Wire, call: str) -> None:
    processes_seen.forget_peak()
    before = processes_seen.peak()
    headers = {"Content-Type": FORM, "Content-Length": str(HUGE), **stage.cookie()}
    assert send(wire, head(call, headers), repeated(b"x", HUGE)) == HANDLED
    assert processes_seen.peak() - before < REFUSED_MEMORY


@pytest.mark.parametrize(
    ("call", "name", "piece", "expected"),
    [
        (CODE, "tag", b"x", MALFORMED),
        (PUSH, "inputs", b"%41", HANDLED),
        (PUSH, "inputs", b"%F0%9F%98%80", HANDLED),
        (PUSH, "inputs", b"%5B", HANDLED),
        (PUSH, "inputs", b"%3C", HANDLED),
        (PUSH, "csvinputs", b"%22", HANDLED),
        (PUSH, "csvinputs", b"%2C", HANDLED),
        (PUSH, "x", b"&", MALFORMED),
    ],
)
def test_the_largest_form_is_read_in_bounded_memory_and_time(
    stage: Stage, wire: Wire, call: str, name: str, piece: bytes, expected: int
) -> None:
    processes_seen.forget_peak()
    before, started = processes_seen.peak(), processes_seen.cpu_seconds()
    assert post_form(stage, wire, call, name, list(repeated(piece, MAX_FORM - 1000))) == expected
    assert processes_seen.peak() - before < FORM_MEMORY
    assert processes_seen.cpu_seconds() - started < 30


@pytest.mark.parametrize(
    ("call", "kind", "expected"),
    [
        ("/r/no/such/call", FORM, UNKNOWN_CALL),
        ("/r/project/ping", "application/octet-stream", MALFORMED),
        ("/r/project/ping", "text/plain", MALFORMED),
    ],
)
def test_a_body_that_is_of_no_use_is_not_kept(stage: Stage, wire: Wire, call: str, kind: str, expected: int) -> None:
    processes_seen.forget_peak()
    before = processes_seen.peak()
    headers = {"Content-Type": kind, "Content-Length": str(HUGE), **stage.cookie()}
    assert send(wire, head(call, headers), repeated(b"x", HUGE)) == expected
    assert processes_seen.peak() - before < REFUSED_MEMORY


def test_a_stranger_s_body_is_not_kept(stage: Stage, wire: Wire) -> None:
    headers = {"Content-Type": FORM, "Content-Length": str(HUGE)}
    assert send(wire, head(CODE, headers), repeated(b"x", HUGE)) == UNAUTHENTICATED


@pytest.mark.soak
@pytest.mark.parametrize("call", UPLOADS)
def test_three_hundred_megabytes_are_stored_where_they_are_allowed(tmp_path: Path, call: str) -> None:
    with running(tmp_path, limits__max_upload=HUGE) as server:
        large, wire = stage.build(server), Wire(server)
        processes_seen.forget_peak()
        before = processes_seen.peak()
        assert upload(large, wire, call, HUGE) == SUCCESS
        assert processes_seen.peak() - before < UPLOAD_MEMORY
        assert upload(large, wire, call, HUGE + 1) == HANDLED
        wire.close()
