"""Discrete tasks of the RBroker framework."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


@pytest.mark.parametrize("caller", [[], ["testuser"]], ids=["anonymous", "authenticated"])
def test_discrete_tasks_are_run_and_failures_told(node: Callable[..., Any], caller: list[str]) -> None:
    seen = node("broker.js", *caller)
    done = [result for result in seen["completed"] if result["success"]]
    assert (len(done), len(seen["completed"]), seen["progress"]) == (5, 6, 6)
    assert sorted(_sizes(done)) == [10, 11, 12, 13]
    assert sorted(len(result["generatedPlots"]) for result in done) == [0, 0, 0, 0, 1]
    assert [file["filename"] for result in done for file in result["generatedFiles"]] == ["histogram.png"] * 4
    assert all(result["id"] and result["storedFiles"] == [] for result in done)
    assert [error["call"] for error in seen["errors"]] == ["/r/repository/script/execute"]
    assert seen["released"] is True


def _sizes(results: list[dict[str, Any]]) -> list[int]:
    return [len(found["value"]) for result in results for found in result["generatedObjects"] if found["name"] == "x"]
