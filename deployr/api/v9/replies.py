"""Replies of the 9.x API: JSON with the one status that clients take for success (9x-facts 3)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import falcon
import msgspec
from falcon.asgi import Response

from deployr.api.v9.definitions import Definition

JSON_TYPE = "application/json; charset=utf-8"

_encoder = msgspec.json.Encoder()


def reply(resp: Response, value: Definition | Sequence[Definition] | list[str] | str, status: int = 200) -> None:
    """Reply with a record, a list, or a text."""
    resp.status = status
    resp.content_type = JSON_TYPE
    resp.data = _encoder.encode(value)


def reply_document(resp: Response, document: dict[str, Any]) -> None:
    """Reply with a Swagger document."""
    resp.content_type = JSON_TYPE
    resp.data = _encoder.encode(document)


def reply_empty(resp: Response, status: int = 200) -> None:
    """Reply with an empty body, which is not called JSON: clients would parse it."""
    resp.status = status
    resp.content_type = falcon.MEDIA_TEXT
    resp.data = b""
