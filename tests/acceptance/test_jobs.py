"""Jobs in the order in which the Java suite and the brokers call (client-wire-facts 13 and 16; 7x-facts 17.2, 23).

Each state in order, queues and schedules: ``tests/jobs``; all options at once: ``test_standard_model.py``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.acceptance.java import JOB, JavaClient, ended
from tests.jobs.callers import Gate

SLOW = "Sys.sleep(600)"


@pytest.fixture
def gate() -> Iterator[Gate]:
    """Code that runs until it is let go."""
    gate = Gate()
    yield gate
    gate.remove()


def submit(client: JavaClient, call: str = "/r/job/submit", **params: str | None) -> dict[str, Any]:
    """The record of a new job, with all options unset but those given."""
    record: dict[str, Any] = client.ask(call, name="job name", descr="job descr", **{**JOB, **params})["job"]
    return record


def is_listed(client: JavaClient, job: str, openonly: str = "false") -> bool:
    """The job is in the list."""
    return job in [each["job"] for each in client.ask("/r/job/list", openonly=openonly)["jobs"]]


def remove(client: JavaClient, job: str) -> None:
    """What suites do after each job: query, delete the project, cancel, delete."""
    record = client.ask("/r/job/query", job=job)["job"]
    if record["project"]:
        client.ask("/r/project/delete", project=record["project"])
    client.ask("/r/job/cancel", job=job)
    client.ask("/r/job/delete", job=job)
    assert not is_listed(client, job)


@pytest.mark.parametrize(
    "source",
    [
        {"code": "x <- 5"},
        {"rscriptname": "Histogram of Auto Sales.R", "rscriptdirectory": "root", "rscriptauthor": "testuser"},
        {"rscriptname": "Histogram of Auto Sales", "rscriptdirectory": "root", "rscriptauthor": "testuser"},
        {
            "rscriptname": "Histogram of Auto Sales",
            "rscriptdirectory": "external:public:testuser",
            "rscriptauthor": "testuser",
        },
    ],
    ids=["code", "script", "script without extension", "external script"],
)
@pytest.mark.parametrize("call", ["/r/job/submit", "/r/job/schedule"])
def test_a_job_completes_with_times_and_a_readable_project(
    either: JavaClient, source: dict[str, str | None], call: str
) -> None:
    submitted = submit(either, call, **source)
    assert (submitted["name"], submitted["descr"]) == ("job name", "job descr")
    assert is_listed(either, submitted["job"])
    record = ended(either, submitted["job"])
    assert record["status"] == "Completed"
    for time_ in ("timeStart", "timeCode", "timeTotal"):
        assert int(record[time_]) > 0
    about = either.ask("/r/project/about", project=record["project"])["project"]
    assert (about["name"], about["author"], about["live"]) == ("job name (Job)", "testuser", False)
    assert len(either.history(record["project"])) == 1
    assert not is_listed(either, submitted["job"], openonly="true")
    remove(either, submitted["job"])


@pytest.mark.parametrize("priority", ["low", "medium", "high", None])
def test_every_priority_is_taken(either: JavaClient, priority: str | None) -> None:
    job = submit(either, code="x <- 1", priority=priority)["job"]
    assert ended(either, job)["status"] == "Completed"
    remove(either, job)


@pytest.mark.parametrize(
    "params",
    [
        {"rscriptname": "No such script.R", "rscriptdirectory": "root", "rscriptauthor": "testuser"},
        {"code": "x <- ("},
        {"code": "stop('broken')"},
        {"code": "x <- 1", "preloadbydirectory": "no such directory"},
        {"code": "x <- 1", "preloadfilename": "none.csv", "preloadfileauthor": "testuser"},
    ],
    ids=["no script", "syntax", "error", "no directory", "no file"],
)
@pytest.mark.parametrize("call", ["/r/job/submit", "/r/job/schedule"])
def test_a_job_that_cannot_run_is_accepted_and_fails(
    either: JavaClient, params: dict[str, str | None], call: str
) -> None:
    job = submit(either, call, **params)["job"]
    record = ended(either, job)
    assert (record["status"], record["project"]) == ("Failed", None)
    assert record["statusMsg"]
    remove(either, job)


@pytest.mark.parametrize("at", ["later", "again and again"])
def test_a_scheduled_job_that_is_cancelled_never_ran(either: JavaClient, at: str) -> None:
    schedule = {"schedstart": "4102444800000", "schedrepeat": "0" if at == "later" else "5", "schedinterval": "60000"}
    submitted = submit(either, "/r/job/schedule", code="x <- 1", **schedule)
    assert submitted["status"] == "Scheduled"
    assert either.ask("/r/job/cancel", job=submitted["job"])["job"]["status"] == "Cancelled"
    assert either.ask("/r/job/query", job=submitted["job"])["job"]["status"] == "Cancelled"
    remove(either, submitted["job"])


def test_a_job_cancelled_right_after_its_submission_comes_to_an_end(either: JavaClient) -> None:
    job = submit(either, code=SLOW)["job"]
    either.ask("/r/job/cancel", job=job)
    assert ended(either, job)["status"] in ("Cancelled", "Interrupted")
    remove(either, job)


def test_a_running_job_that_is_cancelled_is_interrupted(either: JavaClient, gate: Gate) -> None:
    job = submit(either, code=gate.code)["job"]
    gate.wait()
    assert either.ask("/r/job/query", job=job)["job"]["status"] == "Running"
    assert is_listed(either, job, openonly="true")
    either.ask("/r/job/cancel", job=job)
    assert ended(either, job)["status"] == "Interrupted"
    remove(either, job)


def test_a_job_may_leave_no_project(either: JavaClient) -> None:
    job = submit(either, code="x <- 1", storenoproject="true")["job"]
    record = ended(either, job)
    assert (record["status"], record["project"]) == ("Completed", None)
    remove(either, job)


def test_ten_jobs_at_once_are_all_completed(user: JavaClient) -> None:
    jobs = [submit(user, code=f"x <- {number}", priority="high")["job"] for number in range(10)]
    assert {ended(user, job)["status"] for job in jobs} == {"Completed"}
    for job in jobs:
        remove(user, job)


def test_a_job_outlives_the_session_that_submitted_it(user: JavaClient, gate: Gate) -> None:
    job = submit(user, code=gate.code)["job"]
    gate.wait()
    user.ask("/r/user/logout", usercookie=None)
    gate.open()
    user.login()
    assert ended(user, job)["status"] == "Completed"
    remove(user, job)
