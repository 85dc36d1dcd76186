"""States, schedules, slots."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployr.grid.protocol import NodeStatus, Purpose, SessionInfo
from deployr.jobs import capacity
from deployr.jobs.schedules import next_start
from deployr.jobs.states import BEFORE, OPEN, State, cancelled_from

ALL: tuple[Purpose, ...] = ("authenticated", "anonymous", "asynchronous")


def test_only_open_states_are_left() -> None:
    assert {state for before in BEFORE.values() for state in before} == set(OPEN)


def test_every_end_can_be_reached_from_a_schedule() -> None:
    reached: set[State] = {"Scheduled"}
    for _ in BEFORE:
        reached |= {state for state, before in BEFORE.items() if reached & set(before)}
    assert reached == set(BEFORE)


def test_what_is_cancelled_never_completes() -> None:
    assert [state for state, before in BEFORE.items() if "Cancelling" in before] == ["Interrupted"]


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("Scheduled", "Cancelled"),
        ("Queued", "Cancelled"),
        ("Running", "Cancelling"),
        ("Cancelling", "Cancelling"),
        ("Completed", "Completed"),
        ("Failed", "Failed"),
        ("Aborted", "Aborted"),
        ("Interrupted", "Interrupted"),
        ("Cancelled", "Cancelled"),
    ],
)
def test_cancelling_leads_to(state: State, expected: State) -> None:
    assert cancelled_from(state) == expected
    assert state == expected or state in BEFORE[expected]


@given(st.integers(0, 10**13), st.integers(1, 10**10), st.integers(0, 1000), st.integers(-(10**10), 10**12))
def test_starts_lie_on_the_grid_and_go_forward(first: int, interval: int, done: int, late: int) -> None:
    former = first + done * interval
    now = former + late
    start = next_start(first, interval, former, now)
    assert (start - first) % interval == 0
    assert start > former
    assert start - now <= interval or start == former + interval


def test_missed_starts_are_made_up_for_by_one_run() -> None:
    assert next_start(1000, 100, 1000, 1050) == 1100
    assert next_start(1000, 100, 1000, 1100) == 1100
    assert next_start(1000, 100, 1000, 1555) == 1500
    assert next_start(1000, 100, 1500, 1556) == 1600


def node(name: str, purposes: tuple[Purpose, ...], slots: int, used: int = 0, **more: object) -> NodeStatus:
    values = {"cluster": None, "warm": 0, "healthy": True, "isolated": True, **more}
    return NodeStatus(name=name, purposes=list(purposes), slots=slots, used=used, **values)  # type: ignore[arg-type]


def sessions(node_name: str, count: int, purpose: Purpose = "asynchronous") -> list[SessionInfo]:
    return [
        SessionInfo(
            session=f"S{n}", owner="user:u", purpose=purpose, node=node_name, cluster=None, context="", directory="",
            state="idle", opened=0, used=0,
        )
        for n in range(count)
    ]  # fmt: skip


def test_half_of_a_mixed_node_is_left_to_others() -> None:
    mixed = [node("m", ALL, 4, used=1)]
    assert capacity.has_room(mixed, sessions("m", 1), None)
    assert not capacity.has_room(mixed, sessions("m", 2), None)
    assert capacity.has_room(mixed, sessions("m", 3, "authenticated"), None)


def test_a_full_node_has_no_room_and_a_single_slot_is_shared() -> None:
    assert not capacity.has_room([node("m", ALL, 4, used=4)], [], None)
    assert capacity.has_room([node("m", ALL, 1)], [], None)


def test_dedicated_nodes_are_filled() -> None:
    dedicated = node("d", ("asynchronous",), 2, used=1)
    assert capacity.has_room([dedicated], sessions("d", 1), None)
    assert not capacity.has_room([node("d", ("asynchronous",), 2, used=2)], sessions("d", 2), None)
    assert not capacity.has_room([node("a", ("authenticated",), 9)], [], None)
    assert not capacity.has_room([node("d", ("asynchronous",), 2, healthy=False)], [], None)


def test_clusters_are_matched_without_case() -> None:
    tagged = node("d", ("asynchronous",), 2, cluster="Big ")
    assert capacity.is_known([tagged], "big")
    assert not capacity.is_known([tagged], "small")
    assert capacity.is_known([], None)
    assert capacity.has_room([tagged], [], "BIG")
    assert not capacity.has_room([tagged], [], "small")
