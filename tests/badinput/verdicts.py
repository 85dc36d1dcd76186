"""How the server must refuse: in the envelope, with a documented status, and without telling its insides."""

from __future__ import annotations

import re
from typing import Any

import httpx

from tests.server import record_of

SUCCESS = 0
HANDLED = 900
"""HTTP 200 with this ``errorCode``; the other verdicts are HTTP statuses, repeated as ``errorCode``."""
MALFORMED = 400
UNAUTHENTICATED = 401
FORBIDDEN = 403
UNKNOWN_CALL = 404
WRONG_METHOD = 405

_INSIDES = re.compile(
    r"Traceback|File \\?\"/|\.py\b|sqlalchemy|sqlite|asyncio|msgspec|orjson|site-packages", re.IGNORECASE
)


def verdict(response: httpx.Response) -> int:
    """0 for a success, the HTTP status of a refusal, the ``errorCode`` of a handled failure."""
    assert response.status_code < 500, response.text[:500]
    assert response.headers["content-type"] == "application/json;charset=UTF-8", response.text[:500]
    assert not _INSIDES.search(response.text), response.text[:500]
    return _code(response.status_code, record_of(response))


def _code(status: int, record: dict[str, Any]) -> int:
    assert isinstance(record["call"], str)
    if record["success"]:
        assert status == 200
        return SUCCESS
    code = record["errorCode"]
    assert record["error"].strip()
    assert type(code) is int
    assert (900 <= code <= 999) if status == 200 else code == status, record
    return code


def transport_verdict(response: httpx.Response) -> int:
    """The status of a request that never became a call, which is refused in plain text; else its verdict."""
    if response.headers["content-type"] != "text/plain":
        return verdict(response)
    assert not _INSIDES.search(response.text), response.text[:500]
    return response.status_code
