"""Jobs on a server that runs one at a time, with real R."""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from deployr.events.records import JobLifecycle, user_label
from deployr.grid.client import SocketGrid, Subscription
from deployr.grid.protocol import Heard
from tests.jobs.callers import Gate, ended, history, query, reached, submit
from tests.server import PASSWORD, Client, Server, running
from tests.waiting import wait_until

NewGate = Callable[[], Gate]


@pytest.fixture(scope="module")
def one_at_a_time(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("deployr"), limits__running_jobs=1, grid__cpu_limit=2) as server:
        yield server


@pytest.fixture
def client(one_at_a_time: Server) -> Client:
    return one_at_a_time.login()


def test_a_higher_priority_overtakes_what_waits_but_not_what_runs(client: Client, new_gate: NewGate) -> None:
    gate = new_gate()
    first = submit(client, code=gate.code, priority="low")
    gate.wait()
    waiting = [submit(client, code="1", priority=each) for each in ("low", "medium", "high", "low", "high")]
    assert {query(client, job)["status"] for job in waiting} == {"Queued"}
    assert query(client, first)["status"] == "Running"
    gate.open()
    starts = [ended(client, job)["timeStart"] for job in waiting]
    low, medium, high, last_low, last_high = starts
    assert sorted(starts) == [high, last_high, medium, low, last_low]


def test_a_queued_job_is_cancelled_and_never_runs(client: Client, new_gate: NewGate) -> None:
    gate, other = new_gate(), new_gate()
    running_job = submit(client, code=gate.code)
    gate.wait()
    job = submit(client, code=other.code, name="Never")
    record = client.succeed("/r/job/cancel", job=job)["job"]
    assert (record["status"], record["project"]) == ("Cancelled", None)
    gate.open()
    assert ended(client, running_job)["status"] == "Completed"
    assert ended(client, submit(client, code="1"))["status"] == "Completed"
    assert not other.has_begun
    assert query(client, job)["timeStart"] == 0


def test_jobs_that_can_never_run_do_not_hold_up_one_another(client: Client, new_gate: NewGate) -> None:
    gate = new_gate()
    submit(client, code=gate.code)
    gate.wait()
    jobs = [submit(client, code="1", cluster="nowhere") for _ in range(20)]
    gate.open()
    failed = [ended(client, job) for job in jobs]
    assert {job["status"] for job in failed} == {"Failed"}
    starts = [job["timeStart"] for job in failed]
    assert max(starts) - min(starts) < 15_000, "the jobs process looks for jobs by itself once a second"


def test_a_schedule_repeats_at_its_interval(client: Client) -> None:
    start = int(time.time() * 1000) + 500
    params = {"schedstart": str(start), "schedrepeat": "2", "schedinterval": "1000"}
    record = ended(client, submit(client, "/r/job/schedule", code="x <- 1", name="Often", **params))
    assert (record["status"], record["onrepeat"]) == ("Completed", 2)
    assert record["timeStart"] >= start + 2000
    names = [project["name"] for project in client.succeed("/r/project/list")["projects"]]
    assert names.count("Often (Job)") == 3


def test_a_schedule_goes_on_after_a_run_that_failed(client: Client) -> None:
    params = {"schedrepeat": "1", "schedinterval": "300"}
    job = submit(client, "/r/job/schedule", code="stop('each time')", **params)
    record = ended(client, job)
    assert (record["status"], record["onrepeat"]) == ("Failed", 1)


def test_a_schedule_is_cancelled_between_its_runs(client: Client) -> None:
    job = submit(client, "/r/job/schedule", code="1", schedrepeat="5", schedinterval="600000")
    wait_until(lambda: query(client, job)["project"])
    record = query(client, job)
    assert (record["status"], record["onrepeat"]) == ("Scheduled", 0)
    assert client.succeed("/r/job/cancel", job=job)["job"]["status"] == "Cancelled"


def test_cancelling_a_run_ends_the_schedule(client: Client, new_gate: NewGate) -> None:
    gate = new_gate()
    job = submit(client, "/r/job/schedule", code=gate.code, schedrepeat="5", schedinterval="100")
    gate.wait()
    client.succeed("/r/job/cancel", job=job)
    assert reached(client, job, "Interrupted")["onrepeat"] == 0


