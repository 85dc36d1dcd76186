"""The life of an HTTP blackbox project (7x-facts 6.1): one for each HTTP session, which nobody else can reach."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from tests.scenarios.conftest import Login, Script
from tests.scenarios.strangers import Strangers
from tests.server import Client, record_of

EXECUTE = "/r/repository/script/execute"
INTERRUPT = "/r/repository/script/interrupt"
CODE = "if (!exists('calls')) calls <- 0; calls <- calls + 1; plot(1); cat('kept', file = 'kept.txt')"


def calls(client: Client, name: dict[str, str], **params: str) -> float:
    """How often the script has run in the blackbox of the client."""
    reply = client.succeed(EXECUTE, blackbox="true", robjects="calls", **name, **params)
    return float(reply["workspace"]["objects"][0]["value"])


def test_an_http_blackbox_remembers_until_it_is_recycled(
    caller: Client, login: Login, script: Script, strangers: Strangers
) -> None:
    name = script(CODE)
    reply = caller.succeed(EXECUTE, blackbox="true", **name)
    project, execution = reply["project"]["project"], reply["execution"]
    assert (execution["code"], execution["artifacts"], len(execution["results"])) == ("", [], 1)
    assert caller.http.get(execution["results"][0]["url"]).content.startswith(b"\x89PNG")
    strangers.get_nothing_of(project)

    assert calls(caller, name) == 2.0
    assert calls(login(), name) == 1.0
    assert calls(caller, name, recycle="true") == 1.0
    assert calls(caller, name) == 2.0
    strangers.get_nothing_of(project)


def test_it_is_interrupted_from_its_own_http_session_alone(
    caller: Client, other: Client, script: Script, strangers: Strangers
) -> None:
    name = script("repeat Sys.sleep(0.01)")
    with ThreadPoolExecutor() as threads:
        running = threads.submit(caller.post, EXECUTE, blackbox="true", **name)
        try:
            assert other.succeed(INTERRUPT)["interrupted"] is False
            assert not running.done()
        finally:
            while not running.done():
                caller.succeed(INTERRUPT)
        assert record_of(running.result())["interrupted"] is True


def test_it_ends_with_the_http_session(login: Login, script: Script, strangers: Strangers) -> None:
    client, name = login(), script(CODE)
    project = client.succeed(EXECUTE, blackbox="true", **name)["project"]["project"]
    assert calls(client, name) == 2.0
    client.logout()
    strangers.get_nothing_of(project)
    client.succeed("/r/user/login", username="testuser", password="changeme")
    assert calls(client, name) == 1.0
    client.logout()
