"""Generated requests over all calls, those of the future included: no 5xx, and the envelope whenever it is refused."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import httpx
import pytest
from hypothesis import HealthCheck, given, seed, settings
from lxml import etree

from tests.badinput.generated import Generated, requests
from tests.badinput.stage import Stage
from tests.badinput.verdicts import transport_verdict
from tests.badinput.wire import Wire, request
from tests.server import Client, Server

EXAMPLES = 1000


@pytest.fixture(scope="module")
def kept_wire(server: Server) -> Iterator[Wire]:
    """A connection for many requests."""
    wire = Wire(server)
    yield wire
    wire.close()


@pytest.fixture(scope="module")
def target(stage: Stage) -> Iterator[Stage]:
    """The stage with a project and files that anything may happen to; what the requests make ends with them."""
    held = {client: _projects(client) for client in (stage.testuser, stage.other)}
    project = stage.testuser.project()
    stage.testuser.execute(project, "target <- 42; cat('x', file = 'target.txt')")
    stage.testuser.succeed("/r/repository/file/write", filename="target.R", text="target <- 1; plot(1)")
    yield dataclasses.replace(stage, ids={**stage.ids, "target": project})
    for client, before in held.items():
        for made in _projects(client) - before:
            client.succeed("/r/project/delete", project=made)


def _projects(client: Client) -> set[str]:
    return {project["project"] for project in client.succeed("/r/project/list")["projects"]}


@pytest.mark.parametrize("part", range(5))
def test_no_generated_request_is_more_than_refused(target: Stage, kept_wire: Wire, part: int) -> None:
    @seed(part)
    @settings(
        max_examples=EXAMPLES,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(requests())
    def is_answered(generated: Generated) -> None:
        _check(_send(target, kept_wire, generated))

    is_answered()


def _send(stage: Stage, wire: Wire, generated: Generated) -> httpx.Response:
    client = stage.caller(generated.caller)
    cookie = {"Cookie": f"JSESSIONID={client.http.cookies['JSESSIONID']}"}
    body = stage.fill(generated.body.decode("latin-1")).encode("latin-1")
    target = stage.fill(generated.target)
    return wire.exchange(
        request(target, body, kind=generated.kind, method=generated.method, headers=cookie), generated.method
    )


def _check(reply: httpx.Response) -> None:
    """Files and pages are successes; a refusal is in the envelope, in JSON or XML."""
    assert reply.status_code < 500
    kind = reply.headers["content-type"].partition(";")[0]
    if kind == "application/xml" and "content-disposition" not in reply.headers:
        assert etree.fromstring(reply.content).find("response/success").text in ("true", "false")
    elif reply.status_code == 200 and ("content-disposition" in reply.headers or kind == "text/html"):
        assert reply.headers["content-length"] == str(len(reply.content))
    else:
        transport_verdict(reply)
