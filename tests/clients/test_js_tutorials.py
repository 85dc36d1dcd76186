"""The tutorials' own scripts, run as the tutorials run them (client-wire-facts 16, default repository)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.jobs.callers import ended
from tests.server import Client


def values(reply: dict[str, Any]) -> dict[str, Any]:
    return {found["name"]: found["value"] for found in reply["workspace"]["objects"]}


def test_the_scripts_of_the_sample_repositories_serve_their_tutorials(
    node: Callable[..., Any], testuser: Client
) -> None:
    seen = node("tutorials.js")
    assert (len(values(seen["hello"])["x"]), len(values(seen["external"])["x"])) == (12, 100)
    assert [file["filename"] for file in seen["hello"]["execution"]["artifacts"]] == ["histogram.png"]

    score = values(seen["fraud"])["x"]
    assert 0 < score < 1
    assert values(seen["externalFraud"]) == {"x": score}

    stars = values(seen["stars"])
    assert [len(stars["hip"]), len(stars["hip"][0]["value"])] == [len(stars["hipNames"]), stars["hipDim"][0]]
    execution = seen["stars"]["execution"]
    assert ([file["filename"] for file in execution["artifacts"]], len(execution["results"])) == (
        ["hip.csv", "hip.rData"], 1,
    )  # fmt: skip

    assert {"hp", "mpg"} <= set(values(seen["regression"]["read"])["output_vars"])
    regressed = values(seen["regression"]["regressed"])
    assert 0.5 < regressed["r_squared"] < 1
    assert len(regressed["coefficients"]) == 2

    assert seen["background"]["errors"] == []
    jobs = {job["name"]: job for job in (ended(testuser, done["id"]) for done in seen["background"]["completed"])}
    assert {name: job["status"] for name, job in jobs.items()} == {
        "rtScore.R": "Completed", "No Such Script.R": "Failed",
    }  # fmt: skip
