"""Jobs as callers see them."""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.server import Client
from tests.waiting import wait_until

CLOSED = ("Completed", "Failed", "Aborted", "Interrupted", "Cancelled")


def submit(client: Client, call: str = "/r/job/submit", **params: Any) -> str:
    """Id of a new job."""
    return str(send(client, call, **params)["job"])


def query(client: Client, job: str) -> dict[str, Any]:
    """The job's record."""
    record: dict[str, Any] = client.succeed("/r/job/query", job=job)["job"]
    return record


def reached(client: Client, job: str, *states: str, seconds: float = 200) -> dict[str, Any]:
    """The job's record as soon as it is in one of the states."""
    end = time.monotonic() + seconds
    while (record := query(client, job))["status"] not in states:
        assert record["status"] not in CLOSED, record
        assert time.monotonic() < end, record
        time.sleep(0.05)
    return record


def ended(client: Client, job: str, seconds: float = 200) -> dict[str, Any]:
    """The job's record as soon as it is at its end."""
    return reached(client, job, *CLOSED, seconds=seconds)


def send(client: Client, call: str = "/r/job/submit", **params: Any) -> dict[str, Any]:
    """The reply to a new job."""
    record: dict[str, Any] = client.succeed(call, **{"name": "Test", **params})["job"]
    return record


def history(client: Client, job: dict[str, Any]) -> list[dict[str, Any]]:
    """Executions of the project that a job left."""
    reply = client.succeed("/r/project/execute/history", project=job["project"])
    found: list[dict[str, Any]] = reply["execution"]["history"]
    return found


def store_script(client: Client, filename: str, code: str) -> dict[str, str]:
    """The script parameters of jobs that run a new script of ``testuser``."""
    client.succeed("/r/repository/file/upload", filename=filename, newversion="true", files={"file": code.encode()})
    return {"rscriptname": filename, "rscriptauthor": "testuser"}


class Gate:
    """Code that tells that it runs, and that goes on until it is let go: both by files that the test can see."""

    def __init__(self, after: str = "") -> None:
        self._directory = Path(tempfile.mkdtemp(prefix="gate-", dir="/var/tmp"))
        self._directory.chmod(0o777)
        begun, go = self._directory / "begun", self._directory / "go"
        self.code = f"invisible(file.create('{begun}')); while (!file.exists('{go}')) Sys.sleep(0.02); {after}"

    def wait(self) -> None:
        """Wait until the code runs."""
        wait_until(lambda: self.has_begun)

    @property
    def has_begun(self) -> bool:
        """The code has run so far."""
        return (self._directory / "begun").exists()

    def open(self) -> None:
        """Let the code end."""
        (self._directory / "go").touch()

    def remove(self) -> None:
        """Let the code end, and remove the files."""
        self.open()
        shutil.rmtree(self._directory, ignore_errors=True)
