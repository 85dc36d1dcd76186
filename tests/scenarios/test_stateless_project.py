"""The life of a stateless project (7x-facts 6.1): it ends with its call, what it made stays readable for a while."""

from __future__ import annotations

from typing import Any

from tests.scenarios.conftest import Login, Script
from tests.scenarios.strangers import Strangers
from tests.server import Client

EXECUTE = "/r/repository/script/execute"
CODE = "kept <- sum(1:n); plot(kept); cat('kept', file = 'kept.txt'); cat('said\\n')"


def urls(reply: dict[str, Any]) -> list[str]:
    """Where the plot and the file that a run made can be had."""
    execution = reply["execution"]
    return [made["url"] for made in (*execution["results"], *execution["artifacts"])]


def test_a_stateless_project_ends_with_its_call(caller: Client, script: Script, strangers: Strangers) -> None:
    name = script(CODE)
    reply = caller.succeed(EXECUTE, robjects="kept", csvinputs="n,3", **name)
    project = reply["project"]["project"]
    assert project.startswith("STATELESS-")
    assert reply["workspace"]["objects"][0]["value"] == 6.0
    assert "said" in reply["execution"]["console"]
    plot, file = [caller.http.get(url) for url in urls(reply)]
    assert plot.content.startswith(b"\x89PNG")
    assert file.text == "kept"
    strangers.get_nothing_of(project)

    again = caller.succeed(EXECUTE, robjects="kept", csvinputs="n,4", **name)
    assert again["project"]["project"] != project
    assert again["workspace"]["objects"][0]["value"] == 10.0
    assert caller.http.get(urls(reply)[1]).text == "kept"
    strangers.get_nothing_of(again["project"]["project"])


def test_what_it_made_is_its_users_in_any_http_session(login: Login, script: Script, strangers: Strangers) -> None:
    client, colleague = login(), login()
    reply = client.succeed(EXECUTE, csvinputs="n,3", **script(CODE))
    client.logout()
    assert colleague.http.get(urls(reply)[1]).text == "kept"
    assert {client.http.get(url).status_code for url in urls(reply)} <= {401, 403}
    strangers.get_nothing_of(reply["project"]["project"])
    colleague.logout()


def test_a_private_script_is_executed_by_its_author_alone(
    testuser: Client, anonymous: Client, other: Client, script: Script
) -> None:
    name = script(CODE, published="false")
    for client in (anonymous, other):
        refused = client.fail(EXECUTE, csvinputs="n,3", **name)
        unknown = client.fail(EXECUTE, csvinputs="n,3", filename="none.R", author="testuser")
        assert refused["error"].replace(name["filename"], "none.R") == unknown["error"]
    testuser.succeed(EXECUTE, csvinputs="n,3", **name)
