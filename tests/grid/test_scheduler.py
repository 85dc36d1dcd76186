"""The choice of a node: purpose, cluster, load, overflow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import get_args

import pytest

from deployr.errors import NodeNotResponding, NoFreeSlot
from deployr.grid import scheduler
from deployr.grid.protocol import NodeStatus, Purpose, Runtime
from deployr.grid.session import Session

ALL: tuple[Purpose, ...] = get_args(Purpose)


@dataclass
class FakeNode:
    """As much of a node as the scheduler looks at."""

    name: str
    purposes: tuple[Purpose, ...] = ALL
    cluster: str | None = None
    slots: int = 2
    used: int = 0
    healthy: bool = True

    async def start(self) -> None: ...

    async def take(self, on_death: Callable[[], None], runtime: Runtime = "r") -> Session:
        raise NotImplementedError

    def release(self, session: Session) -> None: ...

    async def stop(self) -> None: ...

    def status(self) -> NodeStatus:
        raise NotImplementedError


def choose(nodes: list[FakeNode], purpose: Purpose = "authenticated", cluster: str | None = None) -> str:
    return scheduler.choose(nodes, purpose, cluster).name


def test_the_least_loaded_node_is_chosen() -> None:
    nodes = [FakeNode("busy", slots=10, used=8), FakeNode("idle", slots=2, used=1), FakeNode("full", used=2)]
    assert choose(nodes) == "idle"


def test_a_dedicated_node_comes_before_a_mixed_one() -> None:
    nodes = [FakeNode("mixed"), FakeNode("dedicated", ("authenticated",), used=1)]
    assert choose(nodes) == "dedicated"


def test_a_mixed_node_takes_the_overflow() -> None:
    nodes = [FakeNode("mixed"), FakeNode("dedicated", ("authenticated",), used=2)]
    assert choose(nodes) == "mixed"


def test_a_node_of_another_purpose_takes_nothing() -> None:
    nodes = [FakeNode("anonymous", ("anonymous",)), FakeNode("jobs", ("asynchronous",))]
    with pytest.raises(NoFreeSlot):
        choose(nodes)
    assert choose(nodes, "asynchronous") == "jobs"


@pytest.mark.parametrize("tag", ["GPU", "gpu", " Gpu "])
def test_cluster_tags_are_matched_without_case(tag: str) -> None:
    nodes = [FakeNode("plain"), FakeNode("tagged", cluster="Gpu", used=1)]
    assert choose(nodes, cluster=tag) == "tagged"


def test_a_full_cluster_overflows_to_a_mixed_node() -> None:
    nodes = [FakeNode("tagged", ("authenticated",), cluster="gpu", used=2), FakeNode("mixed", used=1)]
    assert choose(nodes, cluster="gpu") == "mixed"


def test_a_full_cluster_does_not_overflow_to_a_dedicated_node() -> None:
    nodes = [FakeNode("tagged", ("authenticated",), cluster="gpu", used=2), FakeNode("other", ("authenticated",))]
    with pytest.raises(NoFreeSlot):
        choose(nodes, cluster="gpu")


def test_an_unknown_cluster_has_no_slot_although_nodes_are_free() -> None:
    with pytest.raises(NoFreeSlot) as caught:
        choose([FakeNode("mixed")], cluster="nowhere")
    assert caught.value.code == 913


@pytest.mark.parametrize("tag", [None, ""])
def test_no_tag_means_any_node(tag: str | None) -> None:
    assert choose([FakeNode("tagged", cluster="gpu")], cluster=tag) == "tagged"


def test_a_node_that_is_not_healthy_takes_nothing() -> None:
    assert choose([FakeNode("down", healthy=False), FakeNode("up", used=1)]) == "up"
    with pytest.raises(NodeNotResponding):
        choose([FakeNode("down", healthy=False)])


def test_no_slot_free_is_913() -> None:
    with pytest.raises(NoFreeSlot) as caught:
        choose([FakeNode("full", used=2)])
    assert caught.value.code == 913
