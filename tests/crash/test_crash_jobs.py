"""Processes are killed while jobs run; ``bin/soak jobs`` does the same with more of both."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

import pytest

from bench.job_crashes import VICTIMS, job_crashes
from bench.server import Server
from tests.crash.processes import MakeServer
from tests.jobs.callers import Gate, ended, query, submit

JOBS = 18
"""Three of each kind."""


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    """A server to be killed in parts."""
    server = Server()
    try:
        await server.start()
        await server.publish_script()
        yield server
    finally:
        await server.stop()
        server.remove()


async def test_every_job_ends_as_it_may_and_stores_once_whatever_is_killed(server: Server) -> None:
    result = await job_crashes(server, JOBS, kills=len(VICTIMS))
    assert result.faults == []
    assert result.ends.total() >= JOBS
    assert set(result.killed) == set(VICTIMS)


def test_a_server_that_stops_aborts_what_runs_and_goes_on_with_all_else(new_server: MakeServer) -> None:
    server = new_server(LIMITS_RUNNING_JOBS=1)
    server.start()
    client, gate = server.login(), Gate()
    running = submit(client, code=gate.code)
    gate.wait()
    queued = submit(client, code="1")
    start = round(time.time() * 1000) + 1000
    times = {"schedstart": str(start), "schedrepeat": "1", "schedinterval": "1000"}
    missed = submit(client, "/r/job/schedule", code="1", **times)
    later = submit(client, "/r/job/schedule", code="1", schedstart=str(start + 3_600_000))
    assert server.stop() == 0
    gate.remove()
    server.start()
    client = server.login()
    record = query(client, running)
    assert (record["status"], record["statusMsg"]) == ("Aborted", "The server was stopped while the job ran.")
    assert ended(client, queued)["status"] == "Completed"
    record = ended(client, missed)
    assert (record["status"], record["onrepeat"]) == ("Completed", 1)
    assert query(client, later)["status"] == "Scheduled"
    assert server.stop() == 0
