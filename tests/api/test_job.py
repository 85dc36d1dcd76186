"""``/r/job/*``."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.jobs.callers import Gate, ended, history, query, reached, send, store_script, submit
from tests.server import BASIC_USER, PASSWORD, Client, Server

JOB_KEYS = {
    "job", "name", "descr", "schedstart", "schedrepeat", "schedinterval", "onrepeat", "priority", "tag", "timeStart",
    "timeCode", "timeTotal", "status", "statusMsg", "project",
}  # fmt: skip
LATER = str(int(time.time() + 3600) * 1000)


@pytest.fixture
def basic(server: Server) -> Client:
    return server.login(BASIC_USER, "Password1")


@pytest.fixture
def gate() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    gate.remove()


def scheduled(client: Client, **params: Any) -> str:
    return submit(client, "/r/job/schedule", code="1", schedstart=LATER, **params)


def files_of(client: Client, directory: str) -> list[str]:
    reply = client.succeed("/r/repository/file/list", directory=directory)
    return [file["filename"] for file in reply["repository"]["files"]]


# -- what runs --------------------------------------------------------------------------------------------


def test_a_job_runs_and_leaves_its_project(testuser: Client) -> None:
    code = "x <- 5; plot(x); cat('a', file = 'a.txt')"
    job = ended(testuser, submit(testuser, code=code, name="First", descr="a job", tag="mark"))
    assert (job["status"], job["statusMsg"]) == ("Completed", "Job successfully executed to completion.")
    assert job["timeStart"] > 0 < job["timeCode"] <= job["timeTotal"]
    project = testuser.succeed("/r/project/about", project=job["project"])["project"]
    assert (project["name"], project["live"], project["origin"]) == ("First (Job)", False, "Project original.")
    [entry] = history(testuser, job)
    assert (entry["tag"], entry["resultsGenerated"], entry["success"]) == ("mark", 1, True)
    files = testuser.succeed("/r/project/directory/list", project=job["project"])["directory"]["files"]
    assert [file["filename"] for file in files] == ["a.txt"]
    assert testuser.execute(job["project"], "y <- x", robjects="y")["workspace"]["objects"][0]["value"] == 5.0


def test_a_chain_with_inputs_stores_its_outputs(testuser: Client) -> None:
    directory = "job-outputs"
    testuser.succeed("/r/repository/directory/create", directory=directory)
    store_script(testuser, "job first.R", "y <- x * 2; write.csv(y, 'y.csv')")
    store_script(testuser, "job second.R", "z <- y + n")
    job = send(
        testuser,
        rscriptname="job first,job second.R",
        rscriptauthor="testuser,testuser",
        rscriptdirectory=",root",
        inputs=json.dumps({"x": {"type": "vector", "value": [1, 2]}}),
        csvinputs="n,10",
        storefile="y.csv",
        storeobject="z",
        storeworkspace="all",
        storedirectory=directory,
        storepublic="true",
    )
    assert ended(testuser, job["job"])["status"] == "Completed"
    assert files_of(testuser, directory) == ["all.rData", "y.csv", "z.rData"]
    project = testuser.project(preloadobjectname="z.rData", preloadobjectdirectory=directory)
    objects = testuser.execute(project, "1", robjects="z")["workspace"]["objects"]
    assert objects[0]["value"] == [12.0, 14.0]
    testuser.succeed("/r/repository/directory/delete", directory=directory)


def test_preloads_and_adopted_projects_are_there(testuser: Client) -> None:
    project = testuser.project()
    testuser.execute(project, "adopted <- 'yes'")
    params = {"preloadbydirectory": "example-fraud-score", "adoptworkspace": project}
    job = ended(testuser, submit(testuser, code="stopifnot(file.exists('ccFraudScore.R'), adopted == 'yes')", **params))
    assert job["status"] == "Completed", job


def test_an_external_source_of_this_server_is_run(testuser: Client) -> None:
    store_script(testuser, "job external.R", "x <- 'external'")
    session = testuser.http.cookies["JSESSIONID"]
    url = f"{testuser.http.base_url}r/repository/file/download/testuser/root/job external.R;jsessionid={session}"
    job = ended(testuser, submit(testuser, externalsource=url))
    assert (job["status"], history(testuser, job)[0]["code"]) == ("Completed", "x <- 'external'")


def test_large_inputs_are_kept(testuser: Client) -> None:
    inputs = json.dumps({"x": {"type": "vector", "value": list(range(50_000))}})
    job = ended(testuser, submit(testuser, code="stopifnot(length(x) == 50000, x[50000] == 49999)", inputs=inputs))
    assert job["status"] == "Completed", job


def test_a_job_may_leave_no_project(testuser: Client) -> None:
    job = ended(testuser, submit(testuser, code="x <- 1", storenoproject="True", name="Nothing left"))
    assert (job["status"], job["project"]) == ("Completed", None)
    names = [project["name"] for project in testuser.succeed("/r/project/list")["projects"]]
    assert "Nothing left (Job)" not in names


def test_options_of_the_execution_are_heard(testuser: Client) -> None:
    params = {"echooff": "true", "graphics": "svg", "graphicswidth": "300", "phantom": "true", "robjects": "x"}
    job = ended(testuser, submit(testuser, code="plot(1); cat('printed')", **params))
    [entry] = history(testuser, job)
    assert entry["console"] == "printed"
    results = testuser.succeed("/r/project/execute/result/list", project=job["project"])["execution"]["results"]
    assert [result["type"] for result in results] == ["image/svg+xml"]


# -- what fails -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({"rscriptname": "no such script"}, "no such script"),
        ({"code": "x <- ("}, "unexpected end of input"),
        ({"code": "stop('on purpose')"}, "on purpose"),
        ({"code": "1", "preloadbydirectory": "no-such-directory"}, "no-such-directory"),
        ({"code": "1", "preloadfilename": "none.csv"}, "none.csv"),
        ({"code": "1", "adoptworkspace": "PROJECT-none"}, "no such project"),
        ({"code": "1", "cluster": "nowhere"}, "nowhere"),
        ({"code": "1", "storedirectory": "no-such-directory", "storefile": "a"}, "no-such-directory"),
        ({"code": "1", "storefile": "none.txt"}, "none.txt"),
        ({"externalsource": "http://127.0.0.1:1/x.R"}, "not open"),
    ],
)
def test_a_job_that_cannot_run_is_accepted_and_fails(testuser: Client, params: dict[str, str], reason: str) -> None:
    job = ended(testuser, submit(testuser, **params))
    assert (job["status"], job["project"]) == ("Failed", None)
    assert reason in job["statusMsg"]


def test_a_job_whose_session_dies_is_aborted(testuser: Client) -> None:
    job = ended(testuser, submit(testuser, code="tools::pskill(Sys.getpid(), 9); Sys.sleep(60)", name="Died"))
    assert job["status"] == "Aborted"
    assert job["statusMsg"]
    assert testuser.succeed("/r/project/about", project=job["project"])["project"]["name"] == "Died (Job)"


@pytest.mark.parametrize(
    "params",
    [
        {"code": "1"},
        {"name": "n"},
        {"name": "n", "code": ""},
        {"name": "n", "code": "1", "priority": "urgent"},
        {"name": "n", "code": "1", "graphics": "pdf"},
        {"name": "n", "code": "1", "graphicswidth": "-1"},
    ],
)
def test_malformed_calls_are_refused(testuser: Client, params: dict[str, Any]) -> None:
    testuser.fail("/r/job/submit", status=400, **params)
    testuser.fail("/r/job/schedule", status=400, **params)


def test_schedules_that_make_no_sense_are_refused(testuser: Client) -> None:
    testuser.fail("/r/job/schedule", name="n", code="1", schedrepeat="-1")
    testuser.fail("/r/job/schedule", name="n", code="1", schedinterval="99999999999999999")
    testuser.fail("/r/job/schedule", status=400, name="n", code="1", schedstart="tomorrow")


def test_inputs_that_are_none_are_refused(testuser: Client) -> None:
    testuser.fail("/r/job/submit", name="n", code="1", inputs="{")
    testuser.fail("/r/job/submit", name="n", code="1", csvinputs="a")


def test_basic_users_run_scripts_of_the_repository_only(testuser: Client, basic: Client) -> None:
    script = {"rscriptname": "DeployR - Hello World", "rscriptauthor": "testuser", "csvinputs": "input_randomNum,5"}
    assert ended(basic, submit(basic, **script))["status"] == "Completed"
    basic.fail("/r/job/submit", status=403, name="n", code="1")
    basic.fail("/r/job/schedule", status=403, name="n", externalsource="http://example.com/x.R")


def test_jobs_need_a_login(anonymous: Client) -> None:
    for call in ("list", "submit", "schedule", "query", "cancel", "delete"):
        anonymous.fail(f"/r/job/{call}", status=401, name="n", code="1", job="JOB-1")


# -- looking ----------------------------------------------------------------------------------------------


def test_a_job_has_all_documented_keys(testuser: Client) -> None:
    job = send(testuser, code="1", priority="HIGH", descr="text")
    assert set(job) == JOB_KEYS
    assert (job["status"], job["priority"], job["descr"]) == ("Queued", "high", "text")
    assert [job[key] for key in ("schedstart", "schedrepeat", "schedinterval", "onrepeat", "timeStart")] == [0] * 5
    assert (job["tag"], job["statusMsg"], job["project"]) == (None, None, None)
    # Its project is not to appear while other tests look at theirs.
    ended(testuser, job["job"])


def test_a_scheduled_job_tells_its_schedule(testuser: Client) -> None:
    job = send(testuser, "/r/job/schedule", code="1", schedstart=LATER, schedrepeat="2", schedinterval="5000")
    assert (job["status"], job["schedstart"], job["schedrepeat"]) == ("Scheduled", int(LATER), 2)
    assert (job["schedinterval"], job["onrepeat"], job["priority"]) == (5000, 0, "low")
    assert send(testuser, "/r/job/schedule", code="1", schedstart=LATER)["schedinterval"] == 60000


def test_a_schedule_without_a_start_begins_now(testuser: Client) -> None:
    job = send(testuser, "/r/job/schedule", code="1", schedrepeat="0", schedstart="0")
    assert job["status"] == "Scheduled"
    assert abs(job["schedstart"] - time.time() * 1000) < 60_000
    assert ended(testuser, job["job"])["status"] == "Completed"


def test_several_jobs_are_queried_as_a_list(testuser: Client) -> None:
    first, second = scheduled(testuser), scheduled(testuser)
    found = testuser.succeed("/r/job/query", job=f"{second},{first},")["jobs"]
    assert [job["job"] for job in found] == [second, first]
    assert "JOB-none" in testuser.fail("/r/job/query", job=f"{first},JOB-none")["error"]
    testuser.fail("/r/job/query", status=400)


def test_lists_may_leave_out_what_has_ended(testuser: Client) -> None:
    done, waiting = submit(testuser, code="1"), scheduled(testuser)
    ended(testuser, done)
    everything = [job["job"] for job in testuser.succeed("/r/job/list")["jobs"]]
    open_jobs = [job["job"] for job in testuser.succeed("/r/job/list", openonly="True")["jobs"]]
    assert {done, waiting} < set(everything)
    assert everything.index(done) < everything.index(waiting)
    assert waiting in open_jobs
    assert done not in open_jobs


def test_extended_lists_tell_more(testuser: Client) -> None:
    scheduled(testuser, cluster="c", storenoproject="true")
    job = testuser.succeed("/r/job/list", extended="true")["jobs"][-1]
    assert set(job) == JOB_KEYS | {"owner", "cluster", "storenoproject", "created"}
    assert (job["owner"], job["cluster"], job["storenoproject"]) == ("testuser", "c", True)
    assert set(query(testuser, job["job"])) == JOB_KEYS
    assert "owner" in testuser.succeed("/r/job/query", job=job["job"], extended="true")["job"]


def test_jobs_of_others_are_absent(server: Server, testuser: Client) -> None:
    job = scheduled(testuser)
    admin = server.login("admin", PASSWORD)
    assert job not in [each["job"] for each in admin.succeed("/r/job/list")["jobs"]]
    for call in ("query", "cancel", "delete"):
        assert admin.fail(f"/r/job/{call}", job=job)["error"] == f"There is no job {job}."
    assert query(testuser, job)["status"] == "Scheduled"


# -- cancelling and deleting ------------------------------------------------------------------------------


def test_a_scheduled_job_is_cancelled_before_it_runs(testuser: Client) -> None:
    job = scheduled(testuser)
    record = testuser.succeed("/r/job/cancel", job=job)["job"]
    assert (record["status"], record["project"], record["timeStart"]) == ("Cancelled", None, 0)
    assert testuser.succeed("/r/job/cancel", job=job)["job"]["status"] == "Cancelled"


def test_a_running_job_is_interrupted_and_keeps_what_it_did(testuser: Client, gate: Gate) -> None:
    code = f"kept <- 1; cat('a', file = 'kept.txt'); {gate.code}"
    job = submit(testuser, code=code, name="Endless", storefile="kept.txt")
    gate.wait()
    assert testuser.succeed("/r/job/cancel", job=job)["job"]["status"] in ("Cancelling", "Interrupted")
    record = reached(testuser, job, "Interrupted")
    assert record["statusMsg"] == "Job interrupted."
    assert testuser.succeed("/r/project/about", project=record["project"])["project"]["name"] == "Endless (Job)"
    assert history(testuser, record)[0]["interrupted"]
    assert testuser.execute(record["project"], "1", robjects="kept")["workspace"]["objects"][0]["value"] == 1.0
    assert "kept.txt" not in files_of(testuser, "root")


def test_cancelling_a_job_at_its_end_has_no_effect(testuser: Client) -> None:
    job = submit(testuser, code="1")
    before = ended(testuser, job)
    assert testuser.succeed("/r/job/cancel", job=job)["job"] == before


def test_only_jobs_at_their_end_are_deleted_and_projects_stay(testuser: Client) -> None:
    waiting = scheduled(testuser)
    assert "Scheduled" in testuser.fail("/r/job/delete", job=waiting)["error"]
    done = ended(testuser, submit(testuser, code="1"))
    testuser.succeed("/r/job/delete", job=done["job"])
    testuser.fail("/r/job/query", job=done["job"])
    testuser.fail("/r/job/delete", job=done["job"])
    testuser.succeed("/r/project/about", project=done["project"])
