"""Two jobs processes on one database and one grid; what one leaves behind the other takes over."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from deployr import handover
from deployr.grid import processes
from deployr.jobs.leases import SCHEDULER
from deployr.store.database import Database
from deployr.store.schema import leases
from tests.jobs.callers import Gate, ended, query, submit
from tests.server import Server, running
from tests.waiting import wait_until


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with running(tmp_path, limits__running_jobs=2) as server:
        wait_until(lambda: scheduler(server))
        with another_process(server):
            wait_until(lambda: len(jobs_processes(server)) == 2)
            yield server


@contextlib.contextmanager
def another_process(server: Server) -> Iterator[None]:
    command = [sys.executable, "-m", "deployr.jobs"]
    process = subprocess.Popen(command, env=handover.environment(server.settings))
    try:
        yield
    finally:
        process.kill()
        process.wait()


def jobs_processes(server: Server) -> list[int]:
    """Those that listen already."""
    listening = list(server.settings.run_directory.glob("jobs-*"))
    found = [pid for pid in processes.all_pids() if is_of(server, pid) and not processes.is_zombie(pid)]
    return found if len(listening) >= len(found) else []


def is_of(server: Server, pid: int) -> bool:
    with contextlib.suppress(OSError):
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
        home = server.settings.home
        return b"deployr.jobs" in command and handover.belongs_to(processes.environment(pid), home)
    return False


def started(pid: int) -> int:
    """When a process was, in ticks."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])


def scheduler(server: Server) -> str | None:
    database = Database(server.settings.database_url)
    with database.reading() as connection:
        holder: str | None = connection.scalar(sa.select(leases.c.holder).where(leases.c.name == SCHEDULER))
    database.close()
    return holder


def test_every_job_runs_once_and_both_processes_run_some(server: Server, new_gate: Callable[[], Gate]) -> None:
    client = server.login()
    # One process runs two at a time: four at once take both.
    gates = [new_gate() for _ in range(4)]
    waiting = [submit(client, code=gate.code) for gate in gates]
    for gate in gates:
        gate.wait()
        gate.open()
    jobs = [submit(client, code=f"x <- {number}", name=f"N{number}") for number in range(30)]
    assert {ended(client, job)["status"] for job in [*waiting, *jobs]} == {"Completed"}
    names = sorted(project["name"] for project in client.succeed("/r/project/list")["projects"])
    assert names == sorted([f"N{number} (Job)" for number in range(30)] + ["Test (Job)"] * 4)


def test_what_a_killed_process_ran_is_aborted_and_all_else_goes_on(
    server: Server, new_gate: Callable[[], Gate]
) -> None:
    client = server.login()
    gates = [new_gate() for _ in range(4)]
    jobs = [submit(client, code=gate.code, name=f"N{number}") for number, gate in enumerate(gates)]
    for gate in gates:
        gate.wait()
    queued = submit(client, code="1")
    later = submit(client, "/r/job/schedule", code="1", schedstart=str(round(time.time() * 1000) + 2000))
    former = scheduler(server)
    # The one that was there first schedules.
    os.kill(min(jobs_processes(server), key=started), signal.SIGKILL)
    wait_until(lambda: sum(query(client, job)["status"] == "Aborted" for job in jobs) == 2)
    assert scheduler(server) != former
    for gate in gates:
        gate.open()
    assert ended(client, queued)["status"] == "Completed"
    assert ended(client, later)["status"] == "Completed"
    records = [ended(client, job) for job in jobs]
    assert sorted(record["status"] for record in records) == ["Aborted", "Aborted", "Completed", "Completed"]
    assert all(record["statusMsg"] and record["project"] for record in records)
