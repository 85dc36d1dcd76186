"""Published services as scripts of jobs."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.jobs.callers import ended, history, store_script, submit
from tests.server import PASSWORD, Client, Server


@pytest.fixture
def publisher(server: Server) -> Iterator[httpx.Client]:
    """A client of the 9.x API, the power user's."""
    with httpx.Client(base_url=server.url.removesuffix("/deployr"), timeout=60) as client:
        _log_in(client, "testuser")
        yield client


def _log_in(client: httpx.Client, username: str) -> None:
    body = {"username": username, "password": PASSWORD}
    token = client.post("/login", json=body).raise_for_status().json()["access_token"]
    client.headers["Authorization"] = f"Bearer {token}"


def _publish(client: httpx.Client, code: str, **definition: Any) -> str:
    """The name of a new service as jobs have it."""
    name = f"job {uuid.uuid4()}/v1.0"
    client.post(f"/services/{name}", json={"code": code, **definition}).raise_for_status()
    return f"service:{name}"


def _snapshot(client: httpx.Client, code: str) -> str:
    session = client.post("/sessions", json={}).raise_for_status().json()["sessionId"]
    client.post(f"/sessions/{session}/execute", json={"code": code}).raise_for_status()
    taken = client.post(f"/sessions/{session}/snapshot", json={}).raise_for_status().json()["snapshotId"]
    client.delete(f"/sessions/{session}").raise_for_status()
    return str(taken)


def test_a_job_runs_a_service_with_its_snapshot_and_init_code(publisher: httpx.Client, testuser: Client) -> None:
    snapshot = _snapshot(publisher, "model <- 20; writeLines('2', 'bump.txt')")
    init = "bump <- as.numeric(readLines('bump.txt'))"
    service = _publish(publisher, "y <- model + bump + x", initCode=init, snapshotId=snapshot)
    publisher.delete(f"/snapshots/{snapshot}").raise_for_status()
    job = ended(testuser, submit(testuser, rscriptname=service, csvinputs="x,20"))
    assert job["status"] == "Completed", job
    assert testuser.execute(job["project"], "1", robjects="y")["workspace"]["objects"][0]["value"] == 42.0


def test_services_and_scripts_make_a_chain(publisher: httpx.Client, testuser: Client) -> None:
    service = _publish(publisher, "y <- x + 1")
    store_script(testuser, "job before service.R", "x <- 1")
    job = ended(testuser, submit(testuser, rscriptname=f"job before service.R,{service}", code="stopifnot(y == 2)"))
    assert job["status"] == "Completed", job
    assert history(testuser, job)[0]["code"] == "x <- 1\ny <- x + 1\nstopifnot(y == 2)"


@pytest.mark.parametrize(
    ("name", "reason"),
    [("service:", "has no version"), ("service:unknown/1", "has no version"), ("service:unknown", "has no version")],
)
def test_a_job_of_an_unknown_service_fails(testuser: Client, name: str, reason: str) -> None:
    job = ended(testuser, submit(testuser, rscriptname=name))
    assert job["status"] == "Failed"
    assert reason in job["statusMsg"]


def test_jobs_run_no_services_whose_code_is_hidden(publisher: httpx.Client, testuser: Client) -> None:
    _log_in(publisher, "admin")
    job = ended(testuser, submit(testuser, rscriptname=_publish(publisher, "1")))
    assert job["status"] == "Failed"
    assert "hidden" in job["statusMsg"]


def test_jobs_run_no_services_of_python(publisher: httpx.Client, testuser: Client) -> None:
    job = ended(testuser, submit(testuser, rscriptname=_publish(publisher, "1", runtimeType="Python")))
    assert job["status"] == "Failed"
    assert "Python" in job["statusMsg"]
