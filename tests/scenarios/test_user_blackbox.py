"""The life of a user blackbox project (7x-facts 6.1): it runs scripts, and tells results but no code and no files."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from deployr.api.app import routes
from deployr.backend import Backend
from tests.scenarios.conftest import Script
from tests.scenarios.strangers import Strangers, attempts
from tests.server import Client, Server, record_of

_NAMES = ("execute/script", "execute/interrupt", "execute/result/download", "ping", "recycle", "close")
ALLOWED = {f"/r/project/{name}" for name in _NAMES}
EXECUTE = "/r/project/execute/script"
CODE = "if (!exists('calls')) calls <- 0; calls <- calls + 1; plot(1); cat('kept', file = 'kept.txt'); print('said')"


@pytest.fixture
def project(testuser: Client) -> str:
    """A user blackbox project."""
    return testuser.project(blackbox="true")


def test_a_user_blackbox_runs_scripts_until_it_is_closed(
    testuser: Client, project: str, script: Script, strangers: Strangers
) -> None:
    strangers.get_nothing_of(project)
    name = script(CODE)
    replies = [testuser.succeed(EXECUTE, project=project, robjects="calls", **name) for _ in range(2)]
    assert [reply["workspace"]["objects"][0]["value"] for reply in replies] == [1.0, 2.0]
    execution = replies[0]["execution"]
    assert (execution["code"], execution["artifacts"], len(execution["results"])) == ("", [], 1)
    assert "said" in execution["console"]
    assert "exists" not in execution["console"]
    strangers.get_nothing_of(project)

    url = execution["results"][0]["url"]
    assert testuser.http.get(url).content.startswith(b"\x89PNG")
    sent = {"project": testuser.project(), "url": url, "filename": "plot.png"}
    assert testuser.succeed("/r/project/directory/transfer", **sent)["directory"]["file"]["length"] > 0

    testuser.succeed("/r/project/recycle", project=project)
    again = testuser.succeed(EXECUTE, project=project, robjects="calls", **name)
    assert again["workspace"]["objects"][0]["value"] == 1.0
    assert testuser.succeed("/r/project/ping", project=project)["project"]["live"] is True

    testuser.succeed("/r/project/close", project=project)
    strangers.get_nothing_of(project)
    testuser.fail("/r/project/ping", status=403, project=project)


def test_a_user_blackbox_is_interrupted_by_its_user_alone(
    testuser: Client, project: str, script: Script, strangers: Strangers
) -> None:
    name = script("repeat Sys.sleep(0.01)")
    with ThreadPoolExecutor() as threads:
        running = threads.submit(testuser.post, EXECUTE, project=project, **name)
        try:
            strangers.get_nothing_of(project)
            assert not running.done()
        finally:
            while not running.done():
                testuser.succeed("/r/project/execute/interrupt", project=project)
        assert record_of(running.result())["interrupted"] is True


def test_its_own_user_can_do_no_more_than_the_permitted_calls(
    server: Server, testuser: Client, project: str, script: Script
) -> None:
    testuser.succeed(EXECUTE, project=project, **script(CODE))
    for attempt in attempts(server):
        if attempt.path.startswith("/r/project/") and attempt.path.partition("/@")[0] not in ALLOWED:
            response = attempt.send(testuser, project)
            assert response.status_code in (400, 403, 405), (attempt, response.text)
    assert set(routes(Backend(server.settings))) > ALLOWED
    assert testuser.succeed("/r/project/ping", project=project)["project"]["live"] is True
