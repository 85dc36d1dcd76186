"""Recorded requests of real 9.x clients: each gets the documented status, and a body that fits the document."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import jsonschema
import pytest

from deployr.api.v9.documents import document
from deployr.api.v9.operations import Operation
from deployr.store.database import Database
from deployr.users.accounts import Accounts
from tests.api.v9.replay import Exchange, Replayer
from tests.grid.grid_support import python_has
from tests.recordings.connection import Reply
from tests.recordings.recorded import ml_clients
from tests.recordings.report import PAGE, section_9x
from tests.server import Server, running

RUNTIMES = {"ml-python-sdk-1.0.1b6.post1": "Python"}
DOCUMENT = document("9.3.0")

CONSUMPTION = "/api/{name}/{version}"
CONSUMED = ["success", "errorMessage", "outputParameters", "outputFiles", "consoleOutput", "changedFiles"]
"""What the documents of services have, in the order of servers (9x-facts 7)."""

DATA_FRAME = "ml-python-sdk-1.0.1b6.post1", 94
"""Sends a data frame of pandas, which only pandas can load."""


@pytest.fixture(scope="module")
def recordings_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server where ``admin`` may log in with the recorded passwords."""
    with running(tmp_path_factory.mktemp("recordings9x"), security__lock_failures=0) as server:
        yield server


@pytest.fixture
def own(recordings_server: Server) -> Iterator[httpx.Client]:
    """A client of the test's own."""
    with httpx.Client(base_url=recordings_server.url.removesuffix("/deployr"), timeout=60) as client:
        yield client


@pytest.fixture
def accounts(recordings_server: Server) -> Iterator[Accounts]:
    database = Database(recordings_server.settings.database_url)
    yield Accounts(database, recordings_server.settings)
    database.close()


@pytest.mark.parametrize("client", ml_clients())
def test_each_request_is_answered_as_documented(
    recordings_server: Server, accounts: Accounts, own: httpx.Client, client: str
) -> None:
    replayer = Replayer(recordings_server, client, RUNTIMES.get(client, "R"), accounts, own)
    for exchange in replayer.replay():
        _check(client, exchange)


def test_the_page_of_clients_says_what_stood_in_for_models_and_objects() -> None:
    assert section_9x() in PAGE.read_text(), f"run python -m tests.recordings.report > docs/{PAGE.name}"


def _check(client: str, exchange: Exchange) -> None:
    operation, reply = exchange.operation, exchange.reply
    key = client, exchange.recorded.n
    story = f"n {exchange.recorded.n} {exchange.recorded.note}: {reply.status} {reply.body[:500]!r}"
    if exchange.recorded.call == CONSUMPTION:
        assert (reply.status, reply.is_json) == (200, True), story
        assert [*json.loads(reply.body)] == CONSUMED, story
    elif operation is None:
        started = (exchange.recorded.message.method, exchange.recorded.call) == ("POST", f"{CONSUMPTION}/batch")
        assert reply.status == (202 if started else 200), story
        assert reply.is_json or exchange.recorded.call.endswith("/{fileName}"), story
    elif key == DATA_FRAME and not python_has("pandas"):
        assert reply.status == 400, story
        assert "No module named 'pandas'" in json.loads(reply.body)["message"], story
    else:
        assert reply.status == operation.success, story
        _check_body(operation, reply)


def _check_body(operation: Operation, reply: Reply) -> None:
    """What is JSON fits the document; what is not is a file, or empty."""
    success = DOCUMENT["paths"][operation.path][operation.method.lower()]["responses"][str(operation.success)]
    schema = success.get("schema")
    assert reply.is_json == bool(schema and schema != {"type": "file"})
    if reply.is_json:
        schema = {**schema, "definitions": DOCUMENT["definitions"]}
        jsonschema.Draft4Validator(schema).validate(json.loads(reply.body, object_hook=_without_nulls))


def _without_nulls(record: dict[str, Any]) -> dict[str, Any]:
    """Servers said with null what a record lacks: a leaf of the status its components, a service its operationId
    (9x-facts 6 and 13)."""
    return {key: value for key, value in record.items() if value is not None}
