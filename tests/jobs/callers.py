"""Jobs as callers see them."""

from __future__ import annotations

import time
from typing import Any

from tests.server import Client

CLOSED = ("Completed", "Failed", "Aborted", "Interrupted", "Cancelled")


def submit(client: Client, call: str = "/r/job/submit", **params: Any) -> str:
    """Id of a new job."""
    return str(client.succeed(call, **{"name": "Test", **params})["job"]["job"])


def query(client: Client, job: str) -> dict[str, Any]:
    """The job's record."""
    record: dict[str, Any] = client.succeed("/r/job/query", job=job)["job"]
    return record


def reached(client: Client, job: str, *states: str, seconds: float = 60) -> dict[str, Any]:
    """The job's record as soon as it is in one of the states."""
    end = time.monotonic() + seconds
    while (record := query(client, job))["status"] not in states:
        assert record["status"] not in CLOSED, record
        assert time.monotonic() < end, record
        time.sleep(0.05)
    return record


def ended(client: Client, job: str, seconds: float = 60) -> dict[str, Any]:
    """The job's record as soon as it is at its end."""
    return reached(client, job, *CLOSED, seconds=seconds)
