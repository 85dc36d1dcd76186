"""Events in the form that clients read, held against the documented fields (7x-facts 18.3)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployr.encodings import model, qap1
from deployr.events import records
from deployr.events.frames import DELIMITER, KEEP_ALIVE, Frame, event_frame, shown_session, stream_frame

DIGEST = "0123456789abcdef" * 4
SHOWN = "0123456789ABCDEF" * 2


def read(frame: Frame) -> dict[str, Any]:
    """The response of a message, as the JavaScript client takes it out."""
    pieces = frame.message.split(DELIMITER)
    assert len(pieces) == 2
    response: dict[str, Any] = json.loads(pieces[1])["deployr"]["response"]
    return response


def read_event(event: records.Event) -> dict[str, Any]:
    """The event of its message, with who it is about."""
    response = read(event_frame(event))
    assert (response["call"], response["success"]) == ("/r/event/stream", True)
    assert response["uid"].startswith("UID-")
    return response["event"] | {"whoami": response["whoami"]}


@given(st.text(alphabet=st.sampled_from('ab|!"\\\n\té😀')))
def test_no_text_breaks_a_message_and_its_length_is_that_of_javascript(text: str) -> None:
    frame = event_frame(records.ExecutionConsole(owner="user:testuser", output=text))
    assert read(frame)["event"]["output"] == text
    length, _, rest = frame.message.partition(DELIMITER)
    assert int(length) == len(rest.encode("utf-16-le")) // 2


def test_a_sign_of_life_has_an_empty_second_piece() -> None:
    assert KEEP_ALIVE.split(DELIMITER)[1] == ""


def test_the_first_and_the_last_event_say_who_listens() -> None:
    response = read(stream_frame("Connect", "testuser", DIGEST))
    assert (response["call"], response["whoami"]) == ("null", "testuser")
    assert response["event"] == {
        "type": "streamConnectEvent",
        "context": "testuser",
        "whoami": "testuser",
        "http": SHOWN,
        "success": True,
    }
    assert read(stream_frame("Disconnect", "anonymous", DIGEST))["event"]["type"] == "streamDisconnectEvent"


def test_console_text_of_a_project() -> None:
    event = records.ExecutionConsole(owner="user:testuser", project="PROJECT-1", http=DIGEST, output="\n> x\n")
    assert read_event(event) == {
        "type": "executionConsoleEvent",
        "whoami": "testuser",
        "context": "PROJECT-1",
        "http": SHOWN,
        "output": "\n> x\n",
        "object": None,
        "success": True,
        "error": None,
    }


def test_a_run_time_error_is_console_text_that_is_no_success() -> None:
    event = read_event(records.ExecutionConsole(owner="http:1", project="P", output="no y", error="no y"))
    assert (event["success"], event["error"], event["output"], event["whoami"]) == (False, "no y", "no y", "anonymous")


def test_a_published_object_is_encoded_as_in_replies() -> None:
    value = qap1.encode(model.named_list({"x": model.double(1, 2)}))
    event = read_event(records.ExecutionRevo(owner="user:a", job="JOB-1", project="P", object=value, output="> r\n"))
    assert event["object"] == {"name": "x", "type": "vector", "rclass": "numeric", "value": [1.0, 2.0]}
    assert (event["type"], event["context"], event["output"]) == ("executionRevoEvent", "JOB-1", "> r\n")


@pytest.mark.parametrize("value", [b"", b"nonsense", qap1.encode(model.double(1)), qap1.encode(model.unnamed_list())])
def test_what_user_code_sends_in_the_place_of_an_object_is_a_value_error(value: bytes) -> None:
    with pytest.raises(ValueError, match="cannot be read"):
        event_frame(records.ExecutionRevo(owner="user:a", object=value))


def test_a_failed_execution_has_its_message_twice() -> None:
    event = read_event(records.ExecutionError(owner="user:a", project="P", error="bad"))
    assert (event["type"], event["output"], event["error"], event["success"]) == (
        "executionErrorEvent",
        "bad",
        "bad",
        False,
    )


def test_the_life_of_a_job() -> None:
    job = records.JobLifecycle(
        job="JOB-1", name="n", username="testuser", priority="low", status="Completed", message="m", project="PROJECT-1"
    )
    assert read_event(job) == {
        "type": "jobLifecycleEvent",
        "whoami": "testuser",
        "context": "JOB-1",
        "jobname": "n",
        "jobowner": "testuser",
        "jobdescr": None,
        "jobpriority": "low",
        "jobstatus": "Completed",
        "jobstatusmsg": "m",
        "jobproject": "PROJECT-1",
    }


def test_a_warning_has_its_code_as_text() -> None:
    event = read_event(records.GridWarning(error="full", error_code=913))
    assert event == {
        "type": "gridWarningEvent",
        "whoami": "deployr",
        "context": "full",
        "error": "full",
        "errorcode": "913",
    }


def test_a_slot_that_was_taken() -> None:
    event = read_event(
        records.GridActivity(
            context="PROJECT-1",
            activity="Temporary Project",
            owner="user:testuser",
            http=DIGEST,
            node="n",
            node_type="Authenticated",
            is_live=True,
        )
    )
    assert event == {
        "type": "gridActivityEvent",
        "whoami": "testuser",
        "context": "PROJECT-1",
        "activity": "Temporary Project",
        "owner": "testuser",
        "http": SHOWN,
        "node": "n",
        "nodetype": "Authenticated",
        "isLive": True,
    }


def test_a_heartbeat_sums_the_nodes_up() -> None:
    slot = records.SlotActivity(owner="user:a", session="PROJECT-1", context="c", node_type="Anonymous", http=DIGEST)
    nodes = [
        records.NodeState(name="one", description="", type="Mixed Mode", active=True, slots=10, activity=[slot, slot]),
        records.NodeState(name="two", description="", type="Anonymous", active=False, slots=5, activity=[]),
    ]
    event = read_event(records.GridHeartbeat(server="127.0.0.1:8050", nodes=nodes))
    assert event["context"] == "127.0.0.1:8050"
    sums = [event[name] for name in ("totalnodes", "enablednodes", "activenodes", "totalslots", "activeslots")]
    assert sums == [2, 2, 1, 15, 2]
    assert event["nodes"][0]["slotactivity"][0] == {
        "actor": "a",
        "activity": "PROJECT-1",
        "context": "c",
        "node": "one",
        "nodetype": "Anonymous",
        "actorhttp": SHOWN,
        "actorip": None,
    }
    assert [node["slotcount"] for node in event["nodes"]] == [2, 0]


def test_a_failed_login_has_no_display_name() -> None:
    event = read_event(records.SecurityLogin(http=DIGEST, username="george", error="no"))
    assert event == {
        "type": "securityLoginEvent",
        "whoami": "george",
        "context": SHOWN,
        "http": SHOWN,
        "username": "george",
        "displayname": None,
        "error": "no",
    }


def test_http_sessions_are_shown_by_less_than_their_digest() -> None:
    assert shown_session(DIGEST) == SHOWN
    assert shown_session(None) is None
