"""Two processes do the same at the same time, each with connections of its own: as if one had come after the other."""

from __future__ import annotations

import multiprocessing
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from deployr.errors import BadCredentials, NotAuthenticated
from deployr.jobs import rows as job_rows
from deployr.jobs.queue import JobQueue
from deployr.jobs.records import Job
from deployr.repository.blobs import Blobs
from deployr.repository.files import RepositoryFiles
from deployr.settings import Settings
from deployr.store.database import Database
from deployr.store.migrate import migrate
from deployr.users.accounts import Accounts
from deployr.users.caller import Caller
from deployr.users.signing_keys import SigningKeys
from deployr.users.tokens import Tokens
from tests.postgresql import ON_BOTH_DATABASES

pytestmark = ON_BOTH_DATABASES

ROUNDS = 15
TESTUSER = Caller(http_session="abc", username="testuser", roles=frozenset({"POWER_USER"}))

Racer = Callable[[Database, Callable[[], object]], Any]
"""Is given a database and what waits for the other process; a function of a test."""


@pytest.fixture
def settings(tmp_path: Path, database_url: str) -> Settings:
    flags = {"home": tmp_path, "database.url": database_url, "security.lock_failures": 1000}
    return Settings.load(flags=flags)


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    migrate(settings.database_url)
    database = Database(settings.database_url)
    Accounts(database, settings).ensure_default_accounts()
    yield database
    database.close()


def race(url: str, racer: Racer) -> list[Any]:
    """What a function returned in each of two processes."""
    context = multiprocessing.get_context("fork")
    together, results = context.Barrier(2), context.Queue()

    def run() -> None:
        database = Database(url)
        results.put(racer(database, lambda: together.wait(30)))
        database.close()

    processes = [context.Process(target=run) for _ in range(2)]
    for process in processes:
        process.start()
    found = [results.get(timeout=60) for _ in processes]
    for process in processes:
        process.join()
    return found


def test_a_refresh_token_is_used_once(database: Database, database_url: str, settings: Settings) -> None:
    keys = SigningKeys(settings.keys_directory, 60)
    keys.ensure()
    given = [Tokens(database, keys, settings.tokens).issue("testuser").refresh_token for _ in range(ROUNDS)]

    def renew(database: Database, wait: Callable[[], object]) -> list[int]:
        renewed = []
        for number, token in enumerate(given):
            wait()
            try:
                Tokens(database, keys, settings.tokens).renew(token)
                renewed.append(number)
            except NotAuthenticated:
                pass
        return renewed

    first, second = race(database_url, renew)
    assert sorted(first + second) == list(range(ROUNDS))


@pytest.mark.parametrize(("user_limit", "claims"), [(None, 30), (7, 7)])
def test_a_job_is_claimed_once_and_no_user_gets_more_than_allowed(
    database: Database, database_url: str, user_limit: int | None, claims: int
) -> None:
    times = dict.fromkeys(("schedstart", "schedrepeat", "schedinterval", "runs", "due", "created"), 0)
    times |= dict.fromkeys(("time_start", "time_code", "time_total"), 0)
    texts = dict.fromkeys(("descr", "tag", "cluster", "status_msg", "project", "session"))
    with database.transaction() as connection:
        for number in range(30):
            job = Job(
                job=f"JOB-{number}", name="n", owner="testuser", priority="low", store_project=True, status="Queued",
                **times, **texts,
            )  # fmt: skip
            job_rows.insert(connection, job, parameters="{}", parameters_blob=None)

    def claim(database: Database, wait: Callable[[], object]) -> list[str]:
        queue = JobQueue(database, user_limit, lambda job: None)
        wait()
        return [job.job for _ in range(30) if (job := queue.claim(()))]

    first, second = race(database_url, claim)
    assert len(first + second) == len({*first, *second}) == claims


def test_each_write_of_a_file_is_a_version_of_one_file(
    database: Database, database_url: str, settings: Settings
) -> None:
    blob = Blobs(settings.blobs_directory).put([b"x"])

    def write(database: Database, wait: Callable[[], object]) -> None:
        files = RepositoryFiles(database, settings)
        for number in range(ROUNDS):
            wait()
            for _ in range(2):
                files.upload(TESTUSER, f"{number}.txt", blob, newversion=True)

    race(database_url, write)
    for number in range(ROUNDS):
        found = RepositoryFiles(database, settings).list_files(TESTUSER, filename=f"{number}.txt")
        assert len({file.version for file in found}) == len(found) == 4


def test_every_wrong_password_is_counted(database: Database, database_url: str, settings: Settings) -> None:
    def guess(database: Database, wait: Callable[[], object]) -> None:
        for _ in range(ROUNDS):
            wait()
            with pytest.raises(BadCredentials):
                Accounts(database, settings).authenticate("testuser", "wrong")

    race(database_url, guess)
    with database.reading() as connection:
        counted = connection.exec_driver_sql("SELECT username, failures FROM users").all()
    assert Counter(dict(counted))["testuser"] == 2 * ROUNDS
