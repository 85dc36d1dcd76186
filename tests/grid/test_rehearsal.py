"""Forks that wait: how many there are, and what they do in quiet moments, so that a caller's code is not the first."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from deployr.encodings import model, qap1
from deployr.errors import SessionLost
from deployr.grid import processes
from deployr.grid.node import LocalNode
from deployr.grid.protocol import Execution
from deployr.grid.r_session import RSession
from tests.grid.grid_support import encode_arguments, make_home, remove_home, unique
from tests.grid.test_contract import local_node
from tests.waiting import eventually

LEFT = """
left <- c(ls(all.names = TRUE), dir(all.files = TRUE, no.. = TRUE), names(warnings()), geterrmessage())
seed <- exists('.Random.seed')
"""
MASKED = ("lm", "data.frame", "paste", "print", "c", "invisible")
MASK = "\n".join(f"{name} <- function(...) stop('masked')" for name in MASKED)


@pytest.fixture
def warm_max() -> int:
    """Most forks that wait."""
    return 1


@pytest.fixture
async def node(warm_max: int) -> AsyncIterator[LocalNode]:
    home = make_home()
    made = local_node(home)
    node = LocalNode(dataclasses.replace(made._options, warm_min=1, warm_max=warm_max), processes.Orphans())
    await node.start()
    yield node
    await node.stop()
    remove_home(Path(home))


async def _run(session: RSession, code: str, *robjects: str) -> dict[str, model.RValue]:
    request = Execution(execution=unique("EXEC"), code=code, echo=False)
    async with session.execute(request, encode_arguments(robjects), None) as (record, value):
        assert record.error is None
        return model.as_members(qap1.decode(b"".join([chunk async for chunk in value.chunks()])))


async def _rehearsed(node: LocalNode) -> None:
    await eventually(lambda: [session.state for session in node._r._warm if session.rehearsed] == ["idle"])


@pytest.mark.parametrize("warm_max", [4])
async def test_as_many_forks_wait_as_demand_asks_for_within_their_bounds(node: LocalNode) -> None:
    for asked, waiting in ((25, 3), (100, 4), (0, 1)):
        node._r._taken.clear()
        # In a second that does not pass.
        node._r._taken.extend([time.monotonic() + 3600] * asked)
        await eventually(lambda waiting=waiting: node.status().warm == waiting)


async def test_a_fork_that_waits_rehearses(node: LocalNode) -> None:
    await _rehearsed(node)
    session = await node.take(lambda: None)
    assert session.rehearsed


async def test_a_rehearsal_leaves_nothing_behind(node: LocalNode) -> None:
    session = await node.take(lambda: None)
    before = await _run(session, LEFT, "left", "seed")
    await _run(session, "rm(left, seed)")
    executions = len(session.history)
    await session.rehearse()
    assert len(session.history) == executions
    assert await _run(session, LEFT, "left", "seed") == before


async def test_a_rehearsal_does_not_call_what_the_workspace_masks(node: LocalNode) -> None:
    session = await node.take(lambda: None)
    await _run(session, MASK)
    await session.rehearse()
    assert await _run(session, "masked <- base::geterrmessage()", "masked") == {"masked": model.character("")}


async def test_a_parent_whose_fork_dies_of_it_makes_none_rehearse_again(
    node: LocalNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def die(session: RSession) -> None:
        session.end()
        raise SessionLost("It died.")

    await _rehearsed(node)
    monkeypatch.setattr(RSession, "rehearse", die)
    await node.take(lambda: None)
    await eventually(lambda: node._r._parent and not node._r._parent.rehearses)
    await eventually(lambda: [session.state for session in node._r._warm] == ["idle"])
