"""Background tasks of the RBroker framework: jobs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.jobs.callers import ended
from tests.server import Client

TASKS = 20


@pytest.fixture
def directory(testuser: Client, unique: str) -> Iterator[str]:
    """A directory with nothing in it."""
    testuser.succeed("/r/repository/directory/create", directory=unique)
    yield unique
    testuser.succeed("/r/repository/directory/delete", directory=unique)


@pytest.fixture
def script(testuser: Client, unique: str) -> Iterator[str]:
    """A script that does what the code of the tasks does."""
    filename = f"{unique}.R"
    code = b'square <- number^2\ncat(square, file = paste0("square-", number, ".txt"))'
    testuser.succeed("/r/repository/file/upload", filename=filename, files={"file": code})
    yield filename
    testuser.succeed("/r/repository/file/delete", filename=filename)


def test_background_tasks_store_their_results(
    node: Callable[..., Any], testuser: Client, script: str, directory: str
) -> None:
    seen = node("background.js", script, directory, str(TASKS))
    assert (seen["errors"], len(seen["completed"]), seen["released"]) == ([], TASKS, True)
    ids = {result["id"] for result in seen["completed"]}
    jobs = [ended(testuser, job) for job in ids]
    assert {job["status"] for job in jobs} == {"Completed"}, [job for job in jobs if job["status"] != "Completed"]
    assert sorted(job["name"] for job in jobs) == sorted(f"Task {number}" for number in range(1, TASKS + 1))
    listed = testuser.succeed("/r/repository/file/list", directory=directory)["repository"]["files"]
    wanted = {f"square-{number}.txt" for number in range(1, TASKS + 1)} | {"square.rData"}
    assert {file["filename"] for file in listed} == wanted
    for number in (1, TASKS):
        place = {"author": "testuser", "directory": directory, "filename": f"square-{number}.txt"}
        assert testuser.get("/r/repository/file/download", **place).text == str(number**2)
    versions = testuser.succeed("/r/repository/file/list", directory=directory, filename="square.rData")
    assert len(versions["repository"]["files"]) == TASKS