def test_logging_out_and_releasing_leave_jobs_alone(one_at_a_time: Server, client: Client, new_gate: NewGate) -> None:
    gate = new_gate()
    job = submit(client, code=gate.code)
    gate.wait()
    client.succeed("/r/user/release")
    client.logout()
    gate.open()
    again = one_at_a_time.login()
    assert ended(again, job)["status"] == "Completed"


def test_a_job_beyond_the_cpu_limit_is_aborted(client: Client) -> None:
    job = ended(client, submit(client, code="repeat {}"))
    assert (job["status"], bool(job["statusMsg"])) == ("Aborted", True)


async def test_listeners_hear_of_every_state_in_order(one_at_a_time: Server, client: Client, new_gate: NewGate) -> None:
    gate = new_gate()
    submit(client, code=gate.code)
    gate.wait()
    async with listening(one_at_a_time) as subscription:
        job = submit(client, code="x <- 1", name="Told", descr="d", priority="high")
        gate.open()
        events = await heard(subscription, job, "Completed")
    assert [event.status for event in events] == ["Queued", "Running", "Completed"]
    last = events[-1]
    assert (last.name, last.username, last.descr, last.priority) == ("Told", "testuser", "d", "high")
    assert last.message == "Job successfully executed to completion."
    assert [bool(event.project) for event in events] == [False, False, True]


async def test_listeners_hear_why_a_job_failed(one_at_a_time: Server, client: Client) -> None:
    async with listening(one_at_a_time) as subscription:
        last = (await heard(subscription, submit(client, code="stop('on purpose')"), "Failed"))[-1]
    assert (last.project, "on purpose" in (last.message or "")) == (None, True)


@contextlib.asynccontextmanager
async def listening(server: Server) -> AsyncIterator[Subscription]:
    """What the user's listeners hear from now on."""
    grid = SocketGrid(server.settings.grid_socket)
    async with grid.subscribe([user_label("testuser")]) as subscription:
        assert await subscription.receive() == Heard(0)
        yield subscription


async def heard(subscription: Subscription, job: str, last: str) -> list[JobLifecycle]:
    """What is told of a job until it is in its last state."""
    events: list[JobLifecycle] = []
    while not events or events[-1].status != last:
        event = await subscription.receive()
        if isinstance(event, JobLifecycle) and event.job == job:
            events.append(event)
    return events


def test_users_have_a_limit_of_their_own_and_others_go_on(
    tmp_path_factory: pytest.TempPathFactory, new_gate: NewGate
) -> None:
    with running(tmp_path_factory.mktemp("deployr"), limits__running_jobs_per_user=1) as server:
        testuser, admin = server.login(), server.login("admin", PASSWORD)
        first, second = new_gate(), new_gate()
        jobs = [submit(testuser, code=first.code), submit(testuser, code=second.code)]
        first.wait()
        assert ended(admin, submit(admin, code="1"))["status"] == "Completed"
        assert query(testuser, jobs[1])["status"] == "Queued"
        first.open()
        second.wait()
        second.open()
        assert [ended(testuser, job)["status"] for job in jobs] == ["Completed", "Completed"]


def test_jobs_leave_half_of_the_slots_to_callers_who_wait(
    tmp_path_factory: pytest.TempPathFactory, new_gate: NewGate
) -> None:
    nodes: Any = ({"name": "small", "slots": 4},)
    with running(tmp_path_factory.mktemp("deployr"), grid__nodes=nodes) as server:
        client = server.login()
        gates = [new_gate() for _ in range(4)]
        jobs = [submit(client, code=gate.code) for gate in gates]
        gates[0].wait()
        gates[1].wait()
        projects = [client.project() for _ in range(2)]
        assert [client.execute(project, "1")["success"] for project in projects] == [True, True]
        client.fail("/r/project/create", error_code=913)
        assert [query(client, job)["status"] for job in jobs[2:]] == ["Queued", "Queued"]
        for gate in gates:
            gate.open()
        assert {ended(client, job)["status"] for job in jobs} == {"Completed"}
        assert len(history(client, query(client, jobs[0]))) == 1
