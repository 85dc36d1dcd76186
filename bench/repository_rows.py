"""Row about the repository: listings of a user with very many files."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from typing import Any

from bench.deployr_client import DeployrClient, read_response
from bench.http_client import Answer
from bench.load import Caller, Contestant, WrongAnswer, compete
from bench.report import Number
from bench.rows import Bench
from deployr.repository.blobs import Blobs
from deployr.settings import Settings
from deployr.store.database import Database
from deployr.store.schema import repository_directories, repository_file_authors, repository_files, repository_versions

_FILES = 50_000
_DIRECTORIES = 100
_USER = "admin"
_CALL = "repository/file/list"
_GOAL = 200
"""Milliseconds."""

_FEW = _FILES // 100
_SOME = _FILES // 10
_LISTINGS = {
    f"categoryFilter, {_FEW} files": ({"categoryFilter": "data"}, _FEW),
    f"directory, {_FILES // _DIRECTORIES} files": ({"directory": "bench-7"}, _FILES // _DIRECTORIES),
    "directory and categoryFilter, 50 files": ({"directory": "bench-7", "categoryFilter": "pdf"}, 50),
    "filename, 2 versions": ({"directory": "bench-7", "filename": "file-00007.pdf"}, 2),
    f"categoryFilter, {_SOME} files": ({"categoryFilter": "pdf"}, _SOME),
    f"categoryFilter, {_FILES - _FEW - _SOME} files": ({"categoryFilter": "text"}, _FILES - _FEW - _SOME),
}


async def large_repository(bench: Bench) -> None:
    """``repository/file/list`` with filters, of a user with 50,000 files of two versions each."""
    _fill(bench)
    client = DeployrClient(bench.server.port)
    await client.login(_USER)
    contestants = [
        Contestant(
            f"deployr file/list, {name}", [_caller(client, fields, count)], bench.calls(5 if count > _FEW else 20)
        )
        for name, (fields, count) in _LISTINGS.items()
    ]
    await compete(contestants, min(bench.rounds, 5))
    bench.report.add_timings("i", contestants)
    *filtered, some, many = contestants
    slowest = max(filtered, key=lambda contestant: contestant.p50)
    per_file = statistics.median(
        (large.median / (_FILES - _FEW - _SOME)) / (small.median / _SOME)
        for large, small in zip(many.rounds, some.rounds, strict=True)
    )
    bench.report.numbers += [
        Number("i", "slowest filter of at most 500 files, p50", slowest.p50 * 1e3, "ms", _GOAL),
        Number("i", f"time a file: {_FILES - _FEW - _SOME} files to {_SOME}", per_file, "x", 1.25),
    ]
    client.close()


def _caller(client: DeployrClient, fields: dict[str, str], count: int) -> Caller:
    async def call() -> bytes:
        return (await client.send(_CALL, **fields)).body

    def check(body: bytes) -> None:
        found = len(read_response(_CALL, Answer(200, {}, body))["repository"]["files"])
        if found != count:
            raise WrongAnswer(f"{found} files in the place of {count}")

    return Caller(call, check)


def _fill(bench: Bench) -> None:
    """Write rows as 100,000 uploads would; all contents are the same."""
    settings = Settings.load(flags={"home": bench.server.home})
    blob = Blobs(settings.blobs_directory).put([b"content"])
    numbers = range(1_000_000, 1_000_000 + _FILES)
    files = [_file(number - numbers[0]) for number in numbers]
    content = {"sha256": blob.sha256, "length": blob.length, "latestby": _USER, "lastmodified": 0}
    versions = [{"file_id": number, "version": version, **content} for version in ("1.0", "2.0") for number in numbers]
    database = Database(settings.database_url)
    with database.transaction() as connection:
        connection.execute(repository_directories.insert(), list(_directories()))
        connection.execute(
            repository_files.insert(), [{"id": number, **file} for number, file in zip(numbers, files, strict=True)]
        )
        connection.execute(
            repository_file_authors.insert(), [{"file_id": number, "username": _USER} for number in numbers]
        )
        connection.execute(repository_versions.insert(), versions)
    database.close()


def _directories() -> Iterator[dict[str, str]]:
    for number in range(_DIRECTORIES):
        yield {"owner": _USER, "name": f"bench-{number}"}


def _file(number: int) -> dict[str, Any]:
    """Each directory has files of every kind: of a hundred of its files one is of data, ten are PDFs, the rest text."""
    kind = number // _DIRECTORIES % 100
    extension = "csv" if kind == 99 else "pdf" if kind < 10 else "txt"
    directory = f"bench-{number % _DIRECTORIES}"
    filename = f"file-{number:05}.{extension}"
    return {"author": _USER, "directory": directory, "filename": filename, "descr": "One of many", "created": 0}


ROWS = {"i": large_repository}
