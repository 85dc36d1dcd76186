"""The queue in the database."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import sqlalchemy as sa

from deployr.jobs import leases, rows
from deployr.jobs.queue import JobQueue
from deployr.jobs.records import Job
from deployr.jobs.states import BEFORE
from deployr.store.database import Database, now_ms
from deployr.store.schema import jobs as table
from deployr.store.schema import leases as lease_table
from tests.postgresql import ON_BOTH_DATABASES

told: list[str] = []


def queue(database: Database, user_limit: int | None = None, delay: int = 0) -> JobQueue:
    return JobQueue(database, user_limit, lambda job: told.append(f"{job.name} {job.status}"), delay=delay)


def add(database: Database, name: str, **values: Any) -> Job:
    given: dict[str, Any] = {
        "owner": "testuser", "descr": None, "tag": None, "priority": "low", "cluster": None, "store_project": True,
        "schedstart": 0, "schedrepeat": 0, "schedinterval": 0, "runs": 0, "due": 0, "status": "Queued",
        "status_msg": None, "project": None, "time_start": 0, "time_code": 0, "time_total": 0, "created": now_ms(),
        "session": None,
    }  # fmt: skip
    job = Job(job=f"JOB-{name}", name=name, **(given | values))
    with database.transaction() as connection:
        rows.insert(connection, job, parameters="{}", parameters_blob=None)
    return job


def claimed(queue: JobQueue, **given: Any) -> list[str]:
    found = []
    while job := queue.claim(given.get("full", ())):
        found.append(job.name)
    return found


def find(database: Database, name: str) -> Job:
    with database.reading() as connection:
        job = rows.find(connection, f"JOB-{name}")
    assert job
    return job


def let_leases_end(database: Database) -> None:
    with database.transaction() as connection:
        connection.execute(table.update().where(table.c.lease.is_not(None)).values(lease=now_ms() - 1))
        connection.execute(lease_table.update().values(until=now_ms() - 1))


@ON_BOTH_DATABASES
def test_higher_priorities_come_first_and_within_one_the_first_come(database: Database) -> None:
    for name, priority in [("a", "low"), ("b", "medium"), ("c", "high"), ("d", "medium"), ("e", "high")]:
        add(database, name, priority=priority)
    assert claimed(queue(database)) == ["c", "e", "b", "d", "a"]


def test_a_job_waits_for_those_who_change_their_minds_at_once(database: Database) -> None:
    add(database, "new")
    add(database, "old", created=now_ms() - 60_000)
    assert claimed(queue(database, delay=60_000)) == ["old"]


@ON_BOTH_DATABASES
def test_a_job_is_claimed_once_however_many_try(database: Database) -> None:
    for number in range(40):
        add(database, str(number))
    queues = [queue(database) for _ in range(4)]
    with ThreadPoolExecutor() as pool:
        found = [name for names in pool.map(claimed, queues) for name in names]
    assert sorted(found, key=int) == [str(number) for number in range(40)]


@ON_BOTH_DATABASES
def test_the_jobs_of_one_user_wait_for_one_another_and_hinder_nobody_else(database: Database) -> None:
    for name, owner in [("a", "testuser"), ("b", "testuser"), ("c", "testuser"), ("d", "admin")]:
        add(database, name, owner=owner)
    mine = queue(database, user_limit=2)
    assert claimed(mine) == ["a", "b", "d"]
    mine.give_back(find(database, "a"))
    assert claimed(mine) == ["a"]


@ON_BOTH_DATABASES
def test_jobs_of_full_clusters_wait_and_hinder_nobody_else(database: Database) -> None:
    for name, cluster in [("a", "big"), ("b", None), ("c", "small")]:
        add(database, name, cluster=cluster)
    mine = queue(database)
    assert set(mine.clusters()) == {"big", "small", None}
    assert claimed(mine, full={"big", None}) == ["c"]
    assert claimed(mine, full={"big"}) == ["b"]
    assert claimed(mine) == ["a"]


def test_a_claimed_job_is_queued_until_it_begins(database: Database) -> None:
    add(database, "a")
    mine = queue(database)
    job = mine.claim(())
    assert job
    assert job.status == "Queued"
    assert job.session
    begun = mine.begin(job)
    assert begun
    assert begun.status == "Running"
    assert begun.time_start > 0
    assert told[-1] == "a Running"


def test_a_job_that_was_cancelled_does_not_begin(database: Database) -> None:
    add(database, "a")
    mine = queue(database)
    job = mine.claim(())
    assert job
    with database.transaction() as connection:
        assert rows.move(connection, job.job, "Cancelled")
    assert mine.begin(job) is None
    mine.give_back(job)
    assert claimed(mine) == []
    assert mine.sessions() == set()


def test_a_job_that_has_begun_is_not_given_back(database: Database) -> None:
    add(database, "a")
    mine = queue(database)
    job = mine.claim(())
    assert job
    assert mine.begin(job)
    mine.give_back(job)
    assert mine.sessions() == {job.session}


@pytest.mark.parametrize("state", BEFORE)
def test_a_state_is_reached_only_from_those_before_it(database: Database, state: Any) -> None:
    for before in BEFORE:
        add(database, f"{state}-{before}", status=before)
        with database.transaction() as connection:
            assert rows.move(connection, f"JOB-{state}-{before}", state) == (before in BEFORE[state])


def test_a_run_whose_job_was_taken_away_cannot_end_it(database: Database) -> None:
    add(database, "a")
    first, second = queue(database), queue(database)
    stalled = first.claim(())
    assert stalled
    let_leases_end(database)
    [forsaken] = second.forsaken()
    second.free(forsaken)
    taken = second.claim(())
    assert taken
    assert second.begin(taken)
    with database.transaction() as connection:
        assert not rows.end(connection, stalled, "Completed")
        assert rows.end(connection, taken, "Completed")


def test_leases_that_are_renewed_are_not_taken(database: Database) -> None:
    add(database, "a")
    add(database, "b")
    first, second = queue(database), queue(database)
    let_go, kept = first.claim(()), first.claim(())
    assert let_go
    assert kept
    with database.transaction() as connection:
        connection.execute(table.update().values(lease=now_ms() - 1))
    running = [kept.job]
    assert [first.renew(running), second.renew([]), first.renew(running)] == [True, False, True]
    assert [job.job for job in second.forsaken()] == [let_go.job]


@ON_BOTH_DATABASES
def test_a_scheduler_that_is_gone_is_followed_by_one(database: Database) -> None:
    queues = [queue(database) for _ in range(3)]
    assert [each.renew([]) for each in queues] == [True, False, False]
    let_leases_end(database)
    assert [each.renew([]) for each in queues[1:]] == [True, False]
    queues[1].retire()
    assert queues[2].renew([])


def test_leases_are_taken_over_within_15_seconds() -> None:
    assert leases.SECONDS + leases.RENEWAL_SECONDS < 15


@ON_BOTH_DATABASES
def test_what_is_due_is_queued_by_the_scheduler_alone(database: Database) -> None:
    add(database, "past", status="Scheduled", due=now_ms() - 1000)
    add(database, "future", status="Scheduled", due=now_ms() + 100_000)
    first, second = queue(database), queue(database)
    assert first.renew([])
    assert second.queue_due() == 0
    assert first.queue_due() == 1
    assert first.queue_due() == 0
    assert [find(database, name).status for name in ("past", "future")] == ["Queued", "Scheduled"]
    assert first.next_due() == find(database, "future").due


def test_jobs_queue_from_when_they_were_due(database: Database) -> None:
    add(database, "late", status="Scheduled", due=now_ms() - 1000)
    add(database, "earlier", status="Scheduled", due=now_ms() - 2000)
    mine = queue(database)
    assert mine.queue_due() == 2
    assert claimed(mine) == ["earlier", "late"]


@ON_BOTH_DATABASES
def test_the_row_of_a_job_is_as_it_was_given(database: Database) -> None:
    job = add(database, "a", tag="t", descr="d", cluster="c", schedstart=5, schedrepeat=2, schedinterval=7)
    assert find(database, "a") == job
    with database.reading() as connection:
        assert connection.scalar(sa.select(table.c.queued)) == job.created
