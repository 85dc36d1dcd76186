"""The envelope of all replies: ``{"deployr": {"response": {...}}}`` (7x-facts 2.3)."""

from __future__ import annotations

import uuid
from typing import Any

from falcon.asgi import Response

from deployr.api.call import Call
from deployr.encodings import deployr_json, deployr_xml

JSON_TYPE = "application/json;charset=UTF-8"
XML_TYPE = "application/xml;charset=UTF-8"


def succeed(call: Call, response: Response, **parts: Any) -> None:
    """Reply that the call succeeded.

    Args:
        parts: records in the order of the reply. ``project`` comes first: JavaScript clients take the first property
            of a name, depth first (client-wire-facts 7).
    """
    _send(call, response, {"success": True, "call": call.name, **parts})


def fail(call: Call, response: Response, error: str, code: int, **parts: Any) -> None:
    """Reply that the call failed; clients read ``errorCode`` as an integer."""
    response.context.error_code = code
    _send(call, response, {"success": False, "call": call.name, "error": error, "errorCode": code, **parts})


def _send(call: Call, response: Response, record: dict[str, Any]) -> None:
    """Add what every reply has: a fresh ``uid`` (8.0.5), and the session id as ``httpcookie`` (7.x clients)."""
    record |= {"uid": f"UID-{uuid.uuid4().hex.upper()}", "httpcookie": call.session_id}
    reply = {"deployr": {"response": record}}
    if call.wants_xml:
        response.content_type, response.data = XML_TYPE, deployr_xml.dumps(reply)
    else:
        response.content_type, response.data = JSON_TYPE, deployr_json.dumps(reply)
