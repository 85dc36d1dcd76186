"""The verdict on each exchange: what the server did, held against what the client meant and can read."""

from __future__ import annotations

import dataclasses
import traceback
from collections.abc import Iterator
from typing import Literal

from deployr.api.sessions import TOKEN
from tests.recordings.effects import assert_effect
from tests.recordings.peculiarities import PECULIARITIES, Peculiarity
from tests.recordings.recorded import Recorded
from tests.recordings.replay import STREAM, Exchange, Replayer
from tests.recordings.shapes import assert_shape, first
from tests.server import Server

Outcome = Literal["as meant", "refused", "client fault", "failed"]

_FILES = {
    *(f"/r/project/{name}" for name in ("export", "directory/download", "execute/result/download")),
    *(f"/r/repository/{name}" for name in ("file/download", "file/diff", "directory/download", "script/render")),
    "/",
    STREAM,
}
"""Calls whose success is no JSON."""


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What came of a recorded request.

    Attributes:
        reason: why it is not as the client meant; of failures the whole story.
    """

    recorded: Recorded
    outcome: Outcome
    reason: str = ""


def verdicts(server: Server, client: str) -> Iterator[Verdict]:
    """Replay a client's requests and judge each."""
    for exchange in Replayer(server, client).replay():
        try:
            yield _verdict(client, exchange)
        except Exception:
            yield Verdict(exchange.recorded, "failed", _story(exchange))


def _verdict(client: str, exchange: Exchange) -> Verdict:
    recorded, reply = exchange.recorded, exchange.reply
    peculiarity = PECULIARITIES.get((client, recorded.n))
    if peculiarity and peculiarity.unparsed:
        assert reply.status == peculiarity.status
        return Verdict(recorded, peculiarity.kind, peculiarity.reason)
    if recorded.call != STREAM:
        _assert_headers(exchange)
    if reply.is_json:
        _assert_envelope(client, exchange)
    _assert_outcome(exchange, peculiarity)
    return Verdict(recorded, peculiarity.kind, peculiarity.reason) if peculiarity else Verdict(recorded, "as meant")


def _assert_outcome(exchange: Exchange, peculiarity: Peculiarity | None) -> None:
    """Success unless something else is expected; files come as they are and all else as JSON."""
    reply = exchange.reply
    if peculiarity and not peculiarity.succeeds:
        assert (reply.status, reply.record["success"]) == (peculiarity.status, False)
        return
    assert reply.status == (101 if exchange.call == STREAM else 200)
    assert reply.is_json != (exchange.call in _FILES)
    assert not reply.is_json or reply.record["success"]
    assert_effect(exchange)


def _assert_headers(exchange: Exchange) -> None:
    """The token is on every reply, spelled as Java does; a cookie comes to clients without one, and at login."""
    reply, session = exchange.reply, exchange.session
    is_login = exchange.call == "/r/user/login" and reply.record["success"]
    assert len(reply.cookies) == int(is_login or session is None), reply.cookies
    token = reply.header(TOKEN)
    assert token
    if session:
        assert token == session.token
        assert all(session.session_id in cookie for cookie in reply.cookies)
    if is_login:
        assert reply.record[TOKEN] == token


def _assert_envelope(client: str, exchange: Exchange) -> None:
    record = exchange.reply.record
    assert record["call"] == exchange.call
    assert_shape(client, record)
    if exchange.session:
        assert record["httpcookie"] == exchange.session.session_id
    if not record["success"]:
        assert isinstance(record["error"], str)
        assert type(record["errorCode"]) is int
    # The project of a job is within the job.
    for name in () if exchange.call.startswith("/r/job/") else ("project", "execution", "workspace", "repository"):
        assert first(record, name) == record.get(name), f"JavaScript finds another {name}"


def _story(exchange: Exchange) -> str:
    request, reply = exchange.message.encode(), exchange.reply
    return f"{traceback.format_exc(limit=-3)}\nrequest {request[:3000]!r}\nreply {reply.status} {reply.body[:1500]!r}\n"
