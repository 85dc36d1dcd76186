"""``/r/project/workspace/*``."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.server import Client, Server, record_of

SUMMARY_KEYS = {"name", "type", "rclass", "branch", "xdf"}


@pytest.fixture
def project(testuser: Client) -> str:
    """A project with a few objects."""
    project = testuser.project()
    testuser.execute(project, "n <- 5; v <- 1:10; f <- data.frame(a = 1:2, b = c('x', 'y')); g <- function(x) x")
    return project


def names(client: Client, project: str, **params: str) -> list[str]:
    listed = client.succeed("/r/project/workspace/list", project=project, **params)["workspace"]["objects"]
    return [entry["name"] for entry in listed]


def test_list_holds_summaries_without_values(testuser: Client, project: str) -> None:
    objects = testuser.succeed("/r/project/workspace/list", project=project)["workspace"]["objects"]
    assert [entry["name"] for entry in objects] == ["f", "g", "n", "v"]
    assert all(set(entry) == SUMMARY_KEYS for entry in objects)
    assert objects[0] == {"name": "f", "type": "dataframe", "rclass": "data.frame", "branch": True, "xdf": None}


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ({"root": "f"}, ["a", "b"]),
        ({"filter": "v"}, ["v"]),
        ({"clazz": "numeric"}, ["n"]),
        ({"restrict": "true"}, ["f", "n", "v"]),
        ({"pagesize": "2", "pageoffset": "1"}, ["g", "n"]),
    ],
)
def test_list_is_narrowed(testuser: Client, project: str, sent: dict[str, str], expected: Any) -> None:
    assert names(testuser, project, **sent) == expected


def test_get_of_one_object_tells_it_twice(testuser: Client, project: str) -> None:
    reply = record_of(testuser.get("/r/project/workspace/get", project=project, name="n"))
    assert reply["workspace"]["object"] == {"name": "n", "type": "primitive", "rclass": "numeric", "value": 5.0}
    assert reply["workspace"]["objects"] == [reply["workspace"]["object"]]


def test_get_of_several_keeps_their_order(testuser: Client, project: str) -> None:
    workspace = testuser.succeed("/r/project/workspace/get", project=project, name="v,n")["workspace"]
    assert [entry["name"] for entry in workspace["objects"]] == ["v", "n"]
    assert "object" not in workspace


def test_get_of_a_member_and_of_a_segment(testuser: Client, project: str) -> None:
    member = testuser.succeed("/r/project/workspace/get", project=project, name="b", root="f")
    assert member["workspace"]["object"]["value"] == ["x", "y"]
    segment = testuser.succeed("/r/project/workspace/get", project=project, name="v", start="3", length="2")
    assert segment["workspace"]["object"]["value"] == [3.0, 4.0]


def test_what_has_no_encoding_has_no_value(testuser: Client, project: str) -> None:
    entry = testuser.succeed("/r/project/workspace/get", project=project, name="g")["workspace"]["object"]
    assert (entry["rclass"], "value" in entry) == ("function", False)


def test_pushed_objects_come_back(testuser: Client, project: str) -> None:
    inputs = {
        "m": {"type": "matrix", "value": [[1.0, 2.0], [3.0, 4.0]]},
        "d": {"type": "date", "value": "2011-02-05", "format": "yyyy-MM-dd"},
        "n": {"type": "primitive", "value": "replaced"},
    }
    testuser.succeed("/r/project/workspace/push", project=project, inputs=json.dumps(inputs), csvinputs="k,7")
    objects = testuser.succeed("/r/project/workspace/get", project=project, name="m,d,n,k")["workspace"]["objects"]
    assert [entry["value"] for entry in objects] == [[[1.0, 2.0], [3.0, 4.0]], "2011-02-05", "replaced", 7.0]
    assert objects[1]["format"] == "yyyy-MM-dd"


def test_delete_removes_all_or_none(testuser: Client, project: str) -> None:
    assert "none" in testuser.fail("/r/project/workspace/delete", project=project, name="n,none")["error"]
    assert "n" in names(testuser, project)
    testuser.succeed("/r/project/workspace/delete", project=project, name="n,v")
    assert names(testuser, project) == ["f", "g"]


def test_unknown_objects_are_a_handled_failure(testuser: Client, project: str) -> None:
    assert "none" in testuser.fail("/r/project/workspace/get", project=project, name="none")["error"]
    testuser.fail("/r/project/workspace/list", project=project, root="none")


def test_inputs_that_cannot_be_read_are_a_handled_failure(testuser: Client, project: str) -> None:
    testuser.fail("/r/project/workspace/push", project=project, inputs='{"x": {"type": "vector", "value": 5}}')


@pytest.mark.parametrize("call", ["list", "get", "push", "delete"])
def test_the_workspace_is_its_owners(
    anonymous: Client, server: Server, testuser: Client, project: str, call: str
) -> None:
    sent: dict[str, Any] = {"project": project, "name": "n", "csvinputs": "n,1"}
    anonymous.fail(f"/r/project/workspace/{call}", status=401, **sent)
    server.login("admin").fail(f"/r/project/workspace/{call}", status=403, **sent)
    testuser.fail(f"/r/project/workspace/{call}", status=400)
