"""Events as clients read them: JSON in the envelope of all replies, and a message around it (7x-facts 18.1).

JavaScript clients split each message at ``!|!`` and take the second piece; a second delimiter, or anything behind the
JSON, would break them for good.
"""

from __future__ import annotations

import functools
import uuid
from typing import Any, Literal

from deployr.encodings import deployr_json, model, objects, qap1
from deployr.encodings.qap1 import Qap1Error
from deployr.events import records
from deployr.events.records import Event, owner_name

DELIMITER = "!|!"
KEEP_ALIVE = f"0{DELIMITER}"
"""A message that clients ignore."""

CALL = "/r/event/stream"
_GRID = "deployr"
"""Who is said to have raised what the grid itself tells."""

_NODES = uuid.UUID("7c2f5f0e-6f0a-4d0b-8e55-27b7b0d3c1a9")
"""Name space of the ids of nodes, which follow from their names."""


class Frame:
    """An event, encoded once for all who hear it.

    Attributes:
        json: the envelope.
    """

    def __init__(self, json: bytes) -> None:
        # In JSON a bar stands in texts only, where it may be escaped.
        self.json = json.replace(b"|", b"\\u007c") if DELIMITER.encode() in json else json

    @functools.cached_property
    def message(self) -> str:
        """``<length>!|!<json>``; the length is in UTF-16 units, as JavaScript counts."""
        text = self.json.decode()
        length = len(text) if text.isascii() else len(text.encode("utf-16-le")) // 2
        return f"{length}{DELIMITER}{text}"


def shown_session(digest: str | None) -> str | None:
    """What stands for an HTTP session in events: looks like a session id, but lets nobody in.

    The client that has the id finds its own: it is the first half of the SHA-256 of the id, in upper case.
    """
    return digest[:32].upper() if digest else None


def stream_frame(kind: Literal["Connect", "Disconnect"], whoami: str, digest: str) -> Frame:
    """The first and the last event of a stream; their ``call`` is the text ``null``."""
    event = {
        "type": f"stream{kind}Event",
        "context": whoami,
        "whoami": whoami,
        "http": shown_session(digest),
        "success": True,
    }
    return _frame(event, whoami, call="null")


def event_frame(event: Event) -> Frame:
    """Any other event.

    Raises:
        ValueError: a published object cannot be read; user code can make a session send anything.
    """
    match event:
        case records.ExecutionConsole() | records.ExecutionRevo() | records.ExecutionError():
            return _frame(_execution(event), owner_name(event.owner))
        case records.JobLifecycle():
            return _frame(_job(event), event.username)
        case records.GridActivity():
            return _frame(_activity(event), owner_name(event.owner))
        case records.GridWarning():
            fields = {"context": event.error, "error": event.error, "errorcode": str(event.error_code)}
            return _frame({"type": "gridWarningEvent", **fields}, _GRID, httpcookie="grid")
        case records.GridHeartbeat():
            return _frame(_heartbeat(event), _GRID, httpcookie="grid")
        case records.SecurityLogin():
            return _frame(_security("securityLoginEvent", event, event.error), event.username)
        case records.SecurityLogout():
            return _frame(_security("securityLogoutEvent", event, None), event.username)


def _frame(event: dict[str, Any], whoami: str, *, call: str = CALL, **more: Any) -> Frame:
    response = {
        "success": True,
        "call": call,
        "whoami": whoami,
        "uid": f"UID-{uuid.uuid4().hex.upper()}",
        "event": event,
        **more,
    }
    return Frame(deployr_json.dumps({"deployr": {"response": response}}))


def _execution(event: records.ExecutionConsole | records.ExecutionRevo | records.ExecutionError) -> dict[str, Any]:
    """The three have the same fields; what tells of an error has its text as output too."""
    error = None if isinstance(event, records.ExecutionRevo) else event.error
    return {
        "type": event.__struct_config__.tag,
        "context": event.job or event.project,
        "http": shown_session(event.http),
        "output": event.error if isinstance(event, records.ExecutionError) else event.output,
        "object": _object(event.object) if isinstance(event, records.ExecutionRevo) else None,
        "success": error is None,
        "error": error,
    }


def _object(value: bytes) -> dict[str, Any]:
    """The record of the only member of a named list."""
    try:
        [(name, member)] = model.as_members(qap1.decode(value)).items()
        return objects.encode_object(name, member)
    except (Qap1Error, TypeError, ValueError, KeyError, RecursionError) as ex:
        raise ValueError("an object that cannot be read") from ex


def _job(event: records.JobLifecycle) -> dict[str, Any]:
    return {
        "type": "jobLifecycleEvent",
        "context": event.job,
        "jobname": event.name,
        "jobowner": event.username,
        "jobdescr": event.descr,
        "jobpriority": event.priority,
        "jobstatus": event.status,
        "jobstatusmsg": event.message,
        "jobproject": event.project,
    }


def _activity(event: records.GridActivity) -> dict[str, Any]:
    return {
        "type": "gridActivityEvent",
        "context": event.context,
        "activity": event.activity,
        "owner": owner_name(event.owner),
        "http": shown_session(event.http),
        "node": event.node,
        "nodetype": event.node_type,
        "isLive": event.is_live,
    }


def _heartbeat(event: records.GridHeartbeat) -> dict[str, Any]:
    nodes = event.nodes
    active = sum(node.active for node in nodes)
    return {
        "type": "gridHeartbeatEvent",
        "context": event.server,
        "totalnodes": len(nodes),
        "enablednodes": len(nodes),
        "activenodes": active,
        "totalslots": sum(node.slots for node in nodes),
        "activeslots": sum(len(node.activity) for node in nodes),
        "nodes": [_node(node) for node in nodes],
    }


def _node(node: records.NodeState) -> dict[str, Any]:
    return {
        "node": f"NODE-{uuid.uuid5(_NODES, node.name)}",
        "name": node.name,
        "description": node.description,
        "type": node.type,
        "enabled": True,
        "active": node.active,
        "slotlimit": node.slots,
        "slotcount": len(node.activity),
        "slotactivity": [_slot(slot, node.name) for slot in node.activity],
    }


def _slot(slot: records.SlotActivity, node: str) -> dict[str, Any]:
    return {
        "actor": owner_name(slot.owner),
        "activity": slot.session,
        "context": slot.context,
        "node": node,
        "nodetype": slot.node_type,
        "actorhttp": shown_session(slot.http),
        "actorip": slot.address,
    }


def _security(kind: str, event: records.SecurityLogin | records.SecurityLogout, error: str | None) -> dict[str, Any]:
    session = shown_session(event.http)
    return {
        "type": kind,
        "context": session,
        "http": session,
        "username": event.username,
        "displayname": event.displayname,
        "error": error,
    }
