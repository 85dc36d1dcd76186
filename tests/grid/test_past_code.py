"""The code of executions whose records are gone."""

from __future__ import annotations

from deployr.grid.past_code import PastCode


def test_the_latest_code_is_remembered_in_its_order_as_far_as_there_is_room() -> None:
    past = PastCode(most=1000)
    for number in range(20):
        past.add(str(number))
    assert past.texts == [str(number) for number in range(11, 20)]
    past.add("x" * 1000)
    assert past.texts == []
