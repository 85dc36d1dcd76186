"""``/r/job/*``."""

from __future__ import annotations


from tests.jobs.callers import ended, submit
from tests.server import Client


def test_a_job_runs_and_leaves_its_project(testuser: Client) -> None:
    job = ended(testuser, submit(testuser, code="x <- 5; plot(x); cat('a', file = 'a.txt')", name="First", tag="mark"))
    assert (job["status"], job["statusMsg"]) == ("Completed", "Job successfully executed to completion.")
    assert job["timeStart"] > 0 and job["timeCode"] > 0 and job["timeTotal"] >= job["timeCode"]
    project = testuser.succeed("/r/project/about", project=job["project"])["project"]
    assert (project["name"], project["live"], project["origin"]) == ("First (Job)", False, "Project original.")
    [entry] = testuser.succeed("/r/project/execute/history", project=job["project"])["execution"]["history"]
    assert (entry["tag"], entry["resultsGenerated"], entry["success"]) == ("mark", 1, True)
    files = testuser.succeed("/r/project/directory/list", project=job["project"])["directory"]["files"]
    assert [file["filename"] for file in files] == ["a.txt"]
    assert testuser.execute(job["project"], "y <- x", robjects="y")["workspace"]["objects"][0]["value"] == 5.0
