"""External data in scripts as they were written for DeployR (7x-facts 19)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deployr.store.database import Database
from deployr.users.accounts import Accounts
from tests.jobs.callers import ended, submit
from tests.server import BASIC_USER, Client, Server

NAME: dict[str, Any] = {"filename": "external.R", "author": "testuser"}
SCRIPT = """
deployrPackage("stats")
deployrInput('{ "name": "rows", "label": "Rows", "render": "integer", "default": 2 }')
kept <- deployrExternal("kept.csv")
before <- if (file.exists(kept)) nrow(read.csv(kept)) else 0
write.csv(data.frame(n = seq_len(before + rows)), kept, row.names = FALSE)
shared <- readLines(deployrExternal("shared.txt", isPublic = TRUE))
revoEvent(shared)
"""
EXECUTE, IN_PROJECT = "/r/repository/script/execute", "/r/project/execute/script"
WHERE = "cat(deployrExternal('kept.csv'))"


@pytest.fixture
def public(server: Server) -> Iterator[Path]:
    """A file that the administrator has put into the public directory."""
    file = server.settings.public_data_directory / "shared.txt"
    file.write_text("for all\n")
    file.chmod(0o644)
    yield file
    file.unlink()


@pytest.fixture
def script(testuser: Client, server: Server, public: Path) -> Iterator[dict[str, Any]]:
    """A published script that adds rows to a private file, and reads a public one."""
    testuser.succeed("/r/repository/file/upload", filename="external.R", published="true", files={"file": SCRIPT})
    yield NAME
    testuser.succeed("/r/repository/file/delete", filename="external.R")
    (server.settings.private_data_directory / "testuser" / "kept.csv").unlink(missing_ok=True)


def run(client: Client, call: str, script: dict[str, Any], **params: Any) -> tuple[float, str]:
    """How many rows the script has found, and what it read of the public file."""
    objects = client.succeed(call, robjects="before,shared", **script, **params)["workspace"]["objects"]
    before, shared = (entry["value"] for entry in objects)
    return before, shared


def output(client: Client, project: str, code: str) -> str:
    return str(client.execute(project, code, echooff="true")["execution"]["console"])


def test_a_user_finds_private_data_again_in_every_session(testuser: Client, script: dict[str, Any]) -> None:
    assert run(testuser, EXECUTE, script) == (0, "for all")
    assert run(testuser, EXECUTE, script, csvinputs="rows,3") == (2, "for all")
    assert run(testuser, IN_PROJECT, script, project=testuser.project()) == (5, "for all")
    assert run(testuser, IN_PROJECT, script, project=testuser.project(blackbox="true")) == (7, "for all")


def test_a_job_finds_what_a_call_has_left(testuser: Client, script: dict[str, Any]) -> None:
    run(testuser, EXECUTE, script)
    sent = {"rscriptname": script["filename"], "rscriptauthor": script["author"]}
    job = ended(testuser, submit(testuser, **sent))
    assert job["status"] == "Completed", job
    [before] = testuser.succeed("/r/project/workspace/get", project=job["project"], name="before")["workspace"][
        "objects"
    ]
    assert before["value"] == 2
    testuser.succeed("/r/project/delete", project=job["project"])


def test_anonymous_callers_have_public_data_alone(anonymous: Client, script: dict[str, Any]) -> None:
    assert [run(anonymous, EXECUTE, script) for _ in range(2)] == [(0, "for all")] * 2


def test_a_user_does_not_find_the_data_of_another(server: Server, testuser: Client, script: dict[str, Any]) -> None:
    run(testuser, EXECUTE, script)
    assert run(server.login(BASIC_USER, "Password1"), EXECUTE, script) == (0, "for all")


def test_a_project_of_several_authors_has_public_data_alone(testuser: Client) -> None:
    project = testuser.project(projectname="Ours")
    assert "/private/testuser/" in output(testuser, project, WHERE)
    testuser.succeed("/r/project/grant", project=project, newauthor="admin")
    testuser.succeed("/r/project/close", project=project)
    assert "/private/" not in output(testuser, project, WHERE)
    testuser.succeed("/r/project/delete", project=project)


def test_a_project_that_a_reader_makes_live_has_public_data_alone(server: Server, testuser: Client) -> None:
    project = testuser.project(projectname="Read")
    testuser.succeed("/r/project/about/update", project=project, shared="true")
    testuser.succeed("/r/project/close", project=project)
    reader = server.login("admin")
    reader.succeed("/r/project/workspace/list", project=project)
    assert "/private/" not in output(testuser, project, WHERE)
    testuser.succeed("/r/project/close", project=project)
    testuser.succeed("/r/project/delete", project=project)
    reader.logout()


def test_who_can_have_no_private_directory_is_told_and_hinders_nobody(server: Server, testuser: Client) -> None:
    database = Database(server.settings.database_url)
    Accounts(database, server.settings).create("shutout", "Sesame42", roles=["POWER_USER"])
    database.close()
    (server.settings.private_data_directory / "shutout").write_text("in the way")
    client = server.login("shutout", "Sesame42")
    assert "external data" in client.fail("/r/project/create")["error"]
    job = ended(client, submit(client, code="1"))
    assert (job["status"], "external data" in job["statusMsg"]) == ("Failed", True)
    assert ended(testuser, submit(testuser, code="1"))["status"] == "Completed"
